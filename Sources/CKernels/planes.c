// Convolutions of few channels on pictures in plain order, [batch, channels, height, width].
//
// A library that works on blocks of 16 channels wastes most of a vector where there are 1, 3 or 6 of them. Here a vector
// holds 16 neighbours of a row instead, and every weight is broadcast:
//
//     forward          y[o][i][j..] += w[o][c][m][n] * x[c][i + m][j + n..]
//     weight gradient  g[o][c][m][n] += sum over i, j of d[o][i][j..] * x[c][i + m][j + n..]
//
// Pictures are copied into scratch memory with their padding first, so that the loops know no borders.
#include "lanes.h"
#include "vector.h"

#include <string.h>

static size_t aligned_gradient_count(const ck_planes *p) {
  return p->out_channels * p->out_height * rounded(p->out_width);
}

void pad_picture(float *padded, const float *picture, const ck_planes *p) {
  const size_t height = padded_height(p), width = padded_width(p);
  memset(padded, 0, padded_count(p) * sizeof *padded);
  for (size_t c = 0; c < p->in_channels; ++c)
    for (size_t i = 0; i < p->height && i + p->pad_top < height; ++i) {
      size_t count = p->width + p->pad_left <= width ? p->width : width - p->pad_left;
      memcpy(padded + (c * height + i + p->pad_top) * width + p->pad_left,
             picture + (c * p->height + i) * p->width, count * sizeof *padded);
    }
}

// A picture's gradient with its rows in whole vectors, zeros behind.
static void align_gradient(float *aligned, const float *d, const ck_planes *p) {
  const size_t rows = p->out_channels * p->out_height, width = rounded(p->out_width);
  for (size_t row = 0; row < rows; ++row)
    memcpy(aligned + row * width, d + row * p->out_width, p->out_width * sizeof *d);
}

// MARK: Forward

// Two vectors of positions (`first` and `second` in the padded picture) of `block` output channels.
INLINE void forward_pair(const ck_planes *p, const float *first, const float *second, const float *weights,
                         const float *bias, size_t block, lanes sums[][2]) {
  const size_t plane = padded_height(p) * padded_width(p), row = padded_width(p);
  const size_t taps = p->in_channels * p->kernel_height * p->kernel_width;
  for (size_t o = 0; o < block; ++o) sums[o][0] = sums[o][1] = (lanes){0} + (bias ? bias[o] : 0);
  for (size_t c = 0; c < p->in_channels; ++c)
    for (size_t m = 0; m < p->kernel_height; ++m) {
      const float *tap = weights + (c * p->kernel_height + m) * p->kernel_width;
      const size_t offset = c * plane + m * row;
      for (size_t n = 0; n < p->kernel_width; ++n) {
        const lanes x0 = LOAD(first + offset + n), x1 = LOAD(second + offset + n);
        for (size_t o = 0; o < block; ++o) {
          const float weight = tap[o * taps + n];
          sums[o][0] += weight * x0;
          sums[o][1] += weight * x1;
        }
      }
    }
}

// All positions of `block` output channels. A row is written in whole vectors: what hangs over is overwritten by the next
// row; the last row is written exactly.
INLINE void forward_block(const ck_planes *p, float *y, const float *padded, const float *weights, const float *bias,
                          size_t block) {
  const size_t row = padded_width(p), plane = p->out_height * p->out_width;
  const size_t vectors = rounded(p->out_width) / WIDTH, positions = vectors * p->out_height;
  lanes sums[8][2];
  for (size_t position = 0; position < positions; position += 2) {
    const size_t next = position + 1 < positions ? position + 1 : position;
    const size_t i0 = position / vectors, j0 = position % vectors * WIDTH;
    const size_t i1 = next / vectors, j1 = next % vectors * WIDTH;
    forward_pair(p, padded + i0 * row + j0, padded + i1 * row + j1, weights, bias, block, sums);
    for (size_t o = 0; o < block; ++o)
      for (int half = 0; half < 2; ++half) {
        const size_t i = half ? i1 : i0, j = half ? j1 : j0;
        float *to = y + o * plane + i * p->out_width + j;
        const size_t left = plane - i * p->out_width - j;
        if (left >= WIDTH)
          STORE(to, sums[o][half]);
        else
          memcpy(to, &sums[o][half], (p->out_width - j) * sizeof *to);
      }
  }
}

VECTORISED static void forward_picture(const ck_planes *p, float *y, const float *padded, const float *weights,
                                       const float *bias) {
  const size_t taps = p->in_channels * p->kernel_height * p->kernel_width;
  const size_t plane = p->out_height * p->out_width;
  size_t o = 0;
#define BLOCK(count)                                                                                            \
  for (; o + count <= p->out_channels; o += count)                                                              \
  forward_block(p, y + o * plane, padded, weights + o * taps, bias ? bias + o : NULL, count)
  BLOCK(8);
  BLOCK(6);
  BLOCK(4);
  BLOCK(2);
  BLOCK(1);
#undef BLOCK
}

