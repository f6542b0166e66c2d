#include "base/config/settings.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <lamellar/error.hpp>

namespace lamellar::base {
namespace {

// load() with exactly this environment.
Settings load(std::vector<const char*> environment, std::vector<std::string> args = {},
              const Overrides& builder = {}) {
  environment.push_back(nullptr);
  return Settings::load(&args, builder, environment.data());
}

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Settings, DefaultsComeFromTheTable) {
  const Settings settings = load({});
  EXPECT_EQ(settings.text(Key::kBackend), "auto");
  EXPECT_EQ(settings.u64(Key::kNumPes), 1u);
  EXPECT_EQ(settings.u64(Key::kFrameBytes), 32768u);
  EXPECT_EQ(settings.u64(Key::kMaxAm), std::uint64_t{1} << 30);
  EXPECT_FALSE(settings.flag(Key::kStrict));
  EXPECT_TRUE(settings.flag(Key::kDroppedUnusedHandleWarning));
  EXPECT_EQ(settings.f64(Key::kDeadlockWarningTimeout), 600.0);
  EXPECT_EQ(settings.text(Key::kWaitsSignal), "USR1");
  EXPECT_EQ(settings.source(Key::kNumPes), Source::kDefault);
  EXPECT_TRUE(settings.warnings().empty());
}

TEST(Settings, PrecedenceIsForcedCommandLineEnvironmentBuilderDefault) {
  Overrides builder;
  builder.set(Key::kNumPes, "2");
  EXPECT_EQ(load({}, {}, builder).u64(Key::kNumPes), 2u);
  EXPECT_EQ(load({}, {}, builder).source(Key::kNumPes), Source::kBuilder);

  EXPECT_EQ(load({"LAMELLAR_NUM_PES=3"}, {}, builder).u64(Key::kNumPes), 3u);
  EXPECT_EQ(load({"LAMELLAR_NUM_PES=3"}, {}, builder).source(Key::kNumPes), Source::kEnvironment);

  const std::vector<std::string> args{"a.out", "--lamellar-num-pes", "4"};
  EXPECT_EQ(load({"LAMELLAR_NUM_PES=3"}, args, builder).u64(Key::kNumPes), 4u);
  EXPECT_EQ(load({"LAMELLAR_NUM_PES=3"}, args, builder).source(Key::kNumPes),
            Source::kCommandLine);

  builder.force(Key::kNumPes, "5");
  EXPECT_EQ(load({"LAMELLAR_NUM_PES=3"}, args, builder).u64(Key::kNumPes), 5u);
  EXPECT_EQ(load({"LAMELLAR_NUM_PES=3"}, args, builder).source(Key::kNumPes), Source::kForced);
}

TEST(Settings, OptionsAreTakenOutOfTheArguments) {
  std::vector<std::string> args{"a.out", "--lamellar-num-pes=2", "x", "--lamellar-strict",
                                "--lamellar-log", "debug", "--lamellar-num-pes", "6",
                                "--", "--lamellar-num-pes", "7"};
  const char* const none[] = {nullptr};
  const Settings settings = Settings::load(&args, {}, none);
  EXPECT_EQ(args, (std::vector<std::string>{"a.out", "x", "--", "--lamellar-num-pes", "7"}));
  EXPECT_EQ(settings.u64(Key::kNumPes), 6u);
  EXPECT_TRUE(settings.flag(Key::kStrict));
  EXPECT_EQ(settings.text(Key::kLog), "debug");
  EXPECT_FALSE(load({}, {"--lamellar-strict=0"}).flag(Key::kStrict));
}

TEST(Settings, ABadOptionIsAnErrorWithTheNearestOne) {
  EXPECT_EQ(error_of([] { load({}, {"--lamellar-num-pse=2"}); }),
            "there is no option --lamellar-num-pse: did you mean --lamellar-num-pes?");
  EXPECT_EQ(error_of([] { load({}, {"--lamellar-num-pes"}); }),
            "the option --lamellar-num-pes needs a value: --lamellar-num-pes VALUE");
}

TEST(Settings, ABadValueNamesVariableSourceAndWhatIsAllowed) {
  EXPECT_EQ(error_of([] { load({"LAMELLAR_BACKEND=tcp"}); }),
            "LAMELLAR_BACKEND=\"tcp\" (environment) cannot be used: the choices are auto, "
            "local, shmem, ofi, sim");
  EXPECT_EQ(error_of([] { load({}, {"--lamellar-num-pes=0"}); }),
            "--lamellar-num-pes=\"0\" (command line) cannot be used: a whole number of PEs from 1 "
            "to 4096 is expected");
  EXPECT_EQ(error_of([] { load({}, {}, Overrides().set(Key::kFrameBytes, "2M")); }),
            "LAMELLAR_FRAME_BYTES=\"2M\" (builder) cannot be used: a whole number of bytes from 1K "
            "to 1M is expected (suffixes K, M and G work)");
  EXPECT_EQ(error_of([] { load({}, {}, Overrides().force(Key::kStrict, "maybe")); }),
            "LAMELLAR_STRICT=\"maybe\" (forced by the program) cannot be used: 0, 1, off, on, no, "
            "yes, false or true is expected");
  EXPECT_EQ(error_of([] { load({"LAMELLAR_DEADLOCK_WARNING_TIMEOUT=-1"}); }),
            "LAMELLAR_DEADLOCK_WARNING_TIMEOUT=\"-1\" (environment) cannot be used: a number of "
            "seconds from 0 to 1e9 is expected");
}

TEST(Settings, OnlyTheWinningValueIsChecked) {
  const Settings settings =
      load({"LAMELLAR_BACKEND=shmem"}, {}, Overrides().force(Key::kBackend, "local"));
  EXPECT_EQ(settings.text(Key::kBackend), "local");
}

TEST(Settings, BadValuesCanBeCollected) {
  std::vector<std::string> args{"--lamellar-flush-us=soon", "rest"};
  const char* const environment[] = {"LAMELLAR_NUM_PES=0", "LAMELLAR_THREADS=3", nullptr};
  std::vector<BadSetting> bad;
  const Settings settings = Settings::load(&args, {}, environment, &bad);
  EXPECT_EQ(args, std::vector<std::string>{"rest"});
  EXPECT_EQ(settings.u64(Key::kThreads), 3u);
  EXPECT_EQ(settings.u64(Key::kNumPes), 1u);
  EXPECT_EQ(settings.source(Key::kNumPes), Source::kDefault);
  ASSERT_EQ(bad.size(), 2u);
  EXPECT_EQ(bad[0].key, Key::kNumPes);
  EXPECT_EQ(bad[0].source, Source::kEnvironment);
  EXPECT_EQ(bad[0].value, "0");
  EXPECT_EQ(bad[0].why, error_of([] { load({"LAMELLAR_NUM_PES=0"}); }));
  EXPECT_EQ(bad[1].key, Key::kFlushUs);
  EXPECT_EQ(bad[1].source, Source::kCommandLine);

  std::vector<std::string> unknown{"--lamellar-nothing=1"};
  EXPECT_THROW((void)Settings::load(&unknown, {}, environment, &bad), ConfigError);
}

TEST(Settings, UnknownVariablesAreWarnedAboutWithTheNearestName) {
  const Settings settings =
      load({"LAMELLAR_NUMPES=2", "LAMELLARX=1", "LAMELLAR_TEST_X=1", "LAMELLAR_LOG=info"});
  EXPECT_EQ(settings.warnings(),
            std::vector<std::string>{"there is no setting LAMELLAR_NUMPES, it is ignored: did you "
                                     "mean LAMELLAR_NUM_PES?"});
  EXPECT_EQ(settings.text(Key::kLog), "info");
}

TEST(Settings, AnEmptyVariableCountsAsNotSet) {
  const Settings settings = load({"LAMELLAR_NUM_PES=", "LAMELLAR_WORLD_NAME=a=b"});
  EXPECT_EQ(settings.source(Key::kNumPes), Source::kDefault);
  EXPECT_EQ(settings.text(Key::kWorldName), "a=b");
}

TEST(Settings, NamesAreFoundInEverySpelling) {
  EXPECT_EQ(find_setting("NUM_PES"), Key::kNumPes);
  EXPECT_EQ(find_setting("LAMELLAR_NUM_PES"), Key::kNumPes);
  EXPECT_EQ(find_setting("num-pes"), Key::kNumPes);
  EXPECT_FALSE(find_setting("num_pes"));
  EXPECT_EQ(setting_table().size(), kSettingCount);
}

TEST(SettingsDeathTest, ReadingAsAnotherKindIsABrokenInvariant) {
  EXPECT_DEATH((void)Settings().u64(Key::kLog), "another kind");
}

}  // namespace
}  // namespace lamellar::base
