#include "lamellae/bootstrap/session.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <lamellar/error.hpp>

#include "base/clock/futex.hpp"
#include "base/clock/thread.hpp"
#include "lamellae/bootstrap/exchange.hpp"
#include "lamellae/bootstrap/host.hpp"

namespace lamellar::lamellae {
namespace {

// A launcher in memory.
struct Space {
  explicit Space(Pe pes) : size(pes) {}
  const Pe size;
  base::Mutex mutex;
  std::map<std::string, std::string> values;
  Pe waiting = 0;
  std::atomic<std::uint32_t> round{0};
};

class MemoryPmi final : public Pmi {
 public:
  MemoryPmi(Space& space, Pe rank, std::size_t limit, std::vector<std::string>* log = nullptr)
      : space_(space), rank_(rank), limit_(limit), log_(log) {}
  Pe rank() const noexcept override { return rank_; }
  Pe size() const noexcept override { return space_.size; }
  std::size_t value_limit() const noexcept override { return limit_; }

  void put(const std::string& key, const std::string& value, std::uint64_t) override {
    EXPECT_LE(value.size(), limit_);
    EXPECT_LE(key.size(), 63u);
    EXPECT_EQ(key.find(' '), std::string::npos);
    const base::Lock lock(space_.mutex);
    EXPECT_TRUE(space_.values.emplace(key, value).second) << key;
  }
  bool fence(std::uint64_t deadline_ns) override {
    const std::uint32_t round = space_.round.load();
    {
      const base::Lock lock(space_.mutex);
      if (++space_.waiting == space_.size) {
        space_.waiting = 0;
        space_.round.fetch_add(1);
        base::futex_wake(space_.round, 1000);
        return true;
      }
    }
    while (space_.round.load() == round)
      if (!base::futex_wait(space_.round, round, deadline_ns)) return false;
    return true;
  }
  std::optional<std::string> get(Pe, const std::string& key, std::uint64_t) override {
    const base::Lock lock(space_.mutex);
    const auto found = space_.values.find(key);
    if (found == space_.values.end()) return std::nullopt;
    return found->second;
  }
  void abandon(const std::string& why) noexcept override { note("abandon " + why); }
  void finalize() noexcept override { note("finalize"); }
  void set_busy(bool busy) noexcept override { note(busy ? "busy" : "idle"); }

 private:
  void note(const std::string& what) {
    if (log_ != nullptr) log_->push_back(what);
  }
  Space& space_;
  Pe rank_;
  std::size_t limit_;
  std::vector<std::string>* log_;
};

void on_every_pe(Pe pes, const std::function<void(Pe)>& body) {
  std::vector<std::unique_ptr<base::Thread>> threads;
  for (Pe pe = 0; pe < pes; ++pe)
    threads.push_back(std::make_unique<base::Thread>("pe", [&body, pe] { body(pe); }));
}

std::shared_ptr<LaunchSession> session_of(Space& space, Pe pe, std::size_t limit = 1000,
                                          std::uint64_t timeout_ns = base::kForever,
                                          std::vector<std::string>* log = nullptr) {
  return std::make_shared<LaunchSession>(
      exchange_by_pmi(std::make_unique<MemoryPmi>(space, pe, limit, log), "memory"), "memory",
      timeout_ns);
}

std::string part_of(Pe pe, std::size_t bytes) {
  std::string part;
  for (std::size_t i = 0; i < bytes; ++i) part += static_cast<char>(i * 11 + pe);
  return part;
}

TEST(Exchange, ValuesOfAnySizeAreCutToTheLimit) {
  for (const std::size_t limit : {16, 100, 1000}) {
    Space space(3);
    on_every_pe(3, [&](Pe pe) {
      const auto session = session_of(space, pe, limit);
      const auto bootstrap = session->open("w");
      for (const std::size_t bytes : {0, 1, 2, 11, 12, 13, 3000}) {
        const auto all = bootstrap->allgather(part_of(pe, bytes * pe));
        ASSERT_EQ(all.size(), 3u);
        for (Pe other = 0; other < 3; ++other) EXPECT_EQ(all[other], part_of(other, bytes * other));
      }
    });
  }
}

TEST(Exchange, WorldsDoNotShareKeys) {
  Space space(2);
  on_every_pe(2, [&](Pe pe) {
    const auto session = session_of(space, pe);
    for (int generation = 0; generation < 3; ++generation) {
      const auto one = session->open("one");
      const auto two = session->open("a name with blanks that is much longer than a key may be");
      for (const auto& bootstrap : {one.get(), two.get()}) {
        const std::string mine = std::to_string(generation) + std::to_string(pe);
        EXPECT_EQ(bootstrap->allgather(mine)[1 - pe],
                  std::to_string(generation) + std::to_string(1 - pe));
        bootstrap->barrier();
      }
    }
  });
}

TEST(Exchange, TheLateOnesAreNamed) {
  Space space(3);
  on_every_pe(3, [&](Pe pe) {
    const auto session = session_of(space, pe);
    const auto bootstrap = session->open("w");
    if (pe == 1) return;
    session->set_timeout(20'000'000);
    try {
      bootstrap->allgather("x");
      ADD_FAILURE() << "no error";
    } catch (const LaunchError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find("world 'w'"), std::string::npos) << text;
      EXPECT_NE(text.find("LAMELLAR_START_TIMEOUT"), std::string::npos) << text;
      EXPECT_NE(text.find("PE 1 "), std::string::npos) << text;
      EXPECT_NE(text.find("did not come"), std::string::npos) << text;
    }
    EXPECT_THROW(session->open("again"), LaunchError);
  });
}

TEST(Exchange, AnotherWorldThereIsAnErrorHere) {
  Space space(2);
  on_every_pe(2, [&](Pe pe) {
    const auto session = session_of(space, pe);
    const auto bootstrap = session->open(pe == 0 ? "a" : "b");
    try {
      bootstrap->allgather("x");
      ADD_FAILURE() << "no error";
    } catch (const LaunchError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find("PE " + std::to_string(1 - pe) + " gave no part"), std::string::npos)
          << text;
    }
  });
}

