// Pooling of pictures: vectors of channels where these lie side by side, in blocks or innermost; elsewhere sixteen channels
// are put side by side first, some rows at a time.
#include "pooling.h"
#include "vector.h"

#include <string.h>

#define LANES 16
#include "pooling_lanes.h"
#define LANES 8
#include "pooling_lanes.h"

// MARK: Channels side by side

// Sixteen rows of sixteen to their columns: four perfect shuffles.
INLINE void transpose(float *to, size_t to_stride, const float *from, size_t from_stride) {
  lanes rows[WIDTH], mixed[WIDTH];
  UNROLLED for (size_t i = 0; i < WIDTH; ++i) rows[i] = LOAD(from + i * from_stride);
  UNROLLED for (size_t round = 0; round < 2; ++round) {
#define SHUFFLE(to, from)                                                                                              \
  UNROLLED for (size_t i = 0; i < WIDTH / 2; ++i) {                                                                    \
    to[2 * i] = __builtin_shufflevector(from[i], from[i + WIDTH / 2], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, \
                                        7, 23);                                                                        \
    to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + WIDTH / 2], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13,    \
                                            29, 14, 30, 15, 31);                                                       \
  }
    SHUFFLE(mixed, rows)
    SHUFFLE(rows, mixed)
#undef SHUFFLE
  }
  UNROLLED for (size_t i = 0; i < WIDTH; ++i) STORE(to + i * to_stride, rows[i]);
}

// Runs of `count` elements, `column` apart, of sixteen channels to vectors, and back for the first `valid` of them.
VECTORISED(static, void, gather_run, (float *to, const float *const *from, size_t offset, size_t column, size_t count),
           (to, from, offset, column, count)) {
  size_t at = 0;
  float square[WIDTH * WIDTH];
  if (column == 1) {
    for (; at + WIDTH <= count; at += WIDTH) {
      UNROLLED for (size_t l = 0; l < WIDTH; ++l) STORE(square + l * WIDTH, LOAD(from[l] + offset + at));
      transpose(to + at * WIDTH, WIDTH, square, WIDTH);
    }
  }
  for (; at < count; ++at)
    for (size_t l = 0; l < WIDTH; ++l) to[at * WIDTH + l] = from[l][offset + at * column];
}

VECTORISED(static, void, scatter_run, (float *const *to, size_t valid, const float *from, size_t offset, size_t column,
           size_t count), (to, valid, from, offset, column, count)) {
  size_t at = 0;
  float square[WIDTH * WIDTH];
  if (column == 1) {
    for (; at + WIDTH <= count; at += WIDTH) {
      transpose(square, WIDTH, from + at * WIDTH, WIDTH);
      for (size_t l = 0; l < valid; ++l) STORE(to[l] + offset + at, LOAD(square + l * WIDTH));
    }
  }
  for (; at < count; ++at)
    for (size_t l = 0; l < valid; ++l) to[l][offset + at * column] = from[at * WIDTH + l];
}

// The sixteen channels of a group: where each begins. Beyond the last channel of the last example that one is repeated.
INLINE size_t group_offsets(size_t *offsets, const ck_pooling *p, const ck_picture_strides *strides, size_t group) {
  const size_t all = p->batch * p->channels, first = group * WIDTH;
  for (size_t l = 0; l < WIDTH; ++l) {
    const size_t at = least(first + l, all - 1);
    offsets[l] = channel_offset(strides, at / p->channels, at % p->channels);
  }
  return least(WIDTH, all - first);
}

// Places of rows `begin` to `end`, of `width` each, between channels and vectors.
INLINE void move_places(const ck_pooling *p, void *plain, void *vectors, size_t group, size_t begin, size_t end,
                        bool gathers) {
  size_t offsets[WIDTH];
  const size_t valid = group_offsets(offsets, p, &p->places, group), width = p->along.out;
#define MOVE(type)                                                              \
  for (size_t l = 0; l < (gathers ? WIDTH : valid); ++l)                        \
    for (size_t row = begin; row < end; ++row) {                                \
      type *a = (type *)plain + offsets[l] + row * p->places.row;               \
      type *b = (type *)vectors + (row - begin) * width * WIDTH + l;            \
      for (size_t c = 0; c < width; ++c) {                                      \
        if (gathers) b[c * WIDTH] = a[c * p->places.column];                    \
        else a[c * p->places.column] = b[c * WIDTH];                            \
      }                                                                         \
    }
  if (p->counts_taps) {
    MOVE(uint8_t)
  } else {
    MOVE(int32_t)
  }
#undef MOVE
}

typedef struct {
  const ck_pooling_axis *down, *along;
  const ck_picture_strides *strides;
  bool is_out;
} grid;

INLINE size_t rows_of(const grid *g) { return g->is_out ? g->down->out : g->down->in; }
INLINE size_t columns_of(const grid *g) { return g->is_out ? g->along->out : g->along->in; }

