// Messages, results and texts of exceptions of every size: around the size of a frame, several
// frames, and more than the limit; in both directions at once.
#include <stdexcept>
#include <string>
#include <vector>

#include "helpers.hpp"

namespace multi {
namespace {

struct EchoText {
  std::string text;
  std::string exec(Context&) { return std::move(text); }
};
LAMELLAR_AM(EchoText, text);

struct EchoTextLater {
  std::string text;
  Task<std::string> exec(Context& context) const {
    const std::uint64_t hash = hash_of(text);
    const World world = context.world();
    co_await world.async_barrier();
    EXPECT_EQ(hash, hash_of(text));
    co_return text;
  }
};
LAMELLAR_AM(EchoTextLater, text);

struct HashText {
  std::string text;
  std::uint64_t exec(Context&) const { return hash_of(text); }
};
LAMELLAR_AM(HashText, text);

struct GiveText {
  std::uint64_t size, seed;
  std::string exec(Context&) const { return text_of(size, seed); }
};
LAMELLAR_AM(GiveText, size, seed);

struct GiveTextLater {
  std::uint64_t size, seed;
  Task<std::vector<char>> exec(Context& context) const {
    const std::string text =
        co_await context.world().exec_am_pe<GiveText>(next_pe(context), size, seed);
    co_return std::vector<char>(text.begin(), text.end());
  }
};
LAMELLAR_AM(GiveTextLater, size, seed);

std::string printable(std::uint64_t size) {  // what() ends at a zero byte
  std::string text(size, 'x');
  for (std::size_t i = 0; i < text.size(); i += 7) text[i] = static_cast<char>('a' + i % 26);
  return text;
}
struct ThrowText {
  std::uint64_t size;
  void exec(Context&) const { throw std::runtime_error(printable(size)); }
};
LAMELLAR_AM(ThrowText, size);

struct AddHash {
  PeLocal<Counter> counter;
  std::string text;
  void exec(Context& context) const { counter.local(context).value += hash_of(text); }
};
LAMELLAR_AM(AddHash, counter, text);

// All around the size of a frame: with headers, without, one more, one less.
std::vector<std::uint64_t> threshold_sizes() {
  std::vector<std::uint64_t> sizes;
  const std::uint64_t frame = frame_bytes();
  const std::uint64_t step = kSlow ? 5 : 1;
  for (std::uint64_t size = frame - 150; size <= frame + 2; size += step) sizes.push_back(size);
  for (std::uint64_t size = 2 * frame - 200; size <= 2 * frame; size += 7 * step)
    sizes.push_back(size);
  return sizes;
}

std::vector<std::uint64_t> big_sizes() {
  if (frame_bytes() < 4096 && kSlow) return {100000, 300001};
  return {100000, 1 << 20, (3 << 20) + 1};
}

void echo_in_pairs(const World& world, const std::vector<std::uint64_t>& sizes) {
  const Pe next = next_pe(world);
  for (const std::uint64_t size : sizes) {
    const std::string text = text_of(size, world.my_pe());
    EXPECT_TRUE(world.exec_am_pe<EchoText>(next, text).block() == text) << size;
    EXPECT_TRUE(world.exec_am_pe<GiveText>(next, size, size).block() == text_of(size, size))
        << size;
    const RemoteError error =
        remote_error_of([&] { world.exec_am_pe<ThrowText>(next, size).block(); });
    EXPECT_TRUE(error.remote_what() == printable(size)) << size;
    EXPECT_EQ(error.pe(), next);
  }
}

LAMELLAR_MULTI_TEST(Large, AroundTheSizeOfAFrame, 2) { echo_in_pairs(world, threshold_sizes()); }

LAMELLAR_MULTI_TEST(Large, DetachedAroundTheSizeOfAFrame, 2) {
  PeLocal<Counter> counter(world);
  std::uint64_t expected = 0;
  for (const std::uint64_t size : threshold_sizes()) {
    const std::string text = text_of(size, size);
    expected += hash_of(text);
    world.exec_am_pe<AddHash>(next_pe(world), counter, text).detach();
    world.exec_am_pe<AddHash>(next_pe(world), counter, "").detach();
    expected += hash_of("");
  }
  world.wait_all();
  world.barrier();
  EXPECT_EQ(counter.local().value, expected);
}

LAMELLAR_MULTI_TEST(Large, Megabytes, 2) { echo_in_pairs(world, big_sizes()); }

LAMELLAR_MULTI_TEST(Large, SeveralAtOnceInBothDirections, 2) {
  PeLocal<Counter> counter(world);
  const Pe next = next_pe(world);
  const std::uint64_t size = frame_bytes() < 4096 ? 40000 : 500000;
  std::vector<Future<std::string>> echoes;
  std::vector<Future<std::vector<char>>> given;
  std::uint64_t expected = 0;
  for (std::uint64_t i = 0; i < 10; ++i) {
    echoes.push_back(world.exec_am_pe<EchoText>(next, text_of(size + i, i)).spawn());
    given.push_back(world.exec_am_pe<GiveTextLater>(next, size + i, i).spawn());
    world.exec_am_pe<AddHash>(next, counter, text_of(size - i, i)).detach();
    expected += hash_of(text_of(size - i, i));
  }
  for (std::uint64_t i = 0; i < 10; ++i) {
    const std::string text = text_of(size + i, i);
    EXPECT_TRUE(echoes[i].block() == text) << i;
    EXPECT_TRUE(given[i].block() == std::vector<char>(text.begin(), text.end())) << i;
  }
  world.wait_all();
  world.barrier();
  EXPECT_EQ(counter.local().value, expected);
}

LAMELLAR_MULTI_TEST(Large, FromInsideTasks, 2) {
  auto task = [](World inside, Pe to, std::uint64_t seed) -> Task<bool> {
    const std::string text = text_of(300000, seed);
    std::string back = co_await inside.exec_am_pe<EchoText>(to, text);
    co_return back == text;
  };
  std::vector<Future<bool>> tasks;
  for (std::uint64_t i = 0; i < 8; ++i)
    tasks.push_back(world.spawn(task(world, static_cast<Pe>(i) % world.num_pes(), i)));
  for (auto& one : tasks) EXPECT_TRUE(one.block());
}

LAMELLAR_MULTI_TEST(Large, CoroutinesKeepTheirLargeMessage, 2) {
  // Each PE's message awaits one barrier, and so does each PE's message.
  const std::string text = text_of(200000, world.my_pe());
  EXPECT_TRUE(world.exec_am_pe<EchoTextLater>(next_pe(world), text).block() == text);
}

LAMELLAR_MULTI_TEST(Large, ToAll, 2) {
  if (world.my_pe() == 0) {
    const std::string text = text_of(700000, 3);
    const auto hashes = world.exec_am_all<HashText>(text).block();
    for (const std::uint64_t hash : hashes) EXPECT_EQ(hash, hash_of(text));
  }
  const auto texts = world.exec_am_all<GiveText>(std::uint64_t{100000}, std::uint64_t{9}).block();
  for (const std::string& text : texts) EXPECT_TRUE(text == text_of(100000, 9));
}

LAMELLAR_MULTI_TEST(Large, SixtyFourMegabytes, 2) {
  if (std::getenv("LAMELLAR_TEST_HUGE") != nullptr && world.my_pe() < 2) {
    const std::uint64_t size = 64 << 20;
    const Pe other = 1 - world.my_pe();
    const std::string text = text_of(size, world.my_pe());
    EXPECT_TRUE(world.exec_am_pe<EchoText>(other, text).block() == text);
    const RemoteError error =
        remote_error_of([&] { world.exec_am_pe<ThrowText>(other, size).block(); });
    EXPECT_TRUE(error.remote_what() == printable(size));
  }
}

// --- above the limit: LAMELLAR_MAX_AM is set by one of the runs ----------------------------

void expect_too_large(const std::string& what, std::uint64_t at_least) {
  EXPECT_NE(what.find("LAMELLAR_MAX_AM"), std::string::npos) << what;
  EXPECT_NE(what.find(std::to_string(max_am())), std::string::npos) << what;
  // The size is told; it is that of the encoding.
  bool told = false;
  for (std::uint64_t size = at_least; size < at_least + 200 && !told; ++size)
    told = what.find(std::to_string(size)) != std::string::npos;
  EXPECT_TRUE(told) << what;
}

LAMELLAR_MULTI_TEST(Large, AboveTheLimit, 2) {
  if (max_am() <= 1 << 20) {
    const Pe next = next_pe(world);
    const std::uint64_t size = max_am() + 1;
    for (int round = 0; round < 3; ++round) {
      try {
        world.exec_am_pe<HashText>(next, text_of(size, 1)).block();
        ADD_FAILURE() << "nothing was thrown";
      } catch (const lamellar::AmTooLarge& error) {
        expect_too_large(error.what(), size);
        EXPECT_EQ(error.limit(), max_am());
        EXPECT_GE(error.size(), size);
        EXPECT_NE(std::string(error.what()).find("HashText"), std::string::npos) << error.what();
      }
      EXPECT_THROW(world.exec_am_pe<HashText>(next, text_of(size, 1)).detach(),
                   lamellar::AmTooLarge);
      EXPECT_THROW(world.exec_am_all<HashText>(text_of(size, 1)).block(), lamellar::AmTooLarge);

      const RemoteError reply =
          remote_error_of([&] { world.exec_am_pe<GiveText>(next, size, size).block(); });
      EXPECT_EQ(reply.type_name(), "lamellar::AmTooLarge");
      EXPECT_EQ(reply.am(), "GiveText");
      expect_too_large(reply.remote_what(), size);

      const RemoteError text =
          remote_error_of([&] { world.exec_am_pe<ThrowText>(next, size).block(); });
      EXPECT_EQ(text.type_name(), "std::runtime_error");
      expect_too_large(text.remote_what(), size);

      const std::string fits = text_of(max_am() - 200, 2);
      EXPECT_EQ(world.exec_am_pe<HashText>(next, fits).block(), hash_of(fits));
    }
    world.wait_all();
  }
}

}  // namespace
}  // namespace multi
