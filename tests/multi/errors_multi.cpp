// What active messages throw, where it arrives, and what is refused.
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "helpers.hpp"

namespace multi {

// Outside the anonymous namespace: its name is compared.
struct CustomError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace {

enum class Throw : int {
  kRuntimeError, kCustom, kNested, kInt, kCharPointer, kBadAlloc, kString, kEmptyText
};

void do_throw(Throw what) {
  switch (what) {
    case Throw::kRuntimeError: throw std::runtime_error("the text");
    case Throw::kCustom: throw CustomError("custom text");
    case Throw::kNested:
      try {
        throw std::out_of_range("inner");
      } catch (...) {
        std::throw_with_nested(CustomError("outer"));
      }
    case Throw::kInt: throw 1;
    case Throw::kCharPointer: throw "a literal";
    case Throw::kBadAlloc: throw std::bad_alloc();
    case Throw::kString: throw std::string("a string");
    case Throw::kEmptyText: throw std::runtime_error("");
  }
}

struct Expected {
  Throw what;
  const char* type;
  const char* text;
};
constexpr Expected kExpected[] = {
    {Throw::kRuntimeError, "std::runtime_error", "the text"},
    {Throw::kCustom, "multi::CustomError", "custom text"},
    {Throw::kNested, "std::_Nested_exception<multi::CustomError>", "outer"},
    {Throw::kInt, "int", nullptr},
    {Throw::kCharPointer, "char const*", "a literal"},
    {Throw::kBadAlloc, "std::bad_alloc", "std::bad_alloc"},
    {Throw::kString, nullptr, "a string"},
    {Throw::kEmptyText, "std::runtime_error", ""},
};

struct ThrowsPlain {
  Throw what;
  int exec(Context&) const {
    do_throw(what);
    return 0;
  }
};
LAMELLAR_AM(ThrowsPlain, what);

struct ThrowsBeforeSuspending {
  Throw what;
  Task<void> exec(Context& context) const {
    do_throw(what);
    co_await context.world().exec_am_pe<ThrowsPlain>(0, what);
  }
};
LAMELLAR_AM(ThrowsBeforeSuspending, what);

struct Nothing {
  void exec(Context&) const {}
};
LAMELLAR_AM(Nothing);

struct ThrowsAfterSuspending {
  Throw what;
  std::string padding;
  Task<std::string> exec(Context& context) const {
    co_await context.world().exec_am_pe<Nothing>(next_pe(context));
    do_throw(what);
    co_return padding;
  }
};
LAMELLAR_AM(ThrowsAfterSuspending, what, padding);

struct ThrowsOn {
  Pe bad;
  Pe exec(Context& context) const {
    if (context.my_pe() == bad) throw CustomError("not here");
    return context.my_pe();
  }
};
LAMELLAR_AM(ThrowsOn, bad);

struct PassesOn {  // fails because what it awaits fails
  Throw what;
  Task<int> exec(Context& context) const {
    const int value = co_await context.world().exec_am_pe<ThrowsPlain>(next_pe(context), what);
    co_return value;
  }
};
LAMELLAR_AM(PassesOn, what);

void check(const RemoteError& error, const Expected& expected, Pe pe, const char* am) {
  if (expected.type != nullptr) {
    EXPECT_EQ(error.type_name(), expected.type);
  }
  if (expected.text != nullptr) {
    EXPECT_EQ(error.remote_what(), expected.text);
  }
  EXPECT_EQ(error.pe(), pe);
  EXPECT_EQ(error.am(), am);
  EXPECT_NE(std::string(error.what()).find(am), std::string::npos) << error.what();
}

LAMELLAR_MULTI_TEST(Errors, PlainMessagesThrowAnything, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe)
    for (const Expected& expected : kExpected)
      check(remote_error_of([&] { world.exec_am_pe<ThrowsPlain>(pe, expected.what).block(); }),
            expected, pe, "ThrowsPlain");
}

LAMELLAR_MULTI_TEST(Errors, CoroutinesThrowBeforeAndAfterSuspending, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    for (const Expected& expected : kExpected) {
      check(remote_error_of([&] {
              world.exec_am_pe<ThrowsBeforeSuspending>(pe, expected.what).block();
            }),
            expected, pe, "ThrowsBeforeSuspending");
      check(remote_error_of([&] {
              world.exec_am_pe<ThrowsAfterSuspending>(pe, expected.what, "xyz").block();
            }),
            expected, pe, "ThrowsAfterSuspending");
    }
  }
}

