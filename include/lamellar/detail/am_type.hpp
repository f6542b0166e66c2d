#pragma once
// What the library knows of a type of active message: one static descriptor per type, in the
// shared object that uses it, linked into an append-only list at static initialisation.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <lamellar/detail/engine_api.hpp>
#include <lamellar/export.hpp>

namespace lamellar::detail {

// A piece of a run to execute, at least a record. In: at, end, request, counted, most. Out: at,
// deferred, broken.
struct RunArgs {
  Pe source = 0;
  bool request = false;              // records begin with a RequestId
  bool counted = true;               // the sender counts their bytes
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;
  std::uint64_t most = ~std::uint64_t{0};  // records to execute, should there be more
  std::uint64_t deferred = 0;        // bytes of records that end later (coroutines)
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
