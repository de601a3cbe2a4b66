// Winograd's algorithm, forward. A task takes a part of the tiles and of the output channels: some hundred tiles at a
// time, it transforms their inputs, multiplies them with the weights of 32 output channels at each of the points, and
// transforms the products to outputs while they are in a near cache.
#include "winograd.h"
#include "vector.h"


typedef struct {
  winograd_view w;
  float *y;
  const float *x, *u, *bias, *addend;
  bool rectifies;
  float *scratch;
  size_t tiles, in_blocks, out_blocks, pairs;
  size_t groups, tile_groups;  // a task is one of each
  size_t block;                // tiles at a time
} forward_work;

static size_t block_size(const winograd_view *w, size_t tiles) {
  // Inputs of few channels stay in the second-level cache. Many channels mean many weights: more tiles for each reading.
  const size_t most = w->in_channels <= 64 ? 56 : 112;
  return ceiling(tiles, ceiling(tiles, most));
}

// Fewer output channels are fewer weights to read.
static double cost(const winograd_view *w, size_t tiles, size_t out_channels) {
  const double points = (double)w->points, in = (double)w->in_channels, out = (double)out_channels;
  const size_t passes = ceiling(tiles, block_size(w, tiles));
  const double products = points * in * out / WIDTH, transforms = points * (0.45 * in + 0.3 * out);
  const double reading = points * in * out * sizeof(float) / 8;
  return (double)tiles * (products + transforms) + (double)passes * reading;
}

static forward_work plan(const ck_winograd *w, int tasks) {
  forward_work p = {.w = ck_winograd_view(w)};
  p.tiles = p.w.tiles_of_picture * w->batch;
  p.in_blocks = w->in_channels / WIDTH, p.out_blocks = w->out_channels / WIDTH;
  p.pairs = ceiling(p.out_blocks, 2);
  p.groups = ck_winograd_groups(&p.w, (size_t)tasks, cost);
  p.tile_groups = (size_t)tasks / p.groups;
  p.block = block_size(&p.w, ceiling(p.tiles, p.tile_groups));
  return p;
}

static size_t task_scratch(const forward_work *p) {
  return p->w.points * (point_stride(p->in_blocks, p->block) + point_stride(2, p->block));
}

size_t ck_winograd_forward_scratch(const ck_winograd *w, int tasks) {
  const forward_work p = plan(w, tasks);
  return task_scratch(&p) * (size_t)tasks;
}

INLINE void finish_row(float *to, size_t step, const lanes *y, const lanes *bias, const float *addend, bool rectifies,
                       size_t count) {
  for (size_t j = 0; j < count; ++j) {
    lanes value = y[j] + *bias;
    if (addend) value += LOAD(addend + j * step);
    // What is not a number is not negative, and stays.
    if (rectifies) value = (lanes)((lane_mask)value & ~(lane_mask)(value <= 0));
    STORE(to + j * step, value);
  }
}

INLINE void transform_outputs(const forward_work *p, const float *m, size_t point, size_t block, size_t first,
                              size_t count, size_t down, size_t along) {
  const winograd_view *w = &p->w;
  const size_t row = w->out_row, column = w->out_column, height = tile_of(down), width = tile_of(along);
  const lanes bias = p->bias ? LOAD(p->bias + block * WIDTH) : (lanes){0};
  for (size_t t = first; t < first + count; ++t, m += WIDTH) {
    const tile_place place = place_of(w, t, down, along);
    const size_t offset =
        place.picture * w->out_stride + block * w->out_plane + place.top * row + place.left * column;
    float *to = p->y + offset;
    const float *addend = p->addend ? p->addend + offset : NULL;
    UNROLLED for (size_t i = 0; i < height; ++i)
      UNROLLED for (size_t j = 0; j < width; ++j) __builtin_prefetch(to + i * row + (width + j) * column, 1);
    lanes columns[TILE * MOST_SPAN], values[MOST_SPAN];
    const size_t span = span_of(along);
    UNROLLED for (size_t j = 0; j < span; ++j) {
      UNROLLED for (size_t i = 0; i < span_of(down); ++i) values[i] = LOAD(m + (i * span + j) * point);
      transform_output(columns + j, span, values, 1, down);
    }
    const bool is_whole = place.top + height <= w->out_height && place.left + width <= w->out_width;
    for (size_t i = 0; i < height && place.top + i < w->out_height; ++i) {
      lanes y[TILE];
      transform_output(y, 1, columns + i * span, 1, along);
      if (is_whole)
        finish_row(to + i * row, column, y, &bias, addend ? addend + i * row : NULL, p->rectifies, width);
      else
        finish_row(to + i * row, column, y, &bias, addend ? addend + i * row : NULL, p->rectifies,
                   w->out_width - place.left < width ? w->out_width - place.left : width);
    }
  }
}

