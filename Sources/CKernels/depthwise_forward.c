// Depthwise convolutions, forward, and their gradients by the input. A task takes a part of the rows of all planes.
#include "activations.h"
#include "depthwise.h"
#include "vector.h"

#include <string.h>

// Rows of units of a phase that read by the same rows of taps.
typedef struct {
  float *y;
  const float *addend, *bias;
  const float *lines[MOST_KERNEL_TAPS], *weights;
  size_t tap_rows, tap_columns, tap_step;
  size_t rows, columns, step, y_step, line_step, y_row_step;
  bool rectifies, clips;
} depthwise_run;

typedef int32_t lane_mask __attribute__((vector_size(64), aligned(4), may_alias));
#define SELECT(mask, yes, no) ((lanes)(((lane_mask)(yes) & (mask)) | ((lane_mask)(no) & ~(mask))))

INLINE void add_taps(lanes *sums, const float *source, const float *weights, const size_t step, const size_t count) {
  const lanes factor = LOAD(weights);
  UNROLLED for (size_t r = 0; r < count; ++r) sums[r] += LOAD(source + r * step) * factor;
  // Where there are few registers, loads of the next tap would take those of the sums.
  __asm__ volatile("" ::: "memory");
}

// `taps` columns of taps beside each other, or any number of any distance where that is 0.
INLINE void some_columns(const depthwise_run *p, size_t row, size_t first, const size_t step, const size_t taps,
                         const size_t count) {
  lanes sums[MOST_ROWS];
  UNROLLED for (size_t r = 0; r < count; ++r) sums[r] = LOAD(p->bias);
  const size_t at = row * p->line_step + first * step;
  const float *weights = p->weights;
  for (size_t m = 0; m < p->tap_rows; ++m) {
    const float *source = p->lines[m] + at;
    if (taps) {
      UNROLLED for (size_t k = 0; k < taps; ++k, weights += WIDTH) add_taps(sums, source + k * WIDTH, weights, step, count);
    } else {
      for (size_t k = 0; k < p->tap_columns; ++k, weights += WIDTH) add_taps(sums, source + k * p->tap_step, weights, step, count);
    }
  }
  const size_t place = row * p->y_row_step + first * p->y_step;
  float *y = p->y + place;
  const float *addend = p->addend ? p->addend + place : NULL;
  UNROLLED for (size_t r = 0; r < count; ++r) {
    lanes value = sums[r];
    if (addend) value += LOAD(addend + r * p->y_step);
    // What is not a number is not negative, and stays.
    if (p->rectifies) value = (lanes)((lane_mask)value & ~(lane_mask)(value <= 0));
    if (p->clips) value = SELECT((lane_mask)(value > 6), (lanes){0} + 6, value);
    STORE(y + r * p->y_step, value);
  }
}

// In groups of about equal size, at most `most` each.
INLINE void rows_of_steps(const depthwise_run *p, const size_t step, const size_t taps, const size_t most) {
  const size_t groups = ceiling(p->columns, most);
  for (size_t group = 0; group < groups; ++group) {
    const size_t first = p->columns * group / groups, count = p->columns * (group + 1) / groups - first;
    switch (count) {
#define COLUMNS(number)                                                                                    \
  case number:                                                                                             \
    if (number <= most)                                                                                    \
      for (size_t row = 0; row < p->rows; ++row) some_columns(p, row, first, step, taps, number);          \
    break;
      FOR_EACH_ROW_COUNT(COLUMNS)
#undef COLUMNS
    }
  }
}

INLINE void rows_of_run(const depthwise_run *p, const size_t most) {
  const bool is_dense = p->tap_step == WIDTH || p->tap_columns == 1;
#define TAPS(number)                                                                        \
  case number:                                                                              \
    if (is_dense && p->step == WIDTH) return rows_of_steps(p, WIDTH, number, most);         \
    if (is_dense && p->step == 2 * WIDTH) return rows_of_steps(p, 2 * WIDTH, number, most); \
    break;
  switch (p->tap_columns) {
    TAPS(1)
    TAPS(2)
    TAPS(3)
    TAPS(5)
    TAPS(7)
  }
#undef TAPS
  if (p->step == WIDTH)
    rows_of_steps(p, WIDTH, 0, most);
  else
    rows_of_steps(p, p->step, 0, 2);
}

typedef struct {
  depthwise_view w;
  float *y;
  const float *x, *weights, *bias, *addend;
  ck_activation activation;
  size_t channels;
  float *scratch;
  int tasks;
} depthwise_work;

