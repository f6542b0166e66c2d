// Each fault by itself, over `local` on a simulation's clock.
#include "lamellae/faulty/faulty.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <vector>

#include "base/clock/clock.hpp"
#include "base/clock/sim.hpp"
#include "lamellae/local/local_job.hpp"
#include "support/captured_log.hpp"

namespace lamellar::lamellae {
namespace {

// Takes one number out of each frame or eager record.
class Numbers final : public FrameSink {
 public:
  void on_chunk(const Chunk& chunk) noexcept override {
    std::uint32_t number = 0;
    std::memcpy(&number, chunk.payload, sizeof number);
    got.push_back(number);
  }
  std::vector<std::uint32_t> got;
};

// Two PEs in one thread; PE 0 has faults.
struct Pair {
  explicit Pair(const std::string& faults, std::uint64_t seed = 1,
                std::function<void()> die = nullptr, std::uint32_t pool = 64)
      : job(std::make_shared<LocalJob>(2, 1024u, pool)) {
    FaultPlan plan = parse_faults(faults);
    plan.seed = seed;
    sender = make_faulty(job->lamella(0), plan, std::move(die));
    receiver = job->lamella(1);
  }
  bool send(std::uint32_t number) {
    OpenFrame frame;
    if (!sender->try_open(1, Lane::kRequest, frame)) return false;
    std::memcpy(frame.payload, &number, sizeof number);
    frame.committed->store(sizeof number, std::memory_order_release);
    sender->seal(frame);
    return true;
  }
  bool send_eager(std::uint32_t number) {
    Lamella::EagerRoom room;
    if (!sender->try_claim_eager(1, room)) return false;
    std::memcpy(room.bytes, &number, sizeof number);
    sender->post_eager(1, Lane::kRequest, sizeof number);
    return true;
  }
  // Looks until nothing is in flight; looks at most.
  std::vector<std::uint32_t> receive_all() {
    for (int looks = 0; looks < 100'000 && sender->in_flight(1, Lane::kRequest) != 0; ++looks)
      if (!receiver->poll(numbers)) base::yield_thread();
    return std::exchange(numbers.got, {});
  }

  std::shared_ptr<LocalJob> job;
  std::unique_ptr<Lamella> sender;
  std::unique_ptr<Lamella> receiver;
  Numbers numbers;
};

void simulated(const std::function<void()>& body) {
  base::Sim sim(1);
  sim.run(body);
}

std::vector<std::uint32_t> numbers_to(std::uint32_t end) {
  std::vector<std::uint32_t> all;
  for (std::uint32_t i = 0; i < end; ++i) all.push_back(i);
  return all;
}

TEST(Faulty, IsNotThereWithoutFaults) {
  auto lamella = std::make_shared<LocalJob>(1, 1024u, 4u)->lamella(0);
  const Lamella* const itself = lamella.get();
  EXPECT_EQ(make_faulty(std::move(lamella), parse_faults("")).get(), itself);
}

TEST(Faulty, DelaysUpToTheTimeAndKeepsFrameAndCredit) {
  simulated([] {
    Pair t("delay=1:1ms");
    const std::uint64_t begin = base::now_ns();
    ASSERT_TRUE(t.send(7));
    EXPECT_FALSE(t.receiver->has_incoming());
    EXPECT_EQ(t.sender->in_flight(1, Lane::kRequest), 1u);
    EXPECT_EQ(t.receive_all(), std::vector<std::uint32_t>{7});
    EXPECT_GT(base::now_ns(), begin + 1000);
    EXPECT_LT(base::now_ns(), begin + 1'100'000);
    EXPECT_EQ(t.sender->in_flight(1, Lane::kRequest), 0u);
  });
}

TEST(Faulty, DelaysPublishedPrefixesAndEagerRecords) {
  simulated([] {
    Pair t("delay=1:1ms");
    OpenFrame frame;
    ASSERT_TRUE(t.sender->try_open(1, Lane::kRequest, frame));
    const std::uint32_t number = 8;
    std::memcpy(frame.payload, &number, sizeof number);
    frame.committed->store(sizeof number, std::memory_order_release);
    t.sender->publish(frame.ref);
    t.sender->publish(frame.ref);
    ASSERT_TRUE(t.send_eager(9));
    EXPECT_FALSE(t.send_eager(10)) << "the slot's record is still under way";
    EXPECT_FALSE(t.receiver->has_incoming());
    while (t.numbers.got.size() < 2)
      if (!t.receiver->poll(t.numbers)) base::yield_thread();
    EXPECT_EQ(t.numbers.got[0] + t.numbers.got[1], 17u);
    EXPECT_TRUE(t.send_eager(10));
    t.sender->seal(frame);
    t.receive_all();
    EXPECT_EQ(t.sender->in_flight(1, Lane::kRequest), 0u);
  });
}

TEST(Faulty, DelaysAreOverWhenItDeparts) {
  simulated([] {
    Pair t("delay=1:3600s");
    ASSERT_TRUE(t.send(1));
    ASSERT_TRUE(t.send_eager(2));
    const std::uint64_t begin = base::now_ns();
    t.sender->depart();
    EXPECT_TRUE(t.receiver->poll(t.numbers));
    EXPECT_EQ(t.numbers.got.size(), 2u);
    ASSERT_TRUE(t.send(3)) << "and nothing is held any more";
    EXPECT_TRUE(t.receiver->poll(t.numbers));
    EXPECT_LT(base::now_ns(), begin + 1'000'000);
  });
}

TEST(Faulty, DelaysAreOverWhenItIsDestroyed) {
  simulated([] {
    Pair t("delay=1:3600s");
    ASSERT_TRUE(t.send(1));
    t.sender.reset();
    EXPECT_TRUE(t.receiver->poll(t.numbers));
    EXPECT_EQ(t.numbers.got, std::vector<std::uint32_t>{1});
  });
}

TEST(Faulty, ReordersAndLosesNothing) {
  simulated([] {
    Pair t("reorder=0.5");
    for (std::uint32_t i = 0; i < 32; ++i) ASSERT_TRUE(t.send(i));
    auto got = t.receive_all();
    EXPECT_NE(got, numbers_to(32));
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, numbers_to(32));
  });
}

TEST(Faulty, WhatNothingOvertakesLeavesAfterATime) {
  simulated([] {
    Pair t("reorder=1");
    ASSERT_TRUE(t.send(5));
    EXPECT_FALSE(t.receiver->has_incoming());
    EXPECT_EQ(t.receive_all(), std::vector<std::uint32_t>{5});
  });
}

TEST(Faulty, RefusesAboutAsOftenAsAsked) {
  simulated([] {
    Pair t("refuse=0.2");
    int refused = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
      refused += t.send(i) ? 0 : 1;
      t.receive_all();
    }
    EXPECT_GT(refused, 140);
    EXPECT_LT(refused, 260);
  });
}

TEST(Faulty, WhoWantsFramesIsToldAfterARefusal) {
  simulated([] {
    Pair t("refuse=0.9");
    t.sender->want_frames(true);
    OpenFrame frame;
    // Nothing is in flight: no frame comes back and rings.
    for (bool opened = false; !opened;) {
      const std::uint32_t key = t.sender->doorbell().prepare();
      opened = t.sender->try_open(1, Lane::kRequest, frame);
      if (opened)
        t.sender->doorbell().cancel();
      else
        t.sender->doorbell().commit(key, base::kForever, t.sender->doorbell_scope());
    }
    t.sender->want_frames(false);
    t.sender->discard(frame);
  });
}

TEST(Faulty, LooksFindNothingAtTimes) {
  simulated([] {
    Pair t("reorder=0");
    const auto slow =
        make_faulty(std::move(t.receiver), parse_faults("slow_poll=0.3"));
    int empty = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
      ASSERT_TRUE(t.send(i));
      EXPECT_TRUE(slow->has_incoming());
      while (!slow->poll(t.numbers)) {
        ++empty;
        EXPECT_TRUE(slow->has_incoming()) << "it may not sleep";
      }
    }
    EXPECT_EQ(t.numbers.got, numbers_to(1000));
    EXPECT_GT(empty, 300);  // 0.3 / 0.7 of 1000
    EXPECT_LT(empty, 560);
  });
}