// Of tiles first ..< first + count, the outputs of one block of channels.
VECTORISED(static, void, transform_block, (const forward_work *p, const float *m, size_t point, size_t block, size_t first,
           size_t count), (p, m, point, block, first, count)) {
  switch (WINDOW(p->w.down, p->w.along)) {
#define OUTPUTS(down, along) \
  case WINDOW(down, along): transform_outputs(p, m, point, block, first, count, down, along); break;
    FOR_EACH_WINDOW(OUTPUTS)
  }
}

static void forward_share(void *context, int task) {
  const forward_work *p = context;
  const winograd_view *w = &p->w;
  const size_t group = (size_t)task % p->groups, tile_group = (size_t)task / p->groups;
  const size_t begin = p->tiles * tile_group / p->tile_groups, end = p->tiles * (tile_group + 1) / p->tile_groups;
  const size_t first_pair = p->pairs * group / p->groups, last_pair = p->pairs * (group + 1) / p->groups;
  float *v = p->scratch + (size_t)task * task_scratch(p), *m = v + w->points * point_stride(p->in_blocks, p->block);
  const size_t passes = ceiling(end - begin, p->block);
  for (size_t pass = 0; pass < passes; ++pass) {
    const size_t first = begin + (end - begin) * pass / passes;
    const size_t tiles = begin + (end - begin) * (pass + 1) / passes - first;
    const size_t v_point = point_stride(p->in_blocks, tiles), m_point = point_stride(2, tiles);
    for (size_t block = 0; block < p->in_blocks; ++block)
      ck_winograd_transform_inputs(w, v + block * tiles * WIDTH, v_point, p->x, block, first, tiles);
    for (size_t pair = first_pair; pair < last_pair; ++pair) {
      const bool is_pair = pair * 2 + 2 <= p->out_blocks;
      for (size_t point = 0; point < w->points; ++point) {
        const winograd_product product = {
            .m = m + point * m_point,
            .v = v + point * v_point,
            .u = p->u + pair * weights_pair(w->points, w->in_channels) + point * weights_point(w->in_channels, is_pair),
            .u_end = p->u + weights_count(w->points, w->in_channels, p->out_blocks),
            .in_blocks = p->in_blocks,
            .tiles = tiles,
            .is_pair = is_pair,
            .instructions = w->instructions,
        };
        ck_winograd_product(&product);
      }
      transform_block(p, m, m_point, pair * 2, first, tiles);
      if (is_pair) transform_block(p, m + tiles * WIDTH, m_point, pair * 2 + 1, first, tiles);
    }
  }
}

void ck_winograd_forward(const ck_winograd *w, float *y, const float *x, const float *packed, const float *bias,
                         const float *addend, bool rectifies, float *scratch, int tasks) {
  forward_work p = plan(w, tasks);
  p.y = y, p.x = x, p.u = packed, p.bias = bias, p.addend = addend, p.rectifies = rectifies, p.scratch = scratch;
  ck_parallel(tasks, forward_share, &p);
}
