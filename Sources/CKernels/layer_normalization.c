// Layer normalization over the channels of a position, and its gradients. Some positions at a time, so that their sums stay in
// registers while the channels pass by, block by block. The variance is summed in a second pass, about the mean: the difference
// of two sums would lose it.
#include "pixels.h"
#include "vector.h"

#include <math.h>

enum {
  GROUP = 4,          // positions at a time
  SUMMED_ALONE = 64,  // positions whose terms are summed in single precision
};

typedef float quarter __attribute__((vector_size(16)));

INLINE float sum_of(const lanes *v) {
  const half h =
      __builtin_shufflevector(*v, *v, 0, 1, 2, 3, 4, 5, 6, 7) + __builtin_shufflevector(*v, *v, 8, 9, 10, 11, 12, 13, 14, 15);
  const quarter q = __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
  return (q[0] + q[2]) + (q[1] + q[3]);
}

typedef struct {
  const ck_pixels *p;
  float *y, *scale_gradient, *shift_gradient;
  const float *x, *dy, *scale, *shift;
  float epsilon;
  float *scratch;
  int tasks;
} layer_work;

// Of a position: whole vectors where blocks are filled up; what lies behind its channels is the next one's otherwise.
INLINE void read_block(const ck_pixels *p, lanes *to, const float *from, size_t channels) {
  if (p->is_filled || channels == WIDTH) {
    *to = LOAD(from);
  } else {
    float some[WIDTH];
    load_some(some, from, channels);
    *to = LOAD(some);
  }
}

// Of a last block, zero where there is no channel.
INLINE void cut(lanes *value, size_t channels) {
  if (channels == WIDTH) return;
  float some[WIDTH];
  STORE(some, *value);
  for (size_t c = channels; c < WIDTH; ++c) some[c] = 0;
  *value = LOAD(some);
}

INLINE void write_block(const ck_pixels *p, float *to, lanes *value, size_t channels) {
  cut(value, channels);
  if (p->is_filled || channels == WIDTH) {
    STORE(to, *value);
  } else {
    float some[WIDTH];
    STORE(some, *value);
    memcpy(to, some, channels * sizeof *to);
  }
}

// Mean, and what the root of variance and epsilon divides by, of `count` positions.
INLINE void find_statistics(const ck_pixels *p, const float *x, float epsilon, float *means, float *inverses,
                            const size_t count) {
  const size_t blocks = pixel_blocks(p);
  lanes sums[GROUP];
  UNROLLED for (size_t i = 0; i < count; ++i) sums[i] = (lanes){0};
  for (size_t b = 0; b < blocks; ++b)
    UNROLLED for (size_t i = 0; i < count; ++i) {
      lanes value;
      read_block(p, &value, x + b * p->block + i * p->position, block_channels(p, b));
      sums[i] += value;
    }
  UNROLLED for (size_t i = 0; i < count; ++i) means[i] = sum_of(&sums[i]) / (float)p->channels, sums[i] = (lanes){0};
  for (size_t b = 0; b < blocks; ++b)
    UNROLLED for (size_t i = 0; i < count; ++i) {
      const size_t channels = block_channels(p, b);
      lanes difference;
      read_block(p, &difference, x + b * p->block + i * p->position, channels);
      difference -= means[i];
      cut(&difference, channels);
      sums[i] += difference * difference;
    }
  UNROLLED for (size_t i = 0; i < count; ++i) inverses[i] = 1 / sqrtf(sum_of(&sums[i]) / (float)p->channels + epsilon);
}

INLINE void normalize_some(const layer_work *w, size_t at, const size_t count) {
  const ck_pixels *p = w->p;
  float means[GROUP], inverses[GROUP];
  find_statistics(p, w->x + at, w->epsilon, means, inverses, count);
  for (size_t b = 0; b < pixel_blocks(p); ++b) {
    const size_t channels = block_channels(p, b);
    float scale[WIDTH], shift[WIDTH];
    load_some(scale, w->scale + b * WIDTH, channels), load_some(shift, w->shift + b * WIDTH, channels);
    UNROLLED for (size_t i = 0; i < count; ++i) {
      const size_t place = at + b * p->block + i * p->position;
      lanes value;
      read_block(p, &value, w->x + place, channels);
      value = (value - means[i]) * inverses[i] * LOAD(scale) + LOAD(shift);
      write_block(p, w->y + place, &value, channels);
    }
  }
}

