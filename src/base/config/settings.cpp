#include "base/config/settings.hpp"

#include <unistd.h>

#include <cstring>
#include <utility>

#include <lamellar/error.hpp>

#include "base/config/parse.hpp"
#include "base/core/assert.hpp"

namespace lamellar::base {

namespace {

constexpr std::string_view kEnvironmentPrefix = "LAMELLAR_";
constexpr std::string_view kOptionPrefix = "--lamellar-";
// Not settings: knobs of the test tools, and what lamellar-run tells the PEs it started.
constexpr std::string_view kOtherPrefixes[] = {"LAMELLAR_TEST_", "LAMELLAR_RUN_"};

constexpr SettingInfo kTable[] = {
#define LAMELLAR_SETTING(id, name, kind, initial, allowed, unit, text) \
  {Key::k##id, SettingKind::k##kind, name, initial, allowed, unit, text},
#include "base/config/settings.def"
#undef LAMELLAR_SETTING
};
static_assert(sizeof kTable / sizeof kTable[0] == kSettingCount);

constexpr std::size_t index_of(Key key) { return static_cast<std::size_t>(key); }
const SettingInfo& info_of(Key key) { return kTable[index_of(key)]; }

// "num-pes" of "NUM_PES".
std::string option_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c == '_') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// "NUM_PES" of "num-pes".
std::string table_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

const SettingInfo& nearest(std::string_view name) {
  const SettingInfo* best = kTable;
  std::size_t best_distance = edit_distance(name, best->name);
  for (const SettingInfo& info : kTable) {
    const std::size_t distance = edit_distance(name, info.name);
    if (distance < best_distance) {
      best = &info;
      best_distance = distance;
    }
  }
  return *best;
}

// Splits at the first separator; the second part is empty when there is none.
std::pair<std::string_view, std::string_view> split(std::string_view text, std::string_view at) {
  const std::size_t position = text.find(at);
  if (position == std::string_view::npos) return {text, {}};
  return {text.substr(0, position), text.substr(position + at.size())};
}

[[noreturn]] void bad_value(std::string_view spelling, Source source, std::string_view value,
                            const std::string& expected) {
  throw ConfigError(std::string(spelling) + "=\"" + std::string(value) + "\" (" +
                    source_name(source) + ") cannot be used: " + expected);
}

std::string expected_number(const SettingInfo& info) {
  const auto [low, high] = split(info.allowed, "..");
  std::string text = info.kind == SettingKind::kU64 ? "a whole number" : "a number";
  if (!info.unit.empty()) text += " of " + std::string(info.unit);
  text += " from " + std::string(low) + " to " + std::string(high) + " is expected";
  if (info.unit == "bytes") text += " (suffixes K, M and G work)";
  return text;
}

std::uint64_t check_u64(const SettingInfo& info, std::string_view spelling, Source source,
                        std::string_view value) {
  const auto [low, high] = split(info.allowed, "..");
  const auto number = parse_u64(value, info.unit == "bytes");
  if (!number || *number < parse_u64(low, true) || *number > parse_u64(high, true)) {
    bad_value(spelling, source, value, expected_number(info));
  }
  return *number;
}

double check_f64(const SettingInfo& info, std::string_view spelling, Source source,
                 std::string_view value) {
  const auto [low, high] = split(info.allowed, "..");
  const auto number = parse_f64(value);
  if (!number || *number < parse_f64(low) || *number > parse_f64(high)) {
    bad_value(spelling, source, value, expected_number(info));
  }
  return *number;
}

bool check_flag(std::string_view spelling, Source source, std::string_view value) {
  const auto flag = parse_flag(value);
  if (!flag) {
    bad_value(spelling, source, value, "0, 1, off, on, no, yes, false or true is expected");
  }
  return *flag;
}

void check_choice(const SettingInfo& info, std::string_view spelling, Source source,
                  std::string_view value) {
  std::string usable;
  std::string_view rest = info.allowed;
  while (!rest.empty()) {
    auto [choice, after] = split(rest, "|");
    rest = after;
    if (choice == value) return;
    if (!usable.empty()) usable += ", ";
    usable += choice;
  }
  bad_value(spelling, source, value, "the choices are " + usable);
}

// What was asked for one setting, by the strongest source so far; not checked yet.
struct Request {
  std::string value;
  Source source = Source::kDefault;
  std::string spelling;
};
using Requests = std::array<Request, kSettingCount>;

bool is_of_others(std::string_view name) {
  for (const std::string_view prefix : kOtherPrefixes)
    if (name.substr(0, prefix.size()) == prefix) return true;
  return false;
}

// Enters every known variable; returns a warning for each unknown one.
std::vector<std::string> read_environment(const char* const* variable, Requests& requests) {
  std::vector<std::string> warnings;
  for (; variable != nullptr && *variable != nullptr; ++variable) {
    const auto [name, value] = split(*variable, "=");
    if (name.substr(0, kEnvironmentPrefix.size()) != kEnvironmentPrefix) continue;
    if (is_of_others(name)) continue;
    const std::string_view tail = name.substr(kEnvironmentPrefix.size());
    const SettingInfo& info = nearest(tail);
    if (info.name != tail) {
      warnings.push_back("there is no setting " + std::string(name) +
                         ", it is ignored: did you mean " + std::string(kEnvironmentPrefix) +
                         std::string(info.name) + "?");
    } else if (!value.empty()) {
      requests[index_of(info.key)] = {std::string(value), Source::kEnvironment, std::string(name)};
    }
  }
  return warnings;
}

// Enters one option; next is the argument after it or null. Returns whether next was its value.
bool take_option(const std::string& option, const std::string* next, Requests& requests) {
  const auto [spelling, value] = split(option, "=");
  const std::string_view name = spelling.substr(kOptionPrefix.size());
  const std::optional<Key> key = find_setting(name);
  if (!key || name != option_name(info_of(*key).name)) {
    throw ConfigError("there is no option " + std::string(spelling) + ": did you mean " +
                      std::string(kOptionPrefix) + option_name(nearest(table_name(name)).name) +
                      "?");
  }
  Request& request = requests[index_of(*key)];
  request.source = Source::kCommandLine;
  request.spelling = spelling;
  if (spelling.size() != option.size()) {
    request.value = value;
    return false;
  }
  if (info_of(*key).kind == SettingKind::kFlag) {
    request.value = "1";
    return false;
  }
  if (next == nullptr || *next == "--") {
    throw ConfigError("the option " + option + " needs a value: " + option + " VALUE");
  }
  request.value = *next;
  return true;
}

// Takes the options out of args; the last one of a name wins.
void take_options(std::vector<std::string>& args, Requests& requests) {
  std::vector<std::string> kept;
  std::size_t i = 0;
  for (; i < args.size() && args[i] != "--"; ++i) {
    if (args[i].compare(0, kOptionPrefix.size(), kOptionPrefix) != 0) {
      kept.push_back(args[i]);
    } else if (take_option(args[i], i + 1 < args.size() ? &args[i + 1] : nullptr, requests)) {
      ++i;
    }
  }
  for (; i < args.size(); ++i) kept.push_back(args[i]);
  args = std::move(kept);
}

}  // namespace

const char* source_name(Source source) noexcept {
  switch (source) {
    case Source::kDefault: return "default";
    case Source::kBuilder: return "builder";
    case Source::kEnvironment: return "environment";
    case Source::kCommandLine: return "command line";
    case Source::kForced: return "forced by the program";
  }
  return "default";
}

std::span<const SettingInfo> setting_table() noexcept { return kTable; }

std::optional<Key> find_setting(std::string_view name) {
  if (name.substr(0, kEnvironmentPrefix.size()) == kEnvironmentPrefix) {
    name.remove_prefix(kEnvironmentPrefix.size());
  }
  for (const SettingInfo& info : kTable) {
    if (name == info.name || name == option_name(info.name)) return info.key;
  }
  return {};
}

Overrides& Overrides::set(Key key, std::string value) {
  set_[index_of(key)] = std::move(value);
  return *this;
}

Overrides& Overrides::force(Key key, std::string value) {
  forced_[index_of(key)] = std::move(value);
  return *this;
}

Settings::Settings() {
  for (const SettingInfo& info : kTable) {
    assign(info.key, info.initial, Source::kDefault, info.name);
  }
}

Settings Settings::load(std::vector<std::string>* args, const Overrides& builder,
                        const char* const* environment, std::vector<BadSetting>* bad) {
  Settings settings;
  Requests requests;
  const auto name_of = [](Key key) {
    return std::string(kEnvironmentPrefix) + std::string(info_of(key).name);
  };
  for (const SettingInfo& info : kTable) {
    const auto& value = builder.set_[index_of(info.key)];
    if (value) requests[index_of(info.key)] = {*value, Source::kBuilder, name_of(info.key)};
  }
  settings.warnings_ = read_environment(environment == nullptr ? environ : environment, requests);
  if (args != nullptr) take_options(*args, requests);
  for (const SettingInfo& info : kTable) {
    const auto& value = builder.forced_[index_of(info.key)];
    if (value) requests[index_of(info.key)] = {*value, Source::kForced, name_of(info.key)};
  }
  for (const SettingInfo& info : kTable) {
    const Request& request = requests[index_of(info.key)];
    if (request.source == Source::kDefault) continue;
    try {
      settings.assign(info.key, request.value, request.source, request.spelling);
    } catch (const ConfigError& error) {
      if (bad == nullptr) throw;
      bad->push_back({info.key, request.source, request.value, error.what()});
    }
  }
  return settings;
}

void Settings::assign(Key key, std::string_view value, Source source, std::string_view spelling) {
  const SettingInfo& info = info_of(key);
  Value out;
  out.text = value;
  out.source = source;
  switch (info.kind) {
    case SettingKind::kU64: out.number = check_u64(info, spelling, source, value); break;
    case SettingKind::kF64: out.real = check_f64(info, spelling, source, value); break;
    case SettingKind::kFlag: out.number = check_flag(spelling, source, value) ? 1 : 0; break;
    case SettingKind::kChoice: check_choice(info, spelling, source, value); break;
    case SettingKind::kText: break;
  }
  values_[index_of(key)] = std::move(out);
}

const Settings::Value& Settings::at(Key key, SettingKind kind) const {
  LAMELLAR_CHECK(info_of(key).kind == kind, "a setting was read as another kind than it has");
  return values_[index_of(key)];
}

std::uint64_t Settings::u64(Key key) const { return at(key, SettingKind::kU64).number; }
const std::string& Settings::text(Key key) const { return values_[index_of(key)].text; }
bool Settings::flag(Key key) const { return at(key, SettingKind::kFlag).number != 0; }
double Settings::f64(Key key) const { return at(key, SettingKind::kF64).real; }
Source Settings::source(Key key) const { return values_[index_of(key)].source; }

}  // namespace lamellar::base
