// Gradients of the convolutions of planes.c, whose result's gradient d is in plain order too.
#include "long_sums.h"
#include "planes.h"
#include "vector.h"

#include <string.h>

// MARK: Input gradient

// Every row of d gives to kernel_height rows of the input, and within a row to kernel_width shifts. The sums for each shift
// are kept apart, in strips of the width of d whose rows lie end to end, and the shifts are added at the end:
//
//     strip[c][n][r][j] = sum over o, m of w[o][c][m][n] * d[o][r + pad_top - m][j]
//     dx[c][r][x]       = sum over n of strip[c][n][r][x + pad_left - n]
//
// d is copied between rows of zeros, so that vectors of the strips, counted through their rows, know no borders.
enum { CHANNELS = 6 };  // at once, at most

static size_t d_plane(const ck_planes *p) { return (p->out_height + 2 * (p->kernel_height - 1)) * p->out_width; }
static size_t d_count(const ck_planes *p) { return rounded(p->out_channels * d_plane(p) + WIDTH); }

// Rows of the input at once.
static size_t strip_rows(const ck_planes *p) {
  enum { FLOATS = 1 << 16 };
  const size_t rows = FLOATS / (CHANNELS * p->kernel_width * p->out_width);
  return rows < 1 ? 1 : rows < p->height ? rows : p->height;
}
// Shifts read up to a kernel's width before a strip, and whole vectors at its end.
static size_t strip_stride(const ck_planes *p) {
  return rounded(p->kernel_width) + rounded(strip_rows(p) * p->out_width + 2 * p->kernel_width) + WIDTH;
}
static size_t strips_count(const ck_planes *p) { return CHANNELS * p->kernel_width * strip_stride(p); }

// Ones where column x + lane of the input gets something from the shift n, for every vector of a row.
static size_t row_vectors(const ck_planes *p) { return rounded(p->width) / WIDTH; }
static size_t masks_count(const ck_planes *p) { return p->kernel_width * row_vectors(p) * WIDTH; }

static void make_masks(uint32_t *masks, const ck_planes *p) {
  const size_t columns = row_vectors(p) * WIDTH;
  for (size_t n = 0; n < p->kernel_width; ++n)
    for (size_t x = 0; x < columns; ++x)
      masks[n * columns + x] = x + p->pad_left >= n && x + p->pad_left - n < p->out_width ? UINT32_MAX : 0;
}

size_t ck_planes_input_gradient_scratch(const ck_planes *p) {
  return d_count(p) + masks_count(p) + strips_count(p);
}

// One vector of the strips of `count` shifts of `channels` channels. `at` is where it lies in d for the last kernel row;
// what lies between the rows of zeros is from `begin` to `end`.
INLINE void strip_vector(const ck_planes *p, float *strips, const float *d, const float *weights, size_t at,
                         size_t begin, size_t end, size_t channels, size_t count) {
  const size_t kernel = p->kernel_height * p->kernel_width, taps = p->in_channels * kernel;
  const size_t plane = d_plane(p), stride = strip_stride(p);
  lanes sums[CHANNELS][5];
  UNROLLED for (size_t c = 0; c < channels; ++c)
    UNROLLED for (size_t n = 0; n < count; ++n) sums[c][n] = (lanes){0};
  for (size_t m = 0; m < p->kernel_height; ++m) {
    const size_t place = at + (p->kernel_height - 1 - m) * p->out_width;
    if (place + WIDTH <= begin || place >= end) continue;
    const float *from = d + place, *tap = weights + m * p->kernel_width;
    for (size_t o = 0; o < p->out_channels; ++o, from += plane, tap += taps) {
      const lanes gradient = LOAD(from);
      UNROLLED for (size_t c = 0; c < channels; ++c)
        UNROLLED for (size_t n = 0; n < count; ++n) sums[c][n] += tap[c * kernel + n] * gradient;
    }
  }
  UNROLLED for (size_t c = 0; c < channels; ++c)
    UNROLLED for (size_t n = 0; n < count; ++n) STORE(strips + (c * p->kernel_width + n) * stride, sums[c][n]);
}

