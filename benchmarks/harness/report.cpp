#include "harness/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

namespace bench {
namespace {

std::string quoted(const std::string& text) {
  std::string all = "\"";
  for (const char c : text) {
    char code[8];
    if (c == '"' || c == '\\') {
      all += '\\';
      all += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
      all += code;
    } else {
      all += c;
    }
  }
  return all + '"';
}

std::string number(double value, const char* nothing) {
  if (!std::isfinite(value)) return nothing;
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string text_or_null(const std::string& text) { return text.empty() ? "null" : quoted(text); }

std::string json_of(const Outcome& outcome) {
  const Figures& figures = outcome.figures;
  const auto value = [](double number_or_not) { return number(number_or_not, "null"); };
  return "{\"name\":" + quoted(outcome.row.name) + ",\"unit\":" + quoted(outcome.row.unit) +
         ",\"ours\":" + value(figures.middle.ours) + ",\"spread\":" + value(figures.spread) +
         ",\"limit\":" + value(figures.middle.limit) + ",\"peer\":" + value(figures.middle.peer) +
         ",\"ratio\":" + value(figures.ratio) +
         ",\"ratio_spread\":" + value(figures.ratio_spread) +
         ",\"bar\":" + text_or_null(outcome.bar.text(outcome.row.better)) +
         ",\"verdict\":" + text_or_null(outcome.verdict) +
         ",\"regime\":" + text_or_null(outcome.regime) + "}";
}

std::string json_of(const Probe& probe) {
  return "{\"group\":" + quoted(probe.group) + ",\"before_ns\":" + number(probe.before_ns, "null") +
         ",\"after_ns\":" + number(probe.after_ns, "null") +
         ",\"regime\":" + quoted(probe.regime) + ",\"others\":" + number(probe.others, "null") +
         "}";
}

template <class T>
std::string json_list(const std::vector<T>& all) {
  std::string text = "[";
  for (const T& one : all) text += (text.size() > 1 ? ",\n" : "\n") + json_of(one);
  return text + "\n]";
}

using Columns = std::vector<std::string>;

std::string line(const Columns& columns, const std::string& what) {
  constexpr int kWidths[] = {-7, -6, 9, 8, 9, 9, 7, 7};
  std::string text;
  for (std::size_t i = 0; i < std::size(kWidths); ++i) {
    char column[64];
    std::snprintf(column, sizeof column, "%*s ", kWidths[i], columns[i].c_str());
    text += column;
  }
  char bar[64];
  std::snprintf(bar, sizeof bar, " %-26s ", columns.back().c_str());
  return text + bar + what + "\n";
}

std::string line_of(const Outcome& outcome) {
  const Figures& figures = outcome.figures;
  const auto value = [](double number_or_not) { return number(number_or_not, "-"); };
  return line({outcome.verdict, outcome.regime, value(figures.middle.ours), value(figures.spread),
               value(figures.middle.limit), value(figures.middle.peer), value(figures.ratio),
               value(figures.ratio_spread), outcome.bar.text(outcome.row.better)},
              outcome.row.name + " [" + outcome.row.unit + "]");
}

std::string heading() {
  return line({"verdict", "regime", "ours", "+-", "limit", "peer", "ratio", "+-", "bar"},
              "what [unit]");
}

}  // namespace

void Report::add(const GroupOutcome& group) {
  for (const Outcome& outcome : group.rows) {
    if (!outcome.measured && !outcome.bar.given()) continue;  // a peer that is not installed
    (outcome.bar.given() ? rows : info).push_back(outcome);
  }
  probes.insert(probes.end(), group.probes.begin(), group.probes.end());
}

std::string Report::json() const {
  return "{\"rows\":" + json_list(rows) + ",\"info\":" + json_list(info) +
         ",\"probes\":" + json_list(probes) + "}\n";
}

std::string Report::table() const {
  std::string text = heading();
  for (const Outcome& outcome : rows) text += line_of(outcome);
  if (!info.empty()) text += "\nwithout a bar\n";
  for (const Outcome& outcome : info) text += line_of(outcome);
  unsigned near = 0, far = 0, moved = 0, busy = 0;
  double others = 0;
  for (const Probe& probe : probes) {
    near += probe.regime == "near";
    far += probe.regime == "far";
    moved += probe.regime == "moved";
    busy += probe.regime == "busy";
    others = std::max(others, probe.others);
  }
  char tail[256];
  std::snprintf(tail, sizeof tail,
                "\n%zu repeats: %u near, %u far, %u moved, %u busy. Other work "
                "used up to %.2f cores%s\n",
                probes.size(), near, far, moved, busy, others,
                others > 0.1 ? ": the figures are not to be trusted." : ".");
  return text + tail;
}

}  // namespace bench