LAMELLAR_MULTI_TEST(Errors, CoAwaitThrowsToo, 1) {
  auto task = [](World inside, Pe pe) -> Task<int> {
    int caught = 0;
    for (const Expected& expected : kExpected) {
      try {
        co_await inside.exec_am_pe<ThrowsPlain>(pe, expected.what);
      } catch (const RemoteError& error) {
        check(error, expected, pe, "ThrowsPlain");
        ++caught;
      }
      try {
        co_await inside.exec_am_pe<ThrowsAfterSuspending>(pe, expected.what, "");
      } catch (const RemoteError& error) {
        check(error, expected, pe, "ThrowsAfterSuspending");
        ++caught;
      }
    }
    co_return caught;
  };
  for (Pe pe = 0; pe < world.num_pes(); ++pe) EXPECT_EQ(world.block_on(task(world, pe)), 16);
}

LAMELLAR_MULTI_TEST(Errors, WhenAllGivesTheFirstInItsOrder, 1) {
  auto task = [](World inside) -> Task<void> {
    std::vector<Future<int>> futures;
    const Pe last = inside.num_pes() - 1;
    futures.push_back(inside.exec_am_pe<PassesOn>(last, Throw::kCustom).spawn());
    futures.push_back(inside.exec_am_pe<ThrowsPlain>(0, Throw::kInt).spawn());
    futures.push_back(inside.exec_am_pe<ThrowsPlain>(last, Throw::kBadAlloc).spawn());
    co_await when_all(std::move(futures));
  };
  const RemoteError error = remote_error_of([&] { world.block_on(task(world)); });
  EXPECT_EQ(error.am(), "PassesOn");
  EXPECT_EQ(error.type_name(), "lamellar::RemoteError");
  EXPECT_NE(error.remote_what().find("custom text"), std::string::npos) << error.remote_what();
  EXPECT_NE(error.remote_what().find("ThrowsPlain"), std::string::npos) << error.remote_what();
}

LAMELLAR_MULTI_TEST(Errors, OneFailingPeOfAll, 1) {
  for (Pe bad = 0; bad < world.num_pes(); ++bad) {
    const RemoteError error =
        remote_error_of([&] { world.exec_am_all<ThrowsOn>(bad).block(); });
    check(error, {Throw::kCustom, "multi::CustomError", "not here"}, bad, "ThrowsOn");
  }
  const auto fine = world.exec_am_all<ThrowsOn>(world.num_pes()).block();
  EXPECT_EQ(fine.size(), world.num_pes());
  EXPECT_THROW(world.exec_am_all<ThrowsPlain>(Throw::kCustom).block(), RemoteError);
}

struct OnlyHereThrows {  // no LAMELLAR_AM
  int* pointer;
  void exec(Context&) const { throw CustomError("local"); }
};

LAMELLAR_MULTI_TEST(Errors, LocalMessagesSayTheSame, 1) {
  const RemoteError unlisted =
      remote_error_of([&] { world.exec_am_local(OnlyHereThrows{nullptr}).block(); });
  EXPECT_EQ(unlisted.remote_what(), "local");
  EXPECT_NE(unlisted.am().find("OnlyHereThrows"), std::string::npos) << unlisted.am();
  EXPECT_EQ(unlisted.am().find("12_GLOBAL"), std::string::npos) << unlisted.am();
  const RemoteError error =
      remote_error_of([&] { world.exec_am_local(ThrowsPlain{Throw::kCustom}).block(); });
  EXPECT_EQ(error.type_name(), "multi::CustomError");
  EXPECT_EQ(error.remote_what(), "custom text");
  EXPECT_EQ(error.pe(), world.my_pe());
  EXPECT_EQ(error.am(), "ThrowsPlain");
}

// --- throwing serialize --------------------------------------------------------------------

struct Fragile {
  bool bad_to_encode = false;
  bool bad_to_decode = false;
  std::string padding;
  template <class Archive>
  void save(Archive& archive) const {
    archive(bad_to_decode);
    archive(padding);
    if (bad_to_encode) throw CustomError("while encoding");
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(bad_to_decode);
    archive(padding);
    if (bad_to_decode) throw CustomError("while decoding");
  }
};