typedef struct {
  const ck_planes *p;
  float *y;
  const float *x, *weights, *bias;
  float *scratch;
  int tasks;
} forward_work;

static void forward_share(void *context, int task) {
  const forward_work *work = context;
  const ck_planes *p = work->p;
  float *padded = work->scratch + (size_t)task * ck_planes_forward_scratch(p);
  const size_t first = p->batch * (size_t)task / (size_t)work->tasks;
  const size_t last = p->batch * (size_t)(task + 1) / (size_t)work->tasks;
  for (size_t picture = first; picture < last; ++picture) {
    pad_picture(padded, work->x + picture * p->in_channels * p->height * p->width, p);
    forward_picture(p, work->y + picture * p->out_channels * p->out_height * p->out_width, padded, work->weights,
                    work->bias);
  }
}

size_t ck_planes_forward_scratch(const ck_planes *p) { return padded_count(p); }

void ck_planes_forward(const ck_planes *p, float *y, const float *x, const float *weights, const float *bias,
                       float *scratch, int tasks) {
  forward_work work = {p, y, x, weights, bias, scratch, tasks};
  ck_parallel(tasks, forward_share, &work);
}

// MARK: Input gradient

// Every output row gives to kernel_height input rows, and within a row to kernel_width shifts. The sums for each shift are
// kept apart, in strips of whole vectors, and the shifts are added at the end:
//
//     strip[n][j..] = sum over o, m of w[o][c][m][n] * d[o][r + pad_top - m][j..]
//     dx[c][r][x..] = sum over n of strip[n][x + pad_left - n..]
enum { STRIP_CHANNELS = 2 };

static size_t strip_width(const ck_planes *p) {
  // Zeros before and after, for the shifts and for the last vector.
  return 2 * p->kernel_width + rounded(p->out_width) + 2 * WIDTH;
}
static size_t strips_count(const ck_planes *p) {
  return rounded(p->height * STRIP_CHANNELS * p->kernel_width * strip_width(p));
}

size_t ck_planes_input_gradient_scratch(const ck_planes *p) {
  return strips_count(p) + rounded(aligned_gradient_count(p));
}

// The strips of `count` shifts of `channels` channels in one input row.
INLINE void strips_of_row(const ck_planes *p, float *strips, const float *d, const float *weights, size_t row,
                          size_t channels, size_t count) {
  const size_t d_row = rounded(p->out_width), d_plane = p->out_height * d_row;
  const size_t kernel = p->kernel_height * p->kernel_width, taps = p->in_channels * kernel;
  const size_t bottom = row + p->pad_top;
  for (size_t j = 0; j < d_row; j += WIDTH) {
    lanes sums[STRIP_CHANNELS][5];
    for (size_t c = 0; c < channels; ++c)
      for (size_t n = 0; n < count; ++n) sums[c][n] = (lanes){0};
    for (size_t m = 0; m < p->kernel_height; ++m) {
      if (bottom < m || bottom - m >= p->out_height) continue;
      const float *from = d + (bottom - m) * d_row + j, *tap = weights + m * p->kernel_width;
      for (size_t o = 0; o < p->out_channels; ++o) {
        const lanes gradient = LOAD(from + o * d_plane);
        for (size_t c = 0; c < channels; ++c)
          for (size_t n = 0; n < count; ++n) sums[c][n] += tap[o * taps + c * kernel + n] * gradient;
      }
    }
    for (size_t c = 0; c < channels; ++c)
      for (size_t n = 0; n < count; ++n)
        STORE(strips + (c * p->kernel_width + n) * strip_width(p) + p->kernel_width + j, sums[c][n]);
  }
}

INLINE void input_gradient_channels(const ck_planes *p, float *dx, float *strips, const float *d,
                                    const float *weights, size_t channels) {
  const size_t width = strip_width(p), row_strips = STRIP_CHANNELS * p->kernel_width * width;
  for (size_t row = 0; row < p->height; ++row) {
    size_t n = 0;
#define SHIFTS(count)                                                                                           \
  for (; n + count <= p->kernel_width; n += count)                                                              \
  strips_of_row(p, strips + row * row_strips + n * width, d, weights + n, row, channels, count)
    SHIFTS(5);
    SHIFTS(3);
    SHIFTS(1);
#undef SHIFTS
  }
  for (size_t c = 0; c < channels; ++c)
    for (size_t row = 0; row < p->height; ++row) {
      const float *strip = strips + row * row_strips + c * p->kernel_width * width + p->kernel_width + p->pad_left;
      float *to = dx + (c * p->height + row) * p->width;
      for (size_t x = 0; x < p->width; x += WIDTH) {
        lanes sum = {0};
        for (size_t n = 0; n < p->kernel_width; ++n) sum += LOAD(strip + n * width + x - n);
        if (x + WIDTH <= p->width)
          STORE(to + x, sum);
        else
          memcpy(to + x, &sum, (p->width - x) * sizeof *to);
      }
    }
}