// Rows first ..< last of `channels` channels.
INLINE void input_gradient_rows(const ck_planes *p, float *dx, float *strips, const uint32_t *masks, const float *d,
                                const float *weights, size_t first, size_t last, size_t channels, const bool is_wide) {
  const size_t stride = strip_stride(p), lead = rounded(p->kernel_width), positions = (last - first) * p->out_width;
  const size_t begin = (p->kernel_height - 1) * p->out_width, end = begin + p->out_height * p->out_width;
  const size_t start = (first + p->pad_top) * p->out_width;
  size_t n = 0;
#define SHIFTS(count)                                                                                            \
  for (; n + count <= p->kernel_width; n += count)                                                               \
    for (size_t at = 0; at < positions; at += WIDTH)                                                             \
      strip_vector(p, strips + n * stride + lead + at, d, weights + n, start + at, begin, end, channels, count);
  if (is_wide || channels == 1) SHIFTS(5)
  if (is_wide || channels <= 2) SHIFTS(3)
  SHIFTS(1)
#undef SHIFTS
  typedef uint32_t bits __attribute__((vector_size(64), aligned(4), may_alias));
  const size_t plane = p->height * p->width;
  for (size_t c = 0; c < channels; ++c)
    for (size_t row = first; row < last; ++row) {
      const float *strip = strips + c * p->kernel_width * stride + lead + (row - first) * p->out_width + p->pad_left;
      for (size_t x = 0; x < p->width; x += WIDTH) {
        lanes sum = {0};
        for (size_t n = 0; n < p->kernel_width; ++n)
          sum += (lanes)(*(const bits *)(strip + n * stride + x - n) &
                         *(const bits *)(masks + n * row_vectors(p) * WIDTH + x));
        float *to = dx + c * plane + row * p->width + x;
        const size_t left = plane - row * p->width - x;
        // What hangs over is overwritten by the next row.
        STORE_PART(to, sum, left);
      }
    }
}

VECTORISED(static, void, input_gradient_picture, (const ck_planes *p, float *dx, float *strips, const uint32_t *masks,
           const float *d, const float *weights), (p, dx, strips, masks, d, weights)) {
  const size_t kernel = p->kernel_height * p->kernel_width, plane = p->height * p->width, rows = strip_rows(p);
  for (size_t first = 0; first < p->height; first += rows) {
    const size_t last = first + rows < p->height ? first + rows : p->height;
    size_t c = 0;
#define BLOCK(count)                                                                                             \
  for (; c + count <= p->in_channels; c += count)                                                                \
  input_gradient_rows(p, dx + c * plane, strips, masks, d, weights + c * kernel, first, last, count, is_wide)
    BLOCK(6);
    BLOCK(4);
    BLOCK(2);
    BLOCK(1);
#undef BLOCK
  }
}

typedef struct {
  const ck_planes *p;
  float *dx;
  const float *d, *weights;
  float *scratch;
  int tasks;
} input_gradient_work;

static void input_gradient_share(void *context, int task) {
  const input_gradient_work *work = context;
  const ck_planes *p = work->p;
  float *d = work->scratch + (size_t)task * ck_planes_input_gradient_scratch(p);
  uint32_t *masks = (uint32_t *)(d + d_count(p));
  float *strips = d + d_count(p) + masks_count(p);
  memset(d, 0, ck_planes_input_gradient_scratch(p) * sizeof *d);
  make_masks(masks, p);
  const size_t plane = p->out_height * p->out_width, begin = (p->kernel_height - 1) * p->out_width;
  const size_t first = first_picture(p, task, work->tasks), last = first_picture(p, task + 1, work->tasks);
  for (size_t picture = first; picture < last; ++picture) {
    for (size_t o = 0; o < p->out_channels; ++o)
      memcpy(d + o * d_plane(p) + begin, work->d + (picture * p->out_channels + o) * plane, plane * sizeof *d);
    input_gradient_picture(p, work->dx + picture * p->in_channels * p->height * p->width, strips, masks, d,
                           work->weights);
  }
}

void ck_planes_input_gradient(const ck_planes *p, float *dx, const float *d, const float *weights, float *scratch,
                              int tasks) {
  require_planes(p, false);
  input_gradient_work work = {p, dx, d, weights, scratch, tasks};
  ck_parallel(tasks, input_gradient_share, &work);
}

