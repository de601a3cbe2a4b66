// Convolutions of any extents, and their gradients, as the sums are written: what the other kernels leave, such as kernels of
// more taps than they know. Pictures lie in plain order; a vector holds neighbours of a row. Every result is summed by one task,
// in an order that the number of tasks does not change.
#include "long_sums.h"
#include "lanes.h"
#include "vector.h"

#include <string.h>

enum { LINE = 256 };  // columns at a time

typedef struct {
  const ck_direct *d;
  float *to;
  const float *x, *dy, *weights, *bias, *addend;
  size_t units;
  int tasks;
} sums_work;

// Windows first ..< last have an element at `offset` from their beginning that lies within `extent` elements.
typedef struct {
  size_t first, last;
} windows;

static windows windows_within(ptrdiff_t offset, size_t stride, size_t extent, size_t count) {
  const size_t first = offset < 0 ? ((size_t)-offset + stride - 1) / stride : 0;
  size_t last = offset < (ptrdiff_t)extent ? (size_t)((ptrdiff_t)extent - 1 - offset) / stride + 1 : 0;
  if (last > count) last = count;
  return (windows){first < last ? first : last, last};
}

VECTORISED(static, void, add_products, (float *restrict sums, const float *restrict x, float weight, size_t count, size_t step),
           (sums, x, weight, count, step)) {
  if (step == 1)
    for (size_t i = 0; i < count; ++i) sums[i] += weight * x[i];
  else
    for (size_t i = 0; i < count; ++i) sums[i] += weight * x[i * step];
}

VECTORISED(static, void, spread_products, (float *restrict sums, const float *restrict dy, float weight, size_t count,
           size_t step), (sums, dy, weight, count, step)) {
  if (step == 1)
    for (size_t i = 0; i < count; ++i) sums[i] += weight * dy[i];
  else
    for (size_t i = 0; i < count; ++i) sums[i * step] += weight * dy[i];
}

// A line of results, summed in parts.
typedef struct {
  float part[LINE], totals[LINE];
  size_t count, terms;
} line;

static void begin_line(line *l, size_t count) {
  memset(l->part, 0, count * sizeof *l->part);
  memset(l->totals, 0, count * sizeof *l->totals);
  l->count = count, l->terms = 0;
}

static void flush_line(line *l) {
  for (size_t i = 0; i < l->count; ++i) l->totals[i] += l->part[i], l->part[i] = 0;
  l->terms = 0;
}

// Before one more term is added.
static void count_term(line *l) {
  if (l->terms == MOST_TERMS) flush_line(l);
  ++l->terms;
}

// MARK: Forward

static void sum_line(const sums_work *w, line *l, size_t example, size_t out, size_t row, size_t column) {
  const ck_direct *d = w->d;
  const size_t channels = d->in_channels / d->groups, group = out / (d->out_channels / d->groups);
  const size_t plane = d->height * d->width, taps = d->kernel_height * d->kernel_width;
  const float *pictures = w->x + (example * d->in_channels + group * channels) * plane;
  const float *weights = w->weights + out * channels * taps;
  for (size_t c = 0; c < channels; ++c)
    for (size_t m = 0; m < d->kernel_height; ++m) {
      const ptrdiff_t from_row =
          (ptrdiff_t)(row * d->stride_down + m * d->dilation_down) - (ptrdiff_t)d->pad_top;
      if (from_row < 0 || from_row >= (ptrdiff_t)d->height) continue;
      const float *from = pictures + c * plane + (size_t)from_row * d->width;
      for (size_t n = 0; n < d->kernel_width; ++n) {
        const ptrdiff_t offset = (ptrdiff_t)(column * d->stride_along + n * d->dilation_along) - (ptrdiff_t)d->pad_left;
        const windows valid = windows_within(offset, d->stride_along, d->width, l->count);
        if (valid.first == valid.last) continue;
        count_term(l);
        add_products(l->part + valid.first, from + ((ptrdiff_t)(valid.first * d->stride_along) + offset),
                     weights[c * taps + m * d->kernel_width + n], valid.last - valid.first, d->stride_along);
      }
    }
  flush_line(l);
}

static void forward_share(void *context, int task) {
  const sums_work *w = context;
  const ck_direct *d = w->d;
  line l;
  const size_t end = w->units * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t unit = w->units * (size_t)task / (size_t)w->tasks; unit < end; ++unit) {
    const size_t row = unit % d->out_height, out = unit / d->out_height % d->out_channels;
    const float bias = w->bias ? w->bias[out] : 0;
    for (size_t column = 0; column < d->out_width; column += LINE) {
      begin_line(&l, d->out_width - column < LINE ? d->out_width - column : LINE);
      sum_line(w, &l, unit / d->out_height / d->out_channels, out, row, column);
      const size_t at = unit * d->out_width + column;
      for (size_t i = 0; i < l.count; ++i) w->to[at + i] = l.totals[i] + bias + (w->addend ? w->addend[at + i] : 0);
    }
  }
}

void ck_sums_forward(const ck_direct *d, float *y, const float *x, const float *weights, const float *bias,
                     const float *addend, int tasks) {
  sums_work w = {.d = d, .to = y, .x = x, .weights = weights, .bias = bias, .addend = addend, .tasks = tasks};
  w.units = d->batch * d->out_channels * d->out_height;
  ck_parallel(tasks, forward_share, &w);
}

// MARK: The gradient by the input

