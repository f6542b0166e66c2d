// What PE 0 decides before the counting starts: the input and every PE's share of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "input.hpp"

namespace wordcount {

inline constexpr const char* kDocRoot = "/usr/share/doc";
inline constexpr std::uint64_t kLeastDocBytes = 8'000'000;

struct Job {
  std::string description;        // one line for the user
  std::vector<Share> shares;      // one per PE; empty when there is nothing to read
  std::vector<Failure> failures;  // what could not be listed
};

// The given paths; without any the documents below doc_root, or generated text when these are
// fewer than kLeastDocBytes.
Job plan_job(const std::vector<std::string>& paths, std::size_t num_pes,
             const std::string& doc_root = kDocRoot);

}  // namespace wordcount
