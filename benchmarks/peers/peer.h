/* What the peers share: cores, numbers, medians. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The rank-th of BENCH_CPUS=A,B, else of the first two cores this process may use. */
static inline void pin(int rank) {
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

static inline int by_value(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static inline double median(double* values, int count) {
  qsort(values, (size_t)count, sizeof values[0], by_value);
  return values[count / 2];
}

/* xorshift64, as ours draws. */
static inline uint64_t draw(uint64_t* x) {
  *x ^= *x << 13;
  *x ^= *x >> 7;
  *x ^= *x << 17;
  return *x;
}
static inline uint64_t first_draw(int rank) {
  return 88172645463325252ull + (uint64_t)rank * 7919;
}

/* The updates of a histogram whose table has `entries` on each process, drawn before they are
 * measured, as bale does: a word each, the place above 16 bits for the process. */
static inline uint64_t* draw_updates(int rank, int pes, uint64_t entries, uint64_t count) {
  uint64_t* const updates = malloc(count * sizeof *updates);
  uint64_t x = first_draw(rank), i;
  if (updates == NULL) abort();
  for (i = 0; i < count; ++i) {
    const uint64_t index = draw(&x) % (entries * (uint64_t)pes);
    updates[i] = index % entries << 16 | index / entries;
  }
  return updates;
}
static inline int pe_of(uint64_t update) { return (int)(update & 0xffff); }
static inline uint64_t place_of(uint64_t update) { return update >> 16; }
