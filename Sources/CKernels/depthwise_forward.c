// Depthwise convolutions, forward, and their gradients by the input. A task takes a part of the rows of all planes.
#include "activations.h"
#include "depthwise.h"
#include "vector.h"

#include <string.h>

bool ck_depthwise_can_compute(const ck_direct *d, bool transposes) {
  if (d->groups != d->in_channels || d->groups != d->out_channels) return false;
  if (d->kernel_height > MOST_KERNEL_TAPS || d->kernel_width > MOST_KERNEL_TAPS) return false;
  if (d->kernel_height * d->kernel_width > MOST_KERNEL_TAPS) return false;
  return !transposes || (d->stride_down <= MOST_PHASES && d->stride_along <= MOST_PHASES &&
                         d->stride_down * d->stride_along <= MOST_PHASES);
}

depthwise_view ck_depthwise_view(const ck_direct *d, bool transposes) {
  ck_direct block = *d;
  block.groups = 1, block.in_channels = block.out_channels = WIDTH;
  depthwise_view w = {.v = ck_direct_view(&block, transposes), .blocks = ceiling(d->in_channels, WIDTH)};
  const direct_view *v = &w.v;
  ptrdiff_t high_row = 0, high_column = 0;
  for (size_t t = 0; t < v->tap_count; ++t) {
    const direct_tap *tap = &v->taps[t];
    if (t == 0 || tap->row < w.low_row) w.low_row = tap->row;
    if (t == 0 || tap->row > high_row) high_row = tap->row;
    if (t == 0 || tap->column < w.low_column) w.low_column = tap->column;
    if (t == 0 || tap->column > high_column) high_column = tap->column;
  }
  w.lines = (size_t)(high_row - w.low_row) + 1;
  w.line = ((v->unit_columns - 1) * v->column_step + (size_t)(high_column - w.low_column) + 1) * WIDTH;
  return w;
}

void ck_depthwise_advance(depthwise_ring *ring, size_t row) {
  const depthwise_view *w = ring->w;
  const direct_view *v = &w->v;
  const ptrdiff_t first = (ptrdiff_t)(row * v->row_step) + w->low_row, end = first + (ptrdiff_t)w->lines;
  if (ring->next < first) ring->next = first;
  for (; ring->next < end; ++ring->next) {
    float *to = (float *)(uintptr_t)depthwise_line(ring, ring->next);
    if (ring->next < 0 || ring->next >= (ptrdiff_t)v->source_height) continue;
    const float *from = ring->plane + (size_t)ring->next * v->source_width * WIDTH;
    // Columns of the source before the line's first are left out, and zeros stand for those that there are not.
    const size_t positions = w->line / WIDTH, before = w->low_column < 0 ? (size_t)-w->low_column : 0;
    const size_t skipped = w->low_column > 0 ? (size_t)w->low_column : 0;
    const size_t zeros = before < positions ? before : positions;
    const size_t there = skipped < v->source_width ? v->source_width - skipped : 0;
    const size_t copied = there < positions - zeros ? there : positions - zeros;
    memset(to, 0, zeros * WIDTH * sizeof *to);
    memcpy(to + zeros * WIDTH, from + skipped * WIDTH, copied * WIDTH * sizeof *to);
    memset(to + (zeros + copied) * WIDTH, 0, (positions - zeros - copied) * WIDTH * sizeof *to);
  }
}

// The results of one row of a phase.
typedef struct {
  float *y;
  const float *addend, *bias;
  const float *sources[MOST_KERNEL_TAPS], *weights[MOST_KERNEL_TAPS];
  size_t tap_count, step, y_step, columns;
  bool rectifies;
} depthwise_row;

typedef int32_t lane_mask __attribute__((vector_size(64), aligned(4), may_alias));

