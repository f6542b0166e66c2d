#pragma once
// What lamellar-info knows of this library, this process and this machine.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/config/settings.hpp"
#include "lamellae/shmem/memory_room.hpp"

namespace lamellar::tools {

struct LamellaFact {
  std::string name;
  bool usable = false;
  std::string why;  // what it is good for here, or what is missing
};

struct LauncherFact {
  std::string name;  // "solo" when there is none
  std::string how;   // which variable tells, and how it is talked to
  std::string problem;  // why it cannot be joined; empty when it can
  std::optional<std::uint64_t> pe;   // where the environment says so
  std::optional<std::uint64_t> pes;
};

// A limit of this process; no value: unlimited.
struct LimitFact {
  std::string name;
  std::optional<std::uint64_t> value;
  std::string unit;
};

struct MachineFact {
  std::string host;
  std::string kernel;
  std::uint64_t cores = 0;         // of the machine, as far as they are on
  std::uint64_t usable_cores = 0;  // for this process
  std::string cpuset;              // "0-3,8"
  std::uint64_t page_bytes = 0;
  lamellae::MemoryRoom room;
  std::vector<LimitFact> limits;
};

struct SettingFact {
  const base::SettingInfo* info = nullptr;
  std::string value;
  base::Source source = base::Source::kDefault;
  std::string error;  // why the value cannot be used; empty when it can
};

struct Facts {
  std::vector<LamellaFact> lamellae;
  std::string automatic;  // which of them LAMELLAR_BACKEND=auto takes
  LauncherFact launcher;
  MachineFact machine;
  std::vector<SettingFact> settings;
  std::vector<std::string> warnings;  // variables that are no settings
};

// bad: what could not be used when the settings were loaded. Joins no job, starts no thread.
Facts gather_facts(const base::Settings& settings, const std::vector<base::BadSetting>& bad);

// Tries what each lamella needs. In lamellae.cpp.
std::vector<LamellaFact> lamellae_here(const base::Settings& settings);
// What LAMELLAR_BACKEND=auto takes. alone: there is no launcher.
std::string automatic_choice(bool alone);

// "48.0 MiB"; bytes below 1 KiB as "17 bytes".
std::string bytes_text(std::uint64_t bytes);

}  // namespace lamellar::tools
