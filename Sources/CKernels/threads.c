#define _GNU_SOURCE
#include "CKernels.h"
#include "precondition.h"
#include "waits.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/resource.h>
#endif
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

// oneDNN runs on OpenMP's pool; our kernels use the same one through its C entry points, so that two pools never compete
// for the processors. Where there is no OpenMP every region runs on the calling thread.
typedef void (*region)(void *);
static void (*omp_parallel)(region, void *, unsigned, unsigned);
static void (*omp_set_threads)(int);
static int (*omp_thread)(void);
static int (*omp_threads)(void);

static void find_openmp(void) {
  *(void **)&omp_set_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  *(void **)&omp_thread = dlsym(RTLD_DEFAULT, "omp_get_thread_num");
  *(void **)&omp_threads = dlsym(RTLD_DEFAULT, "omp_get_num_threads");
  if (omp_set_threads && omp_thread && omp_threads) *(void **)&omp_parallel = dlsym(RTLD_DEFAULT, "GOMP_parallel");
}

static void load_openmp(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_openmp);
}

int ck_affine_processors(void) {
  int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) processors = CPU_COUNT(&set);
#endif
  return processors > 0 ? processors : 1;
}

static void share_heap(void) {
#if defined(__GLIBC__)
  struct rlimit addresses;
  if (getrlimit(RLIMIT_AS, &addresses) == 0 && addresses.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
#endif
}

// Each thread's part of the heap reserves 64 megabytes of addresses: where these are limited, threads share one part. Before the
// first of them starts.
static void spare_addresses(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, share_heap);
}

struct errand {
  void (*body)(void *);
  void *context;
};

static void *run_errand(void *argument) {
  const struct errand errand = *(struct errand *)argument;
  free(argument);
  errand.body(errand.context);
  return NULL;
}

int ck_start_thread(void (*body)(void *context), void *context) {
  spare_addresses();
  struct errand *errand = malloc(sizeof *errand);
  if (!errand) return ENOMEM;
  *errand = (struct errand){body, context};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  // The system's default of eight megabytes is much where memory is limited.
  pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_t thread;
  const int code = pthread_create(&thread, &attributes, run_errand, errand);
  pthread_attr_destroy(&attributes);
  if (code) free(errand);
  return code;
}

struct gate {
  pthread_mutex_t mutex;
  pthread_cond_t opened;
  bool is_open;
};

static void *wait_at(void *argument) {
  struct gate *gate = argument;
  pthread_mutex_lock(&gate->mutex);
  while (!gate->is_open) pthread_cond_wait(&gate->opened, &gate->mutex);
  pthread_mutex_unlock(&gate->mutex);
  return NULL;
}

bool ck_can_start_more_threads(int threads) {
  spare_addresses();
  pthread_t *all = calloc((size_t)threads, sizeof *all);
  if (!all) return threads == 0;
  struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
  int count = 0;
  while (count < threads && pthread_create(&all[count], NULL, wait_at, &gate) == 0) ++count;
  pthread_mutex_lock(&gate.mutex);
  gate.is_open = true;
  pthread_cond_broadcast(&gate.opened);
  pthread_mutex_unlock(&gate.mutex);
  for (int i = 0; i < count; ++i) pthread_join(all[i], NULL);
  free(all);
  return count == threads;
}

bool ck_can_start_threads(int threads) {
  static atomic_int most;
  if (threads <= 1 || threads <= atomic_load(&most)) return true;
  if (!ck_can_start_more_threads(threads - 1)) return false;
  atomic_store(&most, threads);
  return true;
}

// The control register of floating-point arithmetic.
static uint64_t arithmetic(void) {
#if defined(__x86_64__)
  return _mm_getcsr();
#elif defined(__aarch64__)
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
#else
  return 0;
#endif
}

static void set_arithmetic(uint64_t control) {
#if defined(__x86_64__)
  _mm_setcsr((unsigned)control);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(control));
#else
  (void)control;
#endif
}

static void flush_denormals(void *unused) {
  (void)unused;
#if defined(__x86_64__)
  set_arithmetic(arithmetic() | 0x8040);  // flush to zero, denormals are zero
#elif defined(__aarch64__)
  set_arithmetic(arithmetic() | (1u << 24));
#endif
}

static _Thread_local int prepared_threads;

uint64_t ck_begin_computing(int threads) {
  ck_look_at_waits(threads);
  const uint64_t before = arithmetic();
  flush_denormals(NULL);
  if (prepared_threads != threads) {
    load_openmp();
    if (omp_set_threads) omp_set_threads(threads);
    if (omp_parallel) omp_parallel(flush_denormals, NULL, 0, 0);
    prepared_threads = threads;
  }
  return before;
}

void ck_end_computing(uint64_t before) { set_arithmetic(before); }

// OpenMP's library is not compiled with the thread sanitizer, which therefore does not see that a region waits for its
// threads: told here.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
extern void __tsan_acquire(void *);
extern void __tsan_release(void *);
#define SEES_OTHERS(address) __tsan_acquire(address)
#define SHOWS_OTHERS(address) __tsan_release(address)
#endif
#endif
#ifndef SEES_OTHERS
#define SEES_OTHERS(address) ((void)(address))
#define SHOWS_OTHERS(address) ((void)(address))
#endif

struct work {
  int tasks;
  void (*body)(void *, int);
  void *context;
};

static void run_share(void *argument) {
  const struct work *work = argument;
  SEES_OTHERS(argument);
  int threads = omp_threads(), thread = omp_thread();
  for (int task = thread; task < work->tasks; task += threads) work->body(work->context, task);
  SHOWS_OTHERS(argument);
}

void ck_parallel(int tasks, void (*body)(void *context, int task), void *context) {
  REQUIRE(tasks > 0);
  load_openmp();
  if (tasks > 1 && omp_parallel && prepared_threads != 1) {
    struct work work = {tasks, body, context};
    SHOWS_OTHERS(&work);
    omp_parallel(run_share, &work, 0, 0);
    SEES_OTHERS(&work);
  } else {
    for (int task = 0; task < tasks; ++task) body(context, task);
  }
}