// MARK: Weight gradient

//     g[o][c][m][n] += sum over p of d[o][p] * shifted[n][c][p + m * out_width]
//
// with the copies of the picture that planes.h describes.

// The gradients of `block` output channels by `count` neighbouring taps of one kernel row, added to `sums`: of each vector all
// lanes, or half of them. `d` has `vectors` vectors a channel.
#define GRADIENT_BLOCK(name, vector)                                                                                      \
  INLINE void name(const ck_planes *p, const float *x, const float *d, size_t d_stride, size_t vectors, float *sums,       \
                   size_t sums_stride, size_t block, size_t count) {                                                       \
    const size_t stride = ck_shifted_stride(p);                                                                            \
    vector totals[4][5];                                                                                                   \
    UNROLLED for (size_t o = 0; o < block; ++o)                                                                            \
      UNROLLED for (size_t n = 0; n < count; ++n) totals[o][n] = *(vector *)(sums + (o * sums_stride + n) * WIDTH);        \
    for (size_t at = 0; at < vectors * WIDTH; at += WIDTH) {                                                               \
      vector gradients[4];                                                                                                 \
      UNROLLED for (size_t o = 0; o < block; ++o) gradients[o] = *(const vector *)(d + o * d_stride + at);                 \
      UNROLLED for (size_t n = 0; n < count; ++n) {                                                                        \
        const vector value = *(const vector *)(x + n * stride + at);                                                       \
        UNROLLED for (size_t o = 0; o < block; ++o) totals[o][n] += gradients[o] * value;                                  \
      }                                                                                                                    \
    }                                                                                                                      \
    UNROLLED for (size_t o = 0; o < block; ++o)                                                                            \
      UNROLLED for (size_t n = 0; n < count; ++n) *(vector *)(sums + (o * sums_stride + n) * WIDTH) = totals[o][n];        \
  }
GRADIENT_BLOCK(gradient_block, lanes)
GRADIENT_BLOCK(half_gradient_block, half)
#undef GRADIENT_BLOCK

// Adds what a part of a band of a picture gives: vectors of sums of each weight, then of each bias.
VECTORISED(static, void, gradient_band, (const ck_planes *p, const float *shifted, const float *d, size_t d_stride,
           size_t vectors, float *all_sums), (p, shifted, d, d_stride, vectors, all_sums)) {
  const size_t taps = p->in_channels * p->kernel_height * p->kernel_width;
  const size_t plane = (ck_band_height(p) + p->kernel_height - 1) * p->out_width;
  for (size_t c = 0; c < p->in_channels; ++c)
    for (size_t m = 0; m < p->kernel_height; ++m) {
      const float *x = shifted + c * plane + m * p->out_width;
      float *row = all_sums + (c * p->kernel_height + m) * p->kernel_width * WIDTH;
      size_t n = 0;
#define BLOCK(add, block, count, at)                                                                               \
  for (; o + block <= p->out_channels && (block < 4 || o + 6 != p->out_channels); o += block)                      \
  add(p, x + n * ck_shifted_stride(p) + at, d + o * d_stride + at, d_stride, vectors, row + (o * taps + n) * WIDTH + at, taps, \
      block, count)
#define WIDE_ROW(count)                                    \
  for (; n + count <= p->kernel_width; n += count) {       \
    size_t o = 0;                                          \
    BLOCK(gradient_block, 4, count, 0);                    \
    BLOCK(gradient_block, 3, count, 0);                    \
    BLOCK(gradient_block, 2, count, 0);                    \
    BLOCK(gradient_block, 1, count, 0);                    \
  }
#define NARROW_ROW(count, block)                           \
  for (; n + count <= p->kernel_width; n += count)         \
    for (size_t at = 0; at < WIDTH; at += WIDTH / 2) {     \
      size_t o = 0;                                        \
      BLOCK(half_gradient_block, block, count, at);        \
      BLOCK(half_gradient_block, 1, count, at);            \
    }
      if (is_wide) {
        WIDE_ROW(5) WIDE_ROW(3) WIDE_ROW(1)
      } else {
        NARROW_ROW(5, 2) NARROW_ROW(3, 3) NARROW_ROW(1, 4)
      }
#undef NARROW_ROW
#undef WIDE_ROW
#undef BLOCK
    }
  lanes *sums = (lanes *)all_sums;
  lanes *bias = sums + p->out_channels * taps;
  for (size_t o = 0; o < p->out_channels; ++o) {
    lanes total = bias[o];
    for (size_t at = 0; at < vectors * WIDTH; at += WIDTH) total += LOAD(d + o * d_stride + at);
    bias[o] = total;
  }
}

