#ifndef CONVNET_DEPTHWISE_H
#define CONVNET_DEPTHWISE_H

#include "direct.h"

// A convolution of each channel by itself, or its gradient by the input: the same sums as of a direct convolution of one block of
// channels, but that a term is a vector of the source times one of weights. What a row of results reads is copied to lines that
// have zeros where the padding is, as many as the kernel has rows, one in the place of the line that is needed no more: so all
// columns are alike, and what was read lies in the nearest cache.

typedef struct {
  direct_view v;
  size_t blocks;           // of channels
  ptrdiff_t low_row, low_column;  // of the taps, as seen from a unit
  size_t lines, line;      // lines of the ring; floats of each
} depthwise_view;
depthwise_view ck_depthwise_view(const ck_direct *d, bool transposes);

INLINE size_t depthwise_ring_floats(const depthwise_view *w) { return w->lines * w->line; }

// The lines that rows of units read, one after the other.
typedef struct {
  const depthwise_view *w;
  const float *plane;  // of the source
  float *lines;
  ptrdiff_t next;  // the row of the source that comes next
} depthwise_ring;

// Has the lines at hand that the units of a row read, after those of the rows before it.
void ck_depthwise_advance(depthwise_ring *ring, size_t row);

// Where the line lies that holds a row of the source.
INLINE const float *depthwise_line(const depthwise_ring *ring, ptrdiff_t row) {
  return ring->lines + (size_t)(row - ring->w->low_row) % ring->w->lines * ring->w->line;
}

#endif
