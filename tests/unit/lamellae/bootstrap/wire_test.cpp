#include <gtest/gtest.h>

#include <map>
#include <string>

#include <lamellar/error.hpp>

#include "base/clock/clock.hpp"
#include "lamellae/bootstrap/pmi.hpp"
#include "lamellae/bootstrap/wire_line.hpp"
#include "unit/lamellae/bootstrap/fake_server.hpp"

namespace lamellar::lamellae {
namespace {

using base::kForever;

// Answers as MPICH's hydra does.
class Hydra {
 public:
  std::string operator()(const WireLine& request) {
    const auto command = request.command();
    if (command == "init")
      return "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n";
    if (command == "get_maxes")
      return "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024\n";
    if (command == "get_my_kvsname") return "cmd=my_kvsname kvsname=kvs_7_0\n";
    if (command == "put") {
      values_[std::string(request.value("key"))] = request.value("value");
      return "cmd=put_result rc=0 msg=success\n";
    }
    if (command == "get") {
      const auto found = values_.find(std::string(request.value("key")));
      return found == values_.end()
                 ? "cmd=get_result rc=-1 msg=key_not_found value=unknown\n"
                 : "cmd=get_result rc=0 msg=success value=" + found->second + "\n";
    }
    if (command == "barrier_in") return "cmd=barrier_out\n";
    if (command == "finalize") return "cmd=finalize_ack\n";
    return "";
  }

