#pragma once
// What the library knows of a type of active message: one static descriptor per type, in the
// shared object that uses it, linked into an append-only list at static initialisation.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <lamellar/detail/engine_api.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

// What is told when a message has ended.
struct Ending {
  std::uint64_t bytes = 0;   // it took on the wire, when they count
  Pe owner = 0;              // of the domain
  std::uint32_t domain = 0;  // in which it is a record; 0: none
};

// A piece of a run to execute, at least a record. In: source, request, counted, at, end, most,
// owner, domain. Out: at, records, deferred, deferred_records, broken.
struct RunArgs {
  Pe source = 0;
  bool request = false;              // records begin with a RequestId
  bool counted = true;               // the sender counts their bytes
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;
  std::uint64_t most = ~std::uint64_t{0};  // records to execute, should there be more
  Pe owner = 0;                      // of the domain
  std::uint32_t domain = 0;          // that the records belong to; 0: none
  std::uint32_t records = 0;         // executed
  std::uint32_t deferred_records = 0;  // of them, those that end later (coroutines)
  std::uint64_t deferred = 0;        // bytes of these
  bool broken = false;               // the bytes are not records of this type
};

struct AmType {
  const char* name;
  std::uint32_t fixed;               // bytes of a body; kVariableSize: a length stands in front
  void (*execute)(engine::Engine& engine, const AmType& type, RunArgs& args) noexcept;
  bool framed_here = false;          // to the own PE too it goes in frames, when detached
  std::atomic<std::uint32_t> number{0};  // 1 + place in this process' list
  AmType* next = nullptr;
};
inline constexpr std::uint32_t kVariableSize = ~std::uint32_t{0};
static_assert(alignof(AmType) >= 8, "the low bits of its address tell kinds of runs apart");

// Links `type` into the list; a second call for one type has no effect. THREADS: any.
LAMELLAR_API bool register_am_type(AmType& type) noexcept;

}  // namespace lamellar::detail
