// The module for libfabric, on the loopback interface.
#include "lamellae/ofi/endpoint.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <lamellar/error.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock/futex.hpp"
#include "base/clock/rng.hpp"
#include "base/clock/thread.hpp"
#include "base/helper/helper.hpp"

namespace lamellar::lamellae {
namespace {

using Event = Endpoint::Event;

constexpr char kProvider[] = "tcp;ofi_rxm";
constexpr std::uint32_t kLargest = 16 * 1024;
constexpr std::uint32_t kBuffer = 128 * 1024;

// What went wrong with opening an endpoint.
std::string refusal(const EndpointOptions& options) {
  try {
    const auto endpoint = open_endpoint(options);
  } catch (const LaunchError& error) {
    return error.what();
  }
  return "it was opened";
}

#ifdef LAMELLAR_TEST_HAS_LIBFABRIC
constexpr bool kHasModule = true;
#else
constexpr bool kHasModule = false;
#endif

// An end with two buffers, and what has come.
struct End {
  End() : endpoint(open_endpoint({kProvider, "lo", kLargest})), memory(2 * kBuffer + 8 * kLargest) {
    EXPECT_EQ(endpoint->register_memory(memory.data(), memory.size()), "");
    for (std::uint64_t i = 0; i < 2; ++i) lend(i);
  }
  void lend(std::uint64_t i) {
    EXPECT_TRUE(endpoint->receive(memory.data() + i * kBuffer, kBuffer, i)) << endpoint->trouble();
  }
  std::byte* out(std::uint64_t slot) { return memory.data() + 2 * kBuffer + slot * kLargest; }

  void poll() {
    Event events[8];
    const std::uint32_t count = endpoint->poll(events, 8);
    for (std::uint32_t i = 0; i < count; ++i) {
      const Event& event = events[i];
      switch (event.kind) {
        case Event::Kind::kSent:
          free.push_back(event.token);
          break;
        case Event::Kind::kReceived:
          came.emplace_back(reinterpret_cast<const char*>(event.bytes), event.size);
          holes[event.token] -= event.size;
          filled[event.token] = std::max(
              filled[event.token],
              event.bytes - (memory.data() + event.token * kBuffer) + std::ptrdiff_t{event.size});
          break;
        case Event::Kind::kReleased:
          ++released;
          // A place that was given to a message which has not come yet.
          holes[event.token] += std::exchange(filled[event.token], 0);
          EXPECT_EQ(std::exchange(holes[event.token], 0), 0);
          lend(event.token);
          break;
        case Event::Kind::kSendFailed:
        case Event::Kind::kBroken:
          trouble = endpoint->trouble();
          break;
      }
    }
  }

