#ifndef CONVNET_PLANES_H
#define CONVNET_PLANES_H

#include "lanes.h"

#include <string.h>

// Pictures laid out so that vectors hold 16 positions of the result, counted through its rows: whatever the width, no lane
// is wasted but in the last vector. For every column n of the kernel there is a copy of the padded picture, moved by as many
// columns and cut to the width of the result:
//
//     shifted[n][c][i][j] = x[c][i - pad_top][j + n - pad_left]
//
// Of large pictures there are only as many rows at once as fit a near cache: a band.

// What all of these kernels take for granted; those with lanes of channels have 16 of them.
INLINE void require_planes(const ck_planes *p, bool has_lanes) {
  REQUIRE(p->in_channels > 0 && p->out_channels > 0 && (!has_lanes || p->out_channels == WIDTH));
  REQUIRE(p->pad_top < p->kernel_height && p->pad_left < p->kernel_width);
  (void)p, (void)has_lanes;
}

// Rows of the result in a band.
size_t ck_band_height(const ck_planes *p);
// Floats from one column's copy to the next, and of all.
size_t ck_shifted_stride(const ck_planes *p);
size_t ck_shifted_count(const ck_planes *p);
// The rows of a picture that rows first ..< last of the result are computed from. The memory was zero in the beginning.
void ck_shift_picture(float *shifted, const float *picture, const ck_planes *p, size_t first, size_t last);

// Of a forward pass, what its tasks share.
typedef struct {
  const ck_planes *p;
  float *y;
  const float *x, *weights, *bias;
  ck_activation activation;
  float *scratch;
  int tasks;
} forward_work;

// The first picture of a task; its last is before the next task's first.
INLINE size_t first_picture(const ck_planes *p, int task, int tasks) {
  return p->batch * (size_t)task / (size_t)tasks;
}

// Writes a vector of which only the first `count` numbers may be written.
#define STORE_PART(to, vector, count)                   \
  do {                                                  \
    if ((count) >= WIDTH) {                             \
      STORE(to, vector);                                \
    } else {                                            \
      /* A copy, so that the vector stays a register. */ \
      const lanes part = vector;                        \
      memcpy(to, &part, (count) * sizeof *(to));        \
    }                                                   \
  } while (0)

// Moves numbers of which there are few.
INLINE void copy_row(float *to, const float *from, size_t count) {
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) STORE(to + i, LOAD(from + i));
  if (i == count) return;
  if (count >= WIDTH) {
    STORE(to + count - WIDTH, LOAD(from + count - WIDTH));
    return;
  }
#define PART(size)                                                   \
  if (count & size) {                                                \
    __builtin_memcpy(to + i, from + i, size * sizeof *to);           \
    i += size;                                                       \
  }
  PART(8) PART(4) PART(2) PART(1)
#undef PART
}

#endif
