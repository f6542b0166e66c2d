#pragma once
// Trees of active messages and tasks. A node's number decides where it runs, how it pauses and how
// it was started; so every PE can work out what it has run once the whole tree has.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include <lamellar/world.hpp>

namespace lamellar::testing_support {

struct TreeCount {
  std::atomic<std::uint64_t> nodes{0};  // that have run, to their end
  std::atomic<std::uint64_t> steps{0};  // of tasks, posted calls and local messages in between
};

// What travels with every node. Its children are 2 id + 1 and 2 id + 2, below `size`.
struct Tree {
  PeLocal<TreeCount> count;
  std::uint64_t salt;
  std::uint32_t size;
};

enum class Step : std::uint8_t { kNone, kTask, kTaskOfTask, kPost, kLocal };
enum class Pause : std::uint8_t { kNone, kNoneEither, kTimer, kReply };
enum class Sent : std::uint8_t { kDetached, kRequest, kLarge, kPlain, kPlainRequest };

struct NodePlan {
  Pe pe;
  Step step;  // between it and its parent, on the parent's PE
  Pause pause;
  Sent sent;
  std::uint32_t sleep_us;
};

// In a patient tree every node is a coroutine that sleeps or awaits a reply.
inline constexpr std::uint64_t kPatient = std::uint64_t{1} << 63;  // of the salt

inline NodePlan plan_of(const Tree& tree, std::uint32_t id, Pe pes) {
  std::uint64_t bits = (tree.salt + 1) * 0x9e3779b97f4a7c15u + id;  // splitmix64
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebu;
  bits ^= bits >> 31;
  const bool patient = (tree.salt & kPatient) != 0;
  NodePlan plan;
  plan.pe = static_cast<Pe>(bits % pes);
  const std::uint64_t step = bits >> 16 & 15;
  plan.step = step < 5 ? static_cast<Step>(step) : Step::kNone;
  plan.pause = static_cast<Pause>((bits >> 24 & 3) | (patient ? 2 : 0));
  const std::uint64_t sent = bits >> 32 & 15;
  plan.sent = sent < 5 ? static_cast<Sent>(sent) : Sent::kDetached;
  if (patient && plan.sent > Sent::kRequest) plan.sent = Sent::kDetached;
  plan.sleep_us = static_cast<std::uint32_t>(bits >> 40 & 15);
  return plan;
}

inline void start_node(const World& world, const Tree& tree, std::uint32_t id);
inline void start_children(const World& world, const Tree& tree, std::uint32_t id) {
  for (std::uint32_t child = 2 * id + 1; child <= 2 * id + 2 && child < tree.size; ++child)
    start_node(world, tree, child);
}

struct TreeEcho {
  std::uint32_t value;
  std::uint32_t exec(Context&) const { return value; }
};
LAMELLAR_AM(TreeEcho, value);

struct PlainNode {
  PeLocal<TreeCount> count;
  std::uint64_t salt;
  std::uint32_t size, id;
  void exec(Context& context) const {
    start_children(context.world(), {count, salt, size}, id);
    ++count.local(context).nodes;
  }
};
LAMELLAR_AM(PlainNode, count, salt, size, id);

inline Task<void> run_node(World world, Tree tree, std::uint32_t id) {
  const NodePlan plan = plan_of(tree, id, world.num_pes());
  if (plan.pause == Pause::kTimer)
    co_await lamellar::sleep_for(std::chrono::microseconds(plan.sleep_us));
  if (plan.pause == Pause::kReply) {
    const Pe next = (world.my_pe() + 1) % world.num_pes();
    co_await world.exec_am_pe<TreeEcho>(next, id);
  }
  start_children(world, tree, id);
  ++tree.count.local(world).nodes;
}

struct Node {
  PeLocal<TreeCount> count;
  std::uint64_t salt;
  std::uint32_t size, id;
  Task<void> exec(Context& context) const {
    return run_node(context.world(), {count, salt, size}, id);
  }
};
LAMELLAR_AM(Node, count, salt, size, id);

struct LargeNode {
  PeLocal<TreeCount> count;
  std::uint64_t salt;
  std::uint32_t size, id;
  std::vector<std::uint32_t> ballast;
  Task<void> exec(Context& context) const {
    return run_node(context.world(), {count, salt, size}, id);
  }
};
LAMELLAR_AM(LargeNode, count, salt, size, id, ballast);

inline void send_node(const World& world, const Tree& tree, std::uint32_t id) {
  const NodePlan plan = plan_of(tree, id, world.num_pes());
  switch (plan.sent) {
    case Sent::kDetached:
      return world.exec_am_pe<Node>(plan.pe, tree.count, tree.salt, tree.size, id).detach();
    case Sent::kRequest:
      return static_cast<void>(
          world.exec_am_pe<Node>(plan.pe, tree.count, tree.salt, tree.size, id).spawn());
    case Sent::kLarge:
      return world
          .exec_am_pe<LargeNode>(plan.pe, tree.count, tree.salt, tree.size, id,
                                 std::vector<std::uint32_t>(1500))
          .detach();
    case Sent::kPlain:
      return world.exec_am_pe<PlainNode>(plan.pe, tree.count, tree.salt, tree.size, id).detach();
    case Sent::kPlainRequest:
      return static_cast<void>(
          world.exec_am_pe<PlainNode>(plan.pe, tree.count, tree.salt, tree.size, id).spawn());
  }
}

// Nobody waits for it; what it has sent may be over long before it.
inline Task<void> task_step(World world, Tree tree, std::uint32_t id, bool another) {
  if (another) {
    static_cast<void>(world.spawn(task_step(world, tree, id, false)));
    co_await lamellar::yield();
    co_return;
  }
  co_await lamellar::sleep_for(std::chrono::microseconds(3));
  send_node(world, tree, id);
  co_await lamellar::sleep_for(std::chrono::microseconds(300));
  ++tree.count.local(world).steps;
}

struct LocalStep {
  Tree tree;
  std::uint32_t id;
  Task<void> exec(Context& context) {
    const World world = context.world();
    const Pe next = (world.my_pe() + 1) % world.num_pes();
    co_await world.exec_am_pe<TreeEcho>(next, id);
    send_node(world, tree, id);
    ++tree.count.local(world).steps;
  }
};

inline void start_node(const World& world, const Tree& tree, std::uint32_t id) {
  switch (plan_of(tree, id, world.num_pes()).step) {
    case Step::kNone:
      return send_node(world, tree, id);
    case Step::kTask:
      return static_cast<void>(world.spawn(task_step(world, tree, id, false)));
    case Step::kTaskOfTask:
      return static_cast<void>(world.spawn(task_step(world, tree, id, true)));
    case Step::kPost:
      return world.post([world, tree, id] {
        send_node(world, tree, id);
        ++tree.count.local(world).steps;
      });
    case Step::kLocal:
      return world.exec_am_local(LocalStep{tree, id}).detach();
  }
}

// What a PE will have run of the tree, started with send_node(world, tree, 0).
struct Expected {
  std::uint64_t nodes = 0, steps = 0;
};
inline Expected expected_of(const Tree& tree, Pe me, Pe pes) {
  Expected expected;
  for (std::uint32_t id = 0; id < tree.size; ++id) {
    const NodePlan plan = plan_of(tree, id, pes);
    if (plan.pe == me) ++expected.nodes;
    if (id == 0 || plan.step == Step::kNone) continue;
    if (plan_of(tree, (id - 1) / 2, pes).pe == me) ++expected.steps;
  }
  return expected;
}

}  // namespace lamellar::testing_support
