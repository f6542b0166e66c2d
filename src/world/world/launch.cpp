#include <signal.h>

#include <atomic>
#include <cstring>
#include <lamellar/error.hpp>
#include <lamellar/world.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/clock/sim.hpp"
#include "base/clock/thread.hpp"
#include "base/core/assert.hpp"
#include "base/crash/crash.hpp"
#include "base/log/log.hpp"
#include "base/wait/wait.hpp"
#include "engine/am/failure.hpp"
#include "lamellae/faulty/plan.hpp"
#include "world/world/exit_guard.hpp"
#include "world/world/limits.hpp"
#include "world/world/parts.hpp"
#include "world/world/runtime.hpp"
#include "world/world/seat.hpp"

namespace lamellar {
namespace {

using base::Key;
using base::Settings;

constexpr int kUnusable = 2;  // the job did not start

// Takes the --lamellar-* options out of argv.
Settings load_settings(int* argc, char** argv, const base::Overrides& overrides) {
  if (argc == nullptr) return Settings::load(nullptr, overrides);
  std::vector<std::string> args;
  for (int i = 1; i < *argc; ++i) args.emplace_back(argv[i]);
  Settings settings = Settings::load(&args, overrides);
  // What is left are some of the old strings in the old order: keep their pointers.
  int kept = 1;
  std::size_t next = 0;
  for (int i = 1; i < *argc && next < args.size(); ++i) {
    if (args[next] != argv[i]) continue;
    argv[kept++] = argv[i];
    ++next;
  }
  *argc = kept;
  argv[kept] = nullptr;
  return settings;
}

int signal_number(const std::string& name) {
  if (name == "USR1") return SIGUSR1;
  if (name == "USR2") return SIGUSR2;
  if (name == "none") return 0;
  throw ConfigError("LAMELLAR_WAITS_SIGNAL is '" + name + "'; allowed are USR1, USR2, none");
}

void apply_process_settings(const Settings& settings) {
  if (const auto level = base::find_log_level(settings.text(Key::kLog)))
    base::set_log_level(*level);
  if (const int signal = signal_number(settings.text(Key::kWaitsSignal)); signal != 0)
    static_cast<void>(base::dump_waits_on_signal(signal));
  base::install_crash_handlers();
}

// ERRORS: ConfigError, for what no single value shows.
void check_together(const Settings& settings) {
  static_cast<void>(lamellae::parse_faults(settings.text(Key::kFaults)));
  static_cast<void>(world::spill_limits(settings, world::pool_bytes_of(settings), 1));
}

// The settings of a job; when this PE cannot use its own, the others hear of it and one PE says it.
// ERRORS: JobFailed; ConfigError where nobody could be told.
Settings settings_of_job(int* argc, char** argv, const WorldBuilder::Parts& parts) {
  try {
    Settings settings = load_settings(argc, argv, parts.overrides);
    apply_process_settings(settings);
    check_together(settings);
    return settings;
  } catch (const ConfigError& error) {
    std::shared_ptr<lamellae::LaunchSession> session;
    try {
      session = lamellae::join_launcher(parts.callbacks(), lamellae::kStartTimeoutNs,
                                        {error.what(), {}});
    } catch (const Error&) {
      // No launcher, or none that can be reached.
    }
    if (session && session->has_fault()) session->fail_start();
    throw;
  }
}

// One job of launch(): what the PEs of this process share besides the lamella.
struct LaunchJob {
  const Settings& settings;
  const std::function<int(World&)>& pe_main;
  const world::Hooks& hooks;
  world::Seating& seating;
  std::atomic<int> status{0};  // the first that was not zero

