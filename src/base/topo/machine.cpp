#include "base/topo/machine.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

#include "base/topo/cpu_list.hpp"

namespace lamellar::base {
namespace {

// The text up to `end`, which is taken off too; all of it when there is none.
std::string_view take_until(std::string_view& text, char end) {
  const std::string_view head = text.substr(0, text.find(end));
  text.remove_prefix(std::min(head.size() + 1, text.size()));
  return head;
}

bool parse_number(std::string_view text, std::uint32_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Machine plain_machine(const Cpus& cpus) {
  Machine machine;
  for (const std::uint32_t cpu : cpus) machine.push_back({0, 0, {cpu}});
  return machine;
}

Machine within(const Machine& machine, const Cpus& cpus) {
  Machine left;
  Cpus unknown = cpus;
  for (const Core& core : machine) {
    Core part{core.node, core.package, {}};
    for (const std::uint32_t cpu : core.cpus)
      if (std::erase(unknown, cpu) != 0) part.cpus.push_back(cpu);
    if (!part.cpus.empty()) left.push_back(std::move(part));
  }
  for (const std::uint32_t cpu : unknown) left.push_back({0, 0, {cpu}});
  return left;
}

// A line for each core: node, package, cpus.
std::string machine_text(const Machine& machine) {
  std::string text;
  for (const Core& core : machine)
    text += std::to_string(core.node) + ' ' + std::to_string(core.package) + ' ' +
            cpu_list(core.cpus) + '\n';
  return text;
}

Machine parse_machine(std::string_view text) {
  Machine machine;
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    Core core;
    const bool numbers = parse_number(take_until(line, ' '), core.node) &&
                         parse_number(take_until(line, ' '), core.package);
    auto cpus = parse_cpu_list(line);
    if (!numbers || !cpus || cpus->empty()) return {};
    core.cpus = std::move(*cpus);
    machine.push_back(std::move(core));
  }
  return machine;
}

}  // namespace lamellar::base
