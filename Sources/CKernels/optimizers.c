#include "lanes.h"
#include "shares.h"
#include "vector.h"

#include <math.h>

// Asks for a cache line to write to. Where another processor has it too, a store would wait until that one releases it.
static inline __attribute__((always_inline)) void prefetch_to_write(const float *x) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)x));
#else
  __builtin_prefetch(x, 1);
#endif
}

VECTORISED void ck_momentum_step(float *weight, float *velocity, const float *gradient, size_t count, float rate, float momentum,
                                 float decay) {
  enum { AHEAD = 24 * WIDTH };
  const float shrink = decay * rate;
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    prefetch_to_write(weight + i + AHEAD);
    prefetch_to_write(velocity + i + AHEAD);
    const lanes old = LOAD(weight + i);
    const lanes speed = momentum * LOAD(velocity + i) - rate * LOAD(gradient + i) - shrink * old;
    STORE(velocity + i, speed);
    STORE(weight + i, old + speed);
  }
  for (; i < count; ++i) {
    velocity[i] = momentum * velocity[i] - rate * gradient[i] - shrink * weight[i];
    weight[i] += velocity[i];
  }
}

size_t ck_share_begin(size_t count, int task, int tasks) { return share_begin(count, task, tasks); }

VECTORISED double ck_sum_of_squares(const float *x, size_t count) {
  // Independent lanes, so that the compiler may use vectors without reordering a sum.
  double lanes[WIDTH] = {0};
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH)
    for (int lane = 0; lane < WIDTH; ++lane) lanes[lane] += (double)x[i + lane] * x[i + lane];
  double sum = 0;
  for (; i < count; ++i) sum += (double)x[i] * x[i];
  for (int lane = 0; lane < WIDTH; ++lane) sum += lanes[lane];
  return sum;
}

VECTORISED bool ck_all_finite(const float *x, size_t count) {
  // x - x is zero for finite x and not a number otherwise.
  float lanes[WIDTH] = {0};
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH)
    for (int lane = 0; lane < WIDTH; ++lane) lanes[lane] += x[i + lane] - x[i + lane];
  float sum = 0;
  for (; i < count; ++i) sum += x[i] - x[i];
  for (int lane = 0; lane < WIDTH; ++lane) sum += lanes[lane];
  return sum == 0;
}
