// Depthwise convolutions, forward, and their gradients by the input. A task takes a part of the rows of all planes.
#include "activations.h"
#include "depthwise.h"
#include "vector.h"

#include <math.h>
#include <string.h>

// Rows of units of a phase that read by the same rows of taps.
typedef struct {
  float *y;
  const float *addend, *bias;
  const float *lines[MOST_KERNEL_TAPS], *weights;
  size_t tap_rows, tap_columns, tap_step;
  size_t rows, columns, step, y_step, line_step, y_row_step;
  float low, high;  // the bounds of results
  bool hangs_over;
} depthwise_run;

// A column of taps. Where the first or the last results lie at the picture's edge, `before` taps of a row hang over it, on either
// side: nothing is added there.
INLINE void add_taps(lanes *sums, const float *source, const float *weights, const size_t step, const size_t tap,
                     const size_t before, const bool is_first, const bool is_last, const size_t count) {
  const lanes factor = LOAD(weights);
  UNROLLED for (size_t r = 0; r < count; ++r) {
    if (is_first && r + tap < before) continue;
    if (is_last && r + tap >= count + before) continue;
    sums[r] += LOAD(source + r * step) * factor;
  }
  // Where there are few registers, loads of the next tap would take those of the sums.
  __asm__ volatile("" ::: "memory");
}

// `taps` columns of taps beside each other, or any number of any distance where that is 0.
INLINE void some_columns(const depthwise_run *p, size_t row, size_t first, const size_t step, const size_t taps,
                         const bool is_first, const bool is_last, const size_t count) {
  lanes sums[MOST_ROWS];
  UNROLLED for (size_t r = 0; r < count; ++r) sums[r] = LOAD(p->bias);
  const size_t at = row * p->line_step + first * step, before = taps / 2;
  const float *weights = p->weights;
  for (size_t m = 0; m < p->tap_rows; ++m) {
    const float *source = p->lines[m] + at;
    if (taps) {
      UNROLLED for (size_t k = 0; k < taps; ++k, weights += WIDTH)
        add_taps(sums, source + k * WIDTH, weights, step, k, before, is_first, is_last, count);
    } else {
      for (size_t k = 0; k < p->tap_columns; ++k, weights += WIDTH)
        add_taps(sums, source + k * p->tap_step, weights, step, 0, 0, false, false, count);
    }
  }
  const size_t place = row * p->y_row_step + first * p->y_step;
  float *y = p->y + place;
  const float *addend = p->addend ? p->addend + place : NULL;
  const lanes low = (lanes){0} + p->low, high = (lanes){0} + p->high;
  UNROLLED for (size_t r = 0; r < count; ++r) {
    lanes value = sums[r];
    if (addend) value += LOAD(addend + r * p->y_step);
    // What is not a number is at no limit, and stays.
    value = SELECT(value <= low, low, value);
    STORE(y + r * p->y_step, SELECT(value > high, high, value));
  }
}

INLINE void columns_of_rows(const depthwise_run *p, size_t first, size_t columns, const size_t step, const size_t taps,
                            const bool is_first, const bool is_last, const size_t least, const size_t most) {
  switch (columns) {
#define COLUMNS(number)                                                                                                       \
  case number:                                                                                                                \
    if (number >= least && number <= most)                                                                                    \
      for (size_t row = 0; row < p->rows; ++row) some_columns(p, row, first, step, taps, is_first, is_last, number);          \
    break;
    FOR_EACH_ROW_COUNT(COLUMNS)
#undef COLUMNS
  }
}

// In groups of about equal size, at most `most` each.
INLINE void rows_of_steps(const depthwise_run *p, const size_t step, const size_t taps, const size_t most) {
  const size_t groups = ceiling(p->columns, most);
  for (size_t group = 0; group < groups; ++group) {
    const size_t first = p->columns * group / groups, count = p->columns * (group + 1) / groups - first;
    columns_of_rows(p, first, count, step, taps, false, false, 1, most);
  }
}

