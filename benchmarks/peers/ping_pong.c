/* 8 bytes there and back between two processes of an MPI, each on its core, spinning:
 *   ping_pong ping_pong SECONDS
 * Prints `result mpi_us TIME`, the median of batches. */
#include "peer.h"

#include <mpi.h>
#include <string.h>

enum { kBatch = 1000, kMost = 100000 };

int main(int argc, char** argv) {
  static double times[kMost];
  const double seconds = argc > 2 ? atof(argv[2]) : 0.2;
  int rank, count = 0, more = 1, i;
  double end;
  char bytes[8];
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  memset(bytes, 0, sizeof bytes);
  pin(rank);
  MPI_Barrier(MPI_COMM_WORLD);
  end = MPI_Wtime() + seconds;
  while (more) {
    const double start = MPI_Wtime();
    for (i = 0; i < kBatch; ++i) {
      if (rank == 0) {
        MPI_Send(bytes, 8, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
        MPI_Recv(bytes, 8, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      } else {
        MPI_Recv(bytes, 8, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Send(bytes, 8, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
      }
    }
    times[count++] = (MPI_Wtime() - start) / kBatch;
    more = count < 3 || (MPI_Wtime() < end && count < kMost);
    MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
  }
  if (rank == 0) printf("result mpi_us %.9g\n", median(times, count) * 1e6);
  MPI_Finalize();
  return 0;
}
