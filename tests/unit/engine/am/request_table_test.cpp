// A reply finds its request by slot and generation; a late one hits nobody.
#include "engine/am/request_table.hpp"

#include <gtest/gtest.h>
#include <lamellar/error.hpp>

#include <deque>

#include "unit/engine/sched/fixture.hpp"

namespace lamellar::engine {
namespace {

using sched_test::House;

struct State : detail::FutureState<int> {
  using FutureState::FutureState;
  std::uint32_t index = 0;
  int arrivals = 0;
};

void arrive(detail::FutureCore& core, std::uint32_t index, detail::SpanReader* value,
            std::exception_ptr error) {
  auto& state = static_cast<State&>(core);
  state.index = index;
  ++state.arrivals;
  if (error) return state.fail(error);
  int number = 0;
  if (!value->take_value(number)) throw DecodeError("no number");
  state.emplace(number);
  state.complete();
}

// Answers with the bytes of `number`.
bool answer(RequestTable& table, RequestShelf& shelf, detail::RequestId id, int number) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&number);
  detail::SpanReader reader(bytes, bytes + sizeof number);
  return table.answer(shelf, id, &reader, nullptr);
}

TEST(RequestTable, TheAnswerArrivesOnce) {
  House house(0);
  RequestTable table;
  RequestShelf shelf;
  State state(house.scheduler);
  const detail::RequestId id = table.open(shelf, state, 17, &arrive);
  EXPECT_EQ(1u, shelf.opened - shelf.answered);
  EXPECT_TRUE(answer(table, shelf, id, 5));
  EXPECT_EQ(0u, shelf.opened - shelf.answered);
  EXPECT_EQ(17u, state.index);
  EXPECT_EQ(5, state.take());
  EXPECT_FALSE(answer(table, shelf, id, 6));
  EXPECT_EQ(1, state.arrivals);
}

TEST(RequestTable, ALateReplyHitsNobody) {
  House house(0);
  RequestTable table;
  RequestShelf shelf;
  State first(house.scheduler), second(house.scheduler);
  const detail::RequestId old = table.open(shelf, first, 0, &arrive);
  ASSERT_TRUE(table.answer(shelf, old, nullptr, std::make_exception_ptr(std::runtime_error("gone"))));
  const detail::RequestId id = table.open(shelf, second, 0, &arrive);
  EXPECT_EQ(old.slot, id.slot) << "slots are used again";
  EXPECT_NE(old.generation, id.generation);
  EXPECT_FALSE(answer(table, shelf, old, 1));
  EXPECT_EQ(0, second.arrivals);
  EXPECT_TRUE(answer(table, shelf, id, 2));
  EXPECT_EQ(2, second.take());
  EXPECT_THROW(first.take(), std::runtime_error);
}

TEST(RequestTable, IdsOfNobodyHitNobody) {
  House house(0);
  RequestTable table;
  RequestShelf shelf;
  EXPECT_FALSE(answer(table, shelf, {0, 0}, 1));
  EXPECT_FALSE(answer(table, shelf, {12345, 1}, 1));
  State state(house.scheduler);
  const detail::RequestId id = table.open(shelf, state, 0, &arrive);
  EXPECT_FALSE(answer(table, shelf, {id.slot, id.generation + 1}, 1));
  EXPECT_FALSE(answer(table, shelf, {id.slot + 1, id.generation}, 1));
  EXPECT_FALSE(answer(table, shelf, {~0u, ~0u}, 1));
  EXPECT_EQ(0, state.arrivals);
  EXPECT_TRUE(answer(table, shelf, id, 1));
}

TEST(RequestTable, AReplyThatCannotBeReadIsAFailure) {
  House house(0);
  RequestTable table;
  RequestShelf shelf;
  State state(house.scheduler);
  const detail::RequestId id = table.open(shelf, state, 0, &arrive);
  detail::SpanReader nothing(nullptr, nullptr);
  EXPECT_TRUE(table.answer(shelf, id, &nothing, nullptr));
  EXPECT_THROW(state.take(), DecodeError);
  EXPECT_EQ(0u, shelf.opened - shelf.answered);
}

