// The active messages of the word count, and the state of a PE that they reach.
#pragma once

#include <lamellar/world.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "input.hpp"
#include "output.hpp"
#include "table.hpp"

namespace wordcount {

// What travels besides numbers and strings.
LAMELLAR_FIELDS(Failure, path, why);
LAMELLAR_FIELDS(Piece, kind, path, begin, end, text_bytes);
LAMELLAR_FIELDS(Entry, word, count);
LAMELLAR_FIELDS(TableTotals, messages, occurrences, distinct);
LAMELLAR_FIELDS(PeReport, words, text_bytes, sent, sent_to_others, owned, failures);

// What PE 0 tells the others before they start.
struct Plan {
  bool go = false;  // false: PE 0 has said why
  Share share;
};
LAMELLAR_FIELDS(Plan, go, share);

// Where a PE puts what the others ask for.
struct Desk {
  std::vector<Plan> plans;  // on PE 0, one per PE
  PeReport report;
};

// The state of a PE lives in PeLocal, never in globals: PEs may be threads of one process.
using TableOfPe = lamellar::PeLocal<WordTable>;
using DeskOfPe = lamellar::PeLocal<Desk>;

// The main message: the owner of a word counts it.
struct CountWord {
  TableOfPe table;
  std::string word;
  std::uint64_t count;
  void exec(lamellar::Context& ctx) const { table.local(ctx).add(word, count); }
};
LAMELLAR_AM(CountWord, table, word, count);

struct GetPlan {
  DeskOfPe desk;
  lamellar::Pe pe;
  Plan exec(lamellar::Context& ctx) const { return desk.local(ctx).plans.at(pe); }
};
LAMELLAR_AM(GetPlan, desk, pe);

struct GetReport {
  DeskOfPe desk;
  PeReport exec(lamellar::Context& ctx) const { return desk.local(ctx).report; }
};
LAMELLAR_AM(GetReport, desk);

struct GetPage {
  TableOfPe table;
  std::uint64_t first;
  std::uint64_t max_bytes;
  std::vector<Entry> exec(lamellar::Context& ctx) const {
    return table.local(ctx).page(first, max_bytes);
  }
};
LAMELLAR_AM(GetPage, table, first, max_bytes);

}  // namespace wordcount
