#pragma once
// Threads that send and receive records between the endpoints of a job until every record has
// arrived once; then it is checked that everything came back and was counted.
#include <functional>

#include "conformance/records.hpp"
#include "conformance/subject.hpp"

namespace lamellar::conformance {

struct Plan {
  std::function<bool(Pe from, Pe to)> route = [](Pe from, Pe to) { return from != to; };
  std::uint64_t records = 1000;  // of each sending thread to each of its destinations
  std::uint32_t largest = 200;   // bytes of a record, at most
  unsigned senders = 1;          // threads of each PE
  unsigned receivers = 1;        // threads of each PE; 0: the senders receive when they must wait
  bool publisher = false;        // one more thread of each PE publishes what the senders have open
  std::uint64_t seed = 1;
};

void run_traffic(const Subject& subject, const Shape& shape, const Plan& plan);

// Sleeps on the PE's doorbell unless `ready` holds or something has arrived. Whoever sleeps there
// polls afterwards: the ring for an arriving frame goes to one of the sleepers.
template <class Ready>
void sleep_unless(lamellae::Lamella& lamella, const Ready& ready) {
  const std::uint32_t key = lamella.doorbell().prepare();
  if (ready() || lamella.has_incoming()) {
    lamella.doorbell().cancel();
    base::spin_pause();  // another thread may be taking it
  } else {
    lamella.doorbell().commit(key, base::kForever, lamella.doorbell_scope());
  }
}

// As try_open() and try_claim_eager(): where there is a no at times without need
// (faulty), it is asked again, until only who has none goes on saying it.
inline constexpr int kAsks = 64;
inline bool open_frame(lamellae::Lamella& sender, Pe destination, lamellae::Lane lane,
                       lamellae::OpenFrame& frame) {
  for (int i = 0; i < kAsks; ++i)
    if (sender.try_open(destination, lane, frame)) return true;
  return false;
}
inline bool claim_eager(lamellae::Lamella& sender, Pe destination,
                        lamellae::Lamella::EagerRoom& room) {
  for (int i = 0; i < kAsks; ++i)
    if (sender.try_claim_eager(destination, room)) return true;
  return false;
}

// Whether nothing is left to take; over a network there may be news that are none, for a while.
inline bool falls_silent(lamellae::Lamella& lamella, bool network) {
  const int looks = network ? 100'000 : 1;
  for (int look = 0; look < looks; ++look) {
    if (!lamella.has_incoming()) return true;
    base::yield_thread();
  }
  return false;
}

// Takes what nobody looks at.
class Nobody final : public lamellae::FrameSink {
 public:
  void on_chunk(const lamellae::Chunk&) noexcept override {}
};

// `receiver` polls until all frames of `lane` that `sender` has sent it are back; the sender polls
// too, since over a network credit comes by messages.
template <class Sink>
void poll_until_back(lamellae::Lamella& sender, lamellae::Lamella& receiver, Sink& sink,
                     lamellae::Lane lane = lamellae::Lane::kRequest) {
  Nobody nobody;
  while (sender.in_flight(receiver.my_pe(), lane) != 0) {
    const bool any = receiver.poll(sink);
    if (!sender.poll(nobody) && !any) base::yield_thread();
  }
}

// How many frames for `destination` can be open at once. Gives them back.
std::uint32_t free_frames(lamellae::Lamella& lamella, Pe destination, lamellae::Lane lane);

// Polls all endpoints into `sinks` (one for each PE) until `done`.
template <class Sink, class Done>
void poll_until(Endpoints& job, std::vector<Sink>& sinks, const Done& done) {
  while (!done()) {
    bool any = false;
    for (Pe pe = 0; pe < job.size(); ++pe) any = job.at(pe).poll(sinks[pe]) || any;
    if (!any) base::yield_thread();
  }
}

}  // namespace lamellar::conformance