INLINE void some_columns(const depthwise_row *p, size_t first, const size_t step, const size_t count) {
  lanes sums[MOST_ROWS];
  UNROLLED for (size_t r = 0; r < count; ++r) sums[r] = LOAD(p->bias);
  for (size_t t = 0; t < p->tap_count; ++t) {
    const lanes weights = LOAD(p->weights[t]);
    const float *source = p->sources[t] + first * step;
    UNROLLED for (size_t r = 0; r < count; ++r) sums[r] += LOAD(source + r * step) * weights;
    // Where there are few registers, loads of the next tap would take those of the sums.
    __asm__ volatile("" ::: "memory");
  }
  float *y = p->y + first * p->y_step;
  const float *addend = p->addend ? p->addend + first * p->y_step : NULL;
  UNROLLED for (size_t r = 0; r < count; ++r) {
    lanes value = sums[r];
    if (addend) value += LOAD(addend + r * p->y_step);
    // What is not a number is not negative, and stays.
    if (p->rectifies) value = (lanes)((lane_mask)value & ~(lane_mask)(value <= 0));
    STORE(y + r * p->y_step, value);
  }
}

// In groups of about equal size, at most `most` each.
INLINE void row_of_steps(const depthwise_row *p, const size_t step, const size_t most) {
  const size_t groups = ceiling(p->columns, most);
  for (size_t group = 0; group < groups; ++group) {
    const size_t first = p->columns * group / groups, count = p->columns * (group + 1) / groups - first;
    switch (count) {
#define COLUMNS(number)                                            \
  case number:                                                     \
    if (number <= most) some_columns(p, first, step, number);      \
    break;
      FOR_EACH_ROW_COUNT(COLUMNS)
#undef COLUMNS
    }
  }
}

INLINE void row_of(const depthwise_row *p, const size_t most) {
  if (p->step == WIDTH)
    row_of_steps(p, WIDTH, most);
  else if (p->step == 2 * WIDTH)
    row_of_steps(p, 2 * WIDTH, most);
  else
    row_of_steps(p, p->step, 2);
}

#if defined(__x86_64__)
FOR_AVX512 static void row_avx512(const depthwise_row *p) { row_of(p, 14); }
FOR_AVX2 static void row_avx2(const depthwise_row *p) { row_of(p, 6); }
#endif
#if defined(__aarch64__)
static void row_portable(const depthwise_row *p) { row_of(p, 6); }
#else
static void row_portable(const depthwise_row *p) { row_of(p, 2); }
#endif

typedef struct {
  depthwise_view w;
  float *y;
  const float *x, *weights, *bias, *addend;
  ck_activation activation;
  size_t channels;
  float *scratch;
  int tasks;
  void (*row)(const depthwise_row *p);
} depthwise_work;

// Rows first ..< last of units of one plane.
static void rows_of_plane(const depthwise_work *p, size_t plane, size_t first, size_t last, float *lines) {
  const depthwise_view *w = &p->w;
  const direct_view *v = &w->v;
  const size_t n = plane / w->blocks, b = plane % w->blocks;
  const size_t left = p->channels - b * WIDTH, channels = left < WIDTH ? left : WIDTH;
  float bias[WIDTH] = {0};
  if (p->bias) memcpy(bias, p->bias + b * WIDTH, channels * sizeof *bias);
  const float *weights = p->weights + b * v->tap_count * WIDTH;
  depthwise_ring ring = {.w = w,
                         .plane = p->x + n * v->source_stride + b * v->source_height * v->source_width * WIDTH,
                         .lines = lines,
                         .next = (ptrdiff_t)(first * v->row_step) + w->low_row};
  depthwise_row row = {.bias = bias,
                       .step = v->column_step * WIDTH,
                       .y_step = v->y_column_step * WIDTH,
                       .rectifies = p->activation == CK_RELU};
  for (size_t i = first; i < last; ++i) {
    ck_depthwise_advance(&ring, i);
    for (size_t f = 0; f < v->phase_count; ++f) {
      const direct_phase *phase = &v->phases[f];
      if (i >= phase->rows || !phase->columns) continue;
      row.columns = phase->columns, row.tap_count = 0;
      for (size_t t = phase->first_tap; t < phase->first_tap + phase->tap_count; ++t) {
        const ptrdiff_t source = (ptrdiff_t)(i * v->row_step) + v->taps[t].row;
        // In the padding, there is nothing to add.
        if (source < 0 || source >= (ptrdiff_t)v->source_height) continue;
        row.sources[row.tap_count] = depthwise_line(&ring, source) + (v->taps[t].column - w->low_column) * WIDTH;
        row.weights[row.tap_count++] = weights + t * WIDTH;
      }
      const size_t place = (phase->first_row + i * v->y_row_step) * v->width + phase->first_column;
      const size_t offset = n * v->y_stride + (b * v->height * v->width + place) * WIDTH;
      row.y = p->y + offset, row.addend = p->addend ? p->addend + offset : NULL;
      p->row(&row);
      if (p->activation <= CK_RELU) continue;
      ck_activate(row.y, row.columns * WIDTH, p->activation);
      // What fills up a last block stays zero.
      if (channels < WIDTH && (p->activation == CK_SIGMOID || p->activation == CK_HARD_SIGMOID))
        for (size_t j = 0; j < row.columns; ++j)
          memset(row.y + j * WIDTH + channels, 0, (WIDTH - channels) * sizeof *row.y);
    }
  }
}

