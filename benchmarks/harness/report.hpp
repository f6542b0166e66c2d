#pragma once
// The results as a table for people and as JSON for programs.

#include <string>
#include <vector>

#include "harness/repeats.hpp"

namespace bench {

struct Report {
  std::vector<Outcome> rows;  // those with a bar
  std::vector<Outcome> info;  // the others
  std::vector<Probe> probes;

  void add(const GroupOutcome& group);
  // {"rows":[{name,unit,ours,spread,limit,peer,ratio,ratio_spread,bar,verdict,regime}],
  //  "info":[...],"probes":[...]}; what there is not is null.
  std::string json() const;
  std::string table() const;
};

}  // namespace bench
