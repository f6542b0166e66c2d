#include "world/world/seat.hpp"

#include <signal.h>

#include <algorithm>
#include <lamellar/error.hpp>
#include <string>
#include <string_view>

#include "base/log/log.hpp"
#include "lamellae/bootstrap/session.hpp"
#include "lamellae/faulty/faulty.hpp"
#include "world/world/network.hpp"

namespace lamellar::world {

using base::Key;

Seating::Seating(const base::Settings& settings, const UserBootstrap* callbacks)
    : settings_(settings),
      faults_(lamellae::parse_faults(settings.text(Key::kFaults))),
      session_(lamellae::join_launcher(
          callbacks, lamellae::start_timeout_ns(settings.f64(Key::kStartTimeout)),
          {"", settings.warnings()})) {
  if (session_->has_fault()) session_->fail_start();
  for (const std::string& warning : session_->unsaid(settings.warnings()))
    LAMELLAR_LOG_WARN("{}", warning);
  const std::string& backend = settings.text(Key::kBackend);
  const bool alone = session_->size() == 1;
  if ((backend == "local" || backend == "sim") && !alone)
    throw LaunchError("LAMELLAR_BACKEND=" + backend + " puts all PEs into one process, but " +
                      std::to_string(session_->size()) + " processes were started by " +
                      session_->launcher() +
                      "; start the program without a launcher and say --lamellar-num-pes N, or "
                      "take LAMELLAR_BACKEND away");
  if (alone && backend != "shmem" && backend != "ofi")
    seat_in_process();
  else
    seat_as_process(backend);
  faults_.seed = settings_.u64(Key::kFaultSeed);
  // In a process of its own each PE finds out at its seat: then one of them says it for all.
  if (local_) lamellae::check_faults(faults_, num_pes_);
}

void Seating::seat_in_process() {
  num_pes_ = pes_here_ = static_cast<Pe>(settings_.u64(Key::kNumPes));
  local_ = std::make_shared<lamellae::LocalJob>(
      num_pes_, static_cast<std::uint32_t>(settings_.u64(Key::kFrameBytes)),
      static_cast<std::uint32_t>(settings_.u64(Key::kPoolFrames)));
}

void Seating::seat_as_process(const std::string& backend) {
  num_pes_ = session_->size();
  pes_here_ = static_cast<Pe>(session_->host_mates().size());
  if (!on_one_host() && backend == "shmem")
    throw LaunchError("LAMELLAR_BACKEND=shmem needs all PEs on one host, but only " +
                      std::to_string(pes_here_) + " of the " + std::to_string(num_pes_) +
                      " PEs are on host " + session_->host_name(session_->rank()) +
                      "; take LAMELLAR_BACKEND away (auto: shared memory inside a host, "
                      "libfabric between), or start all of them on one host");
  network_ = backend == "ofi" || !on_one_host();
  const std::uint64_t asked = settings_.u64(Key::kNumPes);
  if (settings_.source(Key::kNumPes) != base::Source::kDefault && asked != num_pes_)
    LAMELLAR_LOG_WARN("LAMELLAR_NUM_PES={} counts only for PEs in one process; {} started {} ({})",
                      asked, session_->launcher(), num_pes_, backend);
}

Seat Seating::seat(Pe local_pe) {
  lamellae::check_faults(faults_, num_pes_);
  Seat seat = take_seat(local_pe);
  std::function<void()> die;
  if (!local_) die = [] { static_cast<void>(raise(SIGKILL)); };
  seat.lamella = lamellae::make_faulty(std::move(seat.lamella), faults_, std::move(die));
  return seat;
}

Seat Seating::take_seat(Pe local_pe) {
  Seat seat;
  if (local_) {
    seat.bootstrap = local_->bootstrap(local_pe);
    seat.lamella = local_->lamella(local_pe);
    return seat;
  }
  const std::vector<std::vector<Pe>> all = groups();
  lamellae::ShmemOptions options;
  options.group = *std::find_if(all.begin(), all.end(), [this](const std::vector<Pe>& group) {
    return std::find(group.begin(), group.end(), session_->rank()) != group.end();
  });
  // The same on both ways, so that whatever fits into one frame fits into another.
  options.frame_bytes = network_ ? network_frame_bytes(settings_)
                                 : static_cast<std::uint32_t>(settings_.u64(Key::kFrameBytes));
  options.pool_frames = static_cast<std::uint32_t>(settings_.u64(Key::kPoolFrames));
  options.start_timeout_ns =
      lamellae::start_timeout_ns(settings_.f64(Key::kStartTimeout));
  options.grace_ns = settings_.u64(Key::kFailureGraceMs) * 1'000'000;
  options.launcher_pidfd = session_->launcher_pidfd();
  options.launcher_reports = launcher_reports();
  options.blame = [session = session_](Pe culprit) { session->blame(culprit); };
  seat.bootstrap = session_->open(settings_.text(Key::kWorldName));
  seat.shmem = lamellae::ShmemJob::join(*seat.bootstrap, options);
  if (!network_) {
    seat.lamella = seat.shmem->lamella();
    return seat;
  }
  Network network = join_network(*seat.bootstrap, settings_, all, seat.shmem,
                                 [this](Pe pe) { return session_->host_name(pe); },
                                 launcher_reports());
  seat.links = std::move(network.links);
  seat.lamella = std::move(network.lamella);
  return seat;
}

std::vector<std::vector<Pe>> Seating::groups() const {
  if (settings_.text(Key::kBackend) != "ofi") return session_->hosts();
  std::vector<std::vector<Pe>> each;
  for (Pe pe = 0; pe < num_pes_; ++pe) each.push_back({pe});
  return each;
}

void Seat::leave() const noexcept {
  if (links) links->leave();
  if (shmem) shmem->leave();
}

bool Seating::launched() const { return std::string_view(session_->launcher()) != "solo"; }

bool Seating::launcher_reports() const {
  return !local_ && session_->launcher_reports();
}

void Seating::blame(Pe culprit) noexcept {
  if (!local_) session_->blame(culprit);
}

void Seating::abandon(Pe local_pe, const std::string& why) noexcept {
  if (local_) return local_->bootstrap(local_pe)->abandon(why);
  try {
    session_->open(settings_.text(Key::kWorldName))->abandon(why);
  } catch (const std::exception&) {
    // The session is broken already: the launcher will notice.
  }
}

}  // namespace lamellar::world
