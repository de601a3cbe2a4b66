#ifndef CONVNET_PIXELS_H
#define CONVNET_PIXELS_H

#include "lanes.h"

#include <string.h>

// Vectors of 16 channels of a position, the last of which may have fewer: `first` channels are asked for or written, and zeros
// stand for the others.

INLINE size_t pixel_blocks(const ck_pixels *p) { return (p->channels + WIDTH - 1) / WIDTH; }

// Channels of a block.
INLINE size_t block_channels(const ck_pixels *p, size_t block) {
  const size_t left = p->channels - block * WIDTH;
  return left < WIDTH ? left : WIDTH;
}

// Of a block that lies side by side in an array that nothing fills up.
INLINE void load_some(float *to, const float *from, size_t count) {
  memset(to, 0, WIDTH * sizeof *to);
  memcpy(to, from, count * sizeof *to);
}

#endif
