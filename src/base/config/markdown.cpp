#include <string>

#include "base/config/settings.hpp"

namespace lamellar::base {

namespace {

std::string allowed_text(const SettingInfo& info) {
  std::string out(info.allowed);
  if (info.kind == SettingKind::kFlag) return "0, 1";
  if (info.kind == SettingKind::kText) return "text";
  if (info.kind == SettingKind::kChoice) {
    out.clear();
    std::string_view rest = info.allowed;
    while (!rest.empty()) {
      const std::size_t bar = rest.find('|');
      const std::string_view choice = rest.substr(0, bar);
      rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
      if (!out.empty()) out += ", ";
      out += choice;
    }
    return out;
  }
  const std::size_t dots = out.find("..");
  out.replace(dots, 2, " to ");
  if (!info.unit.empty()) out += " " + std::string(info.unit);
  return out;
}

}  // namespace

std::string settings_markdown() {
  std::string out =
      "# Settings\n\n"
      "Made from src/base/config/settings.def; do not edit.\n\n"
      "Each setting can be given on the command line (`--lamellar-num-pes 4` or\n"
      "`--lamellar-num-pes=4`), in the environment (`LAMELLAR_NUM_PES=4`) or by the program\n"
      "(`WorldBuilder`). The command line beats the environment, which beats the program, except\n"
      "what the program forces (`builder.force_*()`). `--` ends the options of the library. Flags\n"
      "take `=0` or `=1`; without `=` they mean 1. Numbers of bytes accept the suffixes K, M and\n"
      "G. A variable that is set but empty counts as not set.\n\n"
      "| Variable | Default | Values | Meaning |\n"
      "|---|---|---|---|\n";
  for (const SettingInfo& info : setting_table()) {
    out += "| `LAMELLAR_" + std::string(info.name) + "` | `" + std::string(info.initial) + "` | " +
           allowed_text(info) + " | " + std::string(info.text) + " |\n";
  }
  return out;
}

}  // namespace lamellar::base
