#pragma once
// Starting: launch() runs a function once per PE; init() gives a world to programs that keep
// their own main. State of a PE that messages reach lives in a PeLocal<T>.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <lamellar/am.hpp>
#include <lamellar/bootstrap.hpp>
#include <lamellar/executor.hpp>
#include <lamellar/task_group.hpp>

namespace lamellar {

// What a program asks of its world. Command line beats environment beats builder, except
// force_*(). Names and values as in docs/settings.md.
class LAMELLAR_API WorldBuilder {
 public:
  WorldBuilder();
  ~WorldBuilder();
  WorldBuilder(const WorldBuilder&);
  WorldBuilder& operator=(const WorldBuilder&);

  WorldBuilder& num_pes(Pe count) { return set("NUM_PES", std::to_string(count)); }
  WorldBuilder& threads(std::uint32_t count) { return set("THREADS", std::to_string(count)); }
  WorldBuilder& lamella(const std::string& name) { return set("BACKEND", name); }
  WorldBuilder& name(const std::string& world) { return set("WORLD_NAME", world); }
  WorldBuilder& force_num_pes(Pe count) { return force("NUM_PES", std::to_string(count)); }
  WorldBuilder& force_threads(std::uint32_t count) {
    return force("THREADS", std::to_string(count));
  }
  WorldBuilder& force_lamella(const std::string& name) { return force("BACKEND", name); }
  // Any setting by name, with or without LAMELLAR_. ERRORS: ConfigError for an unknown name.
  WorldBuilder& set(const std::string& setting, const std::string& value);
  WorldBuilder& force(const std::string& setting, const std::string& value);
  // Gets failures nobody waits for, on the PE where they turn up: those of detached AMs where they
  // ran (the exception itself), those of dropped futures where they were dropped (RemoteError).
  // Default: report and end the job. THREADS: called on any worker. A handler that returns lets
  // the job go on.
  WorldBuilder& on_error(std::function<void(std::exception_ptr)> handler);

  // An executor of the program's own, one for each PE; goes before LAMELLAR_EXECUTOR.
  WorldBuilder& executor(std::function<std::unique_ptr<Executor>()> make);

  // A way to bring the PEs together that the program has already (MPI, say), instead of the
  // launcher's. REQUIRES: the same on every PE, before the first world of the process.
  WorldBuilder& bootstrap(UserBootstrap callbacks);

  // Runs `pe_main` once per PE and returns the job's status: the first that was not zero, in order
  // of time. Options --lamellar-* are taken out of argv. A PE function that throws fails the job:
  // every other PE's waits throw JobFailed, the status is not zero, one report is printed.
  // With one thread per PE, messages run on that thread while it waits; while it computes, after a
  // few milliseconds, on one more that stands in for it, or not at all (LAMELLAR_PROGRESS).
  // BLOCKS: until all PEs have ended and every AM has run, and every task that descends from one
  // (see World::quiesce). ERRORS: settings or launchers that
  // cannot be used are told in one line, status 2; what a PE function throws gives status 1.
  int launch(int& argc, char** argv, const std::function<int(World&)>& pe_main);
  int launch(const std::function<int(World&)>& pe_main);

  // A world of this one process; it ends when the last copy of the World goes.
  // ERRORS: ConfigError, LaunchError; Unsupported when the settings ask for several PEs.
  World init(int& argc, char** argv);
  World init();

  struct Parts;  // not for users

 private:
  std::unique_ptr<Parts> parts_;
};

// WorldBuilder().launch(...).
LAMELLAR_API int launch(int& argc, char** argv, const std::function<int(World&)>& pe_main);
// WorldBuilder().init().
LAMELLAR_API World init();

// One T on every PE, reachable from active messages by a small id. Made collectively: every PE
// makes its PeLocals in the same order. Trivially copyable: send it as a field of an AM.
// LIFETIME: the objects live until the world ends, whatever becomes of the PeLocal; a world has
// room for 4096.
// THREADS: the object is reached from every worker of its PE at once, and beside the PE's function
// also where it has one thread (see am.hpp); T must stand that.
template <class T>
class PeLocal {
 public:
  // An empty one; local() throws.
  PeLocal() = default;
  // Makes this PE's T from `args`. Collective. BLOCKS: until all PEs have theirs.
  template <class... Args>
  explicit PeLocal(const World& world, Args&&... args) {
    auto object = std::make_unique<T>(std::forward<Args>(args)...);
    id_ = detail::pe_local_add(world.engine(), object.get(), &destroy);
    object.release();
    world.barrier();
  }

  // The T of the PE that runs the calling code. ERRORS: Error when the calling thread works for no
  // PE, or for one of another world (then name it: local(world), local(context)).
  T& local() const { return at(nullptr); }
  T& local(const Context& context) const { return at(&context.engine()); }
  T& local(const World& world) const { return at(&world.engine()); }

 private:
  static void destroy(void* object) noexcept { delete static_cast<T*>(object); }
  T& at(engine::Engine* engine) const {
    return *static_cast<T*>(detail::pe_local_get(engine, id_));
  }
  std::uint64_t id_ = 0;
};

// Its id is all that travels.
template <class T>
struct wire_safe_override<PeLocal<T>> : std::true_type {};

}  // namespace lamellar
