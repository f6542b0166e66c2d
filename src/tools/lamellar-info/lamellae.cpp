// Which lamellae work here: what each of them needs is tried, not guessed.
#include <sys/socket.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <lamellar/error.hpp>

#include "base/process/tree.hpp"
#include "lamellae/ofi/endpoint.hpp"
#include "lamellae/shmem/segment.hpp"
#include "lamellae/shmem/shmem_job.hpp"
#include "tools/lamellar-info/facts.hpp"

namespace lamellar::tools {
namespace {

using base::Key;
using lamellae::Descriptor;
using lamellae::Segment;

std::string failed(const char* call) { return std::string(call) + ": " + std::strerror(errno); }

// What is missing; empty when nothing is.
std::string what_shmem_lacks(const lamellae::BlockShape& shape) {
  const Descriptor memory(memfd_create("lamellar-info", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (memory.get() < 0) return failed("memfd_create");
  const Descriptor socket_of_host(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket_of_host.get() < 0) return failed("a socket of this host");
  const Descriptor pidfd(base::open_pidfd(getpid()));
  if (pidfd.get() < 0) return failed("pidfd_open");
  try {
    const Segment segment = Segment::create(lamellae::Block::bytes(shape));
    if (!segment.commit(0, lamellae::start_bytes(shape)))
      lamellae::refuse_memory("the first frames", lamellae::start_bytes(shape));
  } catch (const LaunchError& error) {
    return error.what();
  }
  return {};
}

LamellaFact shmem_fact(const base::Settings& settings) {
  const lamellae::BlockShape shape = lamellae::shmem_shape(
      2, static_cast<std::uint32_t>(settings.u64(Key::kFrameBytes)),
      static_cast<std::uint32_t>(settings.u64(Key::kPoolFrames)));
  LamellaFact fact{"shmem", false, what_shmem_lacks(shape)};
  if (!fact.why.empty()) return fact;
  fact.usable = true;
  fact.why = "one process a PE on this host, " + bytes_text(lamellae::start_bytes(shape)) +
             " of shared memory for each at the start, at most " +
             bytes_text(lamellae::Block::bytes(shape));
  return fact;
}

LamellaFact ofi_fact(const base::Settings& settings) {
  try {
    const auto endpoint = lamellae::open_endpoint(
        {settings.text(Key::kProvider), settings.text(Key::kInterface), 1024});
    return {"ofi", true, "between hosts, " + endpoint->describe() + "; trusted networks only"};
  } catch (const LaunchError& error) {
    return {"ofi", false, error.what()};
  }
}

}  // namespace

std::vector<LamellaFact> lamellae_here(const base::Settings& settings) {
  return {{"local", true, "all PEs are threads of one process"},
          shmem_fact(settings),
          ofi_fact(settings),
          {"sim", true, "local on a seeded simulation, for tests"}};
}

std::string automatic_choice(bool alone) {
  if (alone) return "local: no launcher has started this process";
  return "shmem when all PEs of the job are on one host; else shmem inside each host and ofi "
         "between them";
}

}  // namespace lamellar::tools
