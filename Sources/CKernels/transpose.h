#ifndef CONVNET_TRANSPOSE_H
#define CONVNET_TRANSPOSE_H

#include "lanes.h"

// The rows of a matrix of 16 by 16 become its columns.
INLINE void transpose(lanes *rows) {
  lanes next[WIDTH];
  // Each time rows of the two halves are interleaved.
  UNROLLED for (int step = 0; step < 4; ++step) {
    UNROLLED for (size_t i = 0; i < WIDTH / 2; ++i) {
      const lanes a = rows[i], b = rows[i + WIDTH / 2];
      next[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      next[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
    UNROLLED for (size_t i = 0; i < WIDTH; ++i) rows[i] = next[i];
  }
}

#endif
