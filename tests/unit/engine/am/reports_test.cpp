// A PE that tells of more bytes executed than it was sent: whoever waits for quiet hears of it.
#include <gtest/gtest.h>
#include <cstring>
#include <lamellar/error.hpp>
#include <optional>

#include "engine/am/engine.hpp"
#include "lamellae/local/local_job.hpp"

namespace lamellar::engine {
namespace {

struct Nobody final : lamellae::FrameSink {
  void on_chunk(const lamellae::Chunk&) noexcept override {}
};

// PE 0 of 2. PE 1 takes what it is sent, and says what a test lets it say.
struct Pair {
  Pair() : job(std::make_shared<lamellae::LocalJob>(2, 1024, 8)), other(job->lamella(1)) {
    EngineOptions options;
    options.max_record = 1 << 20;
    engine.emplace(std::move(options), job->lamella(0), TypeSnapshot::take());
    engine->start();
  }
  ~Pair() { engine->stop(); }

  void report(std::uint64_t bytes) {
    const wire::RunHeader run{wire::word_of(0, wire::Kind::kControl), sizeof(wire::ControlHead)};
    const wire::ControlHead head{wire::Control::kExecuted, 0, bytes, 0};
    lamellae::OpenFrame frame;
    ASSERT_TRUE(other->try_open(0, lamellae::Lane::kReply, frame));
    std::memcpy(frame.payload, &run, sizeof run);
    std::memcpy(frame.payload + sizeof run, &head, sizeof head);
    frame.committed->store(sizeof run + sizeof head, std::memory_order_release);
    other->seal(frame);
    for (Nobody nobody; other->in_flight(0, lamellae::Lane::kReply) != 0; other->poll(nobody))
      engine->scheduler().work_once();
  }

  std::shared_ptr<lamellae::LocalJob> job;
  std::unique_ptr<lamellae::Lamella> other;
  std::optional<Engine> engine;
};

template <class Wait>
void expect_refused(Wait&& wait) {
  try {
    wait();
    ADD_FAILURE() << "it should have failed";
  } catch (const JobFailed& failed) {
    EXPECT_EQ(0u, failed.pe());
    const std::string_view text = failed.what();
    EXPECT_NE(text.npos, text.find("a frame from PE 1 cannot be read: it tells of more bytes "
                                   "executed than were sent"))
        << text;
  }
}

TEST(Reports, OfNothingAreNoFault) {
  Pair pair;
  pair.report(0);
  pair.engine->wait_all(std::source_location::current());
  EXPECT_FALSE(pair.engine->failed());
}

TEST(Reports, OfTooMuchAreFoundByWhoWaitsLater) {
  Pair pair;
  pair.report(100);
  EXPECT_FALSE(pair.engine->failed()) << "nobody waits: it is looked at when somebody does";
  expect_refused([&] { pair.engine->wait_all(std::source_location::current()); });
}

TEST(Reports, OfTooMuchAreFoundByWhoAsksLater) {
  Pair pair;
  pair.report(100);
  auto quiet = pair.engine->async_quiet(Engine::Covers::kLaunched, "quiet", {});
  EXPECT_TRUE(pair.engine->failed());
  expect_refused([&] { std::move(quiet).block(); });
}

TEST(Reports, OfTooMuchAreFoundWhileSomebodyWaits) {
  Pair pair;
  pair.engine->local_began();  // so it is not quiet yet
  auto quiet = pair.engine->async_quiet(Engine::Covers::kLaunched, "quiet", {});
  EXPECT_FALSE(pair.engine->failed());
  pair.report(100);
  EXPECT_TRUE(pair.engine->failed());
  expect_refused([&] { std::move(quiet).block(); });
  pair.engine->local_ended();
}

}  // namespace
}  // namespace lamellar::engine
