// Convolutions of few channels on pictures in plain order, [batch, channels, height, width].
//
// A library that works on blocks of 16 channels wastes most of a vector where there are 1, 3 or 6 of them. Here a vector
// holds 16 neighbouring positions p of the result instead, counted through its rows, and every weight is broadcast:
//
//     y[o][p..] += w[o][c][m][n] * shifted[n][c][p + m * out_width..]
//
// with the copies of the picture that planes.h describes.
#include "planes.h"
#include "activations.h"
#include "vector.h"

#include <string.h>

// MARK: Pictures

size_t ck_band_height(const ck_planes *p) {
  enum { FLOATS = 1 << 16 };
  const size_t of_row = p->kernel_width * p->in_channels * p->out_width;
  const size_t rows = FLOATS / of_row;
  const size_t height = rows > 2 * p->kernel_height ? rows - p->kernel_height + 1 : p->kernel_height;
  return height < p->out_height ? height : p->out_height;
}

static size_t shifted_rows(const ck_planes *p) { return ck_band_height(p) + p->kernel_height - 1; }

size_t ck_shifted_stride(const ck_planes *p) { return rounded(p->in_channels * shifted_rows(p) * p->out_width); }

// The last vector may read further.
size_t ck_shifted_count(const ck_planes *p) { return p->kernel_width * ck_shifted_stride(p) + WIDTH; }

VECTORISED(extern, void, ck_shift_picture, (float *shifted, const float *picture, const ck_planes *p, size_t first, size_t last),
           (shifted, picture, p, first, last)) {
  const size_t width = p->out_width, rows = shifted_rows(p), stride = ck_shifted_stride(p);
  for (size_t n = 0; n < p->kernel_width; ++n) {
    // The columns that are in the picture; those outside stay zero.
    const size_t left = n < p->pad_left ? p->pad_left - n : 0, edge = p->width + p->pad_left;
    const size_t right = edge < n ? 0 : edge - n < width ? edge - n : width;
    for (size_t c = 0; c < p->in_channels; ++c)
      for (size_t i = first; i < last + p->kernel_height - 1; ++i) {
        float *to = shifted + n * stride + (c * rows + i - first) * width;
        if (i < p->pad_top || i >= p->height + p->pad_top)
          memset(to, 0, width * sizeof *to);
        else if (left < right)
          copy_row(to + left, picture + (c * p->height + i - p->pad_top) * p->width + left + n - p->pad_left,
                   right - left);
      }
  }
}

// MARK: Forward

// `vectors` vectors of neighbouring positions of `block` output channels.
INLINE void forward_tile(const ck_planes *p, const float *shifted, size_t stride, size_t plane, const float *weights,
                         const float *bias, size_t block, size_t vectors, lanes sums[][4]) {
  const size_t taps = p->in_channels * p->kernel_height * p->kernel_width;
  UNROLLED for (size_t o = 0; o < block; ++o)
    UNROLLED for (size_t v = 0; v < vectors; ++v) sums[o][v] = (lanes){0} + (bias ? bias[o] : 0);
  for (size_t c = 0; c < p->in_channels; ++c)
    for (size_t m = 0; m < p->kernel_height; ++m) {
      const float *tap = weights + (c * p->kernel_height + m) * p->kernel_width;
      const float *x = shifted + c * plane + m * p->out_width;
      for (size_t n = 0; n < p->kernel_width; ++n, x += stride, ++tap) {
        lanes values[4];
        UNROLLED for (size_t v = 0; v < vectors; ++v) values[v] = LOAD(x + v * WIDTH);
        UNROLLED for (size_t o = 0; o < block; ++o) {
          const float weight = tap[o * taps];
          UNROLLED for (size_t v = 0; v < vectors; ++v) sums[o][v] += weight * values[v];
        }
      }
    }
}

// Rows first ..< last of `block` output channels. What the last vector has beyond these is overwritten by the next rows;
// the end of a picture is written exactly.
INLINE void forward_block(const ck_planes *p, float *y, const float *shifted, const float *weights, const float *bias,
                          size_t first, size_t last, size_t block, size_t vectors) {
  const size_t plane = p->out_height * p->out_width, positions = (last - first) * p->out_width;
  const size_t stride = ck_shifted_stride(p), shifted_plane = shifted_rows(p) * p->out_width;
  lanes sums[8][4];
  size_t at = 0;
#define TILE(count)                                                                                              \
  for (; at + (count - 1) * WIDTH < positions; at += count * WIDTH) {                                            \
    forward_tile(p, shifted + at, stride, shifted_plane, weights, bias, block, count, sums);                     \
    UNROLLED for (size_t o = 0; o < block; ++o)                                                                  \
      UNROLLED for (size_t v = 0; v < count; ++v) {                                                              \
        float *to = y + o * plane + first * p->out_width + at + v * WIDTH;                                       \
        const size_t left = plane - first * p->out_width - at - v * WIDTH;                                       \
        STORE_PART(to, sums[o][v], left);                                                                        \
      }                                                                                                          \
  }
  TILE(vectors)
  TILE(1)
#undef TILE
}

VECTORISED(static, void, forward_rows, (const ck_planes *p, float *y, const float *shifted, const float *weights,
           const float *bias, size_t first, size_t last), (p, y, shifted, weights, bias, first, last)) {
  const size_t taps = p->in_channels * p->kernel_height * p->kernel_width;
  const size_t plane = p->out_height * p->out_width;
  size_t o = 0;
#define BLOCK(count, vectors)                                                                                   \
  for (; o + count <= p->out_channels; o += count)                                                              \
  forward_block(p, y + o * plane, shifted, weights + o * taps, bias ? bias + o : NULL, first, last, count, vectors)
  if (is_wide) {
    BLOCK(8, 3);
    BLOCK(6, 4);
    BLOCK(4, 4);
    BLOCK(2, 4);
  } else {
    BLOCK(6, 1);
    BLOCK(3, 2);
    BLOCK(2, 3);
  }
  BLOCK(1, 4);
#undef BLOCK
}

static void forward_share(void *context, int task) {
  const forward_work *work = context;
  const ck_planes *p = work->p;
  const size_t result = p->out_channels * p->out_height * p->out_width, band = ck_band_height(p);
  float *shifted = work->scratch + (size_t)task * ck_planes_forward_scratch(p);
  memset(shifted, 0, ck_shifted_count(p) * sizeof *shifted);
  const size_t first = first_picture(p, task, work->tasks), last = first_picture(p, task + 1, work->tasks);
  for (size_t picture = first; picture < last; ++picture) {
    float *y = work->y + picture * result;
    for (size_t i = 0; i < p->out_height; i += band) {
      const size_t end = i + band < p->out_height ? i + band : p->out_height;
      ck_shift_picture(shifted, work->x + picture * p->in_channels * p->height * p->width, p, i, end);
      forward_rows(p, y, shifted, work->weights, work->bias, i, end);
    }
    ck_activate(y, result, work->activation);
  }
}

size_t ck_planes_forward_scratch(const ck_planes *p) { return rounded(ck_shifted_count(p)); }

void ck_planes_forward(const ck_planes *p, float *y, const float *x, const float *weights, const float *bias,
                       ck_activation activation, float *scratch, int tasks) {
  require_planes(p, false);
  forward_work work = {p, y, x, weights, bias, activation, scratch, tasks};
  ck_parallel(tasks, forward_share, &work);
}