struct TakesFragile {
  Fragile fragile;
  std::size_t exec(Context&) const { return fragile.padding.size(); }
};
LAMELLAR_AM(TakesFragile, fragile);
struct TakesFragileLater {
  Fragile fragile;
  Task<std::size_t> exec(Context&) const { co_return fragile.padding.size(); }
};
LAMELLAR_AM(TakesFragileLater, fragile);
struct GivesFragile {
  bool bad_to_encode, bad_to_decode;
  std::uint64_t size;
  Fragile exec(Context&) const { return {bad_to_encode, bad_to_decode, text_of(size, 1)}; }
};
LAMELLAR_AM(GivesFragile, bad_to_encode, bad_to_decode, size);
struct GivesFragileLater {
  bool bad_to_encode, bad_to_decode;
  Task<Fragile> exec(Context& context) const {
    co_await context.world().exec_am_pe<Nothing>(next_pe(context));
    co_return Fragile{bad_to_encode, bad_to_decode, "later"};
  }
};
LAMELLAR_AM(GivesFragileLater, bad_to_encode, bad_to_decode);

template <class F>
void expect_custom(F f, const char* text) {
  try {
    f();
    ADD_FAILURE() << "nothing was thrown, expected " << text;
  } catch (const CustomError& error) {
    EXPECT_STREQ(error.what(), text);
  } catch (const std::exception& error) {
    ADD_FAILURE() << "another exception: " << error.what();
  }
}

LAMELLAR_MULTI_TEST(Errors, ArgumentsThatCannotBeEncoded, 2) {
  const Pe next = next_pe(world);
  for (const std::size_t size : {std::size_t{0}, std::size_t{100000}}) {
    const Fragile bad{true, false, text_of(size, 1)};
    const Fragile fine{false, false, text_of(size, 2)};
    // On this PE, as it was thrown.
    expect_custom([&] { world.exec_am_pe<TakesFragile>(next, bad).block(); }, "while encoding");
    expect_custom([&] { world.exec_am_pe<TakesFragile>(next, bad).detach(); }, "while encoding");
    EXPECT_EQ(world.exec_am_pe<TakesFragile>(next, fine).block(), size);
    world.exec_am_pe<TakesFragile>(next, fine).detach();
    expect_custom([&] { world.exec_am_pe<TakesFragile>(next, bad).detach(); }, "while encoding");
    expect_custom([&] { world.exec_am_all<TakesFragile>(bad).block(); }, "while encoding");
    EXPECT_EQ(world.exec_am_pe<TakesFragileLater>(next, fine).block(), size);
  }
  world.wait_all();
}

LAMELLAR_MULTI_TEST(Errors, ArgumentsThatCannotBeDecoded, 2) {
  const Pe next = next_pe(world);
  for (const std::size_t size : {std::size_t{0}, std::size_t{100000}}) {
    const Fragile bad{false, true, text_of(size, 1)};
    const Expected expected{Throw::kCustom, "multi::CustomError", "while decoding"};
    check(remote_error_of([&] { world.exec_am_pe<TakesFragile>(next, bad).block(); }), expected,
          next, "TakesFragile");
    check(remote_error_of([&] { world.exec_am_pe<TakesFragileLater>(next, bad).block(); }),
          expected, next, "TakesFragileLater");
  }
}

LAMELLAR_MULTI_TEST(Errors, ResultsThatCannotBeEncodedOrDecoded, 2) {
  const Pe next = next_pe(world);
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{100000}}) {
    check(remote_error_of([&] { world.exec_am_pe<GivesFragile>(next, true, false, size).block(); }),
          {Throw::kCustom, "multi::CustomError", "while encoding"}, next, "GivesFragile");
    expect_custom([&] { world.exec_am_pe<GivesFragile>(next, false, true, size).block(); },
                  "while decoding");
    EXPECT_EQ(world.exec_am_pe<GivesFragile>(next, false, false, size).block().padding.size(),
              size);
  }
  check(remote_error_of([&] { world.exec_am_pe<GivesFragileLater>(next, true, false).block(); }),
        {Throw::kCustom, "multi::CustomError", "while encoding"}, next, "GivesFragileLater");
  expect_custom([&] { world.exec_am_pe<GivesFragileLater>(next, false, true).block(); },
                "while decoding");
  expect_custom([&] { world.exec_am_all<GivesFragile>(false, true, std::uint64_t{1}).block(); },
                "while decoding");
  EXPECT_THROW(
      world.exec_am_all<GivesFragile>(true, false, std::uint64_t{1}).block(), RemoteError);
}

// --- refused -------------------------------------------------------------------------------

template <class F>
std::string refusal_of(F f) {
  try {
    f();
  } catch (const lamellar::WouldDeadlock& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another exception: ") + error.what();
  }
  return "nothing was thrown";
}