INLINE grid grid_of(const ck_pooling *p, bool is_out) {
  return (grid){&p->down, &p->along, is_out ? &p->out : &p->in, is_out};
}
INLINE grid results_of(const ck_pooling *p, pooling_kind kind) { return grid_of(p, !is_gradient(kind)); }
INLINE grid sources_grid(const ck_pooling *p, pooling_kind kind) { return grid_of(p, is_gradient(kind)); }

// The source's rows of a strip of results.
INLINE span strip_sources(const ck_pooling *p, pooling_kind kind, size_t begin, size_t end) {
  const bool gradient = is_gradient(kind);
  const size_t first = sources_of(&p->down, begin, gradient).begin;
  return (span){first, most(first, sources_of(&p->down, end - 1, gradient).end)};
}

// Rows of results in a strip, whose sources stay in a near cache where they can, and floats that it uses.
enum { STRIP_FLOATS = 1 << 14, MOST_STRIP_FLOATS = 1 << 20 };

INLINE size_t strip_floats(const ck_pooling *p, pooling_kind kind, size_t rows) {
  const grid results = results_of(p, kind), sources = sources_grid(p, kind);
  // No strip of so many rows has more sources than this.
  const size_t reach = is_gradient(kind) ? (p->down.window + rows - 2) / p->down.stride + 1
                                         : (rows - 1) * p->down.stride + p->down.window;
  const size_t source_rows = least(rows_of(&sources), reach);
  const size_t places = is_gradient(kind) ? source_rows * columns_of(&sources) : rows * columns_of(&results);
  return WIDTH * (rows * columns_of(&results) + source_rows * columns_of(&sources) + places);
}

INLINE size_t strip_rows(const ck_pooling *p, pooling_kind kind) {
  const grid results = results_of(p, kind);
  size_t rows = 1;
  while (2 * rows <= rows_of(&results) && strip_floats(p, kind, 2 * rows) <= STRIP_FLOATS) rows *= 2;
  return rows;
}

static void move_rows(const ck_pooling *p, const grid *g, size_t group, size_t begin, size_t end, float *plain,
                      float *vectors, bool gathers) {
  size_t offsets[WIDTH];
  float *channels[WIDTH];
  const size_t valid = group_offsets(offsets, p, g->strides, group), width = columns_of(g);
  for (size_t l = 0; l < WIDTH; ++l) channels[l] = plain + offsets[l];
  const bool is_dense = g->strides->row == width * g->strides->column;
  const size_t run = is_dense ? (end - begin) * width : width;
  for (size_t row = begin; row < end; row += is_dense ? end - begin : 1) {
    const size_t offset = row * g->strides->row;
    float *at = vectors + (row - begin) * width * WIDTH;
    if (gathers) gather_run(at, (const float *const *)channels, offset, g->strides->column, run);
    else scatter_run(channels, valid, at, offset, g->strides->column, run);
  }
}

// Rows of results of sixteen channels that lie apart.
static void pool_apart(const pooling_work *w, size_t group, size_t begin, size_t end, float *scratch) {
  const ck_pooling *p = &w->pooling;
  const grid results = results_of(p, w->kind), sources = sources_grid(p, w->kind);
  const size_t strip = strip_rows(p, w->kind);
  ck_pooling vectors = *p;
  vectors.in = (ck_picture_strides){0, 0, p->along.in * WIDTH, WIDTH, WIDTH};
  vectors.out = vectors.places = (ck_picture_strides){0, 0, p->along.out * WIDTH, WIDTH, WIDTH};
  for (size_t row = begin; row < end; row += strip) {
    const size_t last = least(end, row + strip);
    const span needed = strip_sources(p, w->kind, row, last);
    float *from = scratch, *to = from + length_of(needed) * columns_of(&sources) * WIDTH;
    float *places = w->places ? to + (last - row) * columns_of(&results) * WIDTH : NULL;
    move_rows(p, &sources, group, needed.begin, needed.end, (float *)w->from, from, true);
    if (w->kind == MAXIMA_GRADIENT) move_places(p, w->places, places, group, needed.begin, needed.end, true);
    pool_rows_16(&vectors, w->kind, row, last, to, from, places, row, needed.begin, 1, 0);
    move_rows(p, &results, group, row, last, w->to, to, false);
    if (places && w->kind == MAXIMA) move_places(p, w->places, places, group, row, last, false);
  }
}

// MARK: Shares

// How the channels are put in groups, whose rows are what the tasks share.
typedef enum { IN_BLOCKS, INNERMOST, APART } arrangement;

INLINE arrangement arrangement_of(const ck_pooling *p) {
  if (p->in.block > 1) return IN_BLOCKS;
  return p->in.channel == 1 && p->out.channel == 1 && p->channels >= 8 ? INNERMOST : APART;
}

