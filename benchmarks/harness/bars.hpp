#pragma once
// A bar is what a figure is held to; a verdict says whether it was reached.

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace bench {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
inline bool is_there(double value) { return value == value; }

enum class Better { kLower, kHigher };

// Every part that is given must hold.
struct Bar {
  double absolute = kNone;  // in the row's unit
  double of_limit = kNone;  // times the limit of the same repeat
  double plus = 0;          // on top of that, in the row's unit

  bool given() const { return is_there(absolute) || is_there(of_limit); }
  // "<= 2.5 x limit"
  std::string text(Better better) const;
};

// What one repeat gave for one row; kNone for what it has not.
struct Sample {
  double ours = kNone;
  double limit = kNone;
  double peer = kNone;
};

struct Figures {
  Sample middle;              // medians
  double spread = kNone;      // median absolute deviation of the row's own figure, in its unit
  double ratio = kNone;       // ours : limit, else ours : peer; median over the repeats
  double ratio_spread = kNone;  // of that ratio
  double bar_ratio = kNone;   // (ours - plus) : limit, median over the repeats
};
Figures figures_of(const std::vector<Sample>& samples, double plus);

// "holds", "below" or "far". far: the cores were not near each other often enough to judge.
std::string verdict_of(const Bar& bar, Better better, const Figures& figures, bool near);

}  // namespace bench