// What each blocking call says here, where nothing may block.
std::vector<std::string> refusals(const World& world) {
  std::vector<std::string> texts;
  texts.push_back(refusal_of([&] { world.wait_all(); }));
  texts.push_back(refusal_of([&] { world.barrier(); }));
  texts.push_back(refusal_of([&] { world.async_barrier().block(); }));
  texts.push_back(refusal_of([&] { world.async_wait_all().block(); }));
  return texts;
}

void expect_refusals(const std::vector<std::string>& texts) {
  ASSERT_GE(texts.size(), 4u);
  for (const std::string& text : texts) {
    EXPECT_NE(text.find("co_await"), std::string::npos) << text;
    EXPECT_NE(text.find("inside a task"), std::string::npos) << text;
    EXPECT_NE(text.find("errors_multi.cpp"), std::string::npos) << text;
  }
  EXPECT_NE(texts[0].find("async_wait_all"), std::string::npos) << texts[0];
  EXPECT_NE(texts[1].find("async_barrier"), std::string::npos) << texts[1];
}

struct WaitsForAllInPlainExec {
  std::vector<std::string> exec(Context& context) const { return refusals(context.world()); }
};
LAMELLAR_AM(WaitsForAllInPlainExec);
struct WaitsForAllInCoroutine {
  Task<std::vector<std::string>> exec(Context& context) const {
    const World world = context.world();
    std::vector<std::string> texts = refusals(world);
    co_await world.exec_am_pe<Nothing>(next_pe(context));
    for (std::string& text : refusals(world)) texts.push_back(std::move(text));
    co_return texts;
  }
};
LAMELLAR_AM(WaitsForAllInCoroutine);

LAMELLAR_MULTI_TEST(Errors, WaitingForAllInsideMessagesIsRefused, 1) {
  for (Pe pe = 0; pe < world.num_pes(); ++pe) {
    expect_refusals(world.exec_am_pe<WaitsForAllInPlainExec>(pe).block());
    expect_refusals(world.exec_am_pe<WaitsForAllInCoroutine>(pe).block());
  }
  expect_refusals(world.exec_am_local(WaitsForAllInPlainExec{}).block());
  world.wait_all();
}

LAMELLAR_MULTI_TEST(Errors, WaitingForAllInsideTasksIsRefused, 1) {
  auto task = [](World inside) -> Task<std::vector<std::string>> {
    std::vector<std::string> texts = refusals(inside);
    co_return texts;
  };
  expect_refusals(world.block_on(task(world)));
  auto later = [](World inside) -> Task<std::vector<std::string>> {
    co_await inside.exec_am_pe<Nothing>(next_pe(inside));
    std::vector<std::string> texts = refusals(inside);
    co_return texts;
  };
  expect_refusals(world.block_on(later(world)));
  expect_refusals(world.spawn([copy = world] { return refusals(copy); }).block());
  world.wait_all();
}

LAMELLAR_MULTI_TEST(Errors, PesThatDoNotExist, 1) {
  const Pe none = world.num_pes();
  try {
    world.exec_am_pe<Nothing>(none).block();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const lamellar::OutOfRange& error) {
    EXPECT_EQ(error.pe(), none);
    EXPECT_EQ(error.num_pes(), world.num_pes());
    EXPECT_NE(std::string(error.what()).find(std::to_string(none)), std::string::npos);
  }
  EXPECT_THROW(world.exec_am_pe<Nothing>(none).detach(), lamellar::OutOfRange);
  EXPECT_THROW(static_cast<void>(world.exec_am_pe<Nothing>(~Pe{0}).spawn()),
               lamellar::OutOfRange);
  auto task = [](World inside) -> Task<bool> {
    bool caught = false;
    try {
      co_await inside.exec_am_pe<Nothing>(inside.num_pes());
    } catch (const lamellar::OutOfRange&) {
      caught = true;
    }
    co_return caught;
  };
  EXPECT_TRUE(world.block_on(task(world)));
  // Also while the open run is of this type.
  for (int i = 0; i < 10; ++i) world.exec_am_pe<Nothing>(next_pe(world)).detach();
  EXPECT_THROW(world.exec_am_pe<Nothing>(none).detach(), lamellar::OutOfRange);
  world.wait_all();
}

LAMELLAR_MULTI_TEST(Errors, AnEmptyPeLocalThrows, 1) {
  const PeLocal<Counter> empty;
  EXPECT_THROW(static_cast<void>(empty.local()), lamellar::Error);
}

}  // namespace
}  // namespace multi