INLINE void input_gradient_of_some(const layer_work *w, size_t at, const size_t count) {
  const ck_pixels *p = w->p;
  const size_t blocks = pixel_blocks(p);
  float means[GROUP], inverses[GROUP], scale[WIDTH];
  find_statistics(p, w->x + at, w->epsilon, means, inverses, count);
  lanes sums[GROUP], products[GROUP];
  UNROLLED for (size_t i = 0; i < count; ++i) sums[i] = products[i] = (lanes){0};
  for (size_t b = 0; b < blocks; ++b) {
    const size_t channels = block_channels(p, b);
    load_some(scale, w->scale + b * WIDTH, channels);
    UNROLLED for (size_t i = 0; i < count; ++i) {
      const size_t place = at + b * p->block + i * p->position;
      lanes gradient, normalized;
      read_block(p, &gradient, w->dy + place, channels);
      read_block(p, &normalized, w->x + place, channels);
      // The scale is zero where there is no channel.
      gradient *= LOAD(scale), normalized = (normalized - means[i]) * inverses[i];
      sums[i] += gradient;
      products[i] += gradient * normalized;
    }
  }
  float mean_gradients[GROUP], mean_products[GROUP];
  UNROLLED for (size_t i = 0; i < count; ++i) {
    mean_gradients[i] = sum_of(&sums[i]) / (float)p->channels;
    mean_products[i] = sum_of(&products[i]) / (float)p->channels;
  }
  for (size_t b = 0; b < blocks; ++b) {
    const size_t channels = block_channels(p, b);
    load_some(scale, w->scale + b * WIDTH, channels);
    UNROLLED for (size_t i = 0; i < count; ++i) {
      const size_t place = at + b * p->block + i * p->position;
      lanes gradient, normalized;
      read_block(p, &gradient, w->dy + place, channels);
      read_block(p, &normalized, w->x + place, channels);
      gradient *= LOAD(scale), normalized = (normalized - means[i]) * inverses[i];
      lanes value = inverses[i] * (gradient - mean_gradients[i] - normalized * mean_products[i]);
      write_block(p, w->y + place, &value, channels);
    }
  }
}

// Adds a position's terms to the sums by scale and shift.
INLINE void add_parameter_terms(const layer_work *w, size_t at, float *by_scale, float *by_shift) {
  const ck_pixels *p = w->p;
  float mean[1], inverse[1];
  find_statistics(p, w->x + at, w->epsilon, mean, inverse, 1);
  for (size_t b = 0; b < pixel_blocks(p); ++b) {
    const size_t channels = block_channels(p, b), place = at + b * p->block;
    lanes gradient, normalized;
    read_block(p, &gradient, w->dy + place, channels);
    read_block(p, &normalized, w->x + place, channels);
    normalized = (normalized - mean[0]) * inverse[0];
    STORE(by_scale + b * WIDTH, LOAD(by_scale + b * WIDTH) + gradient * normalized);
    STORE(by_shift + b * WIDTH, LOAD(by_shift + b * WIDTH) + gradient);
  }
}

// The positions of a task, counted through the examples, up to the end of an example at a time.
#define FOR_EACH_RUN(w, task, body)                                                          \
  const size_t all = (w)->p->examples * (w)->p->positions, count = (size_t)(w)->tasks;       \
  const size_t end = all * ((size_t)(task) + 1) / count;                                     \
  for (size_t first = all * (size_t)(task) / count, last; first < end; first = last) {       \
    const size_t n = first / (w)->p->positions, next = (n + 1) * (w)->p->positions;          \
    last = next < end ? next : end;                                                          \
    const size_t at = n * (w)->p->example + (first - n * (w)->p->positions) * (w)->p->position; \
    body                                                                                     \
  }

