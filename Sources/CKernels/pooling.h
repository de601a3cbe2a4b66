#ifndef CONVNET_POOLING_H
#define CONVNET_POOLING_H

#include "lanes.h"

#include <math.h>

// Of two kernels that compute the same: `pooling.c` works on vectors of channels and looks at every tap of every window,
// `pooling_planes.c` on one channel after the other, in time that does not depend on the window.

typedef enum { MAXIMA, MEANS, MAXIMA_GRADIENT, MEANS_GRADIENT } pooling_kind;

INLINE bool is_gradient(pooling_kind kind) { return kind == MAXIMA_GRADIENT || kind == MEANS_GRADIENT; }

// Arrays of one call: results from sources. The places of maxima are written, or read by the gradient.
typedef struct {
  ck_pooling pooling;
  pooling_kind kind;
  float *to;
  const float *from;
  void *places;
  float *scratch;
  size_t scratch_count;  // of a task
  int tasks;
} pooling_work;

typedef struct {
  size_t begin, end;
} span;

INLINE size_t least(size_t a, size_t b) { return a < b ? a : b; }
INLINE size_t most(size_t a, size_t b) { return a > b ? a : b; }

// The elements under a window. Windows hold at least one.
INLINE span elements_under(const ck_pooling_axis *axis, size_t window) {
  const size_t start = window * axis->stride;  // in the padded input
  return (span){start > axis->before ? start - axis->before : 0,
                least(axis->in + axis->before, start + axis->window) - axis->before};
}

// The windows that neither end of the elements cuts.
INLINE span whole_windows(const ck_pooling_axis *axis) {
  const size_t begin = (axis->before + axis->stride - 1) / axis->stride, room = axis->in + axis->before;
  const size_t end = room < axis->window ? 0 : least(axis->out, (room - axis->window) / axis->stride + 1);
  return (span){least(begin, end), end};
}

// The windows over an element.
INLINE span windows_over(const ck_pooling_axis *axis, size_t element) {
  const size_t at = element + axis->before, end = least(axis->out, at / axis->stride + 1);
  const size_t begin = at < axis->window ? 0 : (at - axis->window) / axis->stride + 1;
  return (span){least(begin, end), end};
}

// What a result is computed from.
INLINE span sources_of(const ck_pooling_axis *axis, size_t result, bool gradient) {
  return gradient ? windows_over(axis, result) : elements_under(axis, result);
}

INLINE size_t length_of(span span) { return span.end - span.begin; }

// The positions of a window that its mean is divided by, along one axis.
INLINE size_t counted(const ck_pooling *p, const ck_pooling_axis *axis, size_t window) {
  if (!p->counts_padding) return length_of(elements_under(axis, window));
  const size_t start = window * axis->stride;
  return least(axis->in + axis->before + axis->after, start + axis->window) - start;
}

INLINE double weight_of(const ck_pooling *p, size_t row, size_t column) {
  return 1 / ((double)counted(p, &p->down, row) * (double)counted(p, &p->along, column));
}

// Where a channel of an example begins.
INLINE size_t channel_offset(const ck_picture_strides *strides, size_t example, size_t channel) {
  return example * strides->example + channel / strides->block * strides->channel + channel % strides->block;
}

// Whether the kernels for single channels must do it, and the floats that they use in each task.
bool ck_pooling_needs_planes(const ck_pooling *p, pooling_kind kind);
size_t ck_pooling_planes_scratch(const ck_pooling *p, pooling_kind kind);
void ck_pooling_planes_share(void *work, int task);

#endif