  std::unique_ptr<Endpoint> endpoint;
  std::vector<std::byte> memory;
  std::deque<std::uint64_t> free{0, 1, 2, 3, 4, 5, 6, 7};
  std::vector<std::string> came;
  std::ptrdiff_t filled[2] = {0, 0}, holes[2] = {0, 0};  // bytes of each buffer
  int released = 0;
  std::string trouble;
};

struct Ends {
  explicit Ends(Pe count = 2) : ends(count) {
    std::vector<std::string> addresses;
    for (const End& end : ends) addresses.push_back(end.endpoint->address());
    for (End& end : ends) EXPECT_EQ(end.endpoint->set_peers(addresses), "");
  }
  void poll() {
    for (End& end : ends) end.poll();
  }
  bool try_send(Pe from, Pe to, const std::string& text) {
    End& end = ends[from];
    if (end.free.empty()) return false;
    const std::uint64_t slot = end.free.front();
    std::memcpy(end.out(slot), text.data(), text.size());
    const auto size = static_cast<std::uint32_t>(text.size());
    if (end.endpoint->send(to, end.out(slot), size, slot) != Endpoint::Sent::kTaken) return false;
    end.free.pop_front();
    return true;
  }
  // Takes in what comes meanwhile.
  void send(Pe from, const std::string& text) {
    while (!try_send(from, 1 - from, text)) poll();
  }
  template <class Done>
  void poll_until(const Done& done) {
    while (!done() && ends[0].trouble.empty() && ends[1].trouble.empty()) poll();
  }
  std::deque<End> ends;
};

std::string text_of(std::uint64_t seed, std::size_t size) {
  base::Rng rng(seed);
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>(rng.next());
  return text;
}

class FabricEndpoints : public testing::Test {
 protected:
  void SetUp() override {
    if (!kHasModule) GTEST_SKIP() << "built without libfabric";
  }
};

TEST_F(FabricEndpoints, MessagesArriveWholeAndInOrder) {
  Ends t;
  std::vector<std::string> sent;
  base::Rng rng(5);
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const std::size_t size = i % 10 == 0 ? kLargest : 8 * (1 + rng.next() % 100);
    sent.push_back(text_of(i, size));
    t.send(0, sent.back());
  }
  t.poll_until([&] { return t.ends[1].came.size() == sent.size(); });
  EXPECT_EQ(t.ends[1].trouble, "");
  EXPECT_TRUE(t.ends[1].came == sent);
  EXPECT_GE(t.ends[1].released, 10);
}

std::string numbered(std::uint64_t number, std::size_t size) {
  std::string text(size, static_cast<char>(number));
  std::memcpy(text.data(), &number, sizeof number);
  return text;
}

// Messages of several peers are received side by side, into parts of one buffer.
TEST_F(FabricEndpoints, ABufferIsReleasedWhenAllThatGoesThereHasCome) {
  constexpr Pe kSenders = 4;
  constexpr std::uint64_t kEach = 3000;
  Ends t(1 + kSenders);
  std::vector<std::unique_ptr<base::Thread>> senders;
  for (Pe i = 0; i < kSenders; ++i) {
    senders.push_back(std::make_unique<base::Thread>("sender", [&t, i] {
      End& end = t.ends[1 + i];
      for (std::uint64_t n = 0; n < kEach && end.trouble.empty();) {
        const std::uint64_t seed = i * kEach + n;
        n += t.try_send(1 + i, 0, numbered(seed, seed % 5 == 0 ? 64 : kLargest));
        end.poll();
      }
      while (end.free.size() < 8 && end.trouble.empty()) end.poll();
    }));
  }
  std::size_t whole = 0, came = 0;
  while (came < kSenders * kEach && t.ends[0].trouble.empty()) {
    t.ends[0].poll();
    for (const std::string& text : std::exchange(t.ends[0].came, {})) {
      std::uint64_t seed = 0;
      std::memcpy(&seed, text.data(), sizeof seed);
      ++came;
      whole += text == numbered(seed, text.size());
    }
  }
  EXPECT_EQ(t.ends[0].trouble, "");
  EXPECT_EQ(came, kSenders * kEach);
  EXPECT_EQ(whole, came);
}

TEST_F(FabricEndpoints, BothMayBeginAtOnce) {
  for (int round = 0; round < 10; ++round) {
    Ends t;
    for (int i = 0; i < 50; ++i)
      for (const Pe from : {Pe{0}, Pe{1}}) t.send(from, text_of(i, 64));
    t.poll_until([&] { return t.ends[0].came.size() == 50 && t.ends[1].came.size() == 50; });
    EXPECT_EQ(t.ends[0].came.size(), 50u);
  }
}

TEST_F(FabricEndpoints, TheDescriptorWakesWhoSleeps) {
  Ends t;
  const auto helper = base::Helper::shared();
  for (int i = 1; i <= 20; ++i) {
    t.send(0, text_of(1, 64));
    // From the first message on, which comes with the connection, nobody polls this end unless its
    // descriptor says so.
    End& end = t.ends[1];
    while (end.came.size() < static_cast<std::size_t>(i)) {
      std::atomic<std::uint32_t> rung{0};
      if (end.endpoint->may_sleep()) {
        helper->watch(end.endpoint->wait_fd(), [&] {
          rung.store(1);
          base::futex_wake(rung, 1);
        });
        while (rung.load() == 0) t.ends[0].poll();
      }
      end.poll();
    }
  }
  EXPECT_EQ(t.ends[1].came.size(), 20u);
}

// Looks after an end only when its descriptor says so.
class Sleeper {
 public:
  Sleeper(End& end, std::atomic<std::uint32_t>& wakes) : end_(end), wakes_(wakes) {}
  ~Sleeper() { helper_->unwatch(end_.endpoint->wait_fd()); }
  bool asleep() const { return asleep_.load(); }
  void sleep_if_possible() {
    if (!end_.endpoint->may_sleep()) return;
    asleep_.store(true);
    helper_->watch(end_.endpoint->wait_fd(), [this] {
      asleep_.store(false);
      wakes_.fetch_add(1);
      base::futex_wake(wakes_, 1);
    });
  }