typedef struct {
  const ck_planes *p;
  const float *x, *d;
  float *scratch;
  int tasks;
} gradient_work;

// Of one task: the vectors of sums in double and in single precision, the copies of the picture, and a band of d in whole
// vectors, where it is not so.
static size_t sums_count(const ck_planes *p) {
  return p->out_channels * (p->in_channels * p->kernel_height * p->kernel_width + 1) * WIDTH;
}

size_t ck_planes_gradient_scratch(const ck_planes *p) {
  return 3 * sums_count(p) + rounded(ck_shifted_count(p)) + p->out_channels * rounded(ck_band_height(p) * p->out_width);
}

static void gradient_share(void *context, int task) {
  const gradient_work *work = context;
  const ck_planes *p = work->p;
  double *totals = (double *)(work->scratch + (size_t)task * ck_planes_gradient_scratch(p));
  float *sums = (float *)(totals + sums_count(p));
  float *shifted = sums + sums_count(p), *aligned = shifted + rounded(ck_shifted_count(p));
  memset(totals, 0, ck_planes_gradient_scratch(p) * sizeof *sums);
  size_t terms = 0;  // of each lane since the last flush
  const size_t plane = p->out_height * p->out_width, band = ck_band_height(p);
  const size_t first = first_picture(p, task, work->tasks), last = first_picture(p, task + 1, work->tasks);
  for (size_t picture = first; picture < last; ++picture)
    for (size_t i = 0; i < p->out_height; i += band) {
      const size_t end = i + band < p->out_height ? i + band : p->out_height;
      const size_t positions = (end - i) * p->out_width, vectors = rounded(positions) / WIDTH;
      const float *d = work->d + picture * p->out_channels * plane + i * p->out_width;
      ck_shift_picture(shifted, work->x + picture * p->in_channels * p->height * p->width, p, i, end);
      size_t stride = plane;
      if (positions % WIDTH) {
        stride = vectors * WIDTH;
        for (size_t o = 0; o < p->out_channels; ++o) {
          float *to = aligned + o * stride;
          memset(to + stride - WIDTH, 0, WIDTH * sizeof *to);
          memcpy(to, d + o * plane, positions * sizeof *to);
        }
        d = aligned;
      }
      for (size_t at = 0; at < vectors;) {
        const size_t count = vectors - at < MOST_TERMS ? vectors - at : MOST_TERMS;
        if (terms + count > MOST_TERMS) {
          ck_flush_sums(totals, sums, sums_count(p));
          terms = 0;
        }
        gradient_band(p, shifted + at * WIDTH, d + at * WIDTH, stride, count, sums);
        terms += count;
        at += count;
      }
    }
  ck_flush_sums(totals, sums, sums_count(p));
}

void ck_planes_gradient(const ck_planes *p, float *weight_gradient, float *bias_gradient, const float *x,
                        const float *d, float *scratch, int tasks) {
  require_planes(p, false);
  gradient_work work = {p, x, d, scratch, tasks};
  ck_parallel(tasks, gradient_share, &work);
  const size_t all = sums_count(p) / WIDTH, weights = all - p->out_channels, stride = ck_planes_gradient_scratch(p);
  for (size_t i = 0; i < (bias_gradient ? all : weights); ++i) {
    double total = 0;
    for (int task = 0; task < tasks; ++task) {
      const double *totals = (const double *)(scratch + (size_t)task * stride) + i * WIDTH;
      for (int lane = 0; lane < WIDTH; ++lane) total += totals[lane];
    }
    *(i < weights ? weight_gradient + i : bias_gradient + (i - weights)) = (float)total;
  }
}
