// The gradients of direct convolutions by weights and bias. A task takes a part of the rows of the results and of the output
// channels, and sums up the products of inputs and output gradients: of 16 input channels and 32 output channels at a time, for
// some rows after those before. Sums lie as packed weights do. Then those of all tasks become gradients.
#include "direct.h"
#include "long_sums.h"
#include "vector.h"

#include <string.h>

// Positions that are summed in registers, and such sums that are added in single precision: within MOST_TERMS together.
enum { MOST_POSITIONS = 256, MOST_RUNS = 256, NEAR_POSITIONS = 128 };

typedef struct {
  direct_view v;
  direct_source source;
  float *weight_gradient;
  const float *x, *dy;
  float *scratch;
  size_t channel_parts, row_parts;  // a task is one of each
  size_t runs;                      // of positions, in a row of units or a flat part of rows
  bool has_totals;                  // more runs than are added in single precision
} gradient_work;

static size_t pairs_of_task(const gradient_work *p) { return ceiling(p->v.groups * p->v.pairs, p->channel_parts); }
static size_t pair_floats(const direct_view *v) { return direct_terms(v) * PAIR; }
static size_t sums_count(const gradient_work *p) { return pairs_of_task(p) * pair_floats(&p->v); }

static gradient_work plan(const ck_direct *d, int tasks) {
  gradient_work p = {.v = ck_direct_view(d, false)};
  const direct_view *v = &p.v;
  p.source = ck_direct_source(v);
  const size_t rows = v->batch * v->unit_rows, pairs = v->groups * v->pairs, count = (size_t)tasks;
  size_t least = SIZE_MAX;
  // Fewer parts of the rows are fewer sums to add up.
  for (size_t parts = count; parts >= 1; --parts) {
    if (count % parts || parts > pairs) continue;
    const size_t work = ceiling(rows, count / parts) * ceiling(pairs, parts);
    if (work < least) p.channel_parts = parts, least = work;
  }
  p.row_parts = count / p.channel_parts;
  const size_t of_task = ceiling(rows, p.row_parts), most = NEAR_POSITIONS / v->unit_columns;
  const size_t chunk = most > 1 ? most : 1;
  ck_direct_set_chunk(v, &p.source, chunk < of_task ? chunk : of_task);
  p.runs = ceiling(v->unit_columns, MOST_POSITIONS);
  p.has_totals = of_task * p.runs > MOST_RUNS;
  return p;
}

static size_t task_scratch(const gradient_work *p) {
  const size_t sums = sums_count(p);
  return (p->has_totals ? 3 : 1) * sums + ck_direct_copied_floats(&p->v, &p->source);
}

static ck_channels channels_of(const ck_direct *d) {
  const size_t plane = d->out_height * d->out_width * WIDTH;
  return (ck_channels){.channels = d->out_channels,
                       .examples = d->batch,
                       .example_stride = d->out_stride,
                       .runs = ceiling(d->out_channels, WIDTH),
                       .run_stride = plane,
                       .length = plane,
                       .period = WIDTH};
}

size_t ck_direct_gradient_scratch(const ck_direct *d, int tasks) {
  const gradient_work p = plan(d, tasks);
  const ck_channels channels = channels_of(d);
  const size_t bias = ck_normalization_scratch(&channels, tasks), weights = task_scratch(&p) * (size_t)tasks;
  return bias > weights ? bias : weights;
}

// MARK: Products

// The terms of one tap and block of input channels, by a pair of blocks of output channels, summed over rows of positions.
typedef struct {
  float *u;
  const float *v, *d;
  size_t terms, step, v_row, d_row, d_block;
  size_t rows, positions;
  bool is_pair;
} gradient_product;

INLINE void product_terms(const gradient_product *p, size_t term, size_t block, const size_t terms, const size_t vectors) {
  const size_t u_step = p->is_pair ? PAIR : WIDTH;
  float *u = p->u + term * u_step + block * WIDTH;
  lanes sums[MOST_ROWS][2];
  clear_sums(sums, terms, vectors);
  for (size_t row = 0; row < p->rows; ++row)
    multiply_positions(sums, p->v + row * p->v_row + term, p->step, p->d + row * p->d_row + block * p->d_block, p->d_block,
                       p->positions, terms, vectors);
  UNROLLED for (size_t r = 0; r < terms; ++r)
    UNROLLED for (size_t o = 0; o < vectors; ++o) {
      // Added in the end, so that terms are rounded by their own sum, not by that of all before.
      float *to = u + r * u_step + o * WIDTH;
      sums[r][o] += LOAD(to);
      STORE(to, sums[r][o]);
    }
}

INLINE void product_of(const gradient_product *p, const size_t most, const size_t vectors) {
  for (size_t block = 0; block < (p->is_pair ? 2 : 1); block += vectors) {
    size_t term = 0;
#define TERMS(count) \
  for (; count <= most && term + count <= p->terms; term += count) product_terms(p, term, block, count, vectors);
    TERMS(16) TERMS(8) TERMS(4) TERMS(2) TERMS(1)
#undef TERMS
  }
}

#if defined(__x86_64__)
FOR_AVX512 static void product_avx512(const gradient_product *p) {
  if (p->is_pair)
    product_of(p, 8, 2);
  else
    product_of(p, 16, 1);
}
FOR_AVX2 static void product_avx2(const gradient_product *p) { product_of(p, 4, 1); }
#endif
#if defined(__aarch64__)
static void product_portable(const gradient_product *p) { product_of(p, 4, 1); }
#else
static void product_portable(const gradient_product *p) { product_of(p, 2, 1); }
#endif

