// A few threads that wait for work together: for shards of a batch, which need no barriers inside.
//
// OpenMP's pool waits by spinning for milliseconds. Where other programs want the processors as well, a spinning thread keeps
// its partner from running, and a step takes a whole slice of the scheduler's time. Here a wait spins briefly and then sleeps,
// and nobody waits for a thread that has not begun: who is done takes its task.
#define _GNU_SOURCE
#include "CKernels.h"
#include "precondition.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { SPIN_NANOSECONDS = 200000, PAUSES_A_LOOK = 32 };

struct ck_team {
  int workers;
  pthread_t *threads;
  pthread_mutex_t mutex;
  pthread_cond_t started, finished;
  // Counts the calls of ck_team_run.
  atomic_uint generation;
  // The last call whose task of this index, less one, was taken.
  atomic_uint *taken;
  // Tasks of the workers that are not done.
  atomic_int pending;
  atomic_bool stops;
  void (*body)(void *context, int task);
  void *context;
};

struct worker {
  ck_team *team;
  int task;
};

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// Whether the task of a call is the caller's now. Whoever has it can rely on the call to wait for its end.
static bool take(ck_team *team, int task, unsigned generation) {
  unsigned last = atomic_load_explicit(&team->taken[task - 1], memory_order_acquire);
  return (int)(generation - last) > 0 &&
         atomic_compare_exchange_strong(&team->taken[task - 1], &last, generation);
}

static void *work(void *argument) {
  struct worker worker = *(struct worker *)argument;
  free(argument);
  ck_team *team = worker.team;
  ck_begin_computing(1);
  unsigned seen = 0;
  for (;;) {
    const int64_t end = now() + SPIN_NANOSECONDS;
    while (atomic_load_explicit(&team->generation, memory_order_acquire) == seen && now() < end)
      for (int i = 0; i < PAUSES_A_LOOK; ++i) pause_briefly();
    if (atomic_load_explicit(&team->generation, memory_order_acquire) == seen) {
      pthread_mutex_lock(&team->mutex);
      while (atomic_load(&team->generation) == seen) pthread_cond_wait(&team->started, &team->mutex);
      pthread_mutex_unlock(&team->mutex);
    }
    seen = atomic_load_explicit(&team->generation, memory_order_acquire);
    if (atomic_load(&team->stops)) return NULL;
    if (!take(team, worker.task, seen)) continue;
    team->body(team->context, worker.task);
    if (atomic_fetch_sub_explicit(&team->pending, 1, memory_order_acq_rel) == 1) {
      pthread_mutex_lock(&team->mutex);
      pthread_cond_signal(&team->finished);
      pthread_mutex_unlock(&team->mutex);
    }
  }
}

static void start(ck_team *team) {
  pthread_mutex_lock(&team->mutex);
  atomic_fetch_add_explicit(&team->generation, 1, memory_order_release);
  pthread_cond_broadcast(&team->started);
  pthread_mutex_unlock(&team->mutex);
}

ck_team *ck_team_create(int workers) {
  ck_team *team = calloc(1, sizeof *team);
  if (!team) return NULL;
  team->threads = calloc((size_t)workers, sizeof *team->threads);
  team->taken = calloc((size_t)workers, sizeof *team->taken);
  pthread_mutex_init(&team->mutex, NULL);
  pthread_cond_init(&team->started, NULL);
  pthread_cond_init(&team->finished, NULL);
  for (int i = 0; team->threads && team->taken && i < workers; ++i) {
    struct worker *worker = malloc(sizeof *worker);
    if (!worker) break;
    *worker = (struct worker){team, i + 1};
    if (pthread_create(&team->threads[i], NULL, work, worker)) {
      free(worker);
      break;
    }
    ++team->workers;
  }
  return team;
}

void ck_team_run(ck_team *team, int tasks, void (*body)(void *context, int task), void *context) {
  REQUIRE(tasks > team->workers);  // each of the team's threads has a task
  team->body = body;
  team->context = context;
  atomic_store(&team->pending, team->workers);
  start(team);
  const unsigned generation = atomic_load(&team->generation);
  body(context, 0);
  // Where a thread could not be had, its task is the caller's.
  for (int task = team->workers + 1; task < tasks; ++task) body(context, task);
  // Nor is a thread waited for that sleeps, or that other programs keep from beginning.
  for (int task = 1; task <= team->workers; ++task)
    if (take(team, task, generation)) {
      body(context, task);
      atomic_fetch_sub(&team->pending, 1);
    }
  const int64_t end = now() + SPIN_NANOSECONDS;
  while (atomic_load_explicit(&team->pending, memory_order_acquire) && now() < end)
    for (int i = 0; i < PAUSES_A_LOOK; ++i) pause_briefly();
  if (!atomic_load_explicit(&team->pending, memory_order_acquire)) return;
  pthread_mutex_lock(&team->mutex);
  while (atomic_load(&team->pending)) pthread_cond_wait(&team->finished, &team->mutex);
  pthread_mutex_unlock(&team->mutex);
}

void ck_team_destroy(ck_team *team) {
  if (!team) return;
  atomic_store(&team->stops, true);
  start(team);
  for (int i = 0; i < team->workers; ++i) pthread_join(team->threads[i], NULL);
  pthread_cond_destroy(&team->finished);
  pthread_cond_destroy(&team->started);
  pthread_mutex_destroy(&team->mutex);
  free(team->threads);
  free(team->taken);
  free(team);
}
