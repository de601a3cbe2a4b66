#include "activations.h"
#include "shares.h"
#include "vector.h"

#include <string.h>

typedef int32_t bits __attribute__((vector_size(64)));

// tanh x = x p(x^2) / q(x^2) up to 8.2, where the quotient is one, and one beyond, with polynomials of degree four whose
// largest relative error is 3.5e-8 without rounding. With it a result is off by at most 5 units in the last place, 3 below
// one half, and where multiplications and additions are fused its magnitude is never more than one. Limits come first in the
// comparisons, so that what is not a number stays so.
INLINE void tanh_vector(float *x) {
  lanes value = LOAD(x);
  const lanes limit = (lanes){0} + 0x1.07305ap+3f;  // where the quotient is one
  value = SELECT(limit < value, limit, value);
  value = SELECT(-limit > value, -limit, value);
  const lanes t = value * value;
  const lanes p = (((0x1.e3de50p-27f * t + 0x1.625fc6p-16f) * t + 0x1.ce3658p-9f) * t + 0x1.1292a4p-3f) * t + 1;
  const lanes q = (((0x1.b149a2p-21f * t + 0x1.5dd53ep-12f) * t + 0x1.a9e24cp-6f) * t + 0x1.de9ea2p-2f) * t + 1;
  STORE(x, value * p / q);
}

INLINE void rectify_vector(float *x) {
  const lanes value = LOAD(x), zero = {0};
  STORE(x, SELECT(zero > value, zero, value));
}

INLINE void clip_vector(float *x) {
  lanes value = LOAD(x);
  const lanes zero = {0}, limit = zero + 6;
  value = SELECT(zero > value, zero, value);
  STORE(x, SELECT(limit < value, limit, value));
}

// x <- exp x for x between -87 and 88, beyond which it stays what it is there: 2^n times a polynomial of degree six on what n
// logarithms of two leave of x, which is at most 0.35. What is not a number stays so.
INLINE void exponentiate(lanes *x) {
  const lanes least = (lanes){0} - 87, most = (lanes){0} + 88;
  lanes value = *x;
  value = SELECT(least > value, least, value);
  value = SELECT(most < value, most, value);
  const lanes rounder = (lanes){0} + 0x1.8p+23f;  // whole numbers lie one apart there
  const lanes shifted = value * 0x1.715476p+0f + rounder, n = shifted - rounder;
  const lanes r = (value - n * 0x1.62ep-1f) - n * 0x1.0bfbe8p-15f;
  const lanes rest = ((0x1.6c16c2p-10f * r + 0x1.111112p-7f) * r + 0x1.555556p-5f) * r + 0x1.555556p-3f;
  const lanes p = ((rest * r + 0.5f) * r + 1) * r + 1;
  *x = (lanes)((bits)p + ((bits)shifted << 23));
}

INLINE void sigmoid_vector(float *x) {
  lanes e = -LOAD(x);
  exponentiate(&e);
  STORE(x, 1 / (1 + e));
}

INLINE void silu_vector(float *x) {
  const lanes value = LOAD(x);
  lanes e = -value;
  exponentiate(&e);
  STORE(x, value / (1 + e));
}

INLINE void hard_sigmoid_vector(float *x) {
  const lanes zero = {0}, limit = zero + 6;
  lanes value = LOAD(x) + 3;
  value = SELECT(zero > value, zero, value);
  STORE(x, SELECT(limit < value, limit, value) * (1 / 6.0f));
}

INLINE void hard_swish_vector(float *x) {
  const lanes value = LOAD(x);
  hard_sigmoid_vector(x);
  STORE(x, value * LOAD(x));
}

