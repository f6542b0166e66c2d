#pragma once
// The untyped calls that the typed shells make into the library. THREADS: any unless said.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <source_location>

#include <lamellar/detail/future_core.hpp>
#include <lamellar/detail/span_io.hpp>
#include <lamellar/export.hpp>
#include <lamellar/types.hpp>

namespace lamellar {

template <class R>
class Future;

namespace engine {
class Group;
}

}  // namespace lamellar

namespace lamellar::detail {

struct AmType;
struct Ending;
using EncodeFn = void (*)(const void* value, SpanWriter& to);

// A pending request in its sender's table; travels with the message and back with the reply.
struct RequestId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
};

// One reply (or failure) of a request has come. `index` tells the replies of one state apart.
// value is null when error is set. May throw what decoding throws.
using ArriveFn = void (*)(FutureCore& state, std::uint32_t index, SpanReader* value,
                          std::exception_ptr error);

// --- sending -------------------------------------------------------------------------------
// Appends a detached message whose record did not fit the open run. False when `pe` is the own PE:
// nothing happened. BLOCKS: for credits, outside of tasks and handlers; the thread works meanwhile.
// ERRORS: OutOfRange, AmTooLarge, JobFailed, WorldEnded.
LAMELLAR_API bool append_detached(engine::Engine& engine, Pe pe, const AmType& type,
                                  const void* am, EncodeFn encode);
// A message that is answered, in two steps. First `arrive` is entrusted with `state` (which it must
// complete: FutureCore::entrust); then the message is appended, here or inline. Whatever that
// throws becomes the answer. ERRORS of the first: JobFailed, WorldEnded, std::bad_alloc; nobody is
// entrusted then.
LAMELLAR_API RequestId open_request(engine::Engine& engine, FutureCore& state, ArriveFn arrive);
LAMELLAR_API void append_request(engine::Engine& engine, Pe pe, const AmType& type,
                                 const void* am, EncodeFn encode, RequestId id);
// The same to all PEs but this one, down a tree and encoded once. A detached one may belong to a
// group. `arrive` gets each PE's answer, with the PE as index, and throws nothing.
LAMELLAR_API void append_detached_to_all(engine::Engine& engine, const AmType& type,
                                         const void* am, EncodeFn encode, engine::Group* group);
LAMELLAR_API void send_request_to_all(engine::Engine& engine, const AmType& type, const void* am,
                                      EncodeFn encode, FutureCore& state, ArriveFn arrive);
// Answers. encode is null for a reply without value.
LAMELLAR_API void reply_value(engine::Engine& engine, Pe pe, RequestId request,
                              const AmType& type, const void* value, EncodeFn encode);
LAMELLAR_API void reply_failure(engine::Engine& engine, Pe pe, RequestId request,
                                const AmType& type, std::exception_ptr error) noexcept;

// --- task groups ---------------------------------------------------------------------------
LAMELLAR_API std::shared_ptr<engine::Group> new_group(engine::Engine& engine);
// Something of the group that ends on this PE: a message to it, a request, a task.
LAMELLAR_API void group_began(engine::Group& group) noexcept;
LAMELLAR_API void group_ended(engine::Group& group) noexcept;
// As append_detached(), to another PE.
LAMELLAR_API void append_to_group(engine::Group& group, Pe pe, const AmType& type, const void* am,
                                  EncodeFn encode);
LAMELLAR_API Future<void> group_wait(engine::Group& group, std::source_location where);

// --- executing -----------------------------------------------------------------------------
LAMELLAR_API void detached_failure(engine::Engine& engine, Pe source, const char* am,
                                   std::exception_ptr error) noexcept;
// A message of `source` whose end was deferred (a coroutine) is done.
LAMELLAR_API void deferred_done(engine::Engine& engine, Pe source, const Ending& ending) noexcept;
// A job that counts as a message to the own PE until it calls local_ended().
LAMELLAR_API void post(engine::Engine& engine, Job& job, Priority priority) noexcept;
// ERRORS: Error when the PE has no such thread.
LAMELLAR_API void check_thread(engine::Engine& engine, std::uint32_t thread, const char* call);
// A job for the thread with this number, or for any.
inline constexpr std::uint32_t kAnyThread = ~std::uint32_t{0};
LAMELLAR_API void submit_to(engine::Engine& engine, std::uint32_t thread, Job& job) noexcept;
// A message to the own PE began or ended.
LAMELLAR_API void local_began(engine::Engine& engine);
LAMELLAR_API void local_ended(engine::Engine& engine) noexcept;
// The error as it would arrive from another PE.
LAMELLAR_API std::exception_ptr as_remote_error(engine::Engine& engine, const char* am,
                                                std::exception_ptr error) noexcept;

// --- the world -----------------------------------------------------------------------------
LAMELLAR_API engine::Scheduler& scheduler_of(engine::Engine& engine) noexcept;
LAMELLAR_API Pe my_pe_of(const engine::Engine& engine) noexcept;
LAMELLAR_API Pe num_pes_of(const engine::Engine& engine) noexcept;
LAMELLAR_API void check_pe(engine::Engine& engine, Pe pe, const char* call);
LAMELLAR_API void check_running(engine::Engine& engine);
LAMELLAR_API void refuse_inside_task(const WaitLabel& label, std::source_location where);
LAMELLAR_API void refuse_inside_handler(const WaitLabel& label, std::source_location where);
// A handle was destroyed and never started: warn, or abort under LAMELLAR_STRICT=1.
LAMELLAR_API void handle_dropped(engine::Engine& engine, const char* call,
                                 std::source_location where) noexcept;
// State of a PE by id: see PeLocal. take_id is collective by order of calls.
LAMELLAR_API std::uint64_t pe_local_add(engine::Engine& engine, void* object,
                                        void (*destroy)(void*) noexcept);
LAMELLAR_API void* pe_local_get(engine::Engine* engine, std::uint64_t id);

}  // namespace lamellar::detail