// Rows first ..< last of units of one plane.
INLINE void rows_of_plane(const depthwise_work *p, size_t plane, size_t first, size_t last, float *lines, const size_t most) {
  const depthwise_view *w = &p->w;
  const direct_view *v = &w->v;
  const size_t n = plane / w->blocks, b = plane % w->blocks;
  const size_t left = p->channels - b * WIDTH, channels = left < WIDTH ? left : WIDTH;
  float bias[WIDTH] = {0};
  if (p->bias) memcpy(bias, p->bias + b * WIDTH, channels * sizeof *bias);
  const float *weights = p->weights + b * v->tap_count * WIDTH;
  const size_t offset = n * v->y_stride + b * v->height * v->width * WIDTH;
  depthwise_ring ring = {.w = w, .lines = lines};
  depthwise_begin(&ring, p->x + n * v->source_stride + b * v->source_height * v->source_width * WIDTH);
  depthwise_run run = {.bias = bias,
                       .step = v->column_step * WIDTH,
                       .y_step = v->y_column_step * WIDTH,
                       .line_step = v->row_step * w->line,
                       .y_row_step = v->y_row_step * v->width * WIDTH,
                       .rectifies = p->activation == CK_RELU || p->activation == CK_RELU6,
                       .clips = p->activation == CK_RELU6};
  const bool is_whole = w->lines == v->source_height;
  if (is_whole) depthwise_advance(&ring, first, last);
  for (size_t at = first, end; at < last; at = end) {
    end = is_whole ? last : at + 1;
    if (!is_whole) depthwise_advance(&ring, at, end);
    for (size_t f = 0; f < v->phase_count; ++f) {
      const direct_phase *phase = &v->phases[f];
      const depthwise_grid *grid = &w->grids[f];
      const size_t last_row = end < phase->rows ? end : phase->rows;
      if (!phase->columns) continue;
      run.columns = phase->columns, run.tap_columns = grid->columns, run.tap_step = grid->column_step * WIDTH;
      for (size_t i = at; i < last_row; i += run.rows) {
        const depthwise_taps taps = depthwise_taps_of(w, grid, i);
        const bool is_inner = i >= grid->inner && i < grid->inner_end;
        const size_t alike = !is_inner ? 1 : (last_row < grid->inner_end ? last_row : grid->inner_end) - i;
        run.rows = alike, run.tap_rows = taps.end - taps.first;
        for (size_t m = 0; m < run.tap_rows; ++m)
          run.lines[m] = depthwise_line(&ring, taps.source + m * grid->row_step) + (grid->column - w->low_column) * (ptrdiff_t)WIDTH;
        run.weights = weights + (phase->first_tap + taps.first * grid->columns) * WIDTH;
        const size_t place = (phase->first_row + i * v->y_row_step) * v->width + phase->first_column;
        run.y = p->y + offset + place * WIDTH, run.addend = p->addend ? p->addend + offset + place * WIDTH : NULL;
        rows_of_run(&run, most);
        if (p->activation <= CK_RELU || run.clips) continue;
        // Only results have activations, and their rows lie one after the other.
        const size_t positions = run.rows * run.columns;
        ck_activate(run.y, positions * WIDTH, p->activation);
        // What fills up a last block stays zero.
        if (channels < WIDTH && (p->activation == CK_SIGMOID || p->activation == CK_HARD_SIGMOID))
          for (size_t j = 0; j < positions; ++j)
            memset(run.y + j * WIDTH + channels, 0, (WIDTH - channels) * sizeof *run.y);
      }
    }
  }
}

// The rows of units of all planes that are a task's share.
INLINE void share_of(const depthwise_work *p, int task, const size_t most) {
  const size_t rows = p->w.v.unit_rows, all = p->w.v.batch * p->w.blocks * rows, tasks = (size_t)p->tasks;
  float *lines = p->scratch + depthwise_line_floats(&p->w) * (size_t)task;
  ck_depthwise_clear(&p->w, lines);
  const size_t end = all * ((size_t)task + 1) / tasks;
  for (size_t at = all * (size_t)task / tasks, last; at < end; at = last) {
    const size_t plane = at / rows, next = (plane + 1) * rows;
    last = next < end ? next : end;
    rows_of_plane(p, plane, at - plane * rows, last - plane * rows, lines, most);
  }
}

#if defined(__x86_64__)
FOR_AVX512 static void share_avx512(void *context, int task) { share_of(context, task, 14); }
FOR_AVX2 static void share_avx2(void *context, int task) { share_of(context, task, 6); }
#endif
#if defined(__aarch64__)
static void share_portable(void *context, int task) { share_of(context, task, 6); }
#else
static void share_portable(void *context, int task) { share_of(context, task, 2); }
#endif

static void run_all(depthwise_work *p, const ck_direct *d, bool transposes, int tasks) {
  REQUIRE(ck_depthwise_can_compute(d, transposes));
  ck_depthwise_set_view(&p->w, d, transposes);
  p->channels = d->in_channels, p->tasks = tasks;
  void (*share)(void *, int) = share_portable;
#if defined(__x86_64__)
  switch (ck_usable_instructions(d->instructions)) {
    case CK_WIDEST: share = share_avx512; break;
    case CK_AVX2: share = share_avx2; break;
    case CK_PORTABLE: break;
  }
#endif
  ck_parallel(tasks, share, p);
}

void ck_depthwise_forward(const ck_direct *d, float *y, const float *x, const float *packed, const float *bias,
                          const float *addend, ck_activation activation, float *scratch, int tasks) {
  depthwise_work p = {.y = y, .x = x, .weights = packed, .bias = bias, .addend = addend, .activation = activation,
                      .scratch = scratch};
  run_all(&p, d, false, tasks);
}

void ck_depthwise_input_gradient(const ck_direct *d, float *dx, const float *dy, const float *packed, float *scratch, int tasks) {
  depthwise_work p = {.y = dx, .x = dy, .weights = packed, .scratch = scratch};
  run_all(&p, d, true, tasks);
}