 private:
  std::map<std::string, std::string> values_;
};

// As Hydra, but one request gets another answer.
FakeServer::Answer but(const std::string& command, const std::string& answer) {
  return [hydra = Hydra(), command, answer](const WireLine& request) mutable {
    return request.command() == command ? answer : hydra(request);
  };
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const LaunchError& error) {
    return error.what();
  }
  return "no LaunchError";
}

TEST(WireLine, ReadsPairs) {
  const WireLine line = WireLine::parse("cmd=get_result rc=-1  msg=a=b x =y value=");
  EXPECT_EQ(line.command(), "get_result");
  EXPECT_EQ(line.value("msg"), "a=b");
  EXPECT_EQ(line.value("rc"), "-1");
  EXPECT_FALSE(line.number("rc").has_value());
  EXPECT_TRUE(line.has("value"));
  EXPECT_EQ(line.value("value"), "");
  EXPECT_FALSE(line.has("x"));
  EXPECT_EQ(WireLine::parse("").command(), "");
}

TEST(WireLine, Writes) {
  WireLine line("put");
  EXPECT_EQ(line.add("key", "k").add("n", 18).text(), "cmd=put key=k n=18\n");
  EXPECT_EQ(WireLine::parse("n=18").number("n"), 18u);
}

TEST(WireText, EveryByteAndEveryLength) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) {
    const std::string text = to_text(bytes);
    EXPECT_EQ(text.find_first_of(" \n=+/"), std::string::npos);
    EXPECT_EQ(from_text(text), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_FALSE(from_text("a b").has_value());
  EXPECT_FALSE(from_text("\xff").has_value());
}

TEST(WirePmi, PutFenceGet) {
  FakeServer server{Hydra()};
  const auto pmi = join_by_wire(server.client_fd(), 1, 3, true, kForever);
  EXPECT_EQ(pmi->rank(), 1u);
  EXPECT_EQ(pmi->size(), 3u);
  pmi->put("a", "alpha", kForever);
  EXPECT_TRUE(pmi->fence(kForever));
  EXPECT_EQ(pmi->get(0, "a", kForever), "alpha");
  EXPECT_EQ(pmi->get(0, "b", kForever), std::nullopt);
  pmi->finalize();
  EXPECT_EQ(server.seen().back(), "cmd=finalize");
}

TEST(WirePmi, AnswersMayComeByteByByte) {
  FakeServer server{Hydra(), 1};
  const auto pmi = join_by_wire(server.client_fd(), 0, 1, true, kForever);
  const std::string value(pmi->value_limit(), 'v');
  pmi->put("a", value, kForever);
  EXPECT_TRUE(pmi->fence(kForever));
  EXPECT_EQ(pmi->get(0, "a", kForever), value);
}

TEST(WirePmi, ARequestFitsIntoSlurms1024Bytes) {
  FakeServer server{Hydra()};
  const auto pmi = join_by_wire(server.client_fd(), 0, 1, true, kForever);
  EXPECT_GE(pmi->value_limit(), 800u);
  pmi->put(std::string(63, 'k'), std::string(pmi->value_limit(), 'v'), kForever);
  EXPECT_LT(server.seen().back().size(), 1024u);
}

TEST(WirePmi, SmallLimitsAreKept) {
  FakeServer server{but("get_maxes", "cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=200\n")};
  EXPECT_EQ(join_by_wire(server.client_fd(), 0, 1, true, kForever)->value_limit(), 199u);
}

TEST(WirePmi, ARefusedPutSaysWhy) {
  FakeServer server{but("put", "cmd=put_result rc=-1 msg=duplicate_key\n")};
  const auto pmi = join_by_wire(server.client_fd(), 0, 1, true, kForever);
  const std::string error = error_of([&] { pmi->put("a", "b", kForever); });
  EXPECT_NE(error.find("duplicate_key"), std::string::npos) << error;
}

TEST(WirePmi, TheEndOfTheLauncherIsAnError) {
  for (const char* command : {"init", "get_maxes", "put", "barrier_in"}) {
    FakeServer server{but(command, FakeServer::kHangUp)};
    const std::string error = error_of([&] {
      const auto pmi = join_by_wire(server.client_fd(), 0, 2, true, kForever);
      pmi->put("a", "b", kForever);
      static_cast<void>(pmi->fence(kForever));
    });
    EXPECT_NE(error.find("PMI_FD"), std::string::npos) << command << ": " << error;
  }
}

TEST(WirePmi, AnotherVersionIsRefused) {
  FakeServer server{but("init", "cmd=response_to_init pmi_version=2 pmi_subversion=0 rc=-1\n")};
  const std::string error =
      error_of([&] { join_by_wire(server.client_fd(), 0, 1, true, kForever); });
  EXPECT_NE(error.find("version 1"), std::string::npos) << error;
}

TEST(WirePmi, WhatIsNoLineIsRefused) {
  FakeServer server{but("init", std::string(70000, 'x'))};
  const std::string error =
      error_of([&] { join_by_wire(server.client_fd(), 0, 1, true, kForever); });
  EXPECT_NE(error.find("no PMI lines"), std::string::npos) << error;
}

TEST(WirePmi, SilenceEndsAtTheDeadline) {
  FakeServer server{but("init", "")};  // the first command: whenever the deadline comes
  const std::string error = error_of(
      [&] { join_by_wire(server.client_fd(), 0, 1, true, base::now_ns() + 1'000'000); });
  EXPECT_NE(error.find("does not answer cmd=init"), std::string::npos) << error;
}

TEST(WirePmi, AfterALateFenceValuesCanBeAskedFor) {
  bool late = true;
  FakeServer server{[&, hydra = Hydra()](const WireLine& request) mutable -> std::string {
    if (request.command() == "barrier_in") return "";
    if (request.command() == "get" && std::exchange(late, false))
      return "cmd=barrier_out\n" + hydra(request);
    return hydra(request);
  }};
  const auto pmi = join_by_wire(server.client_fd(), 0, 2, true, kForever);
  pmi->put("a", "b", kForever);
  EXPECT_FALSE(pmi->fence(base::now_ns()));
  EXPECT_EQ(pmi->get(0, "a", kForever), "b");
  EXPECT_EQ(pmi->get(1, "c", kForever), std::nullopt);
}

TEST(WirePmi, ABarrierThatLamellarRunRefusesNamesThePe) {
  FakeServer server{
      but("barrier_in", "cmd=barrier_out rc=-1 pe=3 why=" + to_text("no memory") + "\n")};
  const auto pmi = join_by_wire(server.client_fd(), 0, 4, true, kForever);
  try {
    static_cast<void>(pmi->fence(kForever));
    ADD_FAILURE() << "no error";
  } catch (const JobFailed& error) {
    EXPECT_EQ(error.pe(), 3u);
    EXPECT_EQ(error.reason(), "no memory");
  }
}

TEST(WirePmi, WhoGivesUpSaysAbortWhereItHelps) {
  for (const bool says_abort : {true, false}) {
    FakeServer server{Hydra()};
    const auto pmi = join_by_wire(server.client_fd(), 0, 2, says_abort, kForever);
    pmi->abandon("no memory");
    pmi->get(0, "a", kForever);
    const auto& seen = server.seen();
    EXPECT_EQ(seen[seen.size() - 2] == "cmd=abort exitcode=2", says_abort);
  }
}

TEST(WirePmi, OnlyLamellarRunHearsOfWorldsAndBlame) {
  FakeServer hydra{Hydra()};
  const auto pmi = join_by_wire(hydra.client_fd(), 0, 1, true, kForever);
  pmi->set_busy(false);
  pmi->set_busy(true);
  pmi->blame(0);
  pmi->get(0, "a", kForever);
  EXPECT_EQ(hydra.seen().size(), 4u);

  FakeServer ours{but("get_my_kvsname", "cmd=my_kvsname kvsname=lamellar-run.1\n")};
  const auto other = join_by_wire(ours.client_fd(), 0, 1, true, kForever);
  other->set_busy(false);
  other->set_busy(true);
  other->set_busy(true);
  other->blame(0);
  other->finalize();
  const std::vector<std::string> expected{
      "cmd=init pmi_version=1 pmi_subversion=1", "cmd=get_maxes", "cmd=get_my_kvsname",
      "cmd=finalize", "cmd=init pmi_version=1 pmi_subversion=1", "cmd=blame pe=0",
      "cmd=finalize"};
  EXPECT_EQ(ours.seen(), expected);
}

}  // namespace
}  // namespace lamellar::lamellae