static void sum_input_line(const sums_work *w, line *l, size_t example, size_t in, size_t row, size_t column) {
  const ck_direct *d = w->d;
  const size_t ins = d->in_channels / d->groups, outs = d->out_channels / d->groups, group = in / ins;
  const size_t plane = d->out_height * d->out_width, taps = d->kernel_height * d->kernel_width;
  for (size_t o = group * outs; o < (group + 1) * outs; ++o)
    for (size_t m = 0; m < d->kernel_height; ++m) {
      const ptrdiff_t down = (ptrdiff_t)(row + d->pad_top) - (ptrdiff_t)(m * d->dilation_down);
      if (down < 0 || (size_t)down % d->stride_down || (size_t)down / d->stride_down >= d->out_height) continue;
      const float *from = w->dy + (example * d->out_channels + o) * plane + (size_t)down / d->stride_down * d->out_width;
      const float *weights = w->weights + (o * ins + in % ins) * taps + m * d->kernel_width;
      for (size_t n = 0; n < d->kernel_width; ++n) {
        const ptrdiff_t offset = (ptrdiff_t)(n * d->dilation_along) - (ptrdiff_t)(d->pad_left + column);
        const windows valid = windows_within(offset, d->stride_along, l->count, d->out_width);
        if (valid.first == valid.last) continue;
        count_term(l);
        spread_products(l->part + ((ptrdiff_t)(valid.first * d->stride_along) + offset), from + valid.first, weights[n],
                        valid.last - valid.first, d->stride_along);
      }
    }
  flush_line(l);
}

static void input_gradient_share(void *context, int task) {
  const sums_work *w = context;
  const ck_direct *d = w->d;
  line l;
  const size_t end = w->units * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t unit = w->units * (size_t)task / (size_t)w->tasks; unit < end; ++unit) {
    const size_t row = unit % d->height, in = unit / d->height % d->in_channels;
    for (size_t column = 0; column < d->width; column += LINE) {
      begin_line(&l, d->width - column < LINE ? d->width - column : LINE);
      sum_input_line(w, &l, unit / d->height / d->in_channels, in, row, column);
      memcpy(w->to + unit * d->width + column, l.totals, l.count * sizeof *l.totals);
    }
  }
}

void ck_sums_input_gradient(const ck_direct *d, float *dx, const float *dy, const float *weights, int tasks) {
  sums_work w = {.d = d, .to = dx, .dy = dy, .weights = weights, .tasks = tasks};
  w.units = d->batch * d->in_channels * d->height;
  ck_parallel(tasks, input_gradient_share, &w);
}

// MARK: The gradient by the weights

VECTORISED(static, double, sum_of_products, (const float *x, const float *dy, size_t count, size_t step),
           (x, dy, count, step)) {
  double total = 0;
  size_t i = 0;
  if (step == 1 && count >= WIDTH) {
    while (i + WIDTH <= count) {
      lanes sums = {0};
      for (size_t k = 0; k < MOST_TERMS && i + WIDTH <= count; ++k, i += WIDTH) sums += LOAD(x + i) * LOAD(dy + i);
      for (size_t k = 0; k < WIDTH; ++k) total += (double)sums[k];
    }
  }
  for (; i < count; ++i) total += (double)x[i * step] * (double)dy[i];
  return total;
}

static double sum_of_tap(const sums_work *w, size_t out, size_t in, size_t m, size_t n) {
  const ck_direct *d = w->d;
  const size_t ins = d->in_channels / d->groups, group = out / (d->out_channels / d->groups);
  const ptrdiff_t down = (ptrdiff_t)(m * d->dilation_down) - (ptrdiff_t)d->pad_top;
  const ptrdiff_t along = (ptrdiff_t)(n * d->dilation_along) - (ptrdiff_t)d->pad_left;
  const windows rows = windows_within(down, d->stride_down, d->height, d->out_height);
  const windows columns = windows_within(along, d->stride_along, d->width, d->out_width);
  double total = 0;
  for (size_t example = 0; example < d->batch; ++example) {
    const float *x = w->x + (example * d->in_channels + group * ins + in) * d->height * d->width;
    const float *dy = w->dy + (example * d->out_channels + out) * d->out_height * d->out_width;
    for (size_t i = rows.first; i < rows.last; ++i) {
      const ptrdiff_t row = (ptrdiff_t)(i * d->stride_down) + down;
      const ptrdiff_t column = (ptrdiff_t)(columns.first * d->stride_along) + along;
      total += sum_of_products(x + row * (ptrdiff_t)d->width + column, dy + i * d->out_width + columns.first,
                               columns.last - columns.first, d->stride_along);
    }
  }
  return total;
}

static void gradient_share(void *context, int task) {
  const sums_work *w = context;
  const ck_direct *d = w->d;
  const size_t ins = d->in_channels / d->groups, taps = d->kernel_height * d->kernel_width;
  const size_t end = w->units * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t unit = w->units * (size_t)task / (size_t)w->tasks; unit < end; ++unit)
    for (size_t tap = 0; tap < taps; ++tap)
      w->to[unit * taps + tap] =
          (float)sum_of_tap(w, unit / ins, unit % ins, tap / d->kernel_width, tap % d->kernel_width);
}

void ck_sums_gradient(const ck_direct *d, float *weight_gradient, const float *x, const float *dy, int tasks) {
  sums_work w = {.d = d, .to = weight_gradient, .x = x, .dy = dy, .tasks = tasks};
  w.units = d->out_channels * (d->in_channels / d->groups);
  ck_parallel(tasks, gradient_share, &w);
}
