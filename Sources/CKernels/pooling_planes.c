// Pooling of one channel after the other, rows first, then columns, in time proportional to the elements: where windows are
// large and overlap, or rows are too long to put sixteen channels side by side.
//
// Where the windows along an axis overlap much, the elements are cut into blocks as long as a window; every window then is
// the end of a block joined with the beginning of the next (M. van Herk, "A fast algorithm for local minimum and maximum
// filters on rectangular and octagonal kernels", 1992). No sum of an element outside the window enters a result, so that a
// number which is not finite stays in its windows, and sums are in double precision.
#include "pooling.h"
#include "vector.h"

#include <string.h>

// A sum, or the largest element and its place in the plane.
typedef union {
  double sum;
  struct {
    float value;
    int32_t place;
  } largest;
} cell;

enum { CELL_FLOATS = sizeof(cell) / sizeof(float) };

// NaN before all numbers, the last of several; of equal numbers the first.
INLINE bool is_larger(const cell *a, const cell *b) {
  const float x = a->largest.value, y = b->largest.value;
  const bool later = a->largest.place > b->largest.place;
  if (x != x) return y == y || later;
  return x > y || (x == y && !later);
}

INLINE void join(cell *to, const cell *other, bool sums) {
  if (sums) to->sum += other->sum;
  else if (is_larger(other, to)) *to = *other;
}

INLINE void join_row(cell *to, const cell *other, size_t count, bool sums) {
  for (size_t i = 0; i < count; ++i) join(to + i, other + i, sums);
}

// One axis: how results join sources.
typedef struct {
  const ck_pooling_axis *axis;
  bool gradient;
  size_t sources, results;
  size_t block;  // of sources, as long as a window that is not cut; 0 where each is looked at by few results
} sliding;

static sliding slide_along(const ck_pooling_axis *axis, bool gradient) {
  const size_t sources = gradient ? axis->out : axis->in, results = gradient ? axis->in : axis->out;
  const size_t reach = gradient ? (axis->window - 1) / axis->stride + 1 : axis->window;
  const bool overlaps = (double)results * (double)least(reach, sources) > 4 * (double)(sources + results);
  return (sliding){axis, gradient, sources, results, overlaps ? least(reach, sources) : 0};
}

// From every source to the end of its block, and from the block's beginning to it. Sources are `width` cells.
INLINE void scan_blocks(const sliding *s, cell *ends, cell *beginnings, size_t width, bool sums) {
  for (size_t i = 1; i < s->sources; ++i)
    if (i % s->block) join_row(beginnings + i * width, beginnings + (i - 1) * width, width, sums);
  for (size_t i = s->sources - 1; i-- > 0;)
    if ((i + 1) % s->block) join_row(ends + i * width, ends + (i + 1) * width, width, sums);
}

INLINE void join_span(const sliding *s, cell *to, const cell *ends, const cell *beginnings, span sources, size_t width,
                      bool sums) {
  const size_t last = sources.end - 1;
  if (sources.begin / s->block != last / s->block) {
    memcpy(to, ends + sources.begin * width, width * sizeof *to);
    join_row(to, beginnings + last * width, width, sums);
  } else if (sources.begin % s->block == 0) {
    memcpy(to, beginnings + last * width, width * sizeof *to);
  } else {
    memcpy(to, ends + sources.begin * width, width * sizeof *to);
  }
}

// A plane of sources, in memory as it is.
typedef struct {
  const ck_pooling *pooling;
  const float *from;
  size_t row, column, width;
  bool sums, weighs;
} plane;

INLINE cell load(const plane *p, size_t r, size_t c) {
  const float x = p->from[r * p->row + c * p->column];
  cell result;
  if (p->sums) result.sum = p->weighs ? x * weight_of(p->pooling, r, c) : x;
  else result.largest.value = x, result.largest.place = (int32_t)(r * p->width + c);
  return result;
}

INLINE void load_row(cell *to, const plane *p, size_t r) {
  if (p->sums && !p->weighs && p->column == 1)
    for (size_t c = 0; c < p->width; ++c) to[c].sum = p->from[r * p->row + c];
  else
    for (size_t c = 0; c < p->width; ++c) to[c] = load(p, r, c);
}

INLINE void add_row(cell *to, const plane *p, size_t r) {
  if (p->sums && !p->weighs && p->column == 1) {
    for (size_t c = 0; c < p->width; ++c) to[c].sum += p->from[r * p->row + c];
    return;
  }
  for (size_t c = 0; c < p->width; ++c) {
    const cell other = load(p, r, c);
    join(to + c, &other, p->sums);
  }
}

// Calls for every result what `finish` does with it.
typedef struct {
  const pooling_work *work;
  const ck_pooling *pooling;
  float *to;
  char *places;
} plane_results;

INLINE void finish(const plane_results *r, size_t i, size_t j, const cell *result) {
  const ck_pooling *p = r->pooling;
  switch (r->work->kind) {
    case MEANS: r->to[i * p->out.row + j * p->out.column] = (float)(result->sum * weight_of(p, i, j)); break;
    case MEANS_GRADIENT: r->to[i * p->in.row + j * p->in.column] = (float)result->sum; break;
    default: {
      r->to[i * p->out.row + j * p->out.column] = result->largest.value;
      if (!r->places) break;
      const size_t at = i * p->places.row + j * p->places.column, place = (size_t)result->largest.place;
      if (p->counts_taps) {
        const size_t row = place / p->along.in + p->down.before - i * p->down.stride;
        const size_t column = place % p->along.in + p->along.before - j * p->along.stride;
        ((uint8_t *)r->places)[at] = (uint8_t)(row * p->along.window + column);
      } else {
        ((int32_t *)r->places)[at] = (int32_t)place;
      }
    }
  }
}