TEST(RequestTable, FailAllFailsWhatIsOpen) {
  House house(0);
  RequestTable table;
  RequestShelf shelf;
  std::deque<State> states;
  std::vector<detail::RequestId> ids;
  for (int i = 0; i < 10; ++i) {
    states.emplace_back(house.scheduler);
    ids.push_back(table.open(shelf, states.back(), 0, &arrive));
  }
  EXPECT_TRUE(answer(table, shelf, ids[4], 4));
  table.fail_all([] { return std::make_exception_ptr(JobFailed(1, "planted")); });
  EXPECT_EQ(0u, shelf.opened - shelf.answered - table.failed());
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(1, states[static_cast<std::size_t>(i)].arrivals);
    if (i == 4)
      EXPECT_EQ(4, states[4].take());
    else
      EXPECT_THROW(states[static_cast<std::size_t>(i)].take(), JobFailed);
  }
}

TEST(RequestTable, ThreadsOpenAndAnswer) {
  House house(0);
  RequestTable table;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      RequestShelf shelf;
      for (int round = 0; round < 20; ++round) {
        std::deque<State> states;
        std::vector<detail::RequestId> ids;
        const int open = 1 + (thread * 37 + round * 101) % 400;  // more than one chunk has
        for (int i = 0; i < open; ++i)
          ids.push_back(table.open(shelf, states.emplace_back(house.scheduler), 0, &arrive));
        for (int i = open - 1; i >= 0; --i) {
          const auto at = static_cast<std::size_t>(i * 7 % open);
          if (states[at].arrivals != 0) continue;
          ASSERT_TRUE(answer(table, shelf, ids[at], thread * 1000 + i));
          ASSERT_EQ(thread * 1000 + i, states[at].take());
          ASSERT_FALSE(answer(table, shelf, ids[at], 0));
        }
        for (std::size_t i = 0; i < ids.size(); ++i) {
          const bool waits = states[i].arrivals == 0;
          ASSERT_EQ(waits, answer(table, shelf, ids[i], 0));
        }
      }
      EXPECT_EQ(0u, shelf.opened - shelf.answered);
      table.give_back(shelf);
    });
  for (auto& thread : threads) thread.join();
}

// One thread only opens, another only answers: the slots come back in batches, and none is in two
// hands at once (then a state would be answered for another).
TEST(RequestTable, SlotsGoFromThreadToThread) {
  House house(0);
  RequestTable table;
  constexpr int kCount = 20000, kWindow = 700;
  std::deque<State> states;
  for (int i = 0; i < kCount; ++i) states.emplace_back(house.scheduler);
  std::vector<detail::RequestId> ids(kCount);
  std::atomic<int> opened{0}, answered{0};
  std::uint32_t most = 0;
  std::thread answers([&] {
    RequestShelf shelf;
    for (int i = 0; i < kCount; ++i) {
      while (opened.load() <= i) std::this_thread::yield();
      ASSERT_TRUE(answer(table, shelf, ids[static_cast<std::size_t>(i)], i));
      answered.store(i + 1);
    }
    table.give_back(shelf);
  });
  RequestShelf shelf;
  for (int i = 0; i < kCount; ++i) {
    while (i - answered.load() >= kWindow) std::this_thread::yield();
    const auto at = static_cast<std::size_t>(i);
    ids[at] = table.open(shelf, states[at], 0, &arrive);
    most = std::max(most, ids[at].slot);
    opened.store(i + 1);
  }
  answers.join();
  for (int i = 0; i < kCount; ++i) {
    EXPECT_EQ(i, states[static_cast<std::size_t>(i)].take());
    EXPECT_EQ(1, states[static_cast<std::size_t>(i)].arrivals);
  }
  EXPECT_LT(most, 2048u) << "slots are lost on their way back";
}

}  // namespace
}  // namespace lamellar::engine
