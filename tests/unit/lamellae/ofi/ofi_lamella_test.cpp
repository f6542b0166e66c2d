// What the ofi lamella does with strangers, with silence, and with runs that go on in the next
// piece.
#include "lamellae/ofi/ofi_lamella.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/clock/clock.hpp"
#include "base/clock/futex.hpp"
#include "base/clock/thread.hpp"
#include "base/wire/wire.hpp"
#include "lamellae/local/local_job.hpp"
#include "support/captured_log.hpp"
#include "support/memory_network.hpp"

namespace lamellar::lamellae {
namespace {

using testing_support::CapturedLog;
using testing_support::MemoryNetwork;
using testing_support::NetworkPlan;

constexpr std::uint32_t kFrameBytes = 1024;
constexpr std::uint64_t kNonce = 4711;

class Bytes final : public FrameSink {
 public:
  void on_chunk(const Chunk& chunk) noexcept override {
    aligned = aligned && reinterpret_cast<std::uintptr_t>(chunk.payload) % 8 == 0;
    got.append(reinterpret_cast<const char*>(chunk.payload + chunk.from), chunk.to - chunk.from);
    if (chunk.from != 0) {
      wire::RunHeader first;
      std::memcpy(&first, chunk.payload, sizeof first);
      first_run.push_back(first.bytes);
    }
    ++chunks;
  }
  std::string got;
  std::vector<std::uint32_t> first_run;  // its bytes, as each later chunk sees them
  int chunks = 0;
  bool aligned = true;
};

struct Failed {
  Pe culprit = 0;
  std::string why;
};

// Two PEs and a network between them.
struct Pair {
  explicit Pair(const NetworkPlan& plan = {}, std::uint64_t timeout_ns = 10'000'000'000)
      : network(MemoryNetwork::create(plan)) {
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    OfiOptions options;
    for (Pe pe = 0; pe < 2; ++pe) {
      endpoints.push_back(network->open(kFrameBytes));
      options.addresses.push_back(endpoints.back()->address());
      options.hosts.push_back("host" + std::to_string(pe));
    }
    options.frame_bytes = kFrameBytes;
    options.pool_frames = 8;
    options.job_nonce = kNonce;
    options.connect_timeout_ns = timeout_ns;
    for (Pe pe = 0; pe < 2; ++pe) {
      hosts.push_back(std::make_shared<LocalJob>(1, 1024, 4));
      homes.push_back(hosts.back()->lamella(0));
      options.my_pe = pe;
      options.home = homes.back().get();
      options.fail = [this](Pe culprit, const std::string& why) {
        const base::Lock lock(mutex);
        failed.push_back({culprit, why});
      };
      pes.push_back(make_ofi_lamella(std::move(endpoints[pe]), options));
    }
  }
  ~Pair() { pes.clear(); }

  void poll() {
    pes[0]->poll(sinks[0]);
    if (!pes[1]->poll(sinks[1])) base::yield_thread();
  }
  template <class Done>
  void poll_until(const Done& done) {
    while (!done()) poll();
  }
  void send(const std::string& bytes) {
    OpenFrame frame;
    while (!pes[0]->try_open(1, Lane::kRequest, frame)) poll();
    std::memcpy(frame.payload, bytes.data(), bytes.size());
    frame.committed->store(static_cast<std::uint32_t>(bytes.size()), std::memory_order_release);
    pes[0]->seal(frame);
  }
  std::size_t failures() {
    const base::Lock lock(mutex);
    return failed.size();
  }

  std::shared_ptr<MemoryNetwork> network;
  std::vector<std::shared_ptr<LocalJob>> hosts;
  std::vector<std::unique_ptr<Lamella>> homes;
  base::Mutex mutex;
  std::vector<Failed> failed;
  std::vector<std::unique_ptr<Lamella>> pes;
  Bytes sinks[2];
};

// A message of PE 0 for PE 1 as it should be: a whole frame of `bytes`.
wire::MessageHead good_head(std::uint32_t bytes) {
  wire::MessageHead head;
  head.frame.job_nonce = kNonce;
  head.frame.length = bytes;
  head.last = 1;
  head.destination = 1;
  head.amend_at = wire::kNothing;
  return head;
}

std::string message(const wire::MessageHead& head, std::size_t bytes) {
  std::string text(reinterpret_cast<const char*>(&head), sizeof head);
  return text + std::string(wire::align8(bytes), 'x');
}

TEST(OfiStrangers, AreDroppedCountedAndToldOnce) {
  const CapturedLog log;
  Pair t;
  std::vector<std::string> messages = {"", "short", std::string(500, 'g')};
  const auto changed = [&](const auto& change, std::size_t bytes = 16) {
    wire::MessageHead head = good_head(16);
    change(head);
    messages.push_back(message(head, bytes));
  };
  changed([](auto& head) { head.frame.magic ^= 1; });
  changed([](auto& head) { ++head.frame.version; });
  changed([](auto& head) { head.frame.job_nonce ^= 1; });  // another job's
  changed([](auto& head) { head.frame.source = 2; });
  changed([](auto& head) { head.frame.lane = 2; });
  changed([](auto& head) { head.frame.length = kFrameBytes; }, kFrameBytes);
  changed([](auto& head) { head.frame.length = 24; });
  changed([](auto& head) { head.kind = static_cast<wire::Message>(4); });
  changed([](auto& head) { head.kind = wire::Message::kCredit; });  // with a payload
  changed([](auto& head) { head.destination = 0; });
  changed([](auto& head) { head.last = 0; });
  changed([](auto& head) { head.from = 8; });
  changed([](auto& head) { head.stream = 7, head.from = kFrameBytes; });
  changed([](auto& head) { head.stream = 7, head.amend_at = 0; });
  changed([](auto& head) { head.stream = 7, head.from = 32, head.amend_at = 4; });
  changed([](auto& head) { head.consumed[0] = 1; });  // of frames that were never sent
  for (const std::string& bytes : messages) t.network->inject(1, bytes);
  t.poll_until([&] { return t.pes[1]->counters().frames_refused == messages.size(); });
  EXPECT_EQ(t.sinks[1].chunks, 0);
  EXPECT_NE(log.text().find("was dropped"), std::string::npos);
  EXPECT_EQ(log.text().find("was dropped"), log.text().rfind("was dropped"));

  // The job goes on, aligned though the strangers' lengths were odd.
  t.network->inject(1, "odd");
  for (int i = 0; i < 200; ++i) t.send("twelve bytes");
  t.poll_until([&] { return t.pes[1]->counters().frames_received == 200; });
  EXPECT_EQ(t.sinks[1].got.size(), 200 * 12u);
  EXPECT_TRUE(t.sinks[1].aligned);
  EXPECT_EQ(t.failures(), 0u);
}

TEST(OfiStrangers, TheSameFrameAgainIsNoPieceOfIt) {
  const CapturedLog log;
  Pair t;
  wire::MessageHead head = good_head(16);
  head.stream = 9;
  head.last = 0;
  t.network->inject(1, message(head, 16));
  t.network->inject(1, message(head, 16));
  t.poll_until([&] { return t.pes[1]->counters().frames_refused == 1; });
  t.poll_until([&] { return t.sinks[1].chunks == 1; });
  EXPECT_EQ(t.sinks[1].got, std::string(16, 'x'));
}

TEST(OfiRuns, AClosedRunIsClosedBeforeTheNextPieceIsThere) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair t({.seed = seed, .busy_in_16 = 6});
    OpenFrame frame;
    ASSERT_TRUE(t.pes[0]->try_open(1, Lane::kRequest, frame));
    const auto commit = [&](std::uint32_t to) {
      frame.committed->store(to, std::memory_order_release);
    };
    wire::RunHeader run{wire::word_of(1, wire::Kind::kDetached), 0};
    std::memcpy(frame.payload, &run, sizeof run);
    std::memset(frame.payload + 8, 'a', 100);
    commit(8 + 24);
    t.pes[0]->publish(frame.ref);
    t.poll_until([&] { return t.sinks[1].got.size() == 32; });
    commit(8 + 40);
    run.bytes = 40;
    std::memcpy(frame.payload, &run, sizeof run);
    run = {wire::word_of(2, wire::Kind::kDetached), 0};
    std::memcpy(frame.payload + 48, &run, sizeof run);
    commit(48 + 8 + 8);
    t.pes[0]->publish(frame.ref);
    t.poll_until([&] { return t.sinks[1].got.size() == 64; });
    commit(72);
    t.pes[0]->seal(frame);
    t.poll_until([&] { return t.pes[0]->in_flight(1, Lane::kRequest) == 0; });
    EXPECT_EQ(t.sinks[1].got.size(), 72u);
    ASSERT_FALSE(t.sinks[1].first_run.empty());
    for (const std::uint32_t bytes : t.sinks[1].first_run) EXPECT_EQ(bytes, 40u);
  }
}

TEST(OfiConnections, WhoNeverAnswersEndsTheJobWithAllThatIsKnown) {
  Pair t({.connects = false}, 50'000'000);
  t.poll_until([&] { return t.failures() == 2; });
  const base::Lock lock(t.mutex);
  for (const Failed& failure : t.failed) {
    const std::string pe = std::to_string(failure.culprit);
    for (const std::string& part :
         {"PE " + pe + " (host host" + pe + ", address end " + pe + ") did not answer",
          std::string("50 ms (LAMELLAR_CONNECT_TIMEOUT)"), std::string("provider memory"),
          std::string("LAMELLAR_INTERFACE"), std::string("LAMELLAR_PROVIDER")})
      EXPECT_NE(failure.why.find(part), std::string::npos) << part << " in " << failure.why;
  }
}

TEST(OfiConnections, BothTakeTheirLeave) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Pair t({.seed = seed});
    for (int i = 0; i < 5; ++i) t.send("last words");
    base::Thread other("other", [&] { t.pes[1]->depart(); });
    t.pes[0]->depart();
    other.join();
    // What was sent before is there, though nobody has looked at it yet.
    int frames = 0;
    while (t.pes[1]->poll(t.sinks[1])) ++frames;
    EXPECT_EQ(frames, 5);
    EXPECT_EQ(t.failures(), 0u);
  }
}

}  // namespace
}  // namespace lamellar::lamellae