// With the complement of the error function as t p(t) exp(-z^2), t = 1 / (1 + 0.3275911 z), z the magnitude of x / sqrt 2: M.
// Abramowitz, I. Stegun, "Handbook of Mathematical Functions", 7.1.26, off by at most 1.5e-7.
// Beyond 16 nothing is left of that: an infinite factor would make it none.
INLINE void gelu_vector(float *to) {
  const lanes value = LOAD(to), zero = {0}, most = zero + 16;
  const lanes x = SELECT(value > most, most, SELECT(-most > value, -most, value)), z = SELECT(zero > x, -x, x) * 0x1.6a09e6p-1f;
  const lanes t = 1 / (1 + 0.3275911f * z);
  const lanes p = (((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f;
  lanes e = -z * z;
  exponentiate(&e);
  const lanes rest = 0.5f * t * p * e;
  STORE(to, SELECT(zero > x, x * rest, value - x * rest));
}

VECTORISED(extern, void, ck_activate, (float *x, size_t count, ck_activation activation), (x, count, activation)) {
  size_t i = 0;
  float rest[WIDTH] = {0};
#define APPLY(function)                                    \
  for (; i + WIDTH <= count; i += WIDTH) function(x + i);  \
  memcpy(rest, x + i, (count - i) * sizeof *x);            \
  function(rest);                                          \
  memcpy(x + i, rest, (count - i) * sizeof *x);            \
  return;
  switch (activation) {
    case CK_IDENTITY:
      return;
    case CK_RELU:
      APPLY(rectify_vector)
    case CK_RELU6:
      APPLY(clip_vector)
    case CK_TANH:
      APPLY(tanh_vector)
    case CK_SIGMOID:
      APPLY(sigmoid_vector)
    case CK_HARD_SIGMOID:
      APPLY(hard_sigmoid_vector)
    case CK_HARD_SWISH:
      APPLY(hard_swish_vector)
    case CK_SILU:
      APPLY(silu_vector)
    case CK_GELU:
      APPLY(gelu_vector)
  }
#undef APPLY
}

typedef struct {
  float *y;
  const float *x, *dy;
  size_t count;
  ck_activation activation;
  int tasks;
} work;

static void activation_share(void *context, int task) {
  enum { BLOCK = 2048 };  // stays in the nearest cache
  const work *w = context;
  const size_t end = share_begin(w->count, task + 1, w->tasks);
  for (size_t first = share_begin(w->count, task, w->tasks); first < end; first += BLOCK) {
    const size_t count = end - first < BLOCK ? end - first : BLOCK;
    if (w->y != w->x) memcpy(w->y + first, w->x + first, count * sizeof *w->x);
    ck_activate(w->y + first, count, w->activation);
  }
}

// Tasks that have more to do than their barrier costs.
static int useful_tasks(size_t count, int tasks) { return count < 8192 ? 1 : tasks; }

void ck_activation_forward(float *y, const float *x, size_t count, ck_activation activation, int tasks) {
  work w = {.y = y, .x = x, .count = count, .activation = activation, .tasks = useful_tasks(count, tasks)};
  ck_parallel(w.tasks, activation_share, &w);
}

// As PyTorch has it: what is not a number lets the gradient through. The gradient may take the place of `dy`, number by number,
// which the compiler is told, or it would not use vectors there.
VECTORISED(static, void, rectified_gradient, (float *dx, const float *y, const float *dy, size_t count), (dx, y, dy, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) {
    const float gradient = dy[i];
    dx[i] = y[i] <= 0 ? 0 : gradient;
  }
}

VECTORISED(static, void, clipped_gradient, (float *dx, const float *y, const float *dy, size_t count), (dx, y, dy, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) {
    const float gradient = dy[i];
    dx[i] = ((y[i] <= 0) | (y[i] >= 6)) ? 0 : gradient;
  }
}

VECTORISED(static, void, hard_sigmoid_gradient, (float *dx, const float *y, const float *dy, size_t count), (dx, y, dy, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) {
    const float gradient = dy[i] * (1 / 6.0f);
    dx[i] = ((y[i] <= 0) | (y[i] >= 1)) ? 0 : gradient;
  }
}

VECTORISED(static, void, hard_swish_gradient, (float *dx, const float *x, const float *dy, size_t count), (dx, x, dy, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) {
    const float gradient = dy[i], slope = x[i] * (1 / 3.0f) + 0.5f;
    dx[i] = x[i] <= -3 ? 0 : x[i] >= 3 ? gradient : gradient * slope;
  }
}

VECTORISED(static, void, tanh_gradient, (float *dx, const float *y, const float *dy, size_t count), (dx, y, dy, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) dx[i] = dy[i] * (1 - y[i] * y[i]);
}

VECTORISED(static, void, sigmoid_gradient, (float *dx, const float *y, const float *dy, size_t count), (dx, y, dy, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) dx[i] = dy[i] * (y[i] * (1 - y[i]));
}

// Of x s(x), with s the sigmoid: s (1 + x (1 - s)).
INLINE void silu_slope(float *to, const float *from) {
  const lanes x = LOAD(from);
  lanes e = -x;
  exponentiate(&e);
  const lanes s = 1 / (1 + e);
  STORE(to, s * (1 + x * (1 - s)));
}

// Of x times the share of a normal distribution below x: that share, and x times the distribution's density.
INLINE void gelu_slope(float *to, const float *from) {
  const lanes x = LOAD(from), zero = {0}, one = zero + 1, z = SELECT(zero > x, -x, x) * 0x1.6a09e6p-1f;
  const lanes t = 1 / (1 + 0.3275911f * z);
  const lanes p = (((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f;
  lanes e = -z * z;
  exponentiate(&e);
  const lanes rest = 0.5f * t * p * e, limit = zero + 100;
  lanes bounded = SELECT(limit < x, limit, x);
  bounded = SELECT(-limit > bounded, -limit, bounded);
  STORE(to, SELECT(zero > x, rest, one - rest) + bounded * e * 0x1.988454p-2f);
}

// Slopes of whole vectors times gradients, of which the last is of what is left.
#define TIMES_SLOPES(slope)                                                \
  size_t i = 0;                                                            \
  float slopes[WIDTH], rest[WIDTH] = {0};                                  \
  for (; i + WIDTH <= count; i += WIDTH) {                                 \
    slope(slopes, x + i);                                                  \
    STORE(dx + i, LOAD(dy + i) * LOAD(slopes));                            \
  }                                                                        \
  memcpy(rest, x + i, (count - i) * sizeof *x);                            \
  slope(slopes, rest);                                                     \
  for (size_t k = 0; i < count; ++i, ++k) dx[i] = dy[i] * slopes[k];

VECTORISED(static, void, silu_gradient, (float *dx, const float *x, const float *dy, size_t count), (dx, x, dy, count)) {
  TIMES_SLOPES(silu_slope)
}

VECTORISED(static, void, gelu_gradient, (float *dx, const float *x, const float *dy, size_t count), (dx, x, dy, count)) {
  TIMES_SLOPES(gelu_slope)
}

static void gradient_share(void *context, int task) {
  const work *w = context;
  const size_t first = share_begin(w->count, task, w->tasks), count = share_begin(w->count, task + 1, w->tasks) - first;
  float *dx = w->y + first;
  const float *kept = w->x + first, *dy = w->dy + first;
  switch (w->activation) {
    case CK_RELU6:
      clipped_gradient(dx, kept, dy, count);
      break;
    case CK_HARD_SIGMOID:
      hard_sigmoid_gradient(dx, kept, dy, count);
      break;
    case CK_HARD_SWISH:
      hard_swish_gradient(dx, kept, dy, count);
      break;
    case CK_TANH:
      tanh_gradient(dx, kept, dy, count);
      break;
    case CK_SIGMOID:
      sigmoid_gradient(dx, kept, dy, count);
      break;
    case CK_SILU:
      silu_gradient(dx, kept, dy, count);
      break;
    case CK_GELU:
      gelu_gradient(dx, kept, dy, count);
      break;
    default:
      REQUIRE(w->activation == CK_RELU);
      rectified_gradient(dx, kept, dy, count);
  }
}

void ck_activation_gradient(float *dx, const float *kept, const float *dy, size_t count, ck_activation activation,
                            int tasks) {
  work w = {.y = dx, .x = kept, .dy = dy, .count = count, .activation = activation, .tasks = useful_tasks(count, tasks)};
  ck_parallel(w.tasks, gradient_share, &w);
}

// MARK: Below zero

typedef struct {
  float *y;
  const float *x, *dy;
  size_t count;
  ck_below_zero below;
  int tasks;
} below_work;

// y <- x where it is not below zero, else the line or the exponential.
INLINE void bend_vector(float *to, const float *from, const ck_below_zero *below) {
  const lanes x = LOAD(from), zero = {0};
  lanes lower = x;
  if (below->is_exponential) {
    exponentiate(&lower);
    lower -= 1;
  }
  STORE(to, SELECT(zero > x, below->factor * lower, x));
}

INLINE void bend_slope(float *to, const float *from, const ck_below_zero *below) {
  const lanes kept = LOAD(from), zero = {0}, one = zero + 1;
  lanes lower = zero + below->factor;
  if (below->is_exponential) {
    lanes e = kept;
    exponentiate(&e);
    lower = below->is_from_result ? kept + below->factor : below->factor * e;
  }
  STORE(to, SELECT(kept <= zero, lower, one));
}

VECTORISED(static, void, bend, (const below_work *w, size_t first, size_t end), (w, first, end)) {
  for (size_t i = first; i < end; i += WIDTH) {
    const size_t count = end - i < WIDTH ? end - i : WIDTH;
    float values[WIDTH] = {0}, results[WIDTH];
    memcpy(values, w->x + i, count * sizeof *values);
    if (w->dy) {
      float gradients[WIDTH] = {0};
      memcpy(gradients, w->dy + i, count * sizeof *gradients);
      bend_slope(results, values, &w->below);
      STORE(results, LOAD(results) * LOAD(gradients));
    } else {
      bend_vector(results, values, &w->below);
    }
    memcpy(w->y + i, results, count * sizeof *results);
  }
}

static void below_share(void *context, int task) {
  const below_work *w = context;
  bend(w, share_begin(w->count, task, w->tasks), share_begin(w->count, task + 1, w->tasks));
}

void ck_below_zero_forward(float *y, const float *x, size_t count, ck_below_zero below, int tasks) {
  below_work w = {.y = y, .x = x, .count = count, .below = below, .tasks = useful_tasks(count, tasks)};
  ck_parallel(w.tasks, below_share, &w);
}

void ck_below_zero_gradient(float *dx, const float *kept, const float *dy, size_t count, ck_below_zero below, int tasks) {
  below_work w = {.y = dx, .x = kept, .dy = dy, .count = count, .below = below, .tasks = useful_tasks(count, tasks)};
  ck_parallel(w.tasks, below_share, &w);
}
