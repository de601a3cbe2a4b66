#ifndef CONVNET_DEPTHWISE_H
#define CONVNET_DEPTHWISE_H

#include "direct.h"

// A convolution of each channel by itself, or its gradient by the input: the same sums as of a direct convolution of one block of
// channels, but that a term is a vector of the source times one of weights. Rows are read where they lie where half of the taps
// hang over either edge. Else what results read is copied to lines that have zeros where the padding is left and right, so that
// all columns are alike: all rows of a small picture; of a larger one as many as the kernel has, one in the place of that
// which is needed no more. Or it is computed there.

// The taps of a phase, which lie in rows and columns at equal distances; the first is the uppermost and leftmost.
typedef struct {
  ptrdiff_t row, column;  // of the first tap, as seen from a unit
  size_t rows, columns, row_step, column_step;
  size_t inner, inner_end;  // rows of units none of whose taps are above or below the source
} depthwise_grid;

typedef struct {
  direct_view v;
  depthwise_grid grids[MOST_PHASES];
  size_t blocks;                            // of channels
  ptrdiff_t low_row, high_row, low_column;  // of the taps, as seen from a unit
  size_t lines, line;    // lines that are kept; floats of each
  // Whether a row of results has as many columns as the source, and half of the taps of a row hang over either side: such rows
  // need no zeros, and are read where they lie unless they are computed on the way.
  bool hangs_over;
  // Whether lines are kept at all.
  bool is_kept;
  // Of a line: positions of zeros, positions that are copied, and the column of the first of these.
  size_t zeros, copied, skipped;
} depthwise_view;
void ck_depthwise_set_view(depthwise_view *w, const ck_direct *d, bool transposes);
// Groups of `most` columns at most are computed side by side; `is_computed`, where the source is nowhere but in lines.
void ck_depthwise_choose_lines(depthwise_view *w, size_t most, bool is_computed);

INLINE size_t depthwise_line_floats(const depthwise_view *w) { return w->lines * w->line; }

// Computes rows of the source: products of what is expanded and the weights of a block, whose results are the lines.
typedef struct {
  direct_product product;
  size_t row;  // floats of a row of what is expanded
  ck_activation activation;
} depthwise_expansion;
void ck_depthwise_expand(const depthwise_expansion *e, float *to, size_t row, size_t rows, size_t columns);

// The lines that rows of units read, one after the other.
typedef struct {
  const depthwise_view *w;
  const float *plane;                     // of the source
  const depthwise_expansion *expansion;  // or what computes it
  float *lines;
  size_t next, slot;  // the row of the source that comes next, and the line for it
} depthwise_ring;

// Writes the zeros of all lines, which stay.
void ck_depthwise_clear(const depthwise_view *w, float *lines);

INLINE void depthwise_begin(depthwise_ring *ring, const float *plane) { ring->plane = plane, ring->next = ring->slot = 0; }

INLINE void depthwise_copy_line(const depthwise_ring *ring, float *to) {
  const depthwise_view *w = ring->w;
  const float *from = ring->plane + (ring->next * w->v.source_width + w->skipped) * WIDTH;
  for (size_t i = 0; i < w->copied; ++i) STORE(to + i * WIDTH, LOAD(from + i * WIDTH));
}

INLINE size_t clipped(ptrdiff_t row, size_t rows) { return row < 0 ? 0 : (size_t)row < rows ? (size_t)row : rows; }

// Has at hand what rows first ..< last of units read, after those of the rows before them.
INLINE void depthwise_advance(depthwise_ring *ring, size_t first, size_t last) {
  const depthwise_view *w = ring->w;
  const size_t height = w->v.source_height, step = w->v.row_step;
  const size_t begin = clipped((ptrdiff_t)(first * step) + w->low_row, height);
  const size_t end = clipped((ptrdiff_t)((last - 1) * step) + w->high_row + 1, height);
  if (ring->next < begin) ring->next = begin;
  for (size_t count = 1; ring->next < end; ring->next += count) {
    float *to = ring->lines + ring->slot * w->line + w->zeros * WIDTH;
    if (ring->expansion) {
      // Lines of nothing but rows lie side by side, as those do.
      const bool is_row = w->copied == w->v.source_width && w->line == w->copied * WIDTH;
      const size_t left = w->lines - ring->slot;
      if (is_row) count = end - ring->next < left ? end - ring->next : left;
      ck_depthwise_expand(ring->expansion, to, ring->next, count, w->copied);
    } else {
      depthwise_copy_line(ring, to);
    }
    ring->slot += count;
    if (ring->slot == w->lines) ring->slot = 0;
  }
}

// Where the line lies that holds a row of the source.
INLINE const float *depthwise_line(const depthwise_ring *ring, size_t row) {
  const size_t back = ring->next - row;
  return ring->lines + (ring->slot >= back ? ring->slot - back : ring->slot + ring->w->lines - back) * ring->w->line;
}

// Rows of a grid's taps, first ..< end, of which a row of units reads rows of the source; `source` is the first of those.
typedef struct {
  size_t first, end, source;
} depthwise_taps;

INLINE depthwise_taps depthwise_taps_of(const depthwise_view *w, const depthwise_grid *grid, size_t row) {
  const ptrdiff_t top = (ptrdiff_t)(row * w->v.row_step) + grid->row, height = (ptrdiff_t)w->v.source_height;
  const ptrdiff_t step = (ptrdiff_t)grid->row_step;
  depthwise_taps taps = {0, grid->rows, 0};
  while (taps.first < taps.end && top + (ptrdiff_t)taps.first * step < 0) ++taps.first;
  while (taps.first < taps.end && top + (ptrdiff_t)(taps.end - 1) * step >= height) --taps.end;
  if (taps.first < taps.end) taps.source = (size_t)(top + (ptrdiff_t)taps.first * step);
  return taps;
}

#endif
