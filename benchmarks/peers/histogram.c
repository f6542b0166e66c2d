/* bale's histogram on an MPI, each process on its core: every one adds to random entries of a table
 * spread over all, its own included:
 *   histogram histogram SECONDS ENTRIES
 * in three ways: indices gathered per destination and sent in messages, MPI_Accumulate, and
 * MPI_Fetch_and_op, both flushed in the end. Prints `result histogram_WAY_mps RATE` of all
 * processes together; status 1 when a table's sum is not the number of updates. */
#include "peer.h"

#include <mpi.h>
#include <string.h>

enum { kMost = 10000, kMostPes = 64, kBuffers = 8, kMostGathered = 4096 };
enum { kMessageUpdates = 1 << 19, kRmaUpdates = 1 << 16, kFlushEvery = 1024 };
enum { kFull = 1, kLast = 2 }; /* tags */

static int g_rank, g_pes;
static uint64_t g_entries, g_updates;
static uint64_t* g_drawn; /* the updates of a round; of a shorter one the first of them */
static int64_t* g_table;
static MPI_Win g_window;
static int g_gather; /* indices in one message */

/* --- messages: up to kBuffers of them under way to each destination, as many posted here --- */

static uint64_t g_out[kMostPes][kBuffers][kMostGathered], g_in[kBuffers][kMostGathered];
static MPI_Request g_sent[kMostPes][kBuffers], g_posted[kBuffers];
static int g_buffer[kMostPes], g_filled[kMostPes], g_ended;

static void post(int which) {
  MPI_Irecv(g_in[which], g_gather, MPI_UINT64_T, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
            &g_posted[which]);
}

static void receive(void) {
  int which, there, count, i;
  MPI_Status status;
  for (;;) {
    MPI_Testany(kBuffers, g_posted, &which, &there, &status);
    if (!there || which == MPI_UNDEFINED) return;
    MPI_Get_count(&status, MPI_UINT64_T, &count);
    for (i = 0; i < count; ++i) ++g_table[g_in[which][i]];
    if (status.MPI_TAG == kLast) ++g_ended;
    post(which);
  }
}

static void send(int to, int tag) {
  int done = 0;
  MPI_Isend(g_out[to][g_buffer[to]], g_filled[to], MPI_UINT64_T, to, tag, MPI_COMM_WORLD,
            &g_sent[to][g_buffer[to]]);
  g_buffer[to] = (g_buffer[to] + 1) % kBuffers;
  g_filled[to] = 0;
  while (MPI_Test(&g_sent[to][g_buffer[to]], &done, MPI_STATUS_IGNORE), !done) receive();
  receive();
}

static void by_messages(void) {
  uint64_t i;
  int to;
  for (i = 0; i < g_updates; ++i) {
    const uint64_t place = place_of(g_drawn[i]);
    to = pe_of(g_drawn[i]);
    if (to == g_rank) {
      ++g_table[place];
      continue;
    }
    g_out[to][g_buffer[to]][g_filled[to]++] = place;
    if (g_filled[to] == g_gather) send(to, kFull);
  }
  for (to = 0; to < g_pes; ++to)
    if (to != g_rank) send(to, kLast);
  /* The last message of a process is the last one to come from it: MPI keeps their order. */
  while (g_ended < g_pes - 1) receive();
  g_ended -= g_pes - 1;
}

static void begin_messages(void) {
  int to, which;
  memset(g_buffer, 0, sizeof g_buffer);
  for (to = 0; to < g_pes; ++to)
    for (which = 0; which < kBuffers; ++which) g_sent[to][which] = MPI_REQUEST_NULL;
  for (which = 0; which < kBuffers; ++which) post(which);
}

static void end_messages(void) {
  int to, which;
  for (to = 0; to < g_pes; ++to)
    for (which = 0; which < kBuffers; ++which) MPI_Wait(&g_sent[to][which], MPI_STATUS_IGNORE);
  for (which = 0; which < kBuffers; ++which) {
    MPI_Cancel(&g_posted[which]);
    MPI_Wait(&g_posted[which], MPI_STATUS_IGNORE);
  }
}

/* --- remote memory ----------------------------------------------------------------------------- */

