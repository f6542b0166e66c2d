#pragma once
// Appending to an open run, inline in user code.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <lamellar/detail/cursor.hpp>
#include <lamellar/detail/span_io.hpp>
#include <lamellar/serialize.hpp>

namespace lamellar::detail {

// Those of the calling thread for `engine`; null when its last message was of another world.
[[gnu::always_inline]] inline const CursorTable* cursors_for(engine::Engine& engine) noexcept {
  const CursorTable* const table = this_thread().cursors;
  if (table == nullptr || table->owner.load(std::memory_order_relaxed) != &engine) [[unlikely]]
    return nullptr;
  return table;
}

struct NoBody {};
using BodyLength = std::uint32_t;  // as it stands in front of a body

// join_run() for bodies that are encoded piece by piece.
template <class Body, class... Head>
bool join_run_encoded(Cursor& cursor, std::byte* limit, const Body& body, const Head&... head) {
  SpanWriter to(cursor.at, limit);
  (to.put_value(head), ...);
  std::byte* const length_at = to.at;
  BodyLength length = 0;
  to.put_value(length);
  const std::size_t before = to.needed();
  encode(body, to);
  if (!to.fits()) return false;
  length = static_cast<BodyLength>(to.needed() - before);
  std::memcpy(length_at, &length, sizeof length);
  cursor.commit(to.at);
  return true;
}

// Appends one more record, `head`... and `body`, to the open run, if that is `run` and has room.
// False: nothing happened. kLength: the length of the body stands in front of it even when all
// bodies are of one length. Calls nothing in the library. Inlined always: else what is appended
// takes a turn through memory.
template <bool kLength, class Body, class... Head>
[[gnu::always_inline]] inline bool join_run(Cursor& cursor, std::uintptr_t run, const Body& body,
                                            const Head&... head) {
  std::byte* const limit = cursor.limit.load(std::memory_order_relaxed);
  if (cursor.run != run || limit == nullptr) [[unlikely]]
    return false;
  constexpr bool kNone = std::is_same_v<Body, NoBody>;
  if constexpr (!kNone && !trivial_wire<Body>) {
    return join_run_encoded(cursor, limit, body, head...);
  } else {
    constexpr std::size_t kBody = kNone ? 0 : sizeof(Body);
    constexpr std::size_t kSize = (kBody + ... + sizeof(Head)) + (kLength ? sizeof(BodyLength) : 0);
    std::byte* at = cursor.at;
    if (kSize > static_cast<std::size_t>(limit - at)) [[unlikely]]
      return false;
    ((std::memcpy(at, &head, sizeof head), at += sizeof head), ...);
    if constexpr (kLength) {
      const BodyLength length = kBody;
      std::memcpy(at, &length, sizeof length);
      at += sizeof length;
    }
    if constexpr (kBody != 0) std::memcpy(at, static_cast<const void*>(&body), kBody);
    cursor.commit(at + kBody);
    return true;
  }
}

}  // namespace lamellar::detail
