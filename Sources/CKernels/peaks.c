// What the processors and the memory can do at most, to measure steps by.
#include "CKernels.h"
#include "lanes.h"
#include "vector.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

// MARK: Clock

// A thread does slices of work until a time that is the same for all. Its rate is one that a tenth of its slices exceed: a
// slice in which the system gave the processor to somebody else does not show, nor one that by chance had the memory for
// itself. Slices together under a clock outside would have to wait for the last thread each time.
enum { MOST_SLICES = 4096, LEAST_SLICES = 16 };

typedef struct work work;
struct work {
  // Does a slice; returns how much that was.
  double (*slice)(const work *work, int task, size_t index);
  double *rates;  // one a task
  int64_t end;
  int tasks;
  float *memory;
  size_t count;
};

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int by_size(const void *left, const void *right) {
  const double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

static void measure_task(void *context, int task) {
  const work *w = context;
  double *rates = malloc(MOST_SLICES * sizeof *rates);
  if (!rates) return;
  size_t count = 0;
  int64_t start = now();
  while (count < MOST_SLICES && (count < LEAST_SLICES || start < w->end)) {
    const double amount = w->slice(w, task, count);
    const int64_t end = now();
    rates[count++] = amount / ((double)(end > start ? end - start : 1) * 1e-9);
    start = end;
  }
  qsort(rates, count, sizeof *rates, by_size);
  w->rates[task] = rates[count * 9 / 10];
  free(rates);
}

// The rates of all tasks together, a second; 0 where there is no memory for the measurement.
static double measured(work w, double seconds) {
  w.rates = calloc((size_t)w.tasks, sizeof *w.rates);
  if (!w.rates) return 0;
  w.end = now() + (int64_t)(seconds * 1e9);
  ck_parallel(w.tasks, measure_task, &w);
  double sum = 0;
  for (int task = 0; task < w.tasks; ++task) sum += w.rates[task];
  free(w.rates);
  return sum;
}

// MARK: Arithmetic

// `chains` vectors that stay in registers, each multiplied and added to again and again: so many that no unit waits for the
// result that it has under way. The values approach two.
#define CHAINS(name, attribute, width, chains)                                                    \
  attribute static float name(size_t rounds) {                                                   \
    typedef float vector __attribute__((vector_size(4 * width)));                                \
    const vector factor = (vector){0} + 0.5f, addend = (vector){0} + 1;                          \
    vector x[chains];                                                                            \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < chains; ++i) x[i] = factor + (float)i; \
    for (; rounds > 0; --rounds)                                                                 \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < chains; ++i) x[i] = x[i] * factor + addend; \
    _Pragma("clang loop unroll(full)") for (int i = 1; i < chains; ++i) x[0] += x[i];             \
    return x[0][0];                                                                              \
  }

#if defined(__x86_64__)
CHAINS(chains_avx512, FOR_AVX512, 16, 24)
CHAINS(chains_avx2, FOR_AVX2, 8, 12)
CHAINS(chains_portable, , 4, 12)
#else
CHAINS(chains_portable, , 4, 24)
#endif

typedef struct {
  float (*run)(size_t rounds);
  // Multiplications of a round, each with its addition.
  size_t products;
} chains;

static chains best_chains(void) {
#if defined(__x86_64__)
  switch (instructions_in_use()) {
    case CK_WIDEST: return (chains){chains_avx512, 16 * 24};
    case CK_AVX2: return (chains){chains_avx2, 8 * 12};
    case CK_PORTABLE: break;
  }
  return (chains){chains_portable, 4 * 12};
#else
  return (chains){chains_portable, 4 * 24};
#endif
}

static double multiply_and_add(const work *w, int task, size_t index) {
  (void)w, (void)task, (void)index;
  enum { ROUNDS = 8192 };
  const chains best = best_chains();
  volatile float result = best.run(ROUNDS);
  (void)result;
  return (double)ROUNDS * (double)best.products;
}

double ck_peak_multiply_adds(int tasks, double seconds) {
  return measured((work){.slice = multiply_and_add, .tasks = tasks}, seconds);
}

// MARK: Memory

// How far ahead the memory is asked, in floats; what a slice reads and writes, 1 MiB.
enum { AHEAD = 64 * WIDTH, SLICE = 1 << 18 };

// Where a task's share begins: on a cache line.
static size_t share_start(const work *w, int task) {
  return w->count / WIDTH * (size_t)task / (size_t)w->tasks * WIDTH;
}

// Where a slice begins: one after the other through the share, then again.
static float *slice_start(const work *w, int task, size_t index) {
  const size_t start = share_start(w, task), slices = (share_start(w, task + 1) - start) / SLICE;
  return w->memory + start + (slices ? index % slices * SLICE : 0);
}

VECTORISED(static, float, sum_of_lines, (const float *x, size_t count), (x, count)) {
  enum { LINES = 8 };
  lanes sums[LINES] = {{0}};
  for (size_t i = 0; i + LINES * WIDTH <= count; i += LINES * WIDTH)
    _Pragma("clang loop unroll(full)") for (int line = 0; line < LINES; ++line) {
      __builtin_prefetch(x + i + line * WIDTH + AHEAD, 0, 0);
      sums[line] += LOAD(x + i + line * WIDTH);
    }
  for (int line = 1; line < LINES; ++line) sums[0] += sums[line];
  return sums[0][0];
}

static double read_slice(const work *w, int task, size_t index) {
  volatile float result = sum_of_lines(slice_start(w, task, index), SLICE);
  (void)result;
  return SLICE * sizeof(float);
}

static double copy_slice(const work *w, int task, size_t index) {
  float *x = slice_start(w, task, index);
  memcpy(x + SLICE / 2, x, SLICE / 2 * sizeof(float));
  return SLICE * sizeof(float);
}

// The first to write memory decides where it lies; until then it is one page of zeros, which a cache holds.
static void fill_share(void *context, int task) {
  const work *w = context;
  const size_t start = share_start(w, task);
  memset(w->memory + start, 0, (share_start(w, task + 1) - start) * sizeof(float));
}

bool ck_peak_memory_rates(size_t byte_count, int tasks, double seconds, double *read, double *copied) {
  const size_t least = (size_t)tasks * (SLICE + WIDTH) * sizeof(float);
  if (byte_count < least) byte_count = least;
  work w = {.tasks = tasks, .count = byte_count / sizeof(float)};
  void *memory;
  if (posix_memalign(&memory, 64, byte_count)) return false;
  w.memory = memory;
  ck_parallel(tasks, fill_share, &w);
  w.slice = read_slice;
  *read = measured(w, seconds);
  w.slice = copy_slice;
  *copied = measured(w, seconds);
  free(memory);
  return true;
}