static const int64_t kOne = 1;
static int64_t g_old;

static void accumulate(int pe, MPI_Aint at) {
  MPI_Accumulate(&kOne, 1, MPI_INT64_T, pe, at, 1, MPI_INT64_T, MPI_SUM, g_window);
}
static void fetch_and_op(int pe, MPI_Aint at) {
  MPI_Fetch_and_op(&kOne, &g_old, MPI_INT64_T, pe, at, MPI_SUM, g_window);
}

/* MPICH 4.0 aborts when very many operations are under way. */
static void by_rma(void (*update)(int pe, MPI_Aint at)) {
  uint64_t i;
  for (i = 0; i < g_updates; ++i) {
    update(pe_of(g_drawn[i]), (MPI_Aint)place_of(g_drawn[i]));
#ifdef MPICH
    if (i % kFlushEvery == kFlushEvery - 1) MPI_Win_flush_all(g_window);
#endif
  }
  MPI_Win_flush_all(g_window);
}
static void by_accumulate(void) { by_rma(accumulate); }
static void by_fetch_and_op(void) { by_rma(fetch_and_op); }

/* --- all ways ---------------------------------------------------------------------------------- */

/* M/s of all together: the median of rounds, from one barrier to the next; the first warms up. */
static double rate_of(void (*round)(void), uint64_t updates, double seconds) {
  static double times[kMost];
  int count = 0, more = 1, warm = 0;
  int64_t mine = 0, sum = 0;
  uint64_t i, rounds = 0;
  double end = 0;
  g_updates = updates;
  memset(g_table, 0, g_entries * sizeof *g_table);
  while (more) {
    double start;
    MPI_Barrier(MPI_COMM_WORLD);
    start = MPI_Wtime();
    round();
    MPI_Barrier(MPI_COMM_WORLD);
    ++rounds;
    if (warm) times[count++] = MPI_Wtime() - start;
    if (!warm) end = MPI_Wtime() + seconds;
    warm = 1;
    more = count < 3 || (MPI_Wtime() < end && count < kMost);
    MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
  }
  for (i = 0; i < g_entries; ++i) mine += g_table[i];
  MPI_Allreduce(&mine, &sum, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  if ((uint64_t)sum != rounds * updates * (uint64_t)g_pes) {
    if (g_rank == 0) printf("the histogram has lost updates\n");
    fflush(stdout);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  return (double)updates * g_pes / median(times, count) / 1e6;
}

int main(int argc, char** argv) {
  static const int kGathered[] = {512, 1024, kMostGathered};
  const double third = (argc > 2 ? atof(argv[2]) : 0.2) / 3;
  double best = 0, accumulated, fetched;
  unsigned i;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &g_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &g_pes);
  if (g_pes > kMostPes) MPI_Abort(MPI_COMM_WORLD, 2);
  pin(g_rank);
  g_entries = argc > 3 ? strtoull(argv[3], NULL, 10) : 10000;
  g_drawn = draw_updates(g_rank, g_pes, g_entries, kMessageUpdates);
  MPI_Win_allocate((MPI_Aint)(g_entries * sizeof *g_table), sizeof *g_table, MPI_INFO_NULL,
                   MPI_COMM_WORLD, &g_table, &g_window);
  MPI_Win_lock_all(MPI_MODE_NOCHECK, g_window);
  for (i = 0; i < sizeof kGathered / sizeof kGathered[0]; ++i) {
    double rate;
    g_gather = kGathered[i];
    begin_messages();
    rate = rate_of(by_messages, kMessageUpdates, third / 3);
    end_messages();
    if (rate > best) best = rate;
  }
  accumulated = rate_of(by_accumulate, kRmaUpdates, third);
  fetched = rate_of(by_fetch_and_op, kRmaUpdates, third);
  if (g_rank == 0)
    printf("result histogram_messages_mps %.9g\nresult histogram_accumulate_mps %.9g\n"
           "result histogram_fetch_and_op_mps %.9g\n", best, accumulated, fetched);
  MPI_Win_unlock_all(g_window);
  MPI_Win_free(&g_window);
  free(g_drawn);
  MPI_Finalize();
  return 0;
}
