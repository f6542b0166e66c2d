#pragma once
// Every knob of the library. A setting is one line of settings.def; it can be given, in falling
// precedence, by WorldBuilder::force_*(), the command line (--lamellar-num-pes 4), the environment
// (LAMELLAR_NUM_PES=4), the builder, or the default of the table.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lamellar::base {

enum class Key : std::uint8_t {
#define LAMELLAR_SETTING(id, name, kind, initial, allowed, unit, text) k##id,
#include "base/config/settings.def"
#undef LAMELLAR_SETTING
};

enum class SettingKind : std::uint8_t { kU64, kText, kChoice, kFlag, kF64 };

enum class Source : std::uint8_t { kDefault, kBuilder, kEnvironment, kCommandLine, kForced };

// "command line" for kCommandLine.
const char* source_name(Source source) noexcept;

// One line of the table.
struct SettingInfo {
  Key key;
  SettingKind kind;
  std::string_view name;  // "NUM_PES"
  std::string_view initial;
  std::string_view allowed;
  std::string_view unit;
  std::string_view text;
};

// The table, indexed by Key.
std::span<const SettingInfo> setting_table() noexcept;
inline constexpr std::size_t kSettingCount = 0
#define LAMELLAR_SETTING(id, name, kind, initial, allowed, unit, text) +1
#include "base/config/settings.def"
#undef LAMELLAR_SETTING
    ;

// The key of "NUM_PES", "LAMELLAR_NUM_PES" or "num-pes".
std::optional<Key> find_setting(std::string_view name);

// A setting that cannot be used as it was given.
struct BadSetting {
  Key key;
  Source source;
  std::string value;
  std::string why;  // the text of the ConfigError
};

// What a WorldBuilder asks for. Values are text and are checked by Settings::load.
class Overrides {
 public:
  // Below the environment and the command line.
  Overrides& set(Key key, std::string value);
  // Above everything.
  Overrides& force(Key key, std::string value);

 private:
  friend class Settings;
  std::array<std::optional<std::string>, kSettingCount> set_;
  std::array<std::optional<std::string>, kSettingCount> forced_;
};

// The effective values. THREADS: a plain value, read-only after load.
class Settings {
 public:
  // Every setting at its default.
  Settings();

  // Resolves every setting. Options --lamellar-name value and --lamellar-name=value are taken out
  // of *args (args may be null); "--" ends them, a flag without = means 1. An environment variable
  // that is set but empty counts as not set.
  // environment: "NAME=value" strings ending with null; null means the process's own.
  // THREADS: no other thread may change the environment meanwhile.
  // ERRORS: ConfigError naming variable, source, value and what is allowed. Only the value that
  // wins is checked. With `bad`, values that cannot be used go there and their settings keep the
  // default; an unknown option is a ConfigError still.
  static Settings load(std::vector<std::string>* args, const Overrides& builder,
                       const char* const* environment = nullptr,
                       std::vector<BadSetting>* bad = nullptr);

  // REQUIRES: the key has that kind. text() works for every kind and gives the value as written.
  std::uint64_t u64(Key key) const;
  const std::string& text(Key key) const;
  bool flag(Key key) const;
  double f64(Key key) const;
  Source source(Key key) const;

  // One text per LAMELLAR_* variable of the environment that is not in the table, with the nearest
  // name that is; LAMELLAR_TEST_* is left to test tools, LAMELLAR_RUN_* to lamellar-run.
  // The caller logs them.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

 private:
  struct Value {
    std::string text;
    std::uint64_t number = 0;  // u64, flag
    double real = 0;           // f64
    Source source = Source::kDefault;
  };

  void assign(Key key, std::string_view value, Source source, std::string_view spelling);
  const Value& at(Key key, SettingKind kind) const;

  std::array<Value, kSettingCount> values_;
  std::vector<std::string> warnings_;
};

// The table as Markdown: the content of docs/settings.md.
std::string settings_markdown();

}  // namespace lamellar::base
