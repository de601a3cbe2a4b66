// The forward pass of channel_lanes.c for kernels of five columns, by Winograd's algorithm along the rows: two neighbouring
// positions take six multiplications for each row of the kernel instead of ten (Lavin and Gray, 2016, in one dimension, at
// the points 0, 1, -1, 2, -2 and infinity).
//
//     y[i][2j .. 2j + 1][..] = A^T sum over c, m of (G w[c][m][..])[k][..] * (B^T x[c][i + m][2j .. 2j + 5])[k]
//
// One dimension only: the transforms of a picture stay small beside its products, and so does the error, some units in the
// last place more than that of the sum as it is written.
#include "activations.h"
#include "channel_lanes.h"
#include "vector.h"

// The numbers of a row of the kernel, of the points, and the pairs of positions in half a vector.
enum { COLUMNS = 5, POINTS = 6, HALF = WIDTH / 2 };

bool ck_lanes_winograd_is_possible(const ck_planes *p) { return p->kernel_width == COLUMNS && p->out_width % 2 == 0; }

size_t ck_lanes_winograd_multiply_adds(const ck_planes *p) {
  return p->batch * p->out_channels * p->out_height * (p->out_width / 2) * p->in_channels * p->kernel_height * POINTS;
}

// MARK: Transforms

static size_t kernel_rows(const ck_planes *p) { return p->in_channels * p->kernel_height; }

// Of the weights, [channel][row][point][lane].
VECTORISED(static, void, transform_weights, (float *to, const float *weights, const ck_planes *p), (to, weights, p)) {
  const size_t rows = kernel_rows(p);
  for (size_t row = 0; row < rows; ++row, to += POINTS * WIDTH) {
    float by_lane[COLUMNS][WIDTH];
    for (size_t o = 0; o < WIDTH; ++o)
      for (size_t n = 0; n < COLUMNS; ++n) by_lane[n][o] = weights[(o * rows + row) * COLUMNS + n];
    lanes g[COLUMNS];
    UNROLLED for (size_t n = 0; n < COLUMNS; ++n) g[n] = LOAD(by_lane[n]);
    const lanes even = g[0] + g[2] + g[4], odd = g[1] + g[3];
    const lanes even_at_two = g[0] + 4 * g[2] + 16 * g[4], odd_at_two = 2 * g[1] + 8 * g[3];
    STORE(to, g[0] * (1 / 4.0f));
    STORE(to + WIDTH, (even + odd) * (-1 / 6.0f));
    STORE(to + 2 * WIDTH, (even - odd) * (-1 / 6.0f));
    STORE(to + 3 * WIDTH, (even_at_two + odd_at_two) * (1 / 24.0f));
    STORE(to + 4 * WIDTH, (even_at_two - odd_at_two) * (1 / 24.0f));
    STORE(to + 5 * WIDTH, g[4]);
  }
}

// Of a row, [point][pair], in whole half vectors.
static size_t pairs_stride(const ck_planes *p) { return (p->out_width / 2 + HALF - 1) / HALF * HALF; }

VECTORISED(static, void, transform_rows, (float *to, const float *padded, const ck_planes *p), (to, padded, p)) {
  const size_t stride = pairs_stride(p), rows = p->in_channels * padded_height(p), width = padded_width(p);
  for (size_t row = 0; row < rows; ++row, to += POINTS * stride)
    for (size_t j = 0; j < stride; j += HALF) {
      const float *x = padded + row * width + 2 * j;
      half d[POINTS];
      UNROLLED for (size_t n = 0; n < POINTS; n += 2) {
        const lanes both = LOAD(x + n);
        d[n] = __builtin_shufflevector(both, both, 0, 2, 4, 6, 8, 10, 12, 14);
        d[n + 1] = __builtin_shufflevector(both, both, 1, 3, 5, 7, 9, 11, 13, 15);
      }
      const half even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
      const half even_at_two = d[4] - d[2], odd_at_two = 2 * (d[3] - d[1]);
      float *v = to + j;
#define STORE_HALF(point, value) (*(half *)(v + (point) * stride) = (value))
      STORE_HALF(0, 4 * d[0] - 5 * d[2] + d[4]);
      STORE_HALF(1, even + odd);
      STORE_HALF(2, even - odd);
      STORE_HALF(3, even_at_two + odd_at_two);
      STORE_HALF(4, even_at_two - odd_at_two);
      STORE_HALF(5, 4 * d[1] - 5 * d[3] + d[5]);
#undef STORE_HALF
    }
}

// MARK: Products

