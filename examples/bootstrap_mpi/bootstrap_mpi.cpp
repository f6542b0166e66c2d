// MPI and Lamellar in one program: MPI brings the PEs together, then both are used.
#include <mpi.h>

#include <cstddef>
#include <cstdio>
#include <lamellar/world.hpp>
#include <string>

lamellar::UserBootstrap bootstrap_by_mpi(MPI_Comm comm) {
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  lamellar::UserBootstrap mpi;
  mpi.rank = static_cast<lamellar::Pe>(rank);
  mpi.size = static_cast<lamellar::Pe>(size);
  mpi.allgather = [comm](const void* mine, void* all, std::size_t bytes) {
    const int count = static_cast<int>(bytes);
    MPI_Allgather(mine, count, MPI_BYTE, all, count, MPI_BYTE, comm);
  };
  mpi.barrier = [comm] { MPI_Barrier(comm); };
  mpi.abandon = [comm](const std::string&) { MPI_Abort(comm, 2); };
  return mpi;
}

struct Square {
  int number;
  int exec(lamellar::Context&) const { return number * number; }
};
LAMELLAR_AM(Square, number);

int main(int argc, char** argv) {
  int threads = MPI_THREAD_SINGLE;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &threads);  // MPI calls on this thread only
  int status = 0;
  {
    lamellar::WorldBuilder builder;
    builder.bootstrap(bootstrap_by_mpi(MPI_COMM_WORLD));
    status = builder.launch(argc, argv, [](lamellar::World& world) {
      const int me = static_cast<int>(world.my_pe());
      const lamellar::Pe next = (world.my_pe() + 1) % world.num_pes();
      const int square = world.exec_am_pe<Square>(next, me).block();
      world.barrier();

      int sum = 0;  // a PE function runs on the thread that called launch: MPI may be used
      MPI_Allreduce(&square, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
      if (me == 0) std::printf("the squares of %u PEs add up to %d\n", world.num_pes(), sum);
      const int pes = static_cast<int>(world.num_pes());
      return sum == (pes - 1) * pes * (2 * pes - 1) / 6 ? 0 : 1;
    });
  }
  MPI_Finalize();
  return status;
}