TEST(Session, TheLauncherHearsWhetherAWorldIsOpen) {
  Space space(1);
  std::vector<std::string> log;
  const auto session = session_of(space, 0, 1000, base::kForever, &log);
  auto one = session->open("w");
  auto two = session->open("w");
  session->end_of_process();  // with a world open: not a word
  one.reset();
  two.reset();
  session->open("w").reset();
  session->end_of_process();
  EXPECT_EQ(log, (std::vector<std::string>{"idle", "busy", "idle", "busy", "idle", "finalize"}));
}

TEST(Session, WhoGaveUpDoesNotEndWell) {
  Space space(1);
  std::vector<std::string> log;
  const auto session = session_of(space, 0, 1000, base::kForever, &log);
  session->open("w")->abandon("no memory");
  session->end_of_process();
  EXPECT_EQ(log, (std::vector<std::string>{"idle", "busy", "abandon no memory"}));
}

TEST(Session, PesOfOneHostAreMates) {
  Space space(3);
  on_every_pe(3, [&](Pe pe) {
    const auto session = session_of(space, pe);
    EXPECT_EQ(session->host_mates(), (std::vector<Pe>{0, 1, 2}));
    EXPECT_EQ(session->host_name(2), host_name());
    EXPECT_EQ(session->open("w")->host_mates(), (std::vector<Pe>{0, 1, 2}));
    EXPECT_EQ(session->open("w")->hosts(), (std::vector<std::vector<Pe>>{{0, 1, 2}}));
    EXPECT_STREQ(session->open("w")->launcher(), "memory");
  });
  EXPECT_NE(host_identity().find(host_name()), std::string::npos);
}

TEST(Session, AForkIsNoPe) {
  Space space(1);
  std::vector<std::string> log;
  const auto session = session_of(space, 0, 1000, base::kForever, &log);
  const pid_t child = fork();
  if (child == 0) {
    session->end_of_process();
    if (log.size() != 1) _exit(3);
    try {
      session->open("w");
    } catch (const LaunchError&) {
      _exit(0);
    }
    _exit(4);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// MPI_Allgather and MPI_Barrier in memory.
struct Together {
  explicit Together(Pe pes) : pmi_space(pes) {}
  Space pmi_space;
  std::vector<char> bytes;

  UserBootstrap callbacks(Pe pe) {
    UserBootstrap user;
    user.rank = pe;
    user.size = pmi_space.size;
    user.barrier = [this] { meet(); };
    user.allgather = [this, pe](const void* mine, void* all, std::size_t count) {
      {
        const base::Lock lock(pmi_space.mutex);
        bytes.resize(count * pmi_space.size);
        std::memcpy(bytes.data() + pe * count, mine, count);
      }
      meet();
      std::memcpy(all, bytes.data(), bytes.size());
      meet();
    };
    return user;
  }
  void meet() { MemoryPmi(pmi_space, 0, 1).fence(base::kForever); }
};

TEST(UserBootstrap, BringsPartsOfAnySizeTogether) {
  Together together(3);
  on_every_pe(3, [&](Pe pe) {
    const auto session = std::make_shared<LaunchSession>(
        exchange_by_user(together.callbacks(pe)), "user callbacks", base::kForever);
    const auto bootstrap = session->open("w");
    EXPECT_EQ(bootstrap->rank(), pe);
    for (const std::size_t bytes : {0, 1, 500}) {
      const auto all = bootstrap->allgather(part_of(pe, bytes * pe));
      ASSERT_EQ(all.size(), 3u);
      for (Pe other = 0; other < 3; ++other) EXPECT_EQ(all[other], part_of(other, bytes * other));
    }
    bootstrap->barrier();
    EXPECT_EQ(session->host_mates().size(), 3u);
  });
}

TEST(UserBootstrap, HalfOfOneIsRefused) {
  Together together(2);
  UserBootstrap user = together.callbacks(1);
  user.barrier = nullptr;
  EXPECT_THROW(exchange_by_user(user), LaunchError);
  user = together.callbacks(1);
  user.rank = 2;
  EXPECT_THROW(exchange_by_user(user), LaunchError);
}

}  // namespace
}  // namespace lamellar::lamellae
