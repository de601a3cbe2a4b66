#include "lanes.h"
#include "shares.h"
#include "vector.h"

#include <math.h>
#include <string.h>

// Asks for a cache line to write to. Where another processor has it too, a store would wait until that one releases it.
static inline __attribute__((always_inline)) void prefetch_to_write(const float *x) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)x));
#else
  __builtin_prefetch(x, 1);
#endif
}

enum { AHEAD = 24 * WIDTH };

// What is too short for sixteen lanes is stepped in memory of that length.
#define REST_OF(name) \
  float name##_rest[WIDTH] = {0}; \
  memcpy(name##_rest, name + i, (count - i) * sizeof *name)
#define PUT_BACK(name) memcpy(name + i, name##_rest, (count - i) * sizeof *name)

INLINE void momentum_lanes(float *weight, float *velocity, const float *gradient, const ck_momentum *s, ck_velocity form,
                           bool ahead) {
  const float shrink = s->decay * s->rate;
  const lanes w = LOAD(weight), v = LOAD(velocity), g = LOAD(gradient);
  if (form == CK_VELOCITY_OF_STEPS) {
    const lanes next = s->momentum * v - s->rate * g - shrink * w;
    STORE(velocity, next);
    STORE(weight, w + (ahead ? s->momentum * next - s->rate * g - shrink * w : next));
  } else {
    const lanes slope = g + s->decay * w, next = s->momentum * v + slope;
    STORE(velocity, next);
    STORE(weight, w - s->rate * (ahead ? slope + s->momentum * next : next));
  }
}

INLINE void momentum_pass(float *weight, float *velocity, const float *gradient, size_t count, const ck_momentum *s,
                          ck_velocity form, bool ahead) {
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    prefetch_to_write(weight + i + AHEAD);
    prefetch_to_write(velocity + i + AHEAD);
    momentum_lanes(weight + i, velocity + i, gradient + i, s, form, ahead);
  }
  REST_OF(weight);
  REST_OF(velocity);
  REST_OF(gradient);
  momentum_lanes(weight_rest, velocity_rest, gradient_rest, s, form, ahead);
  PUT_BACK(weight);
  PUT_BACK(velocity);
}

VECTORISED(extern, void, ck_momentum_step, (float *weight, float *velocity, const float *gradient, size_t count,
           const ck_momentum *settings), (weight, velocity, gradient, count, settings)) {
  const ck_momentum s = *settings;
  if (s.velocity == CK_VELOCITY_OF_STEPS) {
    if (s.looks_ahead)
      momentum_pass(weight, velocity, gradient, count, &s, CK_VELOCITY_OF_STEPS, true);
    else
      momentum_pass(weight, velocity, gradient, count, &s, CK_VELOCITY_OF_STEPS, false);
  } else if (s.looks_ahead) {
    momentum_pass(weight, velocity, gradient, count, &s, CK_VELOCITY_OF_GRADIENTS, true);
  } else {
    momentum_pass(weight, velocity, gradient, count, &s, CK_VELOCITY_OF_GRADIENTS, false);
  }
}

INLINE void rmsprop_lanes(float *weight, float *squares, float *mean, float *velocity, const float *gradient,
                          const ck_rmsprop *s) {
  const float share = 1 - s->old_share;
  const lanes w = LOAD(weight), g = LOAD(gradient) + s->decay * w;
  const lanes square = s->old_share * LOAD(squares) + share * g * g;
  STORE(squares, square);
  lanes variance = square + s->beginning;
  if (mean) {
    const lanes m = s->old_share * LOAD(mean) + share * g;
    STORE(mean, m);
    // Below zero by rounding alone.
    variance = __builtin_elementwise_max(variance - m * m, (lanes){0});
  }
  const lanes step = g / (s->epsilon_inside ? __builtin_elementwise_sqrt(variance + s->epsilon)
                                            : __builtin_elementwise_sqrt(variance) + s->epsilon);
  if (!velocity) {
    STORE(weight, w - s->rate * step);
    return;
  }
  const bool of_steps = s->velocity == CK_VELOCITY_OF_STEPS;
  const lanes next = s->momentum * LOAD(velocity) + (of_steps ? s->rate : 1) * step;
  STORE(velocity, next);
  STORE(weight, w - (of_steps ? 1 : s->rate) * next);
}

