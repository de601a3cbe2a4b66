// Products and sums of channels with a number each, and the gradients by the factors.
#include "long_sums.h"
#include "pixels.h"
#include "vector.h"

typedef struct {
  const ck_pixels *p;
  float *y;
  const float *x, *dy, *factors;
  bool are_shared;
  int tasks;
} scale_work;

VECTORISED(static, void, scale_positions, (float *y, const float *x, const float *factor, size_t count, size_t step,
           size_t channels, bool is_filled), (y, x, factor, count, step, channels, is_filled)) {
  const lanes by = LOAD(factor);
  if (is_filled || channels == WIDTH) {
    for (size_t i = 0; i < count; ++i) STORE(y + i * step, LOAD(x + i * step) * by);
  } else {
    for (size_t i = 0; i < count; ++i)
      for (size_t c = 0; c < channels; ++c) y[i * step + c] = x[i * step + c] * factor[c];
  }
}

static void scale_share(void *context, int task) {
  const scale_work *w = context;
  const ck_pixels *p = w->p;
  const size_t blocks = pixel_blocks(p), units = p->examples * blocks;
  const size_t last = units * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t unit = units * (size_t)task / (size_t)w->tasks; unit < last; ++unit) {
    const size_t n = unit / blocks, b = unit % blocks, channels = block_channels(p, b), at = n * p->example + b * p->block;
    float factor[WIDTH];
    load_some(factor, w->factors + (w->are_shared ? 0 : n * p->channels) + b * WIDTH, channels);
    scale_positions(w->y + at, w->x + at, factor, p->positions, p->position, channels, p->is_filled);
  }
}

void ck_channel_scale(const ck_pixels *p, float *y, const float *x, const float *factors, bool are_shared, int tasks) {
  scale_work w = {.p = p, .y = y, .x = x, .factors = factors, .are_shared = are_shared, .tasks = tasks};
  ck_parallel(tasks, scale_share, &w);
}

VECTORISED(static, void, shift_positions, (float *y, const float *shift, size_t count, size_t step, size_t channels,
           bool is_filled), (y, shift, count, step, channels, is_filled)) {
  const lanes by = LOAD(shift);
  if (is_filled || channels == WIDTH) {
    for (size_t i = 0; i < count; ++i) STORE(y + i * step, LOAD(y + i * step) + by);
  } else {
    for (size_t i = 0; i < count; ++i)
      for (size_t c = 0; c < channels; ++c) y[i * step + c] += shift[c];
  }
}

static void shift_share(void *context, int task) {
  const scale_work *w = context;
  const ck_pixels *p = w->p;
  const size_t blocks = pixel_blocks(p), units = p->examples * blocks;
  const size_t last = units * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t unit = units * (size_t)task / (size_t)w->tasks; unit < last; ++unit) {
    const size_t b = unit % blocks, channels = block_channels(p, b);
    float shift[WIDTH];
    load_some(shift, w->factors + b * WIDTH, channels);
    shift_positions(w->y + unit / blocks * p->example + b * p->block, shift, p->positions, p->position, channels, p->is_filled);
  }
}

void ck_channel_shift(const ck_pixels *p, float *y, const float *shifts, int tasks) {
  scale_work w = {.p = p, .y = y, .factors = shifts, .tasks = tasks};
  ck_parallel(tasks, shift_share, &w);
}

// Adds the sums over positions of the products to `totals`.
VECTORISED(static, void, add_products, (double *totals, const float *x, const float *dy, size_t count, size_t step,
           size_t channels, bool is_filled), (totals, x, dy, count, step, channels, is_filled)) {
  for (size_t first = 0; first < count; first += MOST_TERMS) {
    const size_t end = first + MOST_TERMS < count ? first + MOST_TERMS : count;
    float block[WIDTH] = {0};
    if (is_filled || channels == WIDTH) {
      lanes sums = {0};
      for (size_t i = first; i < end; ++i) sums += LOAD(x + i * step) * LOAD(dy + i * step);
      STORE(block, sums);
    } else {
      for (size_t i = first; i < end; ++i)
        for (size_t c = 0; c < channels; ++c) block[c] += x[i * step + c] * dy[i * step + c];
    }
    for (size_t c = 0; c < WIDTH; ++c) totals[c] += (double)block[c];
  }
}

static void scale_gradient_share(void *context, int task) {
  const scale_work *w = context;
  const ck_pixels *p = w->p;
  const size_t blocks = pixel_blocks(p), results = w->are_shared ? 1 : p->examples, units = results * blocks;
  const size_t last = units * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t unit = units * (size_t)task / (size_t)w->tasks; unit < last; ++unit) {
    const size_t result = unit / blocks, b = unit % blocks, channels = block_channels(p, b);
    double totals[WIDTH] = {0};
    for (size_t n = result; n < (w->are_shared ? p->examples : result + 1); ++n) {
      const size_t at = n * p->example + b * p->block;
      add_products(totals, w->x + at, w->dy + at, p->positions, p->position, channels, p->is_filled);
    }
    for (size_t c = 0; c < channels; ++c) w->y[result * p->channels + b * WIDTH + c] = (float)totals[c];
  }
}

void ck_channel_scale_gradient(const ck_pixels *p, float *factors, const float *x, const float *dy, bool are_shared, int tasks) {
  scale_work w = {.p = p, .y = factors, .x = x, .dy = dy, .are_shared = are_shared, .tasks = tasks};
  ck_parallel(tasks, scale_gradient_share, &w);
}
