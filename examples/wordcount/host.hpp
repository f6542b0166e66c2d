// What PE 0 does for all: the plan before the counting, the results after it.
#pragma once

#include <lamellar/world.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "job.hpp"
#include "messages.hpp"
#include "options.hpp"
#include "output.hpp"
#include "table.hpp"

namespace wordcount {

// All words in the order of the output, fetched from their owners page by page.
class MergedWords {
 public:
  MergedWords(lamellar::World& world, const TableOfPe& table)
      : world_(world), table_(table), cursors_(world.num_pes()) {}

  std::optional<Entry> next() {
    Cursor* best = nullptr;
    for (lamellar::Pe pe = 0; pe < world_.num_pes(); ++pe) {
      Cursor& cursor = cursors_[pe];
      if (cursor.at == cursor.page.size()) refill(cursor, pe);
      if (cursor.at == cursor.page.size()) continue;
      if (best == nullptr || comes_before(cursor.head(), best->head())) best = &cursor;
    }
    if (best == nullptr) return std::nullopt;
    return std::move(best->page[best->at++]);
  }

 private:
  static constexpr std::uint64_t kPageBytes = 1024 * 1024;

  struct Cursor {
    std::vector<Entry> page;
    std::size_t at = 0;
    std::uint64_t fetched = 0;
    bool ended = false;
    const Entry& head() const { return page[at]; }
  };

  void refill(Cursor& cursor, lamellar::Pe pe) {
    if (cursor.ended) return;
    cursor.page = world_.exec_am_pe<GetPage>(pe, table_, cursor.fetched, kPageBytes).block();
    cursor.at = 0;
    cursor.fetched += cursor.page.size();
    cursor.ended = cursor.page.empty();
  }

  lamellar::World& world_;
  const TableOfPe& table_;
  std::vector<Cursor> cursors_;
};

// What PE 0 does before and after the counting.
class Host {
 public:
  Host(lamellar::World& world, const Options& options) : world_(world), options_(options) {}

  // The plans of all PEs; plans that say stop when there is nothing to do or nowhere to write.
  std::vector<Plan> prepare() {
    std::vector<Plan> plans(world_.num_pes());
    Job job = plan_job(options_.paths, world_.num_pes());
    failures_ = std::move(job.failures);
    if (job.shares.empty()) return stop(plans, "no input: the paths given hold no file to read");
    try {
      if (!options_.all_file.empty()) all_file_.emplace(options_.all_file);
    } catch (const std::exception& error) {
      return stop(plans, error.what());
    }
    std::printf("%s, on %u PE%s\n", job.description.c_str(), world_.num_pes(),
                world_.num_pes() == 1 ? "" : "s");
    std::fflush(stdout);
    for (std::size_t pe = 0; pe < plans.size(); ++pe) {
      plans[pe] = {true, std::move(job.shares[pe])};
    }
    return plans;
  }

  // Status of the job.
  int finish(const TableOfPe& table, const DeskOfPe& desk, double seconds) {
    std::vector<PeReport> reports = world_.exec_am_all<GetReport>(desk).block();
    int status = 0;
    try {
      write_words(table);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "wordcount: %s\n", error.what());
      status = 1;
    }
    if (!print_totals(reports, seconds, !options_.combine)) {
      std::fprintf(stderr, "wordcount: messages or words were lost or counted twice\n");
      status = 1;
    }
    for (PeReport& report : reports) {
      for (Failure& failure : report.failures) failures_.push_back(std::move(failure));
    }
    return tell_failures() || std::fflush(stdout) != 0 ? 1 : status;
  }

 private:
  std::vector<Plan>& stop(std::vector<Plan>& plans, const char* why) {
    tell_failures();
    std::fprintf(stderr, "wordcount: %s\n", why);
    return plans;
  }

  void write_words(const TableOfPe& table) {
    MergedWords words(world_, table);
    std::vector<Entry> top;
    if (all_file_) all_file_->start();
    while (all_file_ || top.size() < options_.top) {
      std::optional<Entry> entry = words.next();
      if (!entry) break;
      if (all_file_) all_file_->write(*entry);
      if (top.size() < options_.top) top.push_back(std::move(*entry));
    }
    if (all_file_) all_file_->close();
    print_top(top);
  }

  bool tell_failures() {
    const std::size_t skipped = print_failures(std::move(failures_));
    if (skipped > 0) std::fprintf(stderr, "wordcount: skipped in all: %zu\n", skipped);
    return skipped > 0;
  }

  lamellar::World& world_;
  const Options& options_;
  std::optional<AllFile> all_file_;
  std::vector<Failure> failures_;
};

}  // namespace wordcount
