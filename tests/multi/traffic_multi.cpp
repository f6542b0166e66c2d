// Random traffic: every kind of message, size and destination, with checksums, all at once.
#include <random>
#include <string>
#include <vector>

#include "helpers.hpp"

namespace multi {
namespace {

struct Tally {
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> hash{0};
};

struct Load {
  std::uint64_t seed;
  std::string text;
  std::uint64_t check;
};
LAMELLAR_FIELDS(Load, seed, text, check);

Load make_load(std::uint64_t seed, std::size_t size) {
  Load load{seed, text_of(size, seed), 0};
  load.check = hash_of(load.text) ^ seed;
  return load;
}
void note(const PeLocal<Tally>& tally, Context& context, const Load& load) {
  EXPECT_EQ(hash_of(load.text) ^ load.seed, load.check);
  Tally& mine = tally.local(context);
  mine.messages += 1;
  mine.hash += load.check;
}

struct Small {
  PeLocal<Tally> tally;
  std::uint64_t seed;
  void exec(Context& context) const {
    tally.local(context).messages += 1;
    tally.local(context).hash += seed;
  }
};
LAMELLAR_AM(Small, tally, seed);

struct Plain {
  PeLocal<Tally> tally;
  Load load;
  std::uint64_t exec(Context& context) const {
    note(tally, context, load);
    return load.check;
  }
};
LAMELLAR_AM(Plain, tally, load);

struct Echo {
  PeLocal<Tally> tally;
  Load load;
  Load exec(Context& context) {
    note(tally, context, load);
    return std::move(load);
  }
};
LAMELLAR_AM(Echo, tally, load);

struct Relay {  // goes on to another PE, some of it detached
  PeLocal<Tally> tally;
  Load load;
  std::uint32_t hops;
  Task<std::uint64_t> exec(Context& context) {
    note(tally, context, load);
    if (hops == 0) co_return load.check;
    const World world = context.world();
    const Pe next = static_cast<Pe>(load.seed % context.num_pes());
    const std::uint64_t mine = load.check;
    const std::uint32_t left = hops - 1;
    std::uint64_t rest = 0;
    auto handle = world.exec_am_pe<Relay>(next, tally, std::move(load), left);
    rest = co_await std::move(handle);
    co_return rest + mine;
  }
};
LAMELLAR_AM(Relay, tally, load, hops);

struct Refuses {
  std::uint64_t seed;
  void exec(Context&) const { throw std::runtime_error(std::to_string(seed)); }
};
LAMELLAR_AM(Refuses, seed);

struct ReadTally {
  PeLocal<Tally> tally;
  std::pair<std::uint64_t, std::uint64_t> exec(Context& context) const {
    return {tally.local(context).messages, tally.local(context).hash};
  }
};
LAMELLAR_AM(ReadTally, tally);

std::size_t some_size(std::mt19937_64& random) {
  switch (random() % 40) {
    case 0: return random() % 100000;
    case 1: return frame_bytes() - random() % 200;
    case 2: return random() % 3000;
    default: return random() % 200;
  }
}

// What one PE did, as far as the tallies of all PEs must show it.
struct Sent {
  std::uint64_t messages = 0;
  std::uint64_t hash = 0;
  void add(std::uint64_t check, std::uint64_t times = 1) {
    messages += times;
    hash += check * times;
  }
};

void one_operation(const World& world, const PeLocal<Tally>& tally, std::mt19937_64& random,
                   std::vector<Future<std::uint64_t>>& open, std::vector<std::uint64_t>& expected,
                   Sent& sent) {
  const Pe to = static_cast<Pe>(random() % world.num_pes());
  const std::uint64_t seed = random();
  const Load load = make_load(seed, some_size(random));
  switch (random() % 10) {
    case 0:
    case 1:
      for (std::uint64_t i = 0; i < seed % 100; ++i) {
        world.exec_am_pe<Small>(to, tally, seed).detach();
        sent.add(seed);
      }
      break;
    case 2:
      world.exec_am_pe<Plain>(to, tally, load).detach();
      sent.add(load.check);
      break;
    case 3:
      open.push_back(world.exec_am_pe<Plain>(to, tally, load).spawn());
      expected.push_back(load.check);
      sent.add(load.check);
      break;
    case 4: {
      const Load back = world.exec_am_pe<Echo>(to, tally, load).block();
      EXPECT_TRUE(back.text == load.text && back.check == load.check);
      sent.add(load.check);
      break;
    }
    case 5:
      open.push_back(world.exec_am_pe<Relay>(to, tally, load, 3u).spawn());
      expected.push_back(load.check * 4);
      sent.add(load.check, 4);
      break;
    case 6:
      world.exec_am_pe<Relay>(to, tally, load, 2u).detach();
      sent.add(load.check, 3);
      break;
    case 7:
      world.exec_am_all<Plain>(tally, load).detach();
      sent.add(load.check, world.num_pes());
      break;
    case 8:
      EXPECT_EQ(remote_error_of([&] { world.exec_am_pe<Refuses>(to, seed).block(); }).remote_what(),
                std::to_string(seed));
      break;
    case 9:
      for (const Load& back : world.exec_am_all<Echo>(tally, load).block())
        EXPECT_TRUE(back.text == load.text);
      sent.add(load.check, world.num_pes());
      if (seed % 5 == 0) world.flush();
      if (seed % 7 == 0) world.wait_all();
      break;
  }
}

LAMELLAR_MULTI_TEST(Traffic, RandomMixWithChecksums, 1) {
  const std::uint64_t seed = bytes_setting("LAMELLAR_TEST_SEED", 1);
  PeLocal<Tally> tally(world);
  PeLocal<Tally> all_sent(world);
  std::mt19937_64 random(seed * 1000 + world.my_pe());
  std::vector<Future<std::uint64_t>> open;
  std::vector<std::uint64_t> expected;
  Sent sent;
  const int operations = kSlow ? 60 : 300;
  for (int i = 0; i < operations; ++i)
    one_operation(world, tally, random, open, expected, sent);
  for (std::size_t i = 0; i < open.size(); ++i) EXPECT_EQ(open[i].block(), expected[i]);
  world.wait_all();

  all_sent.local().messages = sent.messages;
  all_sent.local().hash = sent.hash;
  world.barrier();
  // wait_all() waits for what a PE launched itself, and each relay awaits its successor.
  Sent there, here;
  for (const auto& [messages, hash] : world.exec_am_all<ReadTally>(tally).block()) {
    there.messages += messages;
    there.hash += hash;
  }
  for (const auto& [messages, hash] : world.exec_am_all<ReadTally>(all_sent).block()) {
    here.messages += messages;
    here.hash += hash;
  }
  EXPECT_EQ(there.messages, here.messages) << "seed " << seed;
  EXPECT_EQ(there.hash, here.hash) << "seed " << seed;
}

}  // namespace
}  // namespace multi
