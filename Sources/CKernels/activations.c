#include "activations.h"
#include "shares.h"
#include "vector.h"

#include <string.h>

typedef int32_t bits __attribute__((vector_size(64)));
// The elements of `a` where those of `mask` are -1, else of `b`. Compilers see a minimum in it where it is one.
#define SELECT(mask, a, b) ((lanes)(((mask) & (bits)(a)) | (~(mask) & (bits)(b))))

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

VECTORISED void ck_activate(float *x, size_t count, ck_activation activation) {
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
VECTORISED static void rectified_gradient(float *dx, const float *y, const float *dy, size_t count) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) {
    const float gradient = dy[i];
    dx[i] = y[i] <= 0 ? 0 : gradient;
  }
}

VECTORISED static void clipped_gradient(float *dx, const float *y, const float *dy, size_t count) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) {
    const float gradient = dy[i];
    dx[i] = ((y[i] <= 0) | (y[i] >= 6)) ? 0 : gradient;
  }
}

static void gradient_share(void *context, int task) {
  const work *w = context;
  const size_t first = share_begin(w->count, task, w->tasks), count = share_begin(w->count, task + 1, w->tasks) - first;
  if (w->activation == CK_RELU6)
    clipped_gradient(w->y + first, w->x + first, w->dy + first, count);
  else
    rectified_gradient(w->y + first, w->x + first, w->dy + first, count);
}

void ck_activation_gradient(float *dx, const float *y, const float *dy, size_t count, ck_activation activation,
                            int tasks) {
  work w = {.y = dx, .x = y, .dy = dy, .count = count, .activation = activation, .tasks = useful_tasks(count, tasks)};
  ck_parallel(w.tasks, gradient_share, &w);
}
