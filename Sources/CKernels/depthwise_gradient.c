// Gradients of depthwise convolutions by weights and bias. A task takes some blocks of channels, or of one block a part of the
// batch; products of at most 512 positions are summed in single precision, and these sums in double.
#include "depthwise.h"
#include "long_sums.h"
#include "vector.h"

#include <string.h>

// Products of a run of neighbouring results with what some rows of the kernel read for them.
typedef struct {
  float *sums;                // [row of the kernel][column][16]
  const float *const *lines;  // what the first column reads, row by row of the kernel
  const float *dy;
  size_t rows, columns, tap_step, step, count;
} gradient_run;

INLINE void add_rows(const gradient_run *p, size_t first, size_t step, size_t tap_step, const size_t rows, const size_t columns) {
  lanes sums[25];
  float *to = p->sums + first * columns * WIDTH;
  UNROLLED for (size_t t = 0; t < rows * columns; ++t) sums[t] = LOAD(to + t * WIDTH);
  const float *lines[5];
  UNROLLED for (size_t m = 0; m < rows; ++m) lines[m] = p->lines[first + m];
  for (size_t j = 0; j < p->count; ++j) {
    const lanes dy = LOAD(p->dy + j * WIDTH);
    UNROLLED for (size_t m = 0; m < rows; ++m)
      UNROLLED for (size_t k = 0; k < columns; ++k) sums[m * columns + k] += dy * LOAD(lines[m] + j * step + k * tap_step);
    __asm__ volatile("" ::: "memory");
  }
  UNROLLED for (size_t t = 0; t < rows * columns; ++t) STORE(to + t * WIDTH, sums[t]);
}

// As many rows at a time as there are registers for.
INLINE void add_steps(const gradient_run *p, const size_t step, const size_t most) {
  size_t m = 0;
#define ROWS(count, columns) \
  for (; count * columns <= most && m + count <= p->rows; m += count) add_rows(p, m, step, WIDTH, count, columns);
  switch (p->columns) {
    case 3: ROWS(3, 3) ROWS(2, 3) ROWS(1, 3) break;
    case 5: ROWS(5, 5) ROWS(2, 5) ROWS(1, 5) break;
    case 7: ROWS(3, 7) ROWS(2, 7) ROWS(1, 7) break;
  }
#undef ROWS
}

INLINE void add_products(const gradient_run *p, const size_t most) {
  const bool has_code = (p->columns == 3 || p->columns == 5 || p->columns == 7) && p->tap_step == WIDTH;
  if (has_code && p->step == WIDTH)
    add_steps(p, WIDTH, most);
  else if (has_code && p->step == 2 * WIDTH)
    add_steps(p, 2 * WIDTH, most);
  else
    for (size_t m = 0; m < p->rows; ++m)
      for (size_t k = 0; k < p->columns; ++k) {
        lanes sum = LOAD(p->sums + (m * p->columns + k) * WIDTH);
        for (size_t j = 0; j < p->count; ++j)
          sum += LOAD(p->dy + j * WIDTH) * LOAD(p->lines[m] + j * p->step + k * p->tap_step);
        STORE(p->sums + (m * p->columns + k) * WIDTH, sum);
      }
}

#if defined(__x86_64__)
FOR_AVX512 static void products_avx512(const gradient_run *p) { add_products(p, 25); }
FOR_AVX2 static void products_avx2(const gradient_run *p) { add_products(p, 7); }
#endif
static void products_portable(const gradient_run *p) { add_products(p, 7); }

VECTORISED(static, void, add_vectors, (float *sums, const float *x, size_t count), (sums, x, count)) {
  lanes sum = LOAD(sums);
  for (size_t i = 0; i < count; ++i) sum += LOAD(x + i * WIDTH);
  STORE(sums, sum);
}

typedef struct {
  depthwise_view w;
  size_t kernel_height, kernel_width, dilation_down, dilation_along, batch_parts;
  const float *x, *dy;
  float *rings;
  double *totals;  // [part of the batch][block][taps and the bias][16]
  int tasks;
  void (*products)(const gradient_run *p);
} gradient_work;

