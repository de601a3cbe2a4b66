// Winograd's algorithm for the gradient by the weights: at each of the points a product of transformed inputs and
// transformed output gradients, summed over the tiles, then the transposed transform of the weights.
#include "long_sums.h"
#include "winograd.h"
#include "vector.h"

#include <string.h>

typedef struct {
  winograd_view w;
  float *weight_gradient;
  const float *x, *d;
  float *scratch;
  size_t tiles, in_blocks, out_blocks, pairs;
  size_t groups, tile_groups;  // a task is one of each
  size_t block;                // tiles at a time
  bool is_direct;              // all tiles of a task at once, by one task: sums need not be kept
  bool has_totals;             // more passes than are added in single precision
} gradient_work;

// Input channels and pairs of output blocks whose sums at all points stay in the second-level cache.
enum { CHUNK_BLOCKS = 4, CHUNK_PAIRS = 2 };
// Passes that are added in single precision: with the tiles of a pass, and what the transforms lose, within MOST_TERMS.
enum { MOST_TILES = 192, MOST_PASSES = 256 };

static size_t block_size(const winograd_view *w, size_t tiles) {
  // The sums of many channels do not stay in a cache: fewer passes over them.
  const size_t most = w->in_channels * w->out_channels <= 256 * 256 ? 128 : MOST_TILES;
  return tiles <= 128 ? tiles : ceiling(tiles, ceiling(tiles, most));
}

// Fewer output channels are fewer sums to write.
static double cost(const winograd_view *w, size_t tiles, size_t out_channels) {
  const double points = (double)w->points, in = (double)w->in_channels, out = (double)out_channels;
  const size_t passes = ceiling(tiles, block_size(w, tiles));
  const double products = points * in * out / WIDTH, transforms = points * (0.45 * in + 0.33 * out);
  const double sums = points * in * out * sizeof(float) / 3;
  return (double)tiles * (products + transforms) + (double)(passes + 1) * sums;
}

static gradient_work plan(const ck_winograd *w, int tasks) {
  gradient_work p = {.w = ck_winograd_view(w)};
  p.tiles = p.w.tiles_of_picture * w->batch;
  p.in_blocks = w->in_channels / WIDTH, p.out_blocks = w->out_channels / WIDTH;
  p.pairs = ceiling(p.out_blocks, 2);
  p.groups = ck_winograd_groups(&p.w, (size_t)tasks, cost);
  p.tile_groups = (size_t)tasks / p.groups;
  const size_t tiles = ceiling(p.tiles, p.tile_groups);
  p.block = block_size(&p.w, tiles);
  p.is_direct = p.tile_groups == 1 && p.block == tiles;
  p.has_totals = ceiling(tiles, p.block) > MOST_PASSES;
  return p;
}

// Of a task: bias sums, transformed inputs and gradients, weight sums and, of many passes, these in double precision.
static size_t group_channels(const gradient_work *p) { return ceiling(p->pairs, p->groups) * PAIR; }
static size_t values_count(const gradient_work *p) {
  return p->w.points * (point_stride(p->in_blocks, p->block) + point_stride(group_channels(p) / WIDTH, p->block));
}
static size_t sums_count(const gradient_work *p) {
  if (!p->is_direct) return weights_count(p->w.points, p->w.in_channels, group_channels(p) / WIDTH);
  return weights_count(p->w.points, CHUNK_BLOCKS * WIDTH, CHUNK_PAIRS * 2);
}
static size_t task_scratch(const gradient_work *p) {
  const size_t bias = 2 * group_channels(p), totals = p->has_totals ? 2 * sums_count(p) : 0;
  return bias + values_count(p) + sums_count(p) + totals;
}

size_t ck_winograd_gradient_scratch(const ck_winograd *w, int tasks) {
  const gradient_work p = plan(w, tasks);
  return task_scratch(&p) * (size_t)tasks;
}

// Weight sums of some input and output blocks.
typedef struct {
  float *sums;
  size_t first_in, in_blocks, first_out, out_blocks;
} sums_range;