static void run_product(const gradient_product *p, ck_instructions instructions) {
  switch (ck_usable_instructions(instructions)) {
#if defined(__x86_64__)
    case CK_WIDEST: product_avx512(p); break;
    case CK_AVX2: product_avx2(p); break;
#endif
    default: product_portable(p);
  }
}

// MARK: Shares

static void products_of_part(const gradient_work *p, const direct_part *part, size_t pair, float *sums) {
  const direct_view *v = &p->v;
  const size_t plane = v->height * v->width * WIDTH, of_group = pair % v->pairs;
  const float *d = p->dy + part->picture * v->y_stride + (pair / v->pairs * v->out_blocks + of_group * 2) * plane;
  gradient_product product = {.terms = v->terms,
                              .step = v->step,
                              .v_row = p->source.row,
                              .d_row = v->width * WIDTH,
                              .d_block = plane,
                              .is_pair = v->out_blocks - of_group * 2 >= 2};
  const size_t rows = part->last - part->first, width = v->width;
  // Where rows lie side by side they are one; where not, as many as are summed in registers.
  const size_t all = p->source.is_flat ? rows * width : width;
  const size_t count = all < MOST_POSITIONS ? all : MOST_POSITIONS;
  const size_t rows_at_once = p->source.is_flat || width > MOST_POSITIONS ? 1 : MOST_POSITIONS / width;
  const size_t lines = p->source.is_flat ? 1 : rows, tap_floats = v->terms * (product.is_pair ? PAIR : WIDTH);
  for (size_t block = 0; block < v->in_blocks; ++block)
    for (size_t t = 0; t < v->tap_count; ++t, sums += tap_floats) {
      const float *source = part->source + block * p->source.block + p->source.taps[t];
      product.u = sums;
      for (size_t row = 0; row < lines; row += rows_at_once)
        for (size_t first = 0; first < all; first += count) {
          product.rows = lines - row < rows_at_once ? lines - row : rows_at_once;
          product.positions = all - first < count ? all - first : count;
          product.v = source + row * product.v_row + first * v->step;
          product.d = d + (part->first + row) * product.d_row + first * WIDTH;
          run_product(&product, v->instructions);
        }
    }
}

static void sum_share(void *context, int task) {
  const gradient_work *p = context;
  const direct_view *v = &p->v;
  const size_t rows = v->batch * v->unit_rows, pairs = v->groups * v->pairs;
  const size_t channel_part = (size_t)task % p->channel_parts, row_part = (size_t)task / p->channel_parts;
  const size_t first_pair = pairs * channel_part / p->channel_parts;
  const size_t last_pair = pairs * (channel_part + 1) / p->channel_parts;
  const size_t begin = rows * row_part / p->row_parts, end = rows * (row_part + 1) / p->row_parts;
  const size_t count = sums_count(p);
  float *sums = p->scratch + (size_t)task * task_scratch(p), *copy = sums + (p->has_totals ? 3 : 1) * count;
  double *totals = (double *)(sums + count);
  memset(sums, 0, count * sizeof *sums);
  if (p->has_totals) memset(totals, 0, count * sizeof *totals);
  size_t runs = 0;
  for (size_t first = begin; first < end; first += p->source.chunk) {
    const size_t last = end - first < p->source.chunk ? end : first + p->source.chunk;
    if (p->has_totals && runs + (last - first) * p->runs > MOST_RUNS) {
      ck_flush_sums(totals, sums, count);
      runs = 0;
    }
    runs += (last - first) * p->runs;
    for (size_t pair = first_pair; pair < last_pair; ++pair) {
      const size_t group = pair / v->pairs;
      if (pair == first_pair || pair % v->pairs == 0) ck_direct_copy(v, &p->source, copy, p->x, group, first, last);
      const float *copied = copy;
      for (size_t at = first; at < last;) {
        const direct_part part = ck_direct_part(v, &p->source, p->x, group, &copied, at, last);
        products_of_part(p, &part, pair, sums + (pair - first_pair) * pair_floats(v));
        at += part.last - part.first;
      }
    }
  }
  if (!p->has_totals) return;
  ck_flush_sums(totals, sums, count);
  for (size_t i = 0; i < count; ++i) sums[i] = (float)totals[i];
}

// One pair's gradients, from the sums of every part of the rows.
static void unpack_pair(const gradient_work *p, size_t pair) {
  const size_t pairs = p->v.groups * p->v.pairs, parts = p->channel_parts;
  size_t part = 0;
  while (pairs * (part + 1) / parts <= pair) ++part;
  const float *sums = p->scratch + part * task_scratch(p) + (pair - pairs * part / parts) * pair_floats(&p->v);
  ck_direct_unpack(&p->v, p->weight_gradient, sums, p->row_parts, parts * task_scratch(p), pair);
}

static void unpack_share(void *context, int task) {
  const gradient_work *p = context;
  const size_t pairs = p->v.groups * p->v.pairs, tasks = p->channel_parts * p->row_parts;
  for (size_t pair = pairs * (size_t)task / tasks; pair < pairs * (size_t)(task + 1) / tasks; ++pair) unpack_pair(p, pair);
}

void ck_direct_gradient(const ck_direct *d, float *weight_gradient, float *bias_gradient, const float *x, const float *dy,
                        float *scratch, int tasks) {
  gradient_work p = plan(d, tasks);
  p.weight_gradient = weight_gradient, p.x = x, p.dy = dy, p.scratch = scratch;
  ck_parallel(tasks, sum_share, &p);
  ck_parallel(tasks, unpack_share, &p);
  if (!bias_gradient) return;
  const ck_channels channels = channels_of(d);
  ck_channel_sums(&channels, bias_gradient, dy, scratch, tasks);
}
