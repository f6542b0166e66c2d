#include "lamellae/bootstrap/exchange.hpp"

#include <algorithm>
#include <cstring>
#include <lamellar/error.hpp>
#include <utility>

#include "base/clock/clock.hpp"
#include "base/wait/wait.hpp"
#include "lamellae/bootstrap/wire_line.hpp"

namespace lamellar::lamellae {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

std::uint64_t deadline_of(const Round& round) {
  return round.timeout_ns == base::kForever ? base::kForever : base::now_ns() + round.timeout_ns;
}

class Alone final : public Exchange {
 public:
  Pe rank() const noexcept override { return 0; }
  Pe size() const noexcept override { return 1; }
  std::vector<std::string> allgather(const Round&, const std::string& mine) override {
    return {mine};
  }
  void barrier(const Round&) override {}
  void abandon(const std::string&) noexcept override {}
};

// "PE 3", "PEs 1, 2 and 7".
std::string names_of(const std::vector<Pe>& pes) {
  std::string text = pes.size() == 1 ? "PE " : "PEs ";
  for (std::size_t i = 0; i < pes.size(); ++i) {
    if (i != 0) text += i + 1 == pes.size() ? " and " : ", ";
    text += std::to_string(pes[i]);
  }
  return text;
}

// The value of a PE is "LENGTH.TEXT", cut into pieces that fit; LENGTH is that of TEXT.
class ByPmi final : public Exchange {
 public:
  ByPmi(std::unique_ptr<Pmi> pmi, std::string launcher)
      : pmi_(std::move(pmi)), launcher_(std::move(launcher)) {}
  Pe rank() const noexcept override { return pmi_->rank(); }
  Pe size() const noexcept override { return pmi_->size(); }

  std::vector<std::string> allgather(const Round& round, const std::string& mine) override {
    const std::uint64_t deadline_ns = deadline_of(round);
    const std::string text = to_text(mine);
    const std::string whole = std::to_string(text.size()) + '.' + text;
    for (std::size_t piece = 0; piece * limit() < whole.size(); ++piece)
      pmi_->put(key_of(round, rank(), piece), whole.substr(piece * limit(), limit()),
                deadline_ns);
    meet(round, deadline_ns);
    std::vector<std::string> all;
    for (Pe pe = 0; pe < size(); ++pe)
      all.push_back(pe == rank() ? mine : value_of(round, pe, deadline_ns));
    return all;
  }

  void barrier(const Round& round) override {
    const std::uint64_t deadline_ns = deadline_of(round);
    pmi_->put(key_of(round, rank(), 0), "0.", deadline_ns);  // so that the late ones can be named
    meet(round, deadline_ns);
  }

  void abandon(const std::string& why) noexcept override { pmi_->abandon(why); }
  void finalize() noexcept override { pmi_->finalize(); }
  void set_busy(bool busy) noexcept override { pmi_->set_busy(busy); }
  void blame(Pe culprit) noexcept override { pmi_->blame(culprit); }
  void say_end(const std::string& how) noexcept override { pmi_->say_end(how); }

 private:
  std::size_t limit() const noexcept { return pmi_->value_limit(); }

  static std::string key_of(const Round& round, Pe pe, std::size_t piece) {
    return round.key + '.' + std::to_string(pe) + '.' + std::to_string(piece);
  }

  void meet(const Round& round, std::uint64_t deadline_ns) {
    const base::WaitScope wait({"the other PEs to start", rank(), base::kNoPeer, 0,
                                std::source_location::current()});
    if (!pmi_->fence(deadline_ns)) throw LaunchError(late(round));
  }

  std::string value_of(const Round& round, Pe pe, std::uint64_t deadline_ns) {
    std::string whole = piece_of(round, pe, 0, deadline_ns);
    const std::size_t point = std::min(whole.find('.'), whole.size());
    const std::size_t wanted =
        point + 1 + std::strtoull(whole.substr(0, point).c_str(), nullptr, 10);
    for (std::size_t piece = 1; whole.size() < wanted; ++piece)
      whole += piece_of(round, pe, piece, deadline_ns);
    auto bytes = whole.size() == wanted ? from_text(std::string_view(whole).substr(point + 1))
                                        : std::nullopt;
    if (!bytes) throw LaunchError(launcher_ + " gave the value of PE " + std::to_string(pe) +
                                  " for " + round.what + " damaged");
    return *std::move(bytes);
  }

