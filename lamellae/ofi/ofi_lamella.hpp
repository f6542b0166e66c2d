#pragma once
// Frames between hosts, over an Endpoint (libfabric). Frames, credits and queues lie here, in
// private memory; the endpoint only moves messages.
//
// Sealed frames travel whole and in place, published prefixes as copies; the receiver puts the
// pieces of a frame together. Credit comes back in the header of whatever travels the other way, or
// in a message of its own.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lamellae/api/lamella.hpp"
#include "lamellae/ofi/endpoint.hpp"

namespace lamellar::lamellae {

struct OfiOptions {
  Pe my_pe = 0;
  std::vector<std::string> addresses;  // of all PEs; empty where nobody is sent to (own, siblings)
  std::vector<std::string> hosts;      // of all PEs, for messages
  std::uint32_t frame_bytes = 0;
  std::uint32_t pool_frames = 0;
  std::uint64_t job_nonce = 0;                       // the same on all PEs
  std::uint64_t connect_timeout_ns = 10'000'000'000; // until each peer has answered
  // The doorbell, and where the job's failure is kept: of the lamella that this one extends.
  // LIFETIME: outlives this one.
  Lamella* home = nullptr;
  // The job cannot go on: a peer cannot be reached. THREADS: any. BLOCKS: briefly.
  std::function<void(Pe culprit, const std::string& why)> fail;
};

// ERRORS: LaunchError, with what was tried.
std::unique_ptr<Lamella> make_ofi_lamella(std::unique_ptr<Endpoint> endpoint, OfiOptions options);

}  // namespace lamellar::lamellae