VECTORISED static void input_gradient_picture(const ck_planes *p, float *dx, float *strips, const float *d,
                                              const float *weights) {
  const size_t kernel = p->kernel_height * p->kernel_width, plane = p->height * p->width;
  size_t c = 0;
  for (; c + STRIP_CHANNELS <= p->in_channels; c += STRIP_CHANNELS)
    input_gradient_channels(p, dx + c * plane, strips, d, weights + c * kernel, STRIP_CHANNELS);
  for (; c < p->in_channels; ++c) input_gradient_channels(p, dx + c * plane, strips, d, weights + c * kernel, 1);
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
  float *strips = work->scratch + (size_t)task * ck_planes_input_gradient_scratch(p), *d = strips + strips_count(p);
  memset(strips, 0, ck_planes_input_gradient_scratch(p) * sizeof *strips);
  const size_t first = p->batch * (size_t)task / (size_t)work->tasks;
  const size_t last = p->batch * (size_t)(task + 1) / (size_t)work->tasks;
  for (size_t picture = first; picture < last; ++picture) {
    align_gradient(d, work->d + picture * p->out_channels * p->out_height * p->out_width, p);
    input_gradient_picture(p, work->dx + picture * p->in_channels * p->height * p->width, strips, d, work->weights);
  }
}

void ck_planes_input_gradient(const ck_planes *p, float *dx, const float *d, const float *weights, float *scratch,
                              int tasks) {
  input_gradient_work work = {p, dx, d, weights, scratch, tasks};
  ck_parallel(tasks, input_gradient_share, &work);
}

// MARK: Weight gradient

// The gradients of `block` output channels by `count` neighbouring taps of one kernel row, added to `sums`.
INLINE void gradient_block(const ck_planes *p, const float *x, const float *d, lanes *sums, size_t sums_stride,
                           size_t block, size_t count) {
  const size_t row = padded_width(p), d_row = rounded(p->out_width), d_plane = p->out_height * d_row;
  lanes totals[4][5];
  for (size_t o = 0; o < block; ++o)
    for (size_t n = 0; n < count; ++n) totals[o][n] = sums[o * sums_stride + n];
  for (size_t i = 0; i < p->out_height; ++i)
    for (size_t j = 0; j < d_row; j += WIDTH) {
      lanes gradients[4];
      for (size_t o = 0; o < block; ++o) gradients[o] = LOAD(d + o * d_plane + i * d_row + j);
      for (size_t n = 0; n < count; ++n) {
        const lanes value = LOAD(x + i * row + j + n);
        for (size_t o = 0; o < block; ++o) totals[o][n] += gradients[o] * value;
      }
    }
  for (size_t o = 0; o < block; ++o)
    for (size_t n = 0; n < count; ++n) sums[o * sums_stride + n] = totals[o][n];
}

VECTORISED static void gradient_picture(const ck_planes *p, const float *padded, const float *d, lanes *sums) {
  const size_t taps = p->in_channels * p->kernel_height * p->kernel_width;
  const size_t d_plane = p->out_height * rounded(p->out_width);
  for (size_t c = 0; c < p->in_channels; ++c)
    for (size_t m = 0; m < p->kernel_height; ++m) {
      const float *x = padded + (c * padded_height(p) + m) * padded_width(p);
      const size_t first_tap = (c * p->kernel_height + m) * p->kernel_width;
      size_t n = 0;
#define BLOCK(block, count)                                                                                    \
  for (; o + block <= p->out_channels; o += block)                                                             \
  gradient_block(p, x + n, d + o * d_plane, sums + o * taps + first_tap + n, taps, block, count)
#define ROW(count)                                         \
  for (; n + count <= p->kernel_width; n += count) {       \
    size_t o = 0;                                          \
    BLOCK(4, count);                                       \
    BLOCK(2, count);                                       \
    BLOCK(1, count);                                       \
  }
      ROW(5) ROW(3) ROW(1)
#undef ROW
#undef BLOCK
    }
}

VECTORISED static void gradient_sums(float *sums, const float *d, size_t planes, size_t plane) {
  for (size_t o = 0; o < planes; ++o) {
    lanes total = {0};
    for (size_t i = 0; i < plane; i += WIDTH) total += LOAD(d + o * plane + i);
    for (int lane = 0; lane < WIDTH; ++lane) sums[o] += total[lane];
  }
}

typedef struct {
  const ck_planes *p;
  const float *x, *d;
  float *scratch;
  int tasks;
} gradient_work;