// The same for rows over whose edges taps hang.
INLINE void hanging_rows(const depthwise_run *p, const size_t taps, const size_t most) {
  const size_t groups = ceiling(p->columns, most), least = most / 2;
  if (groups == 1) return columns_of_rows(p, 0, p->columns, WIDTH, taps, true, true, 1, most);
  for (size_t group = 0; group < groups; ++group) {
    const size_t first = p->columns * group / groups, count = p->columns * (group + 1) / groups - first;
    if (group == 0)
      columns_of_rows(p, first, count, WIDTH, taps, true, false, least, most);
    else if (group + 1 < groups)
      columns_of_rows(p, first, count, WIDTH, taps, false, false, least, most);
    else
      columns_of_rows(p, first, count, WIDTH, taps, false, true, least, most);
  }
}

enum { MOST_BESIDE = 7 };
// Floats of a picture that is computed in groups of columns: a quarter of the nearest cache, or half where it was just copied or
// computed.
enum { SMALL_PLANE = 2048, NEAR_PLANE = 4096 };
typedef void rows_function(const depthwise_run *);

// What computes a run, for one set of instructions.
typedef struct {
  size_t most_hanging;  // columns of a group, at most, of rows over whose edges taps hang
  // For so many columns of taps beside each other: of rows over whose edges they hang, and for units one or two positions
  // apart. NULL where `of_any` does it.
  rows_function *hanging[MOST_BESIDE + 1], *of_step[3][MOST_BESIDE + 1], *of_any;
} depthwise_rows;

// A function each: of all of them in one a compiler makes the same in four times as long.
#define HANGING(name, attributes, taps, most) \
  attributes static void hanging_##taps##_##name(const depthwise_run *p) { hanging_rows(p, taps, most); }
#define OF_STEPS(name, attributes, taps, most)                                                                      \
  attributes static void of_one_##taps##_##name(const depthwise_run *p) { rows_of_steps(p, WIDTH, taps, most); }    \
  attributes static void of_two_##taps##_##name(const depthwise_run *p) { rows_of_steps(p, 2 * WIDTH, taps, most); }
