#include "harness/bars.hpp"

#include <cmath>
#include <cstdio>

#include "harness/measure.hpp"

namespace bench {
namespace {

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

template <class Get>
double middle(const std::vector<Sample>& samples, Get&& get) {
  std::vector<double> values;
  for (const Sample& sample : samples)
    if (const double value = get(sample); is_there(value)) values.push_back(value);
  return values.empty() ? kNone : median(std::move(values));
}

}  // namespace

std::string Bar::text(Better better) const {
  const std::string sign = better == Better::kLower ? "<= " : ">= ";
  std::string text;
  if (is_there(absolute)) text = sign + short_number(absolute);
  if (!is_there(of_limit)) return text;
  if (!text.empty()) text += " and ";
  text += sign + (of_limit == 1 ? "" : short_number(of_limit) + " x ") + "limit";
  if (plus != 0) text += " + " + short_number(plus);
  return text;
}

Figures figures_of(const std::vector<Sample>& samples, double plus) {
  Figures figures;
  figures.middle.ours = middle(samples, [](const Sample& s) { return s.ours; });
  figures.middle.limit = middle(samples, [](const Sample& s) { return s.limit; });
  figures.middle.peer = middle(samples, [](const Sample& s) { return s.peer; });
  const auto own = [](const Sample& s) {
    return is_there(s.ours) ? s.ours : is_there(s.limit) ? s.limit : s.peer;
  };
  const double center = middle(samples, own);
  figures.spread = middle(samples, [&](const Sample& s) { return std::fabs(own(s) - center); });
  const auto ratio = [](const Sample& s) {
    return s.ours / (is_there(s.limit) ? s.limit : s.peer);
  };
  figures.ratio = middle(samples, ratio);
  figures.ratio_spread =
      middle(samples, [&](const Sample& s) { return std::fabs(ratio(s) - figures.ratio); });
  figures.bar_ratio =
      middle(samples, [&](const Sample& s) { return (s.ours - plus) / s.limit; });
  return figures;
}

std::string verdict_of(const Bar& bar, Better better, const Figures& figures, bool near) {
  if (!near) return "far";
  const auto reached = [&](double value, double wanted) {
    return better == Better::kLower ? value <= wanted : value >= wanted;
  };
  bool holds = true;
  if (is_there(bar.absolute)) holds = holds && reached(figures.middle.ours, bar.absolute);
  if (is_there(bar.of_limit)) holds = holds && reached(figures.bar_ratio, bar.of_limit);
  return holds ? "holds" : "below";
}

}  // namespace bench