// Of one task: the vector sums, the bias sums, the padded picture, the gradient in whole vectors.
static size_t sums_count(const ck_planes *p) {
  return p->out_channels * p->in_channels * p->kernel_height * p->kernel_width * WIDTH;
}

size_t ck_planes_gradient_scratch(const ck_planes *p) {
  return sums_count(p) + rounded(p->out_channels) + padded_count(p) + aligned_gradient_count(p);
}

static void gradient_share(void *context, int task) {
  const gradient_work *work = context;
  const ck_planes *p = work->p;
  float *sums = work->scratch + (size_t)task * ck_planes_gradient_scratch(p);
  float *bias = sums + sums_count(p), *padded = bias + rounded(p->out_channels);
  float *d = padded + padded_count(p);
  const size_t d_row = rounded(p->out_width);
  memset(sums, 0, (sums_count(p) + rounded(p->out_channels)) * sizeof *sums);
  memset(d, 0, aligned_gradient_count(p) * sizeof *d);
  const size_t first = p->batch * (size_t)task / (size_t)work->tasks;
  const size_t last = p->batch * (size_t)(task + 1) / (size_t)work->tasks;
  for (size_t picture = first; picture < last; ++picture) {
    pad_picture(padded, work->x + picture * p->in_channels * p->height * p->width, p);
    align_gradient(d, work->d + picture * p->out_channels * p->out_height * p->out_width, p);
    gradient_picture(p, padded, d, (lanes *)sums);
    gradient_sums(bias, d, p->out_channels, p->out_height * d_row);
  }
}

void ck_planes_gradient(const ck_planes *p, float *weight_gradient, float *bias_gradient, const float *x,
                        const float *d, float *scratch, int tasks) {
  gradient_work work = {p, x, d, scratch, tasks};
  ck_parallel(tasks, gradient_share, &work);
  const size_t weights = sums_count(p) / WIDTH, stride = ck_planes_gradient_scratch(p);
  for (size_t i = 0; i < weights; ++i) {
    float total = 0;
    for (int task = 0; task < tasks; ++task)
      for (int lane = 0; lane < WIDTH; ++lane) total += scratch[(size_t)task * stride + i * WIDTH + (size_t)lane];
    weight_gradient[i] = total;
  }
  for (size_t o = 0; bias_gradient && o < p->out_channels; ++o) {
    bias_gradient[o] = 0;
    for (int task = 0; task < tasks; ++task) bias_gradient[o] += scratch[(size_t)task * stride + sums_count(p) + o];
  }
}

// MARK: Mean pooling of two by two

typedef struct {
  float *to;
  const float *from;
  size_t planes, height, width;  // of the pooled picture
  int tasks;
} pool_work;

VECTORISED static void pool_planes(float *y, const float *x, size_t rows, size_t width) {
  for (size_t row = 0; row < rows; ++row) {
    const float *upper = x + row * 4 * width, *lower = upper + 2 * width;
    float *to = y + row * width;
    for (size_t j = 0; j < width; ++j)
      to[j] = 0.25f * ((upper[2 * j] + upper[2 * j + 1]) + (lower[2 * j] + lower[2 * j + 1]));
  }
}

VECTORISED static void spread_planes(float *dx, const float *dy, size_t rows, size_t width) {
  for (size_t row = 0; row < rows; ++row) {
    float *upper = dx + row * 4 * width;
    const float *from = dy + row * width;
    for (size_t j = 0; j < width; ++j) upper[2 * j] = upper[2 * j + 1] = 0.25f * from[j];
    memcpy(upper + 2 * width, upper, 2 * width * sizeof *upper);
  }
}

static void pool_share(void *context, int task) {
  const pool_work *work = context;
  const size_t first = work->planes * (size_t)task / (size_t)work->tasks;
  const size_t last = work->planes * (size_t)(task + 1) / (size_t)work->tasks;
  const size_t plane = work->height * work->width;
  pool_planes(work->to + first * plane, work->from + first * plane * 4, (last - first) * work->height, work->width);
}

static void spread_share(void *context, int task) {
  const pool_work *work = context;
  const size_t first = work->planes * (size_t)task / (size_t)work->tasks;
  const size_t last = work->planes * (size_t)(task + 1) / (size_t)work->tasks;
  const size_t plane = work->height * work->width;
  spread_planes(work->to + first * plane * 4, work->from + first * plane, (last - first) * work->height, work->width);
}

void ck_planes_mean_pool(float *y, const float *x, size_t planes, size_t height, size_t width, int tasks) {
  pool_work work = {y, x, planes, height, width, tasks};
  ck_parallel(tasks, pool_share, &work);
}

void ck_planes_mean_pool_gradient(float *dx, const float *dy, size_t planes, size_t height, size_t width, int tasks) {
  pool_work work = {dx, dy, planes, height, width, tasks};
  ck_parallel(tasks, spread_share, &work);
}