  void ended(int pe_status) noexcept {
    int none = 0;
    if (pe_status != 0) status.compare_exchange_strong(none, pe_status);
  }
};

// The PE's own work: its function, then the orderly end with the others.
int run_function(LaunchJob& job, world::Runtime& runtime) noexcept {
  engine::Engine& engine = runtime.engine();
  int status = 0;
  try {
    World world(engine.self());
    status = job.pe_main(world);
    job.ended(status);
    runtime.finish();
  } catch (const JobFailed&) {
    // Either another PE failed, or the function threw one of its own making.
    if (!engine.failed()) engine.fail_with(std::current_exception());
  } catch (...) {
    const engine::FailureText text = engine::describe(std::current_exception());
    engine.fail("the function of PE " + std::to_string(engine.my_pe()) + " threw " + text.type +
                ": " + text.what);
  }
  return engine.failed() && status == 0 ? 1 : status;
}

// A PE of this process, or this process' PE: from taking its seat to leaving.
void run_pe(LaunchJob& job, Pe local_pe) noexcept {
  world::Seat seat;
  std::shared_ptr<world::Runtime> runtime;
  try {
    seat = job.seating.seat(local_pe);
    base::set_current_pe_for_log(static_cast<int>(seat.lamella->my_pe()));
    runtime = world::Runtime::start(job.settings, job.seating.launched(),
                                    std::move(seat.bootstrap), std::move(seat.lamella),
                                    job.hooks);
  } catch (const JobFailed& error) {
    job.seating.blame(error.pe());  // it has said why
    return job.ended(kUnusable);
  } catch (const std::exception& error) {
    if (!job.seating.launcher_reports())
      LAMELLAR_LOG_ERROR("this PE cannot start: {}", error.what());
    job.seating.abandon(local_pe, error.what());
    return job.ended(kUnusable);
  }
  detail::t_state.engine = &runtime->engine();
  job.ended(run_function(job, *runtime));
  detail::t_state.engine = nullptr;
  runtime->stop();
  if (runtime->engine().lamella().failure() != nullptr) job.ended(1);  // or while it left
  seat.leave();
  base::set_current_pe_for_log(-1);
}

int run_job(LaunchJob& job) {
  const world::ExitGuard guard;
  if (job.seating.pes_in_process() == 1) {
    run_pe(job, 0);
    return job.status.load();
  }
  std::vector<std::unique_ptr<base::Thread>> pes;
  for (Pe pe = 0; pe < job.seating.pes_in_process(); ++pe)
    pes.push_back(std::make_unique<base::Thread>("lml-pe" + std::to_string(pe), [&job, pe] {
      base::set_current_pe_for_log(static_cast<int>(pe));
      run_pe(job, pe);
    }));
  pes.clear();  // joins
  return job.status.load();
}

int run_job_or_simulate(LaunchJob& job) {
  if (job.settings.text(Key::kBackend) != "sim") return run_job(job);
  base::Sim sim(job.settings.u64(Key::kSimSeed));
  int status = kUnusable;
  sim.run([&] { status = run_job(job); });
  LAMELLAR_LOG_DEBUG("simulation of seed {}: {} steps, trace {:016x}",
                     job.settings.u64(Key::kSimSeed), sim.steps(), sim.trace_hash());
  return status;
}

World make_world(int* argc, char** argv, const WorldBuilder::Parts& parts) {
  const Settings settings = load_settings(argc, argv, parts.overrides);
  apply_process_settings(settings);
  check_together(settings);
  if (settings.text(Key::kBackend) == "sim")
    throw Unsupported("LAMELLAR_BACKEND=sim needs launch(): a world of init() lives on outside of "
                      "the simulation");
  world::Seating seating(settings, parts.callbacks());
  if (seating.pes_in_process() != 1)
    throw Unsupported("init() makes a world of this one process, but " +
                      settings.text(Key::kNumPes) +
                      " PEs were asked for (LAMELLAR_NUM_PES): several PEs in one process need "
                      "launch()");
  world::Seat seat = seating.seat(0);
  auto runtime = world::Runtime::start(settings, seating.launched(), std::move(seat.bootstrap),
                                       std::move(seat.lamella), parts.hooks);
  engine::Engine* const engine = &runtime->engine();
  detail::t_state.engine = engine;
  // The last copy of the returned World ends it, on that copy's thread.
  return World(std::shared_ptr<engine::Engine>(
      engine, [runtime, shmem = seat.shmem, links = seat.links](engine::Engine* ending) {
        try {
          if (!ending->failed()) runtime->finish();
        } catch (const std::exception& error) {
          LAMELLAR_LOG_ERROR("the end of world '{}' failed: {}", ending->options().name,
                             error.what());
        }
        if (detail::t_state.engine == ending) detail::t_state.engine = nullptr;
        runtime->stop();
        world::Seat{nullptr, nullptr, shmem, links}.leave();
      }));
}

int launch_job(int* argc, char** argv, const WorldBuilder::Parts& parts,
               const std::function<int(World&)>& pe_main) {
  try {
    const Settings settings = settings_of_job(argc, argv, parts);
    world::Seating seating(settings, parts.callbacks());
    LaunchJob job{settings, pe_main, parts.hooks, seating, {}};
    return run_job_or_simulate(job);
  } catch (const JobFailed&) {
    return kUnusable;  // another PE has said why
  } catch (const std::exception& error) {
    LAMELLAR_LOG_ERROR("{}", error.what());
    return kUnusable;
  }
}

}  // namespace

int WorldBuilder::launch(int& argc, char** argv, const std::function<int(World&)>& pe_main) {
  return launch_job(&argc, argv, *parts_, pe_main);
}

int WorldBuilder::launch(const std::function<int(World&)>& pe_main) {
  return launch_job(nullptr, nullptr, *parts_, pe_main);
}

World WorldBuilder::init(int& argc, char** argv) { return make_world(&argc, argv, *parts_); }

World WorldBuilder::init() { return make_world(nullptr, nullptr, *parts_); }

}  // namespace lamellar