INLINE void slide_plane(const plane_results *results, const plane *source, cell *scratch, bool sums) {
  const bool gradient = is_gradient(results->work->kind);
  const sliding down = slide_along(&results->pooling->down, gradient);
  const sliding along = slide_along(&results->pooling->along, gradient);
  const size_t width = source->width;
  cell *row = scratch, *ends_along = row + width, *beginnings_along = ends_along + width;
  cell *ends = beginnings_along + width, *beginnings = ends + down.sources * width;
  if (down.block) {
    for (size_t r = 0; r < down.sources; ++r) load_row(ends + r * width, source, r);
    memcpy(beginnings, ends, down.sources * width * sizeof *ends);
    scan_blocks(&down, ends, beginnings, width, sums);
  }
  for (size_t i = 0; i < down.results; ++i) {
    const span rows = sources_of(down.axis, i, gradient);
    if (rows.begin < rows.end) {
      if (down.block) {
        join_span(&down, row, ends, beginnings, rows, width, sums);
      } else {
        load_row(row, source, rows.begin);
        for (size_t r = rows.begin + 1; r < rows.end; ++r) add_row(row, source, r);
      }
      if (along.block) {
        memcpy(ends_along, row, width * sizeof *row);
        memcpy(beginnings_along, row, width * sizeof *row);
        scan_blocks(&along, ends_along, beginnings_along, 1, sums);
      }
    }
    for (size_t j = 0; j < along.results; ++j) {
      const span columns = sources_of(along.axis, j, gradient);
      cell result = {0};
      if (rows.begin < rows.end && columns.begin < columns.end) {
        if (along.block) {
          join_span(&along, &result, ends_along, beginnings_along, columns, 1, sums);
        } else {
          result = row[columns.begin];
          for (size_t c = columns.begin + 1; c < columns.end; ++c) join(&result, row + c, sums);
        }
      }
      finish(results, i, j, &result);
    }
  }
}

// Every window's gradient goes to the element that won it, in double precision since that may win many.
static void scatter_plane(const plane_results *results, const float *dy, double *sums) {
  const ck_pooling *p = results->pooling;
  const size_t width = p->along.in;
  memset(sums, 0, p->down.in * width * sizeof *sums);
  for (size_t i = 0; i < p->down.out; ++i)
    for (size_t j = 0; j < p->along.out; ++j) {
      const size_t at = i * p->places.row + j * p->places.column;
      size_t place;
      if (p->counts_taps) {
        const size_t tap = ((const uint8_t *)results->places)[at];
        place = (i * p->down.stride + tap / p->along.window - p->down.before) * width + j * p->along.stride +
                tap % p->along.window - p->along.before;
      } else {
        place = (size_t)((const int32_t *)results->places)[at];
      }
      sums[place] += dy[i * p->out.row + j * p->out.column];
    }
  for (size_t r = 0; r < p->down.in; ++r)
    for (size_t c = 0; c < width; ++c) results->to[r * p->in.row + c * p->in.column] = (float)sums[r * width + c];
}

VECTORISED(static, void, pool_plane, (const pooling_work *w, size_t example, size_t channel, cell *scratch),
           (w, example, channel, scratch)) {
  const ck_pooling *p = &w->pooling;
  const bool gradient = is_gradient(w->kind);
  const size_t in = channel_offset(&p->in, example, channel), out = channel_offset(&p->out, example, channel);
  const size_t size = p->counts_taps ? sizeof(uint8_t) : sizeof(int32_t);
  char *places = w->places ? (char *)w->places + channel_offset(&p->places, example, channel) * size : NULL;
  const plane_results results = {w, p, w->to + (gradient ? in : out), places};
  const ck_picture_strides *strides = gradient ? &p->out : &p->in;
  const float *from = w->from + (gradient ? out : in);
  const size_t width = gradient ? p->along.out : p->along.in;
  switch (w->kind) {
    case MAXIMA: {
      const plane source = {p, from, strides->row, strides->column, width, false, false};
      slide_plane(&results, &source, scratch, false);
      break;
    }
    case MEANS: {
      const plane source = {p, from, strides->row, strides->column, width, true, false};
      slide_plane(&results, &source, scratch, true);
      break;
    }
    case MEANS_GRADIENT: {
      const plane source = {p, from, strides->row, strides->column, width, true, true};
      slide_plane(&results, &source, scratch, true);
      break;
    }
    case MAXIMA_GRADIENT: scatter_plane(&results, from, (double *)scratch); break;
  }
}

void ck_pooling_planes_share(void *work, int task) {
  const pooling_work *w = work;
  const ck_pooling *p = &w->pooling;
  // Channels that fill up the last block are zeros, and their results are.
  const size_t channels = (p->channels + p->in.block - 1) / p->in.block * p->in.block, all = p->batch * channels;
  cell *scratch = (cell *)(w->scratch + (size_t)task * w->scratch_count);
  const size_t end = all * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t at = all * (size_t)task / (size_t)w->tasks; at < end; ++at)
    pool_plane(w, at / channels, at % channels, scratch);
}

size_t ck_pooling_planes_scratch(const ck_pooling *p, pooling_kind kind) {
  if (kind == MAXIMA_GRADIENT) return CELL_FLOATS * p->down.in * p->along.in;
  const bool gradient = is_gradient(kind);
  const size_t width = gradient ? p->along.out : p->along.in;
  const sliding down = slide_along(&p->down, gradient);
  return CELL_FLOATS * width * (3 + (down.block ? 2 * down.sources : 0));
}