static void depthwise_share(void *context, int task) {
  const depthwise_work *p = context;
  const direct_view *v = &p->w.v;
  const size_t rows = v->unit_rows, all = v->batch * p->w.blocks * rows, tasks = (size_t)p->tasks;
  float *lines = p->scratch + depthwise_ring_floats(&p->w) * (size_t)task;
  const size_t end = all * ((size_t)task + 1) / tasks;
  for (size_t at = all * (size_t)task / tasks, last; at < end; at = last) {
    const size_t plane = at / rows, next = (plane + 1) * rows;
    last = next < end ? next : end;
    rows_of_plane(p, plane, at - plane * rows, last - plane * rows, lines);
  }
}

static void run(depthwise_work *p, const ck_direct *d, bool transposes, int tasks) {
  REQUIRE(ck_depthwise_can_compute(d, transposes));
  p->w = ck_depthwise_view(d, transposes), p->channels = d->in_channels, p->tasks = tasks;
  switch (ck_usable_instructions(d->instructions)) {
#if defined(__x86_64__)
    case CK_WIDEST: p->row = row_avx512; break;
    case CK_AVX2: p->row = row_avx2; break;
#endif
    default: p->row = row_portable;
  }
  ck_parallel(tasks, depthwise_share, p);
}

size_t ck_depthwise_weights_size(const ck_direct *d, bool transposes) {
  const depthwise_view w = ck_depthwise_view(d, transposes);
  return w.blocks * w.v.tap_count * WIDTH;
}

void ck_depthwise_pack(const ck_direct *d, float *packed, const float *weights, bool transposes) {
  const depthwise_view w = ck_depthwise_view(d, transposes);
  for (size_t b = 0; b < w.blocks; ++b)
    for (size_t t = 0; t < w.v.tap_count; ++t, packed += WIDTH)
      for (size_t c = 0; c < WIDTH; ++c) {
        const size_t channel = b * WIDTH + c;
        packed[c] = channel < d->in_channels ? weights[channel * w.v.kernel + w.v.taps[t].place] : 0;
      }
}

size_t ck_depthwise_scratch(const ck_direct *d, bool transposes, int tasks) {
  const depthwise_view w = ck_depthwise_view(d, transposes);
  return depthwise_ring_floats(&w) * (size_t)tasks;
}

void ck_depthwise_forward(const ck_direct *d, float *y, const float *x, const float *packed, const float *bias,
                          const float *addend, ck_activation activation, float *scratch, int tasks) {
  depthwise_work p = {.y = y, .x = x, .weights = packed, .bias = bias, .addend = addend, .activation = activation,
                      .scratch = scratch};
  run(&p, d, false, tasks);
}

void ck_depthwise_input_gradient(const ck_direct *d, float *dx, const float *dy, const float *packed, float *scratch, int tasks) {
  depthwise_work p = {.y = dx, .x = dy, .weights = packed, .scratch = scratch};
  run(&p, d, true, tasks);
}
