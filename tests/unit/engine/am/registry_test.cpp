// Types of messages: numbers that are the same on every PE, names only for people.
#include "engine/am/registry.hpp"

#include <gtest/gtest.h>
#include <lamellar/am.hpp>

namespace registry_test {
namespace first {

struct Same {
  int value;
  void exec(lamellar::Context&) const {}
};
LAMELLAR_AM(Same, value);

}  // namespace first
namespace second {

struct Same {
  int value;
  int other;
  void exec(lamellar::Context&) const {}
};
LAMELLAR_AM(Same, value, other);

struct Text {
  std::string text;
  void exec(lamellar::Context&) const {}
};
LAMELLAR_AM(Text, text);

}  // namespace second

namespace {

using lamellar::detail::am_type;
using lamellar::engine::TypeSnapshot;

TEST(Registry, EveryTypeHasItsNumber) {
  const TypeSnapshot snapshot = TypeSnapshot::take();
  EXPECT_GE(snapshot.size(), 3u);
  for (std::uint32_t number = 0; number < snapshot.size(); ++number)
    EXPECT_EQ(number, snapshot.number_of(*snapshot.at(number)));
  EXPECT_EQ(nullptr, snapshot.at(static_cast<std::uint32_t>(snapshot.size())));
  EXPECT_EQ(nullptr, snapshot.at(~0u));
}

TEST(Registry, TypesOfOneNameAreTwoTypes) {
  const TypeSnapshot snapshot = TypeSnapshot::take();
  EXPECT_STREQ(am_type<first::Same>.name, am_type<second::Same>.name);
  EXPECT_NE(snapshot.number_of(am_type<first::Same>), snapshot.number_of(am_type<second::Same>));
}

TEST(Registry, SizesAreFixedWhereTheyAre) {
  EXPECT_EQ(sizeof(int), am_type<first::Same>.fixed);
  EXPECT_EQ(2 * sizeof(int), am_type<second::Same>.fixed);
  EXPECT_EQ(lamellar::detail::kVariableSize, am_type<second::Text>.fixed);
}

TEST(Registry, TwoSnapshotsOfOneProgramAgree) {
  const TypeSnapshot one = TypeSnapshot::take();
  const TypeSnapshot two = TypeSnapshot::take();
  EXPECT_EQ(one.digest(), two.digest());
  EXPECT_EQ(one.description(), two.description());
  EXPECT_NE(std::string::npos, one.description().find("(build id ")) << one.description();
  EXPECT_EQ(std::string::npos, one.description().find("(build id none)")) << one.description();
}

TEST(Registry, RegisteringTwiceChangesNothing) {
  const TypeSnapshot before = TypeSnapshot::take();
  EXPECT_TRUE(lamellar::detail::register_am_type(am_type<first::Same>));
  EXPECT_EQ(before.digest(), TypeSnapshot::take().digest());
  EXPECT_EQ(before.size(), TypeSnapshot::take().size());
}

TEST(Registry, ATypeThatCameLaterIsNamed) {
  const TypeSnapshot before = TypeSnapshot::take();
  static lamellar::detail::AmType late{"Late", 4, nullptr};
  EXPECT_THROW(
      {
        try {
          before.number_of(late);
        } catch (const lamellar::Error& error) {
          EXPECT_NE(std::string::npos, std::string(error.what()).find("Late")) << error.what();
          throw;
        }
      },
      lamellar::Error);
}

}  // namespace
}  // namespace registry_test
