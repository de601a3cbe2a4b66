#include "CKernels.h"
#include "vector.h"

#include <math.h>

VECTORISED void ck_momentum_step(float *restrict weight, float *restrict velocity, const float *restrict gradient,
                                 size_t count, float rate, float momentum, float decay) {
  const float shrink = decay * rate;
  for (size_t i = 0; i < count; ++i) {
    velocity[i] = momentum * velocity[i] - rate * gradient[i] - shrink * weight[i];
    weight[i] += velocity[i];
  }
}

enum { LANES = 16 };

VECTORISED double ck_sum_of_squares(const float *x, size_t count) {
  // Independent lanes, so that the compiler may use vectors without reordering a sum.
  double lanes[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int lane = 0; lane < LANES; ++lane) lanes[lane] += (double)x[i + lane] * x[i + lane];
  double sum = 0;
  for (; i < count; ++i) sum += (double)x[i] * x[i];
  for (int lane = 0; lane < LANES; ++lane) sum += lanes[lane];
  return sum;
}

VECTORISED bool ck_all_finite(const float *x, size_t count) {
  // x - x is zero for finite x and not a number otherwise.
  float lanes[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    for (int lane = 0; lane < LANES; ++lane) lanes[lane] += x[i + lane] - x[i + lane];
  float sum = 0;
  for (; i < count; ++i) sum += x[i] - x[i];
  for (int lane = 0; lane < LANES; ++lane) sum += lanes[lane];
  return sum == 0;
}