  std::string piece_of(const Round& round, Pe pe, std::size_t piece, std::uint64_t deadline_ns) {
    auto value = pmi_->get(pe, key_of(round, pe, piece), deadline_ns);
    if (!value || value->empty())
      throw LaunchError("PE " + std::to_string(pe) + " gave no part of " + round.what +
                        ": it has ended, or it opens other worlds than PE " +
                        std::to_string(rank()));
    return *std::move(value);
  }

  // Who has not come is known where values can be seen before everybody came.
  std::string late(const Round& round) {
    std::string who = launcher_ + " does not tell which";
    try {
      const std::uint64_t give_up_ns = base::now_ns() + 5 * kSecond;
      std::vector<Pe> missing;
      const auto is_there = [&](Pe pe) {
        return pmi_->get(pe, key_of(round, pe, 0), base::now_ns() + kSecond).has_value();
      };
      const bool tells = is_there(rank());
      for (Pe pe = 0; tells && pe < size() && base::now_ns() < give_up_ns; ++pe)
        if (!is_there(pe)) missing.push_back(pe);
      if (!missing.empty()) who = names_of(missing) + " did not come";
    } catch (const std::exception& error) {
      who = error.what();
    }
    return "PE " + std::to_string(rank()) + " of " + std::to_string(size()) +
           " waited in vain for the others to start " + round.what + " for " +
           std::to_string(round.timeout_ns / kSecond) + " s (LAMELLAR_START_TIMEOUT): " + who;
  }

  std::unique_ptr<Pmi> pmi_;
  std::string launcher_;
};

class ByUser final : public Exchange {
 public:
  explicit ByUser(UserBootstrap callbacks) : user_(std::move(callbacks)) {
    if (!user_.allgather || !user_.barrier)
      throw LaunchError("a UserBootstrap needs the callbacks allgather and barrier");
    if (user_.rank >= user_.size)
      throw LaunchError("UserBootstrap: rank " + std::to_string(user_.rank) +
                        " is not below size " + std::to_string(user_.size));
  }
  Pe rank() const noexcept override { return user_.rank; }
  Pe size() const noexcept override { return user_.size; }

  std::vector<std::string> allgather(const Round&, const std::string& mine) override {
    const base::WaitScope wait({"the callback allgather", rank(), base::kNoPeer, 0,
                                std::source_location::current()});
    const std::uint64_t length = mine.size();
    std::vector<std::uint64_t> lengths(size());
    user_.allgather(&length, lengths.data(), sizeof length);
    const std::size_t longest = *std::max_element(lengths.begin(), lengths.end());
    std::string padded = mine;
    padded.resize(longest);
    std::string all(longest * size(), '\0');
    if (longest != 0) user_.allgather(padded.data(), all.data(), longest);
    std::vector<std::string> result;
    for (Pe pe = 0; pe < size(); ++pe) result.push_back(all.substr(pe * longest, lengths[pe]));
    return result;
  }

  void barrier(const Round&) override {
    const base::WaitScope wait({"the callback barrier", rank(), base::kNoPeer, 0,
                                std::source_location::current()});
    user_.barrier();
  }

  void abandon(const std::string& why) noexcept override {
    if (user_.abandon) user_.abandon(why);
  }

 private:
  UserBootstrap user_;
};

}  // namespace

std::unique_ptr<Exchange> exchange_alone() { return std::make_unique<Alone>(); }

std::unique_ptr<Exchange> exchange_by_pmi(std::unique_ptr<Pmi> pmi, const std::string& launcher) {
  return std::make_unique<ByPmi>(std::move(pmi), launcher);
}

std::unique_ptr<Exchange> exchange_by_user(const UserBootstrap& callbacks) {
  return std::make_unique<ByUser>(callbacks);
}

}  // namespace lamellar::lamellae
