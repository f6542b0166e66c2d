#pragma once
// Bringing bytes of all PEs together, by whatever there is.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <lamellar/bootstrap.hpp>
#include <lamellar/types.hpp>

#include "lamellae/bootstrap/pmi.hpp"

namespace lamellar::lamellae {

// What is exchanged, for keys and for messages.
struct Round {
  std::string key;   // the same on every PE, new for every round; no blanks, at most 40 characters
  std::string what;  // "world 'a'"
  std::uint64_t timeout_ns = 0;  // kForever: none
};

// THREADS: one at a time.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual Pe rank() const noexcept = 0;
  virtual Pe size() const noexcept = 0;
  // Everyone's bytes, in rank order. BLOCKS: until every PE has called it.
  // ERRORS: LaunchError, which names who is missing when it took too long; JobFailed.
  virtual std::vector<std::string> allgather(const Round& round, const std::string& mine) = 0;
  virtual void barrier(const Round& round) = 0;
  virtual void abandon(const std::string& why) noexcept = 0;
  virtual void finalize() noexcept {}
  virtual void set_busy(bool) noexcept {}
  virtual void blame(Pe) noexcept {}
  virtual void say_end(const std::string&) noexcept {}
};

std::unique_ptr<Exchange> exchange_alone();
// Values of any size are cut to what the launcher takes. launcher: its name, for messages.
std::unique_ptr<Exchange> exchange_by_pmi(std::unique_ptr<Pmi> pmi, const std::string& launcher);
// ERRORS: LaunchError when a callback is missing or the rank is not below the size.
std::unique_ptr<Exchange> exchange_by_user(const UserBootstrap& callbacks);

}  // namespace lamellar::lamellae