TEST(Faulty, LooksFindNothingForATime) {
  simulated([] {
    Pair t("reorder=0");
    const auto slow = make_faulty(std::move(t.receiver), parse_faults("slow_poll=0.99:1ms"));
    ASSERT_TRUE(t.send(1));
    ASSERT_FALSE(slow->poll(t.numbers));
    const std::uint64_t begin = base::now_ns();
    int empty = 0;
    for (; !slow->poll(t.numbers); ++empty) base::yield_thread();
    EXPECT_GT(empty, 100);
    EXPECT_GT(base::now_ns(), begin + 20'000);
  });
}

// What was refused, and in which order the rest arrived.
struct Story {
  std::vector<bool> sent;
  std::vector<std::uint32_t> got;
  bool operator==(const Story&) const = default;
};

Story story(std::uint64_t seed) {
  Story story;
  simulated([&] {
    Pair t("delay=0.2:20us,reorder=0.3,refuse=0.3", seed);
    for (std::uint32_t i = 0; i < 40; ++i) story.sent.push_back(t.send(i));
    story.got = t.receive_all();
  });
  return story;
}

TEST(Faulty, TheSameSeedDecidesTheSame) {
  EXPECT_EQ(story(1), story(1));
  EXPECT_EQ(story(2), story(2));
  EXPECT_NE(story(1).sent, story(2).sent);
  EXPECT_NE(story(1).got, story(2).got);
}

TEST(Faulty, PesDecideEachForItself) {
  simulated([] {
    const auto job = std::make_shared<LocalJob>(2, 1024u, 64u);
    const FaultPlan plan = parse_faults("refuse=0.5");
    const auto one = make_faulty(job->lamella(0), plan);
    const auto other = make_faulty(job->lamella(1), plan);
    std::vector<bool> of_one, of_other;
    for (int i = 0; i < 40; ++i) {
      OpenFrame frame;
      of_one.push_back(one->try_open(1, Lane::kRequest, frame));
      if (of_one.back()) one->discard(frame);
      of_other.push_back(other->try_open(0, Lane::kRequest, frame));
      if (of_other.back()) other->discard(frame);
    }
    EXPECT_NE(of_one, of_other);
  });
}

TEST(Faulty, APeOfOneProcessDiesBySilence) {
  const testing_support::CapturedLog log;
  Pair t("kill=0@3");
  ASSERT_TRUE(t.send(1));
  ASSERT_TRUE(t.send_eager(2));
  EXPECT_EQ(t.receiver->failure(), nullptr);
  ASSERT_TRUE(t.send(3));
  const FailureNote* const note = t.receiver->failure();
  ASSERT_NE(note, nullptr);
  EXPECT_EQ(note->pe, 0u);
  EXPECT_EQ(std::string(note->text, note->length),
            "PE 0 dies after 3 sends, as LAMELLAR_FAULTS asks for");
  EXPECT_TRUE(log.contains("PE 0 dies after 3 sends"));
  EXPECT_FALSE(t.send(4));
  EXPECT_FALSE(t.send_eager(4));
  while (t.receiver->poll(t.numbers)) {
  }
  EXPECT_EQ(t.numbers.got.size(), 3u);
  // Deaf, too.
  Lamella::EagerRoom room;
  ASSERT_TRUE(t.receiver->try_claim_eager(0, room));
  t.receiver->post_eager(0, Lane::kReply, 4);
  EXPECT_FALSE(t.sender->has_incoming());
  EXPECT_FALSE(t.sender->poll(t.numbers));
}

TEST(Faulty, APeThatIsAProcessDiesAsItIsTold) {
  const testing_support::CapturedLog log;
  int deaths = 0;
  Pair t("kill=0@2", 1, [&] { ++deaths; });
  ASSERT_TRUE(t.send(1));
  EXPECT_EQ(deaths, 0);
  ASSERT_TRUE(t.send(2));
  EXPECT_EQ(deaths, 1);
  EXPECT_TRUE(log.contains("PE 0 dies after 2 sends"));
}

TEST(Faulty, OthersDoNotDie) {
  Pair t("kill=1@2");
  for (std::uint32_t i = 0; i < 10; ++i) ASSERT_TRUE(t.send(i));
  EXPECT_EQ(t.receiver->failure(), nullptr);
}

TEST(Faulty, WhatADeadPeHeldIsLost) {
  const testing_support::CapturedLog log;
  simulated([] {
    Pair t("delay=1:1ms,kill=0@2");
    ASSERT_TRUE(t.send(1));
    ASSERT_TRUE(t.send(2));
    EXPECT_NE(t.receiver->failure(), nullptr);
    t.sender->depart();
    EXPECT_FALSE(t.receiver->has_incoming());
  });
}

}  // namespace
}  // namespace lamellar::lamellae
