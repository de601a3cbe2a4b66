#ifndef CONVNET_CHANNEL_LANES_H
#define CONVNET_CHANNEL_LANES_H

#include "planes.h"

#include <string.h>

// A picture copied into scratch memory with its padding, so that loops know no borders.
INLINE size_t padded_height(const ck_planes *p) { return p->out_height + p->kernel_height - 1; }
INLINE size_t padded_width(const ck_planes *p) { return p->out_width + p->kernel_width - 1; }
// Vectors of neighbours in a row may read a vector further.
INLINE size_t padded_count(const ck_planes *p) {
  return rounded(p->in_channels * padded_height(p) * padded_width(p) + WIDTH);
}

// The memory was zero in the beginning.
INLINE void pad_picture(float *padded, const float *picture, const ck_planes *p) {
  const size_t height = padded_height(p), width = padded_width(p);
  if (p->height == height && p->width == width) {
    memcpy(padded, picture, p->in_channels * height * width * sizeof *padded);
    return;
  }
  const size_t count = p->width + p->pad_left <= width ? p->width : width - p->pad_left;
  for (size_t c = 0; c < p->in_channels; ++c)
    for (size_t i = 0; i < p->height && i + p->pad_top < height; ++i)
      copy_row(padded + (c * height + i + p->pad_top) * width + p->pad_left, picture + (c * p->height + i) * p->width,
               count);
}

INLINE size_t tap_count(const ck_planes *p) { return p->in_channels * p->kernel_height * p->kernel_width; }

#endif
