#include "tools/lamellar-info/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <lamellar/version.hpp>

#include "tools/lamellar-info/build_info.hpp"
#include "tools/lamellar-info/json.hpp"

namespace lamellar::tools {
namespace {

const char* or_else(const char* text, const char* otherwise) {
  return *text == '\0' ? otherwise : text;
}

// Control characters of a value would break the table, or worse the terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += control ? fmt::format("\\x{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  return out;
}

std::string amount(const LimitFact& limit) {
  if (!limit.value) return "unlimited";
  if (limit.unit == "bytes") return bytes_text(*limit.value);
  return fmt::format("{} {}", *limit.value, limit.unit);
}

void add_line(std::string& out, std::string_view name, std::string_view text) {
  out += fmt::format("{:<14} {}\n", name, text);
}

void add_machine(std::string& out, const MachineFact& machine) {
  add_line(out, "host", machine.host + ", " + machine.kernel);
  add_line(out, "cores", fmt::format("{} of {} usable, cpuset {}", machine.usable_cores,
                                     machine.cores, machine.cpuset));
  add_line(out, "page size", fmt::format("{} bytes", machine.page_bytes));
  add_line(out, "memory",
           machine.room.bytes == ~std::uint64_t{0}
               ? "no limit found"
               : bytes_text(machine.room.bytes) + " left, tightest: " + machine.room.limit);
  for (const LimitFact& limit : machine.limits) {
    std::string name = limit.name;
    std::replace(name.begin(), name.end(), '_', ' ');
    add_line(out, name, amount(limit));
  }
}

void add_launcher(std::string& out, const LauncherFact& launcher) {
  std::string text = launcher.name + ": " + launcher.how;
  if (launcher.pe) text += fmt::format("; PE {}", *launcher.pe);
  if (launcher.pes) text += fmt::format("{}of {}", launcher.pe ? " " : "; one ", *launcher.pes);
  add_line(out, "launcher", text);
  if (!launcher.problem.empty()) add_line(out, "", "refused: " + launcher.problem);
}

void add_settings(std::string& out, const Facts& facts) {
  std::size_t name_width = 0, value_width = 0;
  for (const SettingFact& setting : facts.settings) {
    name_width = std::max(name_width, setting.info->name.size());
    value_width = std::max(value_width, printable(setting.value).size() + 1 +
                                            setting.info->unit.size());
  }
  value_width = std::min<std::size_t>(value_width, 40);
  for (const SettingFact& setting : facts.settings) {
    std::string value = printable(setting.value);
    if (!setting.info->unit.empty()) value += fmt::format(" {}", setting.info->unit);
    out += fmt::format("  LAMELLAR_{:<{}}  {:<{}}  {}\n", setting.info->name, name_width, value,
                       value_width, base::source_name(setting.source));
    if (!setting.error.empty()) out += "    error: " + printable(setting.error) + "\n";
  }
  for (const std::string& warning : facts.warnings)
    out += "  warning: " + printable(warning) + "\n";
}

void write_launcher(JsonWriter& json, const LauncherFact& launcher) {
  json.begin_object("launcher").text("name", launcher.name).text("how", launcher.how);
  json.flag("usable", launcher.problem.empty());
  if (!launcher.problem.empty()) json.text("problem", launcher.problem);
  json.number("pe", launcher.pe).number("pes", launcher.pes).end_object();
}

void write_machine(JsonWriter& json, const MachineFact& machine) {
  json.begin_object("machine").text("host", machine.host).text("kernel", machine.kernel);
  json.begin_object("cores").number("online", machine.cores);
  json.number("usable", machine.usable_cores).text("cpuset", machine.cpuset).end_object();
  json.number("page_bytes", machine.page_bytes);
  json.begin_object("memory").number("left_bytes", machine.room.bytes);
  json.text("tightest_limit", machine.room.limit).end_object();
  json.begin_array("limits");
  for (const LimitFact& limit : machine.limits) {
    json.begin_object().text("name", limit.name).number("value", limit.value);
    json.text("unit", limit.unit).end_object();
  }
  json.end_array().end_object();
}

void write_settings(JsonWriter& json, const Facts& facts) {
  json.begin_array("settings");
  for (const SettingFact& setting : facts.settings) {
    json.begin_object().text("name", "LAMELLAR_" + std::string(setting.info->name));
    json.text("value", setting.value).text("source", base::source_name(setting.source));
    json.text("unit", setting.info->unit).text("default", setting.info->initial);
    json.text("meaning", setting.info->text);
    if (!setting.error.empty()) json.text("error", setting.error);
    json.end_object();
  }
  json.end_array().begin_array("warnings");
  for (const std::string& warning : facts.warnings) json.text("", warning);
  json.end_array();
}

}  // namespace

std::string report_for_people(const Facts& facts) {
  std::string out;
  add_line(out, "lamellar", kVersionText);
  add_line(out, "build", fmt::format("{}; flags {}; sanitizer {}; {}",
                                     or_else(kBuildType, "no build type"),
                                     or_else(kBuildFlags, "none"), or_else(kSanitizer, "none"),
                                     *kGitId == '\0' ? std::string("not from a git checkout")
                                                     : std::string("git ") + kGitId));
  add_line(out, "compiler", kCompiler);
  out += "\nlamellae\n";
  for (const LamellaFact& lamella : facts.lamellae)
    out += fmt::format("  {:<12} {}: {}\n", lamella.name,
                       lamella.usable ? "usable" : "not usable", lamella.why);
  out += fmt::format("  {:<12} {}\n", "auto", facts.automatic);
  out += "\n";
  add_launcher(out, facts.launcher);
  add_machine(out, facts.machine);
  out += "\nsettings\n";
  add_settings(out, facts);
  return out;
}

std::string report_as_json(const Facts& facts) {
  JsonWriter json;
  json.begin_object().text("version", kVersionText);
  json.begin_object("build").text("type", kBuildType).text("flags", kBuildFlags);
  json.text("sanitizer", kSanitizer).text("git", kGitId).text("compiler", kCompiler).end_object();
  json.begin_array("lamellae");
  for (const LamellaFact& lamella : facts.lamellae) {
    json.begin_object().text("name", lamella.name).flag("usable", lamella.usable);
    json.text("why", lamella.why).end_object();
  }
  json.end_array();
  json.text("auto", facts.automatic);
  write_launcher(json, facts.launcher);
  write_machine(json, facts.machine);
  write_settings(json, facts);
  return json.end_object().take();
}

}  // namespace lamellar::tools