// The sums of one block over examples first ..< last.
static void sums_of_block(const gradient_work *g, size_t block, size_t first, size_t last, double *totals, float *lines) {
  const depthwise_view *w = &g->w;
  const direct_view *v = &w->v;
  const size_t taps = v->kernel, count = (taps + 1) * WIDTH;
  float sums[(MOST_KERNEL_TAPS + 1) * WIDTH];
  memset(sums, 0, count * sizeof *sums);
  memset(totals, 0, count * sizeof *totals);
  // Lines of the padding are none: their products are left out, row by row.
  const float *rows[MOST_KERNEL_TAPS];
  size_t terms = 0;
  for (size_t n = first; n < last; ++n) {
    depthwise_ring ring = {.w = w, .lines = lines};
    depthwise_begin(&ring, g->x + n * v->source_stride + block * v->source_height * v->source_width * WIDTH);
    const float *dy = g->dy + n * v->y_stride + block * v->height * v->width * WIDTH;
    for (size_t i = 0; i < v->height; ++i) {
      depthwise_advance(&ring, i, i + 1);
      const depthwise_taps of_row = depthwise_taps_of(w, w->grids, i);
      const size_t begin = of_row.first, end = of_row.end;
      for (size_t m = begin; m < end; ++m) rows[m] = depthwise_line(&ring, of_row.source + (m - begin) * g->dilation_down);
      for (size_t j = 0, part; j < v->width; j += part) {
        part = v->width - j < MOST_TERMS ? v->width - j : MOST_TERMS;
        if (terms + part > MOST_TERMS) ck_flush_sums(totals, sums, count), terms = 0;
        terms += part;
        const float *at[MOST_KERNEL_TAPS];
        for (size_t m = begin; m < end; ++m) at[m] = rows[m] + j * v->column_step * WIDTH;
        const gradient_run run = {.sums = sums + begin * g->kernel_width * WIDTH,
                                  .lines = at + begin,
                                  .dy = dy + (i * v->width + j) * WIDTH,
                                  .rows = end - begin,
                                  .columns = g->kernel_width,
                                  .tap_step = g->dilation_along * WIDTH,
                                  .step = v->column_step * WIDTH,
                                  .count = part};
        g->products(&run);
        add_vectors(sums + taps * WIDTH, run.dy, part);
      }
    }
  }
  ck_flush_sums(totals, sums, count);
}

static void gradient_share(void *context, int task) {
  const gradient_work *g = context;
  const size_t units = g->w.blocks * g->batch_parts, tasks = (size_t)g->tasks, batch = g->w.v.batch;
  const size_t last = units * ((size_t)task + 1) / tasks;
  float *lines = g->rings + depthwise_line_floats(&g->w) * (size_t)task;
  ck_depthwise_clear(&g->w, lines);
  for (size_t unit = units * (size_t)task / tasks; unit < last; ++unit) {
    const size_t part = unit / g->w.blocks, block = unit % g->w.blocks;
    sums_of_block(g, block, batch * part / g->batch_parts, batch * (part + 1) / g->batch_parts,
                  g->totals + unit * (g->w.v.kernel + 1) * WIDTH, lines);
  }
}

static void plan(gradient_work *g, const ck_direct *d, int tasks) {
  ck_depthwise_set_view(&g->w, d, false);
  g->kernel_height = d->kernel_height, g->kernel_width = d->kernel_width;
  g->dilation_down = d->dilation_down, g->dilation_along = d->dilation_along;
  g->tasks = tasks;
  const size_t parts = ceiling((size_t)tasks, g->w.blocks);
  g->batch_parts = parts < d->batch ? parts : d->batch;
}

static size_t total_count(const gradient_work *g) { return g->batch_parts * g->w.blocks * (g->w.v.kernel + 1) * WIDTH; }

size_t ck_depthwise_gradient_scratch(const ck_direct *d, int tasks) {
  gradient_work g;
  plan(&g, d, tasks);
  return 2 * total_count(&g) + depthwise_line_floats(&g.w) * (size_t)tasks;
}

void ck_depthwise_gradient(const ck_direct *d, float *weight_gradient, float *bias_gradient, const float *x, const float *dy,
                           float *scratch, int tasks) {
  REQUIRE(ck_depthwise_can_compute(d, false));
  gradient_work g;
  plan(&g, d, tasks);
  g.x = x, g.dy = dy, g.totals = (double *)(void *)scratch, g.rings = scratch + 2 * total_count(&g);
  switch (ck_usable_instructions(d->instructions)) {
#if defined(__x86_64__)
    case CK_WIDEST: g.products = products_avx512; break;
    case CK_AVX2: g.products = products_avx2; break;
#endif
    default: g.products = products_portable;
  }
  ck_parallel(tasks, gradient_share, &g);
  const size_t kernel = g.w.v.kernel, of_part = g.w.blocks * (kernel + 1) * WIDTH;
  for (size_t c = 0; c < d->in_channels; ++c)
    for (size_t t = 0; t <= kernel; ++t) {
      double sum = 0;
      for (size_t part = 0; part < g.batch_parts; ++part)
        sum += g.totals[part * of_part + (c / WIDTH * (kernel + 1) + t) * WIDTH + c % WIDTH];
      if (t < kernel)
        weight_gradient[c * kernel + t] = (float)sum;
      else if (bias_gradient)
        bias_gradient[c] = (float)sum;
    }
}
