// How long OpenMP's threads wait for each other before they sleep.
//
// They spin for milliseconds: quickest on processors that nobody else wants. On others a spinning thread keeps its partner from
// running, and a network of many short steps runs at a tenth of its speed. Whether others want the processors shows in how long a
// thread that could run waits for one, which Linux counts; then waits are short until that has ceased for a while.
//
// LLVM's library can be told how long to wait. GNU's reads its settings before any code of a program runs, but it spins a
// thousandth as long while it has more threads than there are processors, whatever they do: a few that sleep shorten all waits.
#define _GNU_SOURCE
#include "waits.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "CKernels.h"

// Precise to some milliseconds, and read at every run.
#if defined(CLOCK_MONOTONIC_COARSE)
#define CLOCK CLOCK_MONOTONIC_COARSE
#else
#define CLOCK CLOCK_MONOTONIC
#endif

// LLVM's threads spin so many milliseconds by default.
enum { DEFAULT_BLOCK_TIME = 200 };
// Nanoseconds of a thread from one look to the next. After a longer time without a run it is not known when it waited.
static const int64_t LOOK = 50000000, LONGEST_LOOK = 2000000000;
// The share of its time that a thread waits for a processor, smoothed: about 0.005 on processors of one's own, a third and more
// beside other programs, whichever way threads wait for each other.
static const double SMOOTHING = 0.25, MUCH = 0.15, LITTLE = 0.03;
// So many times in a row little before waits are long again.
enum { QUIET_LOOKS = 40 };

bool ck_judge_waits(ck_wait_judge *judge, double share) {
  judge->share += SMOOTHING * (share - judge->share);
  judge->quiet_looks = judge->share < LITTLE ? judge->quiet_looks + 1 : 0;
  if (judge->share > MUCH) judge->are_short = true;
  if (judge->quiet_looks >= QUIET_LOOKS) judge->are_short = false;
  return judge->are_short;
}

static void (*set_block_time)(int);
static void (*omp_parallel)(void (*)(void *), void *, unsigned, unsigned);
static void (*omp_set_threads)(int);
static bool can_tell;

// Settings of a user's own stay.
static void find_openmp(void) {
  if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY") || getenv("KMP_BLOCKTIME")) return;
  *(void **)&set_block_time = dlsym(RTLD_DEFAULT, "kmp_set_blocktime");
  *(void **)&omp_parallel = dlsym(RTLD_DEFAULT, "GOMP_parallel");
  *(void **)&omp_set_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  can_tell = set_block_time || (omp_parallel && omp_set_threads);
}

// MARK: Threads that sleep

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t dismissed;
  bool is_wanted;
} crowd = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

static void nothing(void *unused) { (void)unused; }

// OpenMP's library keeps the threads of a region as long as the thread lives that began it.
static void stand_by(void *threads) {
  omp_set_threads((int)(intptr_t)threads);
  omp_parallel(nothing, NULL, 0, 0);
  pthread_mutex_lock(&crowd.mutex);
  while (crowd.is_wanted) pthread_cond_wait(&crowd.dismissed, &crowd.mutex);
  pthread_mutex_unlock(&crowd.mutex);
}

static void want_crowd(bool is_wanted) {
  pthread_mutex_lock(&crowd.mutex);
  crowd.is_wanted = is_wanted;
  pthread_cond_broadcast(&crowd.dismissed);
  pthread_mutex_unlock(&crowd.mutex);
}

// Beside runs on so many threads. The library would end the process where it gets none.
static bool call_crowd(int threads) {
  const int missing = ck_affine_processors() - threads;
  const int count = 2 + (missing > 0 ? missing : 0);
  if (!ck_can_start_more_threads(count)) return false;
  want_crowd(true);
  return ck_start_thread(stand_by, (void *)(intptr_t)count) == 0;
}

// MARK: Looking

static atomic_bool are_short;

bool ck_waits_are_short(void) { return atomic_load(&are_short); }

static void set_waits(bool wanted, int threads) {
  if (wanted == atomic_load(&are_short)) return;
  if (set_block_time) {
    set_block_time(wanted ? 0 : DEFAULT_BLOCK_TIME);
  } else if (!wanted) {
    want_crowd(false);
  } else if (!call_crowd(threads)) {
    return;
  }
  atomic_store(&are_short, wanted);
}

// Nanoseconds that the calling thread could run and had no processor; negative where the system does not say.
static int64_t waited(void) {
  const int file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char text[96];
  const ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return -1;
  text[count] = 0;
  char *end;
  const long long running = strtoll(text, &end, 10), waiting = strtoll(end, NULL, 10);
  return running > 0 ? waiting : -1;  // zeros where it does not count
}

void ck_look_at_waits(int threads) {
  if (threads < 2) return;
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_openmp);
  if (!can_tell) return;
  static _Thread_local struct {
    int64_t time, waited;
  } last;
  struct timespec time;
  clock_gettime(CLOCK, &time);
  const int64_t now = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec, elapsed = now - last.time;
  if (elapsed < LOOK) return;
  const int64_t before = last.waited;
  last.time = now;
  last.waited = waited();
  if (before < 0 || last.waited < before || elapsed > LONGEST_LOOK) return;
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static ck_wait_judge judge;
  pthread_mutex_lock(&mutex);
  set_waits(ck_judge_waits(&judge, (double)(last.waited - before) / (double)elapsed), threads);
  pthread_mutex_unlock(&mutex);
}