// One input channel and 16 output channels, their rows `step` floats apart.
INLINE void restore_kernels(float *to, size_t step, const float *sums, size_t point, size_t next, size_t copies,
                            size_t copy, size_t down, size_t along) {
  lanes columns[MOST_TAPS * MOST_SPAN], values[MOST_SPAN], taps[MOST_KERNEL];
  const size_t span = span_of(along);
  UNROLLED for (size_t j = 0; j < span; ++j) {
    UNROLLED for (size_t i = 0; i < span_of(down); ++i) {
      const float *sum = sums + (i * span + j) * point;
      __builtin_prefetch(sum + next);
      values[i] = LOAD(sum);
      for (size_t c = 1; c < copies; ++c) values[i] += LOAD(sum + c * copy);
    }
    transform_weight_gradient(columns + j, span, values, 1, down);
  }
  UNROLLED for (size_t i = 0; i < down; ++i)
    transform_weight_gradient(taps + along * i, 1, columns + i * span, 1, along);
  for (size_t lane = 0; lane < WIDTH; ++lane)
    for (size_t tap = 0; tap < down * along; ++tap) to[lane * step + tap] = ((const float *)taps)[tap * WIDTH + lane];
}

INLINE void restore_range(const gradient_work *p, const sums_range *range, size_t copies, size_t copy, size_t first,
                          size_t last, size_t down, size_t along) {
  const size_t in = p->w.in_channels, in_range = range->in_blocks * WIDTH, kernel = down * along;
  for (size_t pair = 0; pair < range->out_blocks; pair += 2) {
    const size_t blocks = range->out_blocks - pair < 2 ? 1 : 2, point = weights_point(in_range, blocks == 2);
    const float *sums = range->sums + pair / 2 * weights_pair(p->w.points, in_range);
    for (size_t in_block = first; in_block < last; ++in_block)
      // The 16 rows that are written side by side stay in the first-level cache; those of both blocks would not.
      for (size_t block = 0; block < blocks; ++block) {
        const size_t o = (range->first_out + pair + block) * WIDTH;
        for (size_t channel = in_block * WIDTH; channel < (in_block + 1) * WIDTH; ++channel)
          restore_kernels(p->weight_gradient + (o * in + range->first_in * WIDTH + channel) * kernel, in * kernel,
                          sums + (channel * blocks + block) * WIDTH, point, 2 * blocks * WIDTH, copies, copy, down,
                          along);
      }
  }
}

// Weight gradients of the range's input blocks first ..< last, from `copies` of the sums, `copy` floats apart.
VECTORISED(static, void, restore_weights, (const gradient_work *p, const sums_range *range, size_t copies, size_t copy,
           size_t first, size_t last), (p, range, copies, copy, first, last)) {
  switch (WINDOW(p->w.down, p->w.along)) {
#define RANGE(down, along) \
  case WINDOW(down, along): restore_range(p, range, copies, copy, first, last, down, along); break;
    FOR_EACH_WINDOW(RANGE)
  }
}

// What a task works on.
typedef struct {
  size_t begin, end;  // tiles
  size_t first_out, out_blocks;
  double *bias_gradient, *totals;
  float *v, *d, *sums;
} gradient_share;

static gradient_share share_of(const gradient_work *p, size_t task) {
  const size_t group = task % p->groups, tile_group = task / p->groups;
  gradient_share s = {.begin = p->tiles * tile_group / p->tile_groups,
                      .end = p->tiles * (tile_group + 1) / p->tile_groups};
  s.first_out = p->pairs * group / p->groups * 2;
  const size_t last_out = p->pairs * (group + 1) / p->groups * 2;
  s.out_blocks = (last_out < p->out_blocks ? last_out : p->out_blocks) - s.first_out;
  s.bias_gradient = (double *)(p->scratch + task * task_scratch(p));
  s.v = (float *)(s.bias_gradient + group_channels(p));
  s.d = s.v + p->w.points * point_stride(p->in_blocks, p->block);
  s.sums = s.v + values_count(p);
  s.totals = (double *)(s.sums + sums_count(p));
  return s;
}

// The sums of a range at one point, over `tiles` tiles.
static void add_products(const gradient_work *p, const gradient_share *s, const sums_range *range, size_t point,
                         size_t tiles, bool accumulates) {
  const float *v = s->v + point * point_stride(p->in_blocks, tiles);
  const float *d = s->d + point * point_stride(s->out_blocks, tiles);
  winograd_gradient_product product = {
      .tiles = tiles, .accumulates = accumulates, .instructions = p->w.instructions};
  const size_t in_range = range->in_blocks * WIDTH;
  for (size_t out = 0; out < range->out_blocks; out += 2) {
    product.is_pair = out + 2 <= range->out_blocks;
    product.d = d + (range->first_out - s->first_out + out) * tiles * WIDTH;
    product.u = range->sums + out / 2 * weights_pair(p->w.points, in_range);
    product.u += point * weights_point(in_range, product.is_pair);
    for (size_t in = range->first_in; in < range->first_in + range->in_blocks; ++in) {
      product.v = v + in * tiles * WIDTH;
      ck_winograd_gradient_product(&product);
      product.u += (WIDTH * WIDTH) << product.is_pair;
    }
  }
}

