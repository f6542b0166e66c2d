/* The same histogram on an OpenSHMEM, by shmem_atomic_add:
 *   histogram histogram SECONDS ENTRIES
 * Prints `result histogram_atomic_mps RATE`; status 1 when a table's sum is not the number of
 * updates. */
#include "peer.h"

#include <dlfcn.h>
#include <mpi.h>
#include <shmem.h>
#include <string.h>
#include <unistd.h>

enum { kMost = 10000, kUpdates = 1 << 16 };

static long g_mine, g_more; /* symmetric */

/* Debian's Open MPI 4.1 crashes in shmem_finalize(), in MPI_Finalize() and at exit: tell the launcher
 * that this is the end, and be gone. */
static void leave(void) {
  void* const pmix = dlopen("libpmix.so.2", RTLD_NOW | RTLD_NOLOAD);
  int (*const finalize)(const void*, size_t) =
      pmix == NULL ? NULL : (int (*)(const void*, size_t))dlsym(pmix, "PMIx_Finalize");
  if (finalize != NULL) finalize(NULL, 0);
  _exit(finalize == NULL);
}

int main(int argc, char** argv) {
  static double times[kMost];
  const double seconds = argc > 2 ? atof(argv[2]) : 0.2;
  const uint64_t entries = argc > 3 ? strtoull(argv[3], NULL, 10) : 10000;
  int me, pes, pe, count = 0, warm = 0;
  uint64_t i, rounds = 0;
  uint64_t* updates;
  long* table;
  long sum = 0;
  double end = 0;
  shmem_init();
  me = shmem_my_pe();
  pes = shmem_n_pes();
  pin(me);
  updates = draw_updates(me, pes, entries, kUpdates);
  table = shmem_malloc(entries * sizeof *table);
  if (table == NULL) {
    printf("no symmetric memory for %llu entries\n", (unsigned long long)entries);
    return 1;
  }
  memset(table, 0, entries * sizeof *table);
  g_more = 1;
  while (g_more) {
    double start;
    shmem_barrier_all();
    start = MPI_Wtime();
    for (i = 0; i < kUpdates; ++i)
      shmem_long_atomic_add(&table[place_of(updates[i])], 1, pe_of(updates[i]));
    shmem_barrier_all(); /* waits for the updates too */
    ++rounds;
    if (warm) times[count++] = MPI_Wtime() - start;
    if (!warm) end = MPI_Wtime() + seconds;
    warm = 1;
    if (me == 0) {
      g_more = count < 3 || (MPI_Wtime() < end && count < kMost);
      for (pe = 1; pe < pes; ++pe) shmem_long_p(&g_more, g_more, pe);
    }
    shmem_barrier_all();
  }
  for (i = 0; i < entries; ++i) g_mine += table[i];
  shmem_barrier_all();
  for (pe = 0; pe < pes; ++pe) sum += shmem_long_g(&g_mine, pe);
  shmem_barrier_all();
  if ((uint64_t)sum != rounds * kUpdates * (uint64_t)pes) {
    if (me == 0) printf("the histogram has lost updates\n");
    return 1;
  }
  if (me == 0)
    printf("result histogram_atomic_mps %.9g\n",
           (double)kUpdates * pes / median(times, count) / 1e6);
  fflush(stdout);
  leave();
}
