#include <gtest/gtest.h>

#include <cereal/cereal.hpp>
#include <cereal/types/base_class.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include <lamellar/error.hpp>

#include "unit/base/serial/types.hpp"

namespace serial_test {
namespace {

// A private member function, names, a nested standard type and a listed one.
class Account {
 public:
  Account() = default;
  Account(std::string owner, std::vector<int> entries)
      : owner_(std::move(owner)), entries_(std::move(entries)) {}
  friend bool operator==(const Account&, const Account&) = default;

 private:
  friend class cereal::access;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(CEREAL_NVP(owner_), entries_);
    archive & place_;
  }
  std::string owner_;
  std::vector<int> entries_;
  Point place_{3, 4};
};

// save and load, a size tag and raw bytes.
struct Block {
  std::vector<std::uint16_t> values;
  template <class Archive>
  void save(Archive& archive) const {
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(values.size())));
    archive(cereal::binary_data(values.data(), values.size() * sizeof(std::uint16_t)));
  }
  template <class Archive>
  void load(Archive& archive) {
    cereal::size_type size = 0;
    archive(cereal::make_size_tag(size));
    values.resize(size);
    archive(cereal::binary_data(values.data(), values.size() * sizeof(std::uint16_t)));
  }
  friend bool operator==(const Block&, const Block&) = default;
};

// Functions beside the type.
struct Free {
  int a = 0;
  friend bool operator==(const Free&, const Free&) = default;
};
template <class Archive>
void serialize(Archive& archive, Free& free) {
  archive(free.a);
}

struct Minimal {
  std::string text;
  template <class Archive>
  std::string save_minimal(const Archive&) const {
    return text;
  }
  template <class Archive>
  void load_minimal(const Archive&, const std::string& value) {
    text = value;
  }
  friend bool operator==(const Minimal&, const Minimal&) = default;
};

struct Versioned {
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive, const std::uint32_t version) {
    if (version == 3) archive(value);
  }
  friend bool operator==(const Versioned&, const Versioned&) = default;
};

struct Base {
  int base = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(base);
  }
  friend bool operator==(const Base&, const Base&) = default;
};
struct Derived : Base {
  int own = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Base>(this), own);
  }
  friend bool operator==(const Derived&, const Derived&) = default;
};

struct Holder {
  std::vector<Account> accounts;
  Block block;
  friend bool operator==(const Holder&, const Holder&) = default;
};
LAMELLAR_FIELDS(Holder, accounts, block);

}  // namespace
}  // namespace serial_test

CEREAL_CLASS_VERSION(serial_test::Versioned, 3)

namespace serial_test {
namespace {

template <class T>
void expect_round_trip(const T& value) {
  EXPECT_EQ(value_of<T>(bytes_of(value)), value);
}

TEST(CerealTypes, TravelWithoutAList) {
  expect_round_trip(Account("Ann", {1, 2, 3}));
  expect_round_trip(Block{{1, 2, 3}});
  expect_round_trip(Free{5});
  expect_round_trip(Minimal{"text"});
  expect_round_trip(Versioned{9});
  expect_round_trip(std::vector<Versioned>(3, Versioned{9}));
  Derived derived;
  derived.base = 1;
  derived.own = 2;
  expect_round_trip(derived);
}

TEST(CerealTypes, MayBeMembersOfListedOnesAndElements) {
  expect_round_trip(Holder{{Account("a", {}), Account("b", {1})}, {{7}}});
  expect_round_trip(std::vector<Account>(300, Account("Ann", {1, 2})));
  expect_round_trip(std::map<std::string, Free>{{"a", {1}}});
}

TEST(CerealTypes, EveryTruncationIsADecodeError) {
  const auto whole = bytes_of(Holder{{Account("ab", {1, 2}), Account("b", {1})}, {{7, 8}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> part(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_THROW((void)value_of<Holder>(part), lamellar::DecodeError) << size;
  }
}

TEST(CerealTypes, ASizeTagAboveTheBytesLeftIsRefused) {
  std::vector<std::byte> lie(11, std::byte{0xff});
  lie[9] = std::byte{1};
  EXPECT_THROW((void)value_of<Block>(lie), lamellar::DecodeError);
}

}  // namespace
}  // namespace serial_test
