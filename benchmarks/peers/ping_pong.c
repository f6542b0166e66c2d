/* 8 bytes there and back between two processes of an MPI, each on its core, spinning:
 *   ping_pong ping_pong SECONDS
 * Prints `result mpi_us TIME`, the median of batches. */
#define _GNU_SOURCE
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kBatch = 1000, kMost = 100000 };

/* The rank-th of BENCH_CPUS=A,B, else of the first two cores this process may use. */
static void pin(int rank) {
  cpu_set_t set;
  int cpus[2] = {0, 0}, count = 0, cpu;
  const char* text = getenv("BENCH_CPUS");
  if (text == NULL || sscanf(text, "%d,%d", &cpus[0], &cpus[1]) != 2) {
    sched_getaffinity(0, sizeof set, &set);
    for (cpu = 0; cpu < CPU_SETSIZE && count < 2; ++cpu)
      if (CPU_ISSET(cpu, &set)) cpus[count++] = cpu;
    if (count < 2) cpus[1] = cpus[0];
  }
  CPU_ZERO(&set);
  CPU_SET(cpus[rank % 2], &set);
  sched_setaffinity(0, sizeof set, &set);
}

static int by_value(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

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
  if (rank == 0) {
    qsort(times, count, sizeof times[0], by_value);
    printf("result mpi_us %.9g\n", times[count / 2] * 1e6);
  }
  MPI_Finalize();
  return 0;
}