 private:
  const std::shared_ptr<base::Helper> helper_ = base::Helper::shared();
  End& end_;
  std::atomic<std::uint32_t>& wakes_;
  std::atomic<bool> asleep_{false};
};

TEST_F(FabricEndpoints, ConnectionsAreMadeByTwoWhoSleep) {
  for (int round = 0; round < 5; ++round) {
    Ends t;
    std::atomic<std::uint32_t> wakes{0};
    Sleeper sleepers[] = {{t.ends[0], wakes}, {t.ends[1], wakes}};
    bool taken[2] = {false, false};
    while (t.ends[0].came.empty() || t.ends[1].came.empty()) {
      const std::uint32_t key = wakes.load();
      if (sleepers[0].asleep() && sleepers[1].asleep()) base::futex_wait(wakes, key);
      for (const Pe i : {Pe{0}, Pe{1}}) {
        End& end = t.ends[i];
        if (sleepers[i].asleep()) continue;
        end.poll();
        ASSERT_EQ(end.trouble, "");
        if (!taken[i])
          taken[i] = end.endpoint->send(1 - i, end.out(0), 64, 0) == Endpoint::Sent::kTaken;
        sleepers[i].sleep_if_possible();
      }
    }
  }
}

TEST_F(FabricEndpoints, TheDescriptorWakesWhoseMessagesPileUp) {
  constexpr std::size_t kMessages = 1000;
  Ends t;
  t.send(0, "hello");
  t.poll_until([&] { return t.ends[1].came.size() == 1; });
  End& from = t.ends[0];
  End& to = t.ends[1];
  // The other end does not read: more than its socket holds stays here.
  std::size_t taken = 0;
  while (taken < kMessages &&
         from.endpoint->send(1, from.out(0), kLargest, 0) == Endpoint::Sent::kTaken)
    ++taken;
  for (int i = 0; i < 100; ++i) from.poll();
  const std::size_t done = from.free.size();
  ASSERT_LT(done, taken);
  std::atomic<std::uint32_t> wakes{0};
  Sleeper sleeper(from, wakes);
  while (to.came.size() < 1 + taken && to.trouble.empty()) {
    to.poll();
    if (sleeper.asleep()) continue;
    from.poll();
    sleeper.sleep_if_possible();
  }
  EXPECT_EQ(to.came.size(), 1 + taken);
  EXPECT_GT(from.free.size(), done);
  EXPECT_EQ(from.trouble, "");
}

TEST_F(FabricEndpoints, WhoIsNotThereIsBusyOrFails) {
  End end;
  std::string nobody;
  {
    const End gone;
    nobody = gone.endpoint->address();
  }
  ASSERT_EQ(end.endpoint->set_peers({nobody}), "");
  for (int i = 0; i < 50; ++i) {
    const auto sent = end.endpoint->send(0, end.out(0), 64, 0);
    if (sent == Endpoint::Sent::kTaken) end.poll();
    EXPECT_TRUE(end.came.empty());
  }
}

TEST_F(FabricEndpoints, BindsToTheChosenInterfaceOnly) {
  for (const char* const choice : {"lo", "127.0.0.1"}) {
    const auto endpoint = open_endpoint({kProvider, choice, kLargest});
    EXPECT_EQ(endpoint->text_of(endpoint->address()).rfind("127.0.0.1:", 0), 0u);
    EXPECT_NE(endpoint->describe().find("provider tcp;ofi_rxm, interface lo, address 127.0.0.1:"),
              std::string::npos)
        << endpoint->describe();
  }
}

TEST_F(FabricEndpoints, RefusalsSayWhatIsUsable) {
  const std::string interface = refusal({kProvider, "no-such0", kLargest});
  EXPECT_NE(interface.find("no interface 'no-such0'"), std::string::npos) << interface;
  EXPECT_NE(interface.find("lo (127.0.0.1)"), std::string::npos) << interface;
  EXPECT_NE(interface.find("LAMELLAR_INTERFACE"), std::string::npos) << interface;
  for (const char* const name : {"no-such", "tcp"}) {  // the second is none for datagrams
    const std::string provider = refusal({name, "lo", kLargest});
    EXPECT_NE(provider.find(std::string("provider '") + name + "' cannot be used"),
              std::string::npos)
        << provider;
    EXPECT_NE(provider.find("tcp;ofi_rxm"), std::string::npos) << provider;
    EXPECT_NE(provider.find("LAMELLAR_PROVIDER"), std::string::npos) << provider;
  }
}

void own_handler(int) {}

bool is_mapped(const std::string& library) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find(library) != std::string::npos) return true;
  return false;
}

// Debian's libpsm, which libfabric brings along, takes six signals when it is loaded, whether the
// program has handlers for them or not.
[[noreturn]] void open_and_compare_signals() {
  constexpr int kRestorer = 0x04000000;  // libc's own, of every signal that was ever set
  std::string changed = is_mapped("libfabric") ? "libfabric was there before it was asked for" : "";
  struct sigaction own {};
  own.sa_handler = own_handler;
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE}) sigaction(signal, &own, nullptr);
  struct sigaction before[NSIG] = {};
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, nullptr, &before[signal]);
  if (refusal({kProvider, "lo", kLargest}) != "it was opened" || !is_mapped("libfabric"))
    changed += "; libfabric is not there";
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction after {};
    if (sigaction(signal, nullptr, &after) != 0) continue;
    const int flags = (after.sa_flags ^ before[signal].sa_flags) & ~kRestorer;
    if (after.sa_handler != before[signal].sa_handler || flags != 0)
      changed += "; signal " + std::to_string(signal);
  }
  std::fputs(changed.c_str(), stderr);
  std::_Exit(changed.empty() ? 0 : 1);
}

// In a process of its own, which has not loaded the module yet.
TEST(FabricModule, IsLoadedOnDemandAndSignalsStayTheProgramsOwn) {
  if (!kHasModule) GTEST_SKIP() << "built without libfabric";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(open_and_compare_signals(), testing::ExitedWithCode(0), "^$");
}

TEST(Messages, AreNoLargerThanTheProviderMovesInOneGo) {
  EXPECT_EQ(largest_message("tcp;ofi_rxm", 32 * 1024), 16u * 1024);
  EXPECT_EQ(largest_message("tcp;ofi_rxm", 1000), 1024u);
  EXPECT_EQ(largest_message("shm", 32 * 1024), 32u * 1024);
  EXPECT_EQ(largest_message("shm", 4097), 4160u);
}

}  // namespace
}  // namespace lamellar::lamellae