// `count` pairs of positions of a row, from the transformed rows that begin at `v`; so many points at once, whose sums stay in
// registers.
INLINE void product_tile(const ck_planes *p, float *y, const float *v, const lanes *weights, const lanes *bias,
                         size_t count, size_t points) {
  const size_t stride = pairs_stride(p), plane = padded_height(p) * POINTS * stride;
  lanes sums[POINTS][5];
  UNROLLED for (size_t first = 0; first < POINTS; first += points) {
    UNROLLED for (size_t k = first; k < first + points; ++k)
      UNROLLED for (size_t j = 0; j < count; ++j) sums[k][j] = (lanes){0};
    const lanes *factors = weights;
    for (size_t c = 0; c < p->in_channels; ++c) {
      const float *row = v + c * plane;
      for (size_t m = 0; m < p->kernel_height; ++m, row += POINTS * stride, factors += POINTS)
        UNROLLED for (size_t k = first; k < first + points; ++k) {
          const lanes weight = factors[k];
          UNROLLED for (size_t j = 0; j < count; ++j) sums[k][j] += row[k * stride + j] * weight;
        }
    }
  }
  UNROLLED for (size_t j = 0; j < count; ++j) {
    const lanes *s = &sums[0][j];
    const lanes m1 = sums[1][j], m2 = sums[2][j], m3 = sums[3][j], m4 = sums[4][j];
    STORE(y + 2 * j * WIDTH, *bias + *s + (m1 + m2) + (m3 + m4));
    STORE(y + (2 * j + 1) * WIDTH, *bias + (m1 - m2) + 2 * (m3 - m4) + sums[5][j]);
  }
}

VECTORISED(static, void, products, (const ck_planes *p, float *y, const float *rows, const float *weights, const float *bias),
           (p, y, rows, weights, bias)) {
  const size_t pairs = p->out_width / 2, row = POINTS * pairs_stride(p);
  for (size_t i = 0; i < p->out_height; ++i, y += p->out_width * WIDTH) {
    size_t j = 0;
#define TILE(count, points)                 \
  for (; j + count <= pairs; j += count)    \
  product_tile(p, y + 2 * j * WIDTH, rows + i * row + j, (const lanes *)weights, (const lanes *)bias, count, points)
    if (is_wide) {
      TILE(5, POINTS);
      TILE(4, POINTS);
      TILE(2, POINTS);
    } else {
      TILE(3, 2);
      TILE(2, 3);
    }
    TILE(1, POINTS);
#undef TILE
  }
}

// MARK: Forward

static size_t rows_count(const ck_planes *p) {
  return rounded(p->in_channels * padded_height(p) * POINTS * pairs_stride(p));
}

// Of one task: the bias, the transformed weights and rows, and a picture with its padding.
size_t ck_lanes_winograd_forward_scratch(const ck_planes *p) {
  return WIDTH + kernel_rows(p) * POINTS * WIDTH + rows_count(p) + padded_count(p);
}

VECTORISED(static, void, prepare_picture, (float *rows, float *padded, const float *picture, const ck_planes *p),
           (rows, padded, picture, p)) {
  pad_picture(padded, picture, p);
  transform_rows(rows, padded, p);
}

static void forward_share(void *context, int task) {
  const forward_work *work = context;
  const ck_planes *p = work->p;
  const size_t first = first_picture(p, task, work->tasks), last = first_picture(p, task + 1, work->tasks);
  if (first == last) return;  // before it prepares weights for nothing
  float *bias = work->scratch + (size_t)task * ck_lanes_winograd_forward_scratch(p), *weights = bias + WIDTH;
  float *rows = weights + kernel_rows(p) * POINTS * WIDTH, *padded = rows + rows_count(p);
  for (size_t o = 0; o < WIDTH; ++o) bias[o] = work->bias ? work->bias[o] : 0;
  transform_weights(weights, work->weights, p);
  memset(padded, 0, padded_count(p) * sizeof *padded);
  const size_t result = p->out_height * p->out_width * WIDTH;
  for (size_t picture = first; picture < last; ++picture) {
    prepare_picture(rows, padded, work->x + picture * p->in_channels * p->height * p->width, p);
    products(p, work->y + picture * result, rows, weights, bias);
    ck_activate(work->y + picture * result, result, work->activation);
  }
}

void ck_lanes_winograd_forward(const ck_planes *p, float *y, const float *x, const float *weights, const float *bias,
                               ck_activation activation, float *scratch, int tasks) {
  REQUIRE(ck_lanes_winograd_is_possible(p));
  forward_work work = {p, y, x, weights, bias, activation, scratch, tasks};
  ck_parallel(tasks, forward_share, &work);
}
