#include "base/topo/placement.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/topo/cpu_list.hpp"

namespace lamellar::base {
namespace {

// PEs that are allowed the same cpus.
struct Group {
  Cpus allowed;
  std::vector<std::size_t> members;
};

std::vector<Group> groups_of(std::span<const PeAsk> pes) {
  std::vector<Group> groups;
  for (std::size_t pe = 0; pe < pes.size(); ++pe) {
    auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& one) {
      return one.allowed == pes[pe].allowed;
    });
    if (group == groups.end()) group = groups.insert(group, {pes[pe].allowed, {}});
    group->members.push_back(pe);
  }
  return groups;
}

// The threads of a member that is content with its share, before that is known.
std::uint32_t even_share(const Group& group) {
  return std::max<std::uint32_t>(
      1, static_cast<std::uint32_t>(group.allowed.size() / group.members.size()));
}

std::vector<std::uint32_t> threads_of(const Group& group, std::span<const PeAsk> pes) {
  std::vector<std::uint32_t> threads;
  for (const std::size_t pe : group.members)
    threads.push_back(pes[pe].threads != 0 ? pes[pe].threads : even_share(group));
  return threads;
}

bool overlap(const Cpus& a, const Cpus& b) {
  return std::any_of(a.begin(), a.end(), [&](std::uint32_t cpu) {
    return std::binary_search(b.begin(), b.end(), cpu);
  });
}

std::string amount(std::size_t number, const std::string& what) {
  return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

// A cpu as a place for a thread.
struct Slot {
  std::uint32_t cpu;
  std::size_t core;
  std::uint32_t node;
};

// Divides the cpus of one group among its members: member i gets the slots from cuts_[i] up to
// cuts_[i + 1].
class Division {
 public:
  // asked: 0 where the member is content. weights: of the members; all of them together are no more
  // than there are cpus.
  Division(const Machine& cores, std::vector<std::uint32_t> asked,
           const std::vector<std::uint32_t>& weights)
      : needed_(std::move(asked)), cuts_(weights.size() + 1, 0) {
    std::vector<std::size_t> core_starts;
    for (std::size_t core = 0; core < cores.size(); ++core) {
      core_starts.push_back(slots_.size());
      for (const std::uint32_t cpu : cores[core].cpus)
        slots_.push_back({cpu, core, cores[core].node});
    }
    core_starts.push_back(slots_.size());
    cut(weights, core_starts);
    if (!everyone_has_room()) {
      std::vector<std::size_t> every_cpu(slots_.size() + 1);
      for (std::size_t i = 0; i < every_cpu.size(); ++i) every_cpu[i] = i;
      cut(weights, every_cpu);
    }
    share_evenly();
    keep_nodes_together();
  }

  PeShare share(std::size_t member) const {
    PeShare share{needed_[member], {}};
    std::vector<std::pair<std::size_t, std::size_t>> order;  // hardware thread of its core, slot
    for (std::size_t i = cuts_[member]; i < cuts_[member + 1]; ++i) {
      const bool same_core = i > cuts_[member] && slots_[i].core == slots_[i - 1].core;
      order.emplace_back(same_core ? order.back().first + 1 : 0, i);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [thread, slot] : order) share.cpus.push_back(slots_[slot].cpu);
    return share;
  }

 private:
  std::size_t room(std::size_t member) const { return cuts_[member + 1] - cuts_[member]; }

  // In proportion to the weights, at the given places only.
  void cut(const std::vector<std::uint32_t>& weights, const std::vector<std::size_t>& places) {
    std::size_t total = 0;
    for (const std::uint32_t weight : weights) total += weight;
    std::size_t before = 0;
    for (std::size_t member = 0; member < weights.size(); ++member) {
      cuts_[member] = places[before * (places.size() - 1) / total];
      before += weights[member];
    }
    cuts_.back() = slots_.size();
  }

  bool everyone_has_room() const {
    for (std::size_t member = 0; member < needed_.size(); ++member)
      if (room(member) < std::max<std::size_t>(1, needed_[member])) return false;
    return true;
  }

  // The content ones have as many threads as the smallest of their shares has room for, so that PEs
  // are alike.
  void share_evenly() {
    std::size_t smallest = slots_.size();
    for (std::size_t member = 0; member < needed_.size(); ++member)
      if (needed_[member] == 0) smallest = std::min(smallest, room(member));
    for (std::uint32_t& needed : needed_)
      if (needed == 0) needed = static_cast<std::uint32_t>(smallest);
  }

  // Moves to each border of nodes the nearest cut that is on none, if both sides still have room.
  void keep_nodes_together() {
    const auto on_border = [this](std::size_t at) {
      return at > 0 && at < slots_.size() && slots_[at].node != slots_[at - 1].node;
    };
    for (std::size_t border = 1; border < slots_.size(); ++border) {
      if (!on_border(border)) continue;
      if (std::find(cuts_.begin(), cuts_.end(), border) != cuts_.end()) continue;
      const auto distance = [&](std::size_t at) { return at > border ? at - border : border - at; };
      std::size_t best = 0;
      for (std::size_t i = 1; i + 1 < cuts_.size(); ++i)
        if (!on_border(cuts_[i]) && (best == 0 || distance(cuts_[i]) < distance(cuts_[best])))
          best = i;
      if (best == 0) return;
      if (border >= cuts_[best - 1] + needed_[best - 1] &&
          border + needed_[best] <= cuts_[best + 1])
        cuts_[best] = border;
    }
  }

  std::vector<Slot> slots_;
  std::vector<std::uint32_t> needed_;
  std::vector<std::size_t> cuts_;
};

}  // namespace

bool wants_binding(std::string_view bind, bool launched, std::size_t pes_of_host) {
  return bind == "core" || (bind == "auto" && (launched || pes_of_host > 1));
}

std::string why_not_placed(std::span<const PeAsk> pes) {
  const std::vector<Group> groups = groups_of(pes);
  for (const Group& group : groups) {
    std::size_t threads = 0;
    for (const std::uint32_t one : threads_of(group, pes)) threads += one;
    if (threads > group.allowed.size())
      return amount(group.members.size(), "PE") + " with " + amount(threads, "thread") +
             " in all may use " + amount(group.allowed.size(), "cpu") + " (" +
             cpu_list(group.allowed) + ")";
    for (const Group& other : groups)
      if (&other != &group && overlap(group.allowed, other.allowed))
        return "PEs of this host may use different cpus that overlap (" + cpu_list(group.allowed) +
               " and " + cpu_list(other.allowed) + ")";
  }
  return {};
}

Placement place(const Machine& machine, std::span<const PeAsk> pes) {
  Placement placement;
  placement.pes.resize(pes.size());
  placement.why_not = why_not_placed(pes);
  for (const Group& group : groups_of(pes)) {
    const std::vector<std::uint32_t> threads = threads_of(group, pes);
    if (!placement.why_not.empty()) {
      for (std::size_t i = 0; i < threads.size(); ++i)
        placement.pes[group.members[i]].threads = threads[i];
      continue;
    }
    std::vector<std::uint32_t> asked;
    for (const std::size_t pe : group.members) asked.push_back(pes[pe].threads);
    const Division division(within(machine, group.allowed), std::move(asked), threads);
    for (std::size_t i = 0; i < threads.size(); ++i)
      placement.pes[group.members[i]] = division.share(i);
  }
  return placement;
}

}  // namespace lamellar::base
