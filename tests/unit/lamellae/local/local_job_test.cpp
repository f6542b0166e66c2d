// N PEs in one process: their blocks, and the place where they meet before anything works.
#include "lamellae/local/local_job.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <lamellar/error.hpp>
#include <new>
#include <thread>
#include <vector>

namespace lamellar::lamellae {
namespace {

std::shared_ptr<LocalJob> job_of(Pe pes) { return std::make_shared<LocalJob>(pes, 1024u, 4u); }

template <class Body>
void on_all(Pe pes, const Body& body) {
  std::vector<std::thread> threads;
  for (Pe pe = 0; pe < pes; ++pe) threads.emplace_back([&body, pe] { body(pe); });
  for (auto& thread : threads) thread.join();
}

class Take final : public FrameSink {
 public:
  void on_chunk(const Chunk& chunk) noexcept override {
    got.append(reinterpret_cast<const char*>(chunk.payload + chunk.from), chunk.to - chunk.from);
  }
  std::string got;
};

TEST(LocalJob, NumbersItsPes) {
  const auto job = job_of(3);
  EXPECT_EQ(job->num_pes(), 3u);
  for (Pe pe = 0; pe < 3; ++pe) {
    EXPECT_EQ(job->lamella(pe)->my_pe(), pe);
    EXPECT_EQ(job->lamella(pe)->num_pes(), 3u);
    EXPECT_EQ(job->bootstrap(pe)->rank(), pe);
    EXPECT_EQ(job->bootstrap(pe)->size(), 3u);
  }
}

TEST(LocalJob, LivesAsLongAsItsLamellae) {
  auto job = job_of(2);
  const auto sender = job->lamella(0);
  const auto receiver = job->lamella(1);
  job.reset();
  OpenFrame frame;
  ASSERT_TRUE(sender->try_open(1, Lane::kRequest, frame));
  std::memcpy(frame.payload, "still here", 10);
  frame.committed->store(10, std::memory_order_release);
  sender->seal(frame);
  Take take;
  EXPECT_TRUE(receiver->poll(take));
  EXPECT_EQ(take.got, "still here");
}

TEST(LocalJob, JobsDoNotMeet) {
  const auto one = job_of(2);
  const auto other = job_of(2);
  const auto sender = one->lamella(0);
  OpenFrame frame;
  ASSERT_TRUE(sender->try_open(1, Lane::kRequest, frame));
  frame.committed->store(1, std::memory_order_release);
  sender->seal(frame);
  EXPECT_FALSE(other->lamella(1)->has_incoming());
  EXPECT_TRUE(one->lamella(1)->has_incoming());
}

TEST(LocalJob, SaysWhenThereIsNoAddressSpace) {
  EXPECT_THROW(static_cast<void>(std::make_shared<LocalJob>(1u, 1u << 31, 1u << 20)),
               std::bad_alloc);
}

TEST(LocalBootstrap, AllgatherGivesEverybodysBytesInRankOrder) {
  const auto job = job_of(4);
  on_all(4, [&](Pe pe) {
    const auto bootstrap = job->bootstrap(pe);
    for (int round = 0; round < 200; ++round) {
      const auto mine = [round](Pe of) {
        return std::string(of + static_cast<std::size_t>(round) % 3, static_cast<char>('a' + of)) +
               std::to_string(round);
      };
      const auto all = bootstrap->allgather(mine(pe));
      ASSERT_EQ(all.size(), 4u);
      for (Pe of = 0; of < 4; ++of) ASSERT_EQ(all[of], mine(of)) << "round " << round;
    }
  });
}

TEST(LocalBootstrap, AllgatherAlone) {
  const auto job = job_of(1);
  EXPECT_EQ(job->bootstrap(0)->allgather("me"), std::vector<std::string>{"me"});
}

TEST(LocalBootstrap, AbandonEndsTheOthersCollectives) {
  const auto job = job_of(4);
  std::atomic<int> told{0};
  on_all(4, [&](Pe pe) {
    const auto bootstrap = job->bootstrap(pe);
    static_cast<void>(bootstrap->allgather("all are here"));
    if (pe == 2) return bootstrap->abandon("no memory");
    // Now, and for ever after: more calls than there are PEs must not look like a meeting.
    for (int call = 0; call < 5; ++call) {
      try {
        static_cast<void>(bootstrap->allgather("without two"));
        ADD_FAILURE() << "PE " << pe << " met nobody";
      } catch (const JobFailed& failed) {
        EXPECT_NE(std::string(failed.what()).find("no memory"), std::string::npos);
        told.fetch_add(1);
      }
    }
  });
  EXPECT_EQ(told.load(), 15);
}

TEST(LocalBootstrap, TheFirstReasonCounts) {
  const auto job = job_of(3);
  job->bootstrap(1)->abandon("first");
  job->bootstrap(2)->abandon("second");
  try {
    static_cast<void>(job->bootstrap(0)->allgather(""));
    FAIL() << "met nobody";
  } catch (const JobFailed& failed) {
    EXPECT_NE(std::string(failed.what()).find("first"), std::string::npos);
    EXPECT_NE(std::string(failed.what()).find("PE 1"), std::string::npos);
  }
}

}  // namespace
}  // namespace lamellar::lamellae
