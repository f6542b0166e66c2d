#pragma once
// Your own way to bring the PEs together, for a program that has one already (MPI, for example):
//
//   lamellar::UserBootstrap mpi;
//   mpi.rank = rank;
//   mpi.size = size;
//   mpi.allgather = [](const void* mine, void* all, std::size_t bytes) {
//     MPI_Allgather(mine, bytes, MPI_BYTE, all, bytes, MPI_BYTE, MPI_COMM_WORLD);
//   };
//   mpi.barrier = [] { MPI_Barrier(MPI_COMM_WORLD); };

#include <cstddef>
#include <functional>
#include <string>

#include <lamellar/types.hpp>

namespace lamellar {

// Called while a world starts only, one at a time, on the thread that starts it; every PE makes
// the same calls in the same order. What a callback throws ends the start of the world.
struct UserBootstrap {
  Pe rank = 0;
  Pe size = 1;
  // Gives `bytes` bytes of this PE at `mine`; `all` gets size * bytes bytes, in rank order.
  std::function<void(const void* mine, void* all, std::size_t bytes)> allgather;
  // Returns when every PE has called it.
  std::function<void()> barrier;
  // Optional: this PE cannot start; end the others (MPI_Abort). Must not throw.
  std::function<void(const std::string& why)> abandon;
};

}  // namespace lamellar