INLINE void rmsprop_pass(float *weight, float *squares, float *mean, float *velocity, const float *gradient, size_t count,
                         const ck_rmsprop *s) {
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    prefetch_to_write(weight + i + AHEAD);
    prefetch_to_write(squares + i + AHEAD);
    if (mean) prefetch_to_write(mean + i + AHEAD);
    if (velocity) prefetch_to_write(velocity + i + AHEAD);
    rmsprop_lanes(weight + i, squares + i, mean ? mean + i : NULL, velocity ? velocity + i : NULL, gradient + i, s);
  }
  float mean_rest[WIDTH] = {0}, velocity_rest[WIDTH] = {0};
  REST_OF(weight);
  REST_OF(squares);
  REST_OF(gradient);
  if (mean) memcpy(mean_rest, mean + i, (count - i) * sizeof *mean);
  if (velocity) memcpy(velocity_rest, velocity + i, (count - i) * sizeof *velocity);
  rmsprop_lanes(weight_rest, squares_rest, mean ? mean_rest : NULL, velocity ? velocity_rest : NULL, gradient_rest, s);
  PUT_BACK(weight);
  PUT_BACK(squares);
  if (mean) PUT_BACK(mean);
  if (velocity) PUT_BACK(velocity);
}

VECTORISED(extern, void, ck_rmsprop_step, (float *weight, float *squares, float *mean, float *velocity, const float *gradient,
           size_t count, const ck_rmsprop *settings), (weight, squares, mean, velocity, gradient, count, settings)) {
  const ck_rmsprop s = *settings;
  if (mean && velocity)
    rmsprop_pass(weight, squares, mean, velocity, gradient, count, &s);
  else if (mean)
    rmsprop_pass(weight, squares, mean, NULL, gradient, count, &s);
  else if (velocity)
    rmsprop_pass(weight, squares, NULL, velocity, gradient, count, &s);
  else
    rmsprop_pass(weight, squares, NULL, NULL, gradient, count, &s);
}

INLINE void adam_lanes(float *weight, float *mean, float *squares, const float *gradient, const ck_adam *s) {
  const lanes w = LOAD(weight), g = LOAD(gradient) + s->decay * w;
  const lanes m = LOAD(mean) + s->mean_share * (g - LOAD(mean));
  const lanes square = LOAD(squares) + s->square_share * (g * g - LOAD(squares));
  STORE(mean, m);
  STORE(squares, square);
  STORE(weight, s->keep * w - s->rate * m / (s->root_factor * __builtin_elementwise_sqrt(square) + s->epsilon));
}

VECTORISED(extern, void, ck_adam_step, (float *weight, float *mean, float *squares, const float *gradient, size_t count,
           const ck_adam *settings), (weight, mean, squares, gradient, count, settings)) {
  const ck_adam s = *settings;
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    prefetch_to_write(weight + i + AHEAD);
    prefetch_to_write(mean + i + AHEAD);
    prefetch_to_write(squares + i + AHEAD);
    adam_lanes(weight + i, mean + i, squares + i, gradient + i, &s);
  }
  REST_OF(weight);
  REST_OF(mean);
  REST_OF(squares);
  REST_OF(gradient);
  adam_lanes(weight_rest, mean_rest, squares_rest, gradient_rest, &s);
  PUT_BACK(weight);
  PUT_BACK(mean);
  PUT_BACK(squares);
}

VECTORISED(extern, void, ck_average_weights, (float *restrict average, const float *restrict weight, size_t count, float share),
           (average, weight, count, share)) {
  // Exactly the weights, however far the average is from them.
  if (share == 1) {
    memcpy(average, weight, count * sizeof *average);
    return;
  }
  for (size_t i = 0; i < count; ++i) average[i] += share * (weight[i] - average[i]);
}

VECTORISED(extern, void, ck_accumulate, (float *restrict mean, float *restrict gradient, size_t count, float share, bool is_last),
           (mean, gradient, count, share, is_last)) {
  if (is_last) {
    for (size_t i = 0; i < count; ++i) {
      gradient[i] = mean[i] + share * (gradient[i] - mean[i]);
      mean[i] = 0;
    }
  } else {
    for (size_t i = 0; i < count; ++i) mean[i] += share * (gradient[i] - mean[i]);
  }
}

VECTORISED(extern, void, ck_scale, (float *x, size_t count, float factor), (x, count, factor)) {
  for (size_t i = 0; i < count; ++i) x[i] *= factor;
}

VECTORISED(extern, void, ck_clamp, (float *x, size_t count, float limit), (x, count, limit)) {
  for (size_t i = 0; i < count; ++i) x[i] = x[i] > limit ? limit : x[i] < -limit ? -limit : x[i];
}

size_t ck_share_begin(size_t count, int task, int tasks) { return share_begin(count, task, tasks); }

VECTORISED(extern, double, ck_sum_of_squares, (const float *x, size_t count), (x, count)) {
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

VECTORISED(extern, bool, ck_all_finite, (const float *x, size_t count), (x, count)) {
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