VECTORISED(static, void, normalize_run, (const layer_work *w, size_t at, size_t count), (w, at, count)) {
  size_t i = 0;
  for (; i + GROUP <= count; i += GROUP) normalize_some(w, at + i * w->p->position, GROUP);
  for (; i < count; ++i) normalize_some(w, at + i * w->p->position, 1);
}

VECTORISED(static, void, input_gradient_of_run, (const layer_work *w, size_t at, size_t count), (w, at, count)) {
  size_t i = 0;
  for (; i + GROUP <= count; i += GROUP) input_gradient_of_some(w, at + i * w->p->position, GROUP);
  for (; i < count; ++i) input_gradient_of_some(w, at + i * w->p->position, 1);
}

VECTORISED(static, void, add_run, (const layer_work *w, size_t at, size_t count, double *totals, float *sums),
           (w, at, count, totals, sums)) {
  const size_t channels = rounded(w->p->channels);
  for (size_t i = 0; i < count;) {
    const size_t last = i + SUMMED_ALONE < count ? i + SUMMED_ALONE : count;
    for (; i < last; ++i) add_parameter_terms(w, at + i * w->p->position, sums, sums + channels);
    for (size_t c = 0; c < 2 * channels; ++c) totals[c] += (double)sums[c], sums[c] = 0;
  }
}

static void normalize_share(void *context, int task) {
  const layer_work *w = context;
  FOR_EACH_RUN(w, task, normalize_run(w, at, last - first);)
}

static void input_gradient_share(void *context, int task) {
  const layer_work *w = context;
  FOR_EACH_RUN(w, task, input_gradient_of_run(w, at, last - first);)
}

// In floats: two sums a channel in single and in double precision.
static size_t scratch_of_task(const ck_pixels *p) { return 6 * rounded(p->channels); }

static void parameter_gradient_share(void *context, int task) {
  const layer_work *w = context;
  float *scratch = w->scratch + scratch_of_task(w->p) * (size_t)task;
  memset(scratch, 0, scratch_of_task(w->p) * sizeof *scratch);
  double *totals = (double *)(void *)scratch;
  FOR_EACH_RUN(w, task, add_run(w, at, last - first, totals, scratch + 4 * rounded(w->p->channels));)
}

void ck_layer_normalization(const ck_pixels *p, float *y, const float *x, const float *scale, const float *shift, float epsilon,
                            int tasks) {
  layer_work w = {.p = p, .y = y, .x = x, .scale = scale, .shift = shift, .epsilon = epsilon, .tasks = tasks};
  ck_parallel(tasks, normalize_share, &w);
}

void ck_layer_normalization_input_gradient(const ck_pixels *p, float *dx, const float *x, const float *dy, const float *scale,
                                           float epsilon, int tasks) {
  layer_work w = {.p = p, .y = dx, .x = x, .dy = dy, .scale = scale, .epsilon = epsilon, .tasks = tasks};
  ck_parallel(tasks, input_gradient_share, &w);
}

size_t ck_layer_normalization_scratch(const ck_pixels *p, int tasks) { return scratch_of_task(p) * (size_t)tasks; }

void ck_layer_normalization_parameter_gradient(const ck_pixels *p, float *scale_gradient, float *shift_gradient, const float *x,
                                               const float *dy, float epsilon, float *scratch, int tasks) {
  layer_work w = {.p = p, .x = x, .dy = dy, .epsilon = epsilon, .scratch = scratch, .tasks = tasks};
  ck_parallel(tasks, parameter_gradient_share, &w);
  for (size_t c = 0; c < p->channels; ++c) {
    double by_scale = 0, by_shift = 0;
    for (int task = 0; task < tasks; ++task) {
      const double *totals = (const double *)(const void *)(scratch + scratch_of_task(p) * (size_t)task);
      by_scale += totals[c], by_shift += totals[rounded(p->channels) + c];
    }
    scale_gradient[c] = (float)by_scale, shift_gradient[c] = (float)by_shift;
  }
}