// All products of one pass with few sums at a time, which become gradients at once.
static void restore_directly(const gradient_work *p, const gradient_share *s, size_t tiles) {
  for (size_t out = 0; out < s->out_blocks; out += CHUNK_PAIRS * 2)
    for (size_t in = 0; in < p->in_blocks; in += CHUNK_BLOCKS) {
      sums_range range = {.sums = s->sums, .first_in = in, .first_out = s->first_out + out};
      range.in_blocks = p->in_blocks - in < CHUNK_BLOCKS ? p->in_blocks - in : CHUNK_BLOCKS;
      range.out_blocks = s->out_blocks - out < CHUNK_PAIRS * 2 ? s->out_blocks - out : CHUNK_PAIRS * 2;
      for (size_t point = 0; point < p->w.points; ++point) add_products(p, s, &range, point, tiles, false);
      restore_weights(p, &range, 1, 0, 0, range.in_blocks);
    }
}

static sums_range whole_range(const gradient_work *p, const gradient_share *s) {
  return (sums_range){.sums = s->sums,
                      .in_blocks = p->in_blocks,
                      .first_out = s->first_out,
                      .out_blocks = s->out_blocks};
}

static void sum_share(void *context, int task) {
  const gradient_work *p = context;
  const gradient_share s = share_of(p, (size_t)task);
  const sums_range range = whole_range(p, &s);
  memset(s.bias_gradient, 0, s.out_blocks * WIDTH * sizeof *s.bias_gradient);
  // Fewer tiles than tasks leave some without any.
  if (s.begin == s.end) memset(s.sums, 0, sums_count(p) * sizeof *s.sums);
  const size_t passes = ceiling(s.end - s.begin, p->block);
  if (p->has_totals) memset(s.totals, 0, sums_count(p) * sizeof *s.totals);
  for (size_t pass = 0; pass < passes; ++pass) {
    const size_t first = s.begin + (s.end - s.begin) * pass / passes;
    const size_t tiles = s.begin + (s.end - s.begin) * (pass + 1) / passes - first;
    for (size_t block = 0; block < p->in_blocks; ++block)
      ck_winograd_transform_inputs(&p->w, s.v + block * tiles * WIDTH, point_stride(p->in_blocks, tiles), p->x, block,
                                   first, tiles);
    for (size_t block = 0; block < s.out_blocks; ++block)
      ck_winograd_transform_gradients(&p->w, s.d + block * tiles * WIDTH, point_stride(s.out_blocks, tiles),
                                      s.bias_gradient + block * WIDTH, p->d, s.first_out + block, first, tiles);
    if (p->is_direct)
      restore_directly(p, &s, tiles);
    else
      for (size_t point = 0; point < p->w.points; ++point) add_products(p, &s, &range, point, tiles, pass > 0);
    if (p->has_totals && pass % MOST_PASSES == MOST_PASSES - 1) ck_flush_sums(s.totals, s.sums, sums_count(p));
  }
  if (!p->has_totals) return;
  ck_flush_sums(s.totals, s.sums, sums_count(p));
  for (size_t i = 0; i < sums_count(p); ++i) s.sums[i] = (float)s.totals[i];
}

// The tasks of a group share its input channels.
static void restore_share(void *context, int task) {
  const gradient_work *p = context;
  const size_t group = (size_t)task % p->groups, part = (size_t)task / p->groups;
  const gradient_share s = share_of(p, group);
  const sums_range range = whole_range(p, &s);
  restore_weights(p, &range, p->tile_groups, p->groups * task_scratch(p), p->in_blocks * part / p->tile_groups,
                  p->in_blocks * (part + 1) / p->tile_groups);
}

void ck_winograd_gradient(const ck_winograd *w, float *weight_gradient, float *bias_gradient, const float *x,
                          const float *d, float *scratch, int tasks) {
  gradient_work p = plan(w, tasks);
  p.weight_gradient = weight_gradient, p.x = x, p.d = d, p.scratch = scratch;
  ck_parallel(tasks, sum_share, &p);
  if (!p.is_direct) ck_parallel(tasks, restore_share, &p);
  if (!bias_gradient) return;
  for (size_t group = 0; group < p.groups; ++group) {
    const gradient_share s = share_of(&p, group);
    for (size_t o = 0; o < s.out_blocks * WIDTH; ++o) {
      double total = 0;
      for (size_t task = group; task < (size_t)tasks; task += p.groups) total += share_of(&p, task).bias_gradient[o];
      bias_gradient[s.first_out * WIDTH + o] = (float)total;
    }
  }
}