static void pool_share(void *context, int task) {
  const pooling_work *w = context;
  const ck_pooling *p = &w->pooling;
  const grid results = results_of(p, w->kind);
  const bool gradient = is_gradient(w->kind);
  const size_t rows = rows_of(&results), size = p->counts_taps ? sizeof(uint8_t) : sizeof(int32_t);
  const arrangement channels = arrangement_of(p);
  const size_t blocks = channels == IN_BLOCKS ? (p->channels + p->in.block - 1) / p->in.block : 1;
  const size_t groups =
      channels == APART ? (p->batch * p->channels + WIDTH - 1) / WIDTH : p->batch * blocks;
  const size_t all = groups * rows, end = all * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t at = all * (size_t)task / (size_t)w->tasks; at < end;) {
    const size_t group = at / rows, row = at % rows, last = least(rows, row + end - at);
    at += last - row;
    if (channels == APART) {
      pool_apart(w, group, row, last, w->scratch + (size_t)task * w->scratch_count);
      continue;
    }
    const size_t example = group / blocks, channel = group % blocks * p->in.block;
    const size_t in = channel_offset(&p->in, example, channel), out = channel_offset(&p->out, example, channel);
    const size_t place = channel_offset(&p->places, example, channel) * size;
    float *to = w->to + (gradient ? in : out);
    const float *from = w->from + (gradient ? out : in);
    void *places = w->places ? (char *)w->places + place : NULL;
    const size_t width = channels == IN_BLOCKS ? p->in.block : p->channels >= WIDTH ? WIDTH : 8;
    const size_t vectors = channels == IN_BLOCKS ? 1 : (p->channels + width - 1) / width;
    const size_t last_lane = channels == IN_BLOCKS ? 0 : p->channels - width;
    if (width == WIDTH)
      pool_rows_16(p, w->kind, row, last, to, from, places, 0, 0, vectors, last_lane);
    else
      pool_rows_8(p, w->kind, row, last, to, from, places, 0, 0, vectors, last_lane);
  }
}

bool ck_pooling_needs_planes(const ck_pooling *p, pooling_kind kind) {
  // Taps that are looked at for each element, beyond which other algorithms are worth their overhead.
  const double most_taps = 256;
  double taps = 1;
  const ck_pooling_axis *axes[] = {&p->down, &p->along};
  for (int axis = 0; axis < 2; ++axis) {
    const ck_pooling_axis *a = axes[axis];
    taps *= fmax(1, (double)a->out * (double)least(a->window, a->in) / (double)a->in);
  }
  if (taps > most_taps) return true;
  // Floats count places exactly up to that.
  if (!p->counts_taps && p->down.in * p->along.in > 1 << 24) return true;
  return arrangement_of(p) == APART && strip_floats(p, kind, 1) > MOST_STRIP_FLOATS;
}

static size_t scratch_of(const ck_pooling *p, pooling_kind kind) {
  if (ck_pooling_needs_planes(p, kind)) return ck_pooling_planes_scratch(p, kind);
  return arrangement_of(p) == APART ? strip_floats(p, kind, strip_rows(p, kind)) : 0;
}

size_t ck_pooling_scratch(const ck_pooling *p) {
  size_t scratch = 0;
  for (pooling_kind kind = MAXIMA; kind <= MEANS_GRADIENT; ++kind) scratch = most(scratch, scratch_of(p, kind));
  return scratch;
}

static void run(const ck_pooling *p, pooling_kind kind, float *to, const float *from, void *places, float *scratch,
                int tasks) {
  REQUIRE(p->in.block == 1 || p->in.block == 8 || p->in.block == 16);
  REQUIRE(p->out.block == p->in.block && (!places || p->places.block == p->in.block));
  REQUIRE(!p->counts_taps || p->down.window * p->along.window <= 256);
  REQUIRE(kind != MAXIMA_GRADIENT || places);
  // Less than a barrier costs is done at once.
  const size_t work = p->batch * p->channels * (p->down.in * p->along.in + p->down.out * p->along.out);
  if (work < 1 << 14) tasks = 1;
  pooling_work all = {*p, kind, to, from, places, scratch, ck_pooling_scratch(p), tasks};
  ck_parallel(tasks, ck_pooling_needs_planes(p, kind) ? ck_pooling_planes_share : pool_share, &all);
}

void ck_max_pool(const ck_pooling *p, float *y, void *places, const float *x, float *scratch, int tasks) {
  run(p, MAXIMA, y, x, places, scratch, tasks);
}

void ck_max_pool_gradient(const ck_pooling *p, float *dx, const float *dy, const void *places, float *scratch,
                          int tasks) {
  run(p, MAXIMA_GRADIENT, dx, dy, (void *)places, scratch, tasks);
}

void ck_mean_pool(const ck_pooling *p, float *y, const float *x, float *scratch, int tasks) {
  run(p, MEANS, y, x, NULL, scratch, tasks);
}

void ck_mean_pool_gradient(const ck_pooling *p, float *dx, const float *dy, float *scratch, int tasks) {
  run(p, MEANS_GRADIENT, dx, dy, NULL, scratch, tasks);
}