#define WINDOWS(function, name)                                                                                     \
  {[1] = function##_1_##name, [2] = function##_2_##name, [3] = function##_3_##name, [5] = function##_5_##name,      \
   [7] = function##_7_##name}
#define DEPTHWISE_ROWS(name, attributes, most, most_beside)                                                   \
  HANGING(name, attributes, 3, most_beside)                                                                   \
  HANGING(name, attributes, 5, most_beside)                                                                   \
  HANGING(name, attributes, 7, most_beside)                                                                   \
  OF_STEPS(name, attributes, 1, most)                                                                         \
  OF_STEPS(name, attributes, 2, most)                                                                         \
  OF_STEPS(name, attributes, 3, most)                                                                         \
  OF_STEPS(name, attributes, 5, most)                                                                         \
  OF_STEPS(name, attributes, 7, most)                                                                         \
  attributes static void of_any_##name(const depthwise_run *p) {                                              \
    p->step == WIDTH ? rows_of_steps(p, WIDTH, 0, most) : rows_of_steps(p, p->step, 0, 2);                    \
  }                                                                                                           \
  static const depthwise_rows rows_##name = {                                                                 \
      .most_hanging = most_beside,                                                                            \
      .hanging = {[3] = hanging_3_##name, [5] = hanging_5_##name, [7] = hanging_7_##name},                    \
      .of_step = {[1] = WINDOWS(of_one, name), [2] = WINDOWS(of_two, name)},                                  \
      .of_any = of_any_##name};

#if defined(__x86_64__)
DEPTHWISE_ROWS(avx512, FOR_AVX512, 14, 14)
DEPTHWISE_ROWS(avx2, FOR_AVX2, 6, 7)
#endif
#if defined(__aarch64__)
DEPTHWISE_ROWS(portable, , 6, 6)
#else
DEPTHWISE_ROWS(portable, , 2, 2)
#endif

INLINE void rows_of_run(const depthwise_run *p, const depthwise_rows *functions) {
  const size_t taps = p->tap_columns, step = p->step / WIDTH;
  rows_function *compute = NULL;
  if (taps <= MOST_BESIDE) {
    if (p->hangs_over) compute = functions->hanging[taps];
    if (!compute && step <= 2 && (p->tap_step == WIDTH || taps == 1)) compute = functions->of_step[step][taps];
  }
  (compute ? compute : functions->of_any)(p);
}

typedef struct {
  depthwise_view w;
  float *y;
  const float *x, *weights, *bias, *addend;
  const ck_expansion *expansion;  // instead of x
  ck_activation activation;
  size_t channels;
  float *scratch;
  int tasks;
} depthwise_work;

// What computes one plane.
static depthwise_expansion expansion_of(const depthwise_work *p, size_t picture, size_t block, const float *bias) {
  static const size_t tap[1] = {0};
  const ck_expansion *e = p->expansion;
  const direct_view *v = &p->w.v;
  const size_t blocks = ceiling(e->in_channels, WIDTH), weights = blocks * WIDTH * WIDTH;
  return (depthwise_expansion){.product = {.source = e->x + picture * e->in_stride,
                                           .weights = e->packed + block * weights,
                                           .bias = bias,
                                           .weights_end = e->packed + p->w.blocks * weights,
                                           .taps = tap,
                                           .tap_count = 1,
                                           .terms = WIDTH,
                                           .blocks = blocks,
                                           .last_terms = direct_last_terms(e->in_channels),
                                           .step = WIDTH,
                                           .source_block = v->source_height * v->source_width * WIDTH,
                                           .y_step = WIDTH,
                                           .instructions = v->instructions},
                               .row = v->source_width * WIDTH,
                               .activation = e->activation};
}

void ck_depthwise_expand(const depthwise_expansion *e, float *to, size_t row, size_t rows, size_t columns) {
  direct_product product = e->product;
  product.y = to, product.source += row * e->row, product.positions = rows * columns;
  const bool is_activated = direct_activate(&product, e->activation);
  ck_direct_product(&product);
  if (!is_activated) ck_activate(to, product.positions * WIDTH, e->activation);
}

// Rows first ..< last of units of one plane.
INLINE void rows_of_plane(const depthwise_work *p, size_t plane, size_t first, size_t last, float *lines,
                          const depthwise_rows *functions) {
  const depthwise_view *w = &p->w;
  const direct_view *v = &w->v;
  const size_t n = plane / w->blocks, b = plane % w->blocks;
  const size_t left = p->channels - b * WIDTH, channels = left < WIDTH ? left : WIDTH;
  float bias[WIDTH] = {0};
  if (p->bias) memcpy(bias, p->bias + b * WIDTH, channels * sizeof *bias);
  const float *weights = p->weights + b * v->tap_count * WIDTH;
  const size_t offset = n * v->y_stride + b * v->height * v->width * WIDTH;
  depthwise_ring ring = {.w = w, .lines = lines};
  depthwise_begin(&ring, p->x ? p->x + n * v->source_stride + b * v->source_height * v->source_width * WIDTH : NULL);
  float expansion_bias[WIDTH] = {0};
  depthwise_expansion expansion;
  if (p->expansion) {
    if (p->expansion->bias) memcpy(expansion_bias, p->expansion->bias + b * WIDTH, channels * sizeof *bias);
    expansion = expansion_of(p, n, b, expansion_bias);
    ring.expansion = &expansion;
  }
  const bool is_bounded = p->activation == CK_RELU || p->activation == CK_RELU6;
  depthwise_run run = {.bias = bias,
                       .step = v->column_step * WIDTH,
                       .y_step = v->y_column_step * WIDTH,
                       .line_step = v->row_step * (w->is_kept ? w->line : v->source_width * WIDTH),
                       .y_row_step = v->y_row_step * v->width * WIDTH,
                       .low = is_bounded ? 0 : -INFINITY,
                       .high = p->activation == CK_RELU6 ? 6 : INFINITY,
                       .hangs_over = w->hangs_over};
  const bool is_whole = !w->is_kept || w->lines == v->source_height;
  // Groups of columns are computed from the top to the bottom, in which a small picture stays near; a larger one is read row by
  // row, as it lies in memory.
  const size_t floats = v->source_height * v->source_width * WIDTH;
  const size_t most_rows = floats <= (w->is_kept ? NEAR_PLANE : SMALL_PLANE) ? SIZE_MAX : 1;
  if (is_whole && w->is_kept) depthwise_advance(&ring, first, last);
  for (size_t at = first, end; at < last; at = end) {
    end = is_whole ? last : at + 1;
    if (!is_whole && w->is_kept) depthwise_advance(&ring, at, end);
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
        run.rows = alike < most_rows ? alike : most_rows, run.tap_rows = taps.end - taps.first;
        for (size_t m = 0; m < run.tap_rows; ++m) {
          const size_t source = taps.source + m * grid->row_step;
          const float *line = w->is_kept ? depthwise_line(&ring, source) : ring.plane + source * v->source_width * WIDTH;
          run.lines[m] = line + (grid->column - (w->is_kept ? w->low_column : 0)) * (ptrdiff_t)WIDTH;
        }
        run.weights = weights + (phase->first_tap + taps.first * grid->columns) * WIDTH;
        const size_t place = (phase->first_row + i * v->y_row_step) * v->width + phase->first_column;
        run.y = p->y + offset + place * WIDTH, run.addend = p->addend ? p->addend + offset + place * WIDTH : NULL;
        rows_of_run(&run, functions);
        if (p->activation == CK_IDENTITY || is_bounded) continue;
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
INLINE void share_of(const depthwise_work *p, int task, const depthwise_rows *functions) {
  const size_t rows = p->w.v.unit_rows, all = p->w.v.batch * p->w.blocks * rows, tasks = (size_t)p->tasks;
  float *lines = p->scratch + depthwise_line_floats(&p->w) * (size_t)task;
  if (p->w.is_kept) ck_depthwise_clear(&p->w, lines);
  const size_t end = all * ((size_t)task + 1) / tasks;
  for (size_t at = all * (size_t)task / tasks, last; at < end; at = last) {
    const size_t plane = at / rows, next = (plane + 1) * rows;
    last = next < end ? next : end;
    rows_of_plane(p, plane, at - plane * rows, last - plane * rows, lines, functions);
  }
}

#if defined(__x86_64__)
FOR_AVX512 static void share_avx512(void *context, int task) { share_of(context, task, &rows_avx512); }
FOR_AVX2 static void share_avx2(void *context, int task) { share_of(context, task, &rows_avx2); }
#endif
static void share_portable(void *context, int task) { share_of(context, task, &rows_portable); }

static const depthwise_rows *rows_in_use(const ck_direct *d) {
#if defined(__x86_64__)
  switch (ck_usable_instructions(d->instructions)) {
    case CK_WIDEST: return &rows_avx512;
    case CK_AVX2: return &rows_avx2;
    case CK_PORTABLE: break;
  }
#else
  (void)d;
#endif
  return &rows_portable;
}

static void run_all(depthwise_work *p, const ck_direct *d, bool transposes, int tasks) {
  REQUIRE(ck_depthwise_can_compute(d, transposes));
  ck_depthwise_set_view(&p->w, d, transposes);
  p->channels = d->in_channels, p->tasks = tasks;
  const depthwise_rows *rows = rows_in_use(d);
  ck_depthwise_choose_lines(&p->w, rows->most_hanging, p->expansion != NULL);
  void (*share)(void *, int) = share_portable;
#if defined(__x86_64__)
  if (rows == &rows_avx512) share = share_avx512;
  if (rows == &rows_avx2) share = share_avx2;
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

size_t ck_expanded_depthwise_scratch(const ck_direct *d, int tasks) {
  depthwise_view w;
  ck_depthwise_set_view(&w, d, false);
  ck_depthwise_choose_lines(&w, rows_in_use(d)->most_hanging, true);
  return depthwise_line_floats(&w) * (size_t)tasks;
}

size_t ck_expansion_weights_size(const ck_direct *d, size_t in_channels) {
  return ceiling(d->in_channels, WIDTH) * rounded(in_channels) * WIDTH;
}

void ck_expansion_pack(const ck_direct *d, size_t in_channels, float *packed, const float *weights) {
  const size_t blocks = ceiling(d->in_channels, WIDTH);
  memset(packed, 0, ck_expansion_weights_size(d, in_channels) * sizeof *packed);
  for (size_t b = 0; b < blocks; ++b, packed += rounded(in_channels) * WIDTH)
    for (size_t o = 0; o < WIDTH && b * WIDTH + o < d->in_channels; ++o)
      for (size_t c = 0; c < in_channels; ++c) packed[c * WIDTH + o] = weights[(b * WIDTH + o) * in_channels + c];
}

void ck_expanded_depthwise_forward(const ck_direct *d, const ck_expansion *expansion, float *y, const float *packed,
                                   const float *bias, ck_activation activation, float *scratch, int tasks) {
  depthwise_work p = {.y = y, .expansion = expansion, .weights = packed, .bias = bias, .activation = activation,
                      .scratch = scratch};
  run_all(&p, d, false, tasks);
}
