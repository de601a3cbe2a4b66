// Convolutions from few channels to 16, whose vectors hold the 16 output channels of one position. Pictures go in in plain
// order and come out with the channels innermost, [batch, height, width, channels]:
//
//     forward          y[i][j][..] += w[c][m][n][..] * x[c][i + m][j + n]
//     weight gradient  g[c][m][n][..] += d[i][j][..] * x[c][i + m][j + n]
//
// Better than vectors of neighbours (planes.c) where rows are short: all lanes work whatever the width.
#include "channel_lanes.h"
#include "activations.h"
#include "long_sums.h"
#include "vector.h"

// MARK: Forward

// `columns` positions of two rows, whose inputs begin at `first` and `second`.
INLINE void forward_tile(const ck_planes *p, const float *first, const float *second, const lanes *weights,
                         const lanes *bias, float *to0, float *to1, size_t columns) {
  const size_t plane = padded_height(p) * padded_width(p), row = padded_width(p);
  lanes sums[2][10];
  UNROLLED for (size_t j = 0; j < columns; ++j) sums[0][j] = sums[1][j] = *bias;
  for (size_t c = 0; c < p->in_channels; ++c)
    for (size_t m = 0; m < p->kernel_height; ++m) {
      const float *x0 = first + c * plane + m * row, *x1 = second + c * plane + m * row;
      for (size_t n = 0; n < p->kernel_width; ++n) {
        const lanes weight = *weights++;
        UNROLLED for (size_t j = 0; j < columns; ++j) {
          sums[0][j] += x0[n + j] * weight;
          sums[1][j] += x1[n + j] * weight;
        }
      }
    }
  UNROLLED for (size_t j = 0; j < columns; ++j) {
    STORE(to0 + j * WIDTH, sums[0][j]);
    STORE(to1 + j * WIDTH, sums[1][j]);
  }
}

VECTORISED(static, void, forward_picture, (const ck_planes *p, float *y, const float *padded, const float *weights,
           const float *bias), (p, y, padded, weights, bias)) {
  const size_t row = padded_width(p), y_row = p->out_width * WIDTH;
  for (size_t i = 0; i < p->out_height; i += 2) {
    const size_t next = i + 1 < p->out_height ? i + 1 : i;
    const float *x0 = padded + i * row, *x1 = padded + next * row;
    float *to0 = y + i * y_row, *to1 = y + next * y_row;
    size_t j = 0;
#define TILE(columns)                                                                                              \
  for (; j + columns <= p->out_width; j += columns)                                                                \
  forward_tile(p, x0 + j, x1 + j, (const lanes *)weights, (const lanes *)bias, to0 + j * WIDTH, to1 + j * WIDTH,   \
               columns)
    if (is_wide) {
      TILE(10);
      TILE(8);
      TILE(4);
    } else {
      TILE(3);
      TILE(2);
    }
    TILE(1);
#undef TILE
  }
}

size_t ck_lanes_forward_scratch(const ck_planes *p) { return padded_count(p) + (tap_count(p) + 1) * WIDTH; }

VECTORISED(static, void, pad, (float *padded, const float *picture, const ck_planes *p), (padded, picture, p)) {
  pad_picture(padded, picture, p);
}

static void forward_share(void *context, int task) {
  const forward_work *work = context;
  const ck_planes *p = work->p;
  const size_t first = first_picture(p, task, work->tasks), last = first_picture(p, task + 1, work->tasks);
  if (first == last) return;  // before it prepares weights for nothing
  const size_t taps = tap_count(p);
  float *padded = work->scratch + (size_t)task * ck_lanes_forward_scratch(p);
  float *bias = padded + padded_count(p), *weights = bias + WIDTH;
  for (size_t o = 0; o < WIDTH; ++o) {
    bias[o] = work->bias ? work->bias[o] : 0;
    for (size_t tap = 0; tap < taps; ++tap) weights[tap * WIDTH + o] = work->weights[o * taps + tap];
  }
  const size_t result = p->out_height * p->out_width * WIDTH;
  memset(padded, 0, padded_count(p) * sizeof *padded);
  for (size_t picture = first; picture < last; ++picture) {
    pad(padded, work->x + picture * p->in_channels * p->height * p->width, p);
    forward_picture(p, work->y + picture * result, padded, weights, bias);
    ck_activate(work->y + picture * result, result, work->activation);
  }
}

void ck_lanes_forward(const ck_planes *p, float *y, const float *x, const float *weights, const float *bias,
                      ck_activation activation, float *scratch, int tasks) {
  require_planes(p, true);
  forward_work work = {p, y, x, weights, bias, activation, scratch, tasks};
  ck_parallel(tasks, forward_share, &work);
}

// MARK: Weight gradient

// Positions of a picture: so many rows and columns, from the first on.
typedef struct {
  size_t top, left, rows, columns;
} area;

// `rows` kernel rows by `columns` taps of each, over the positions of an area.
INLINE void gradient_tile(const ck_planes *p, const area *a, const float *x, const float *d, lanes *sums, size_t rows,
                          size_t columns) {
  const size_t row = padded_width(p);
  lanes totals[2][5];
  UNROLLED for (size_t m = 0; m < rows; ++m)
    UNROLLED for (size_t n = 0; n < columns; ++n) totals[m][n] = sums[m * p->kernel_width + n];
  const size_t gap = (p->out_width - a->columns) * WIDTH;
  d += (a->top * p->out_width + a->left) * WIDTH;
  for (size_t i = a->top; i < a->top + a->rows; ++i, d += gap)
    for (size_t j = a->left; j < a->left + a->columns; ++j, d += WIDTH) {
      const lanes gradient = LOAD(d);
      UNROLLED for (size_t m = 0; m < rows; ++m)
        UNROLLED for (size_t n = 0; n < columns; ++n) totals[m][n] += x[(i + m) * row + j + n] * gradient;
    }
  UNROLLED for (size_t m = 0; m < rows; ++m)
    UNROLLED for (size_t n = 0; n < columns; ++n) sums[m * p->kernel_width + n] = totals[m][n];
}

VECTORISED(static, void, gradient_area, (const ck_planes *p, const area *a, const float *padded, const float *d, float *all_sums),
           (p, a, padded, d, all_sums)) {
  const size_t plane = padded_height(p) * padded_width(p);
  for (size_t c = 0; c < p->in_channels; ++c) {
    lanes *sums = (lanes *)all_sums + c * p->kernel_height * p->kernel_width;
    size_t m = 0;
#define TILE(rows, columns)                                                                                \
  for (; n + columns <= p->kernel_width; n += columns)                                                     \
  gradient_tile(p, a, padded + c * plane + m * padded_width(p) + n, d, sums + m * p->kernel_width + n, rows,   \
                columns)
#define ROWS(rows)                                        \
  for (; m + rows <= p->kernel_height; m += rows) {       \
    size_t n = 0;                                         \
    TILE(rows, 5);                                        \
    TILE(rows, 3);                                        \
    TILE(rows, 1);                                        \
  }
    // Of five columns, sums of two rows are too many for few registers.
    if (is_wide || p->kernel_width < 5) ROWS(2)
    ROWS(1)
#undef ROWS
#undef TILE
  }
  lanes *bias = (lanes *)all_sums + tap_count(p);
  lanes total = *bias;
  for (size_t i = a->top; i < a->top + a->rows; ++i)
    for (size_t j = a->left; j < a->left + a->columns; ++j) total += LOAD(d + (i * p->out_width + j) * WIDTH);
  *bias = total;
}

typedef struct {
  const ck_planes *p;
  const float *x, *d;
  float *scratch;
  int tasks;
} gradient_work;

static size_t sums_count(const ck_planes *p) { return (tap_count(p) + 1) * WIDTH; }

// Of one task: the sums in double and in single precision, and a picture with its padding.
size_t ck_lanes_gradient_scratch(const ck_planes *p) { return 3 * sums_count(p) + padded_count(p); }

// Adds what a picture gives, so many positions at a time as single precision bears; `terms` counts since the last flush.
static void gradient_picture(const ck_planes *p, const float *padded, const float *d, double *totals, float *sums,
                             size_t *terms) {
  area a;
  const size_t columns = p->out_width < MOST_TERMS ? p->out_width : MOST_TERMS, rows = MOST_TERMS / columns;
  for (a.top = 0; a.top < p->out_height; a.top += a.rows) {
    a.rows = p->out_height - a.top < rows ? p->out_height - a.top : rows;
    for (a.left = 0; a.left < p->out_width; a.left += a.columns) {
      a.columns = p->out_width - a.left < columns ? p->out_width - a.left : columns;
      if (*terms + a.rows * a.columns > MOST_TERMS) {
        ck_flush_sums(totals, sums, sums_count(p));
        *terms = 0;
      }
      gradient_area(p, &a, padded, d, sums);
      *terms += a.rows * a.columns;
    }
  }
}

static void gradient_share(void *context, int task) {
  const gradient_work *work = context;
  const ck_planes *p = work->p;
  double *totals = (double *)(work->scratch + (size_t)task * ck_lanes_gradient_scratch(p));
  float *sums = (float *)(totals + sums_count(p)), *padded = sums + sums_count(p);
  memset(totals, 0, ck_lanes_gradient_scratch(p) * sizeof *sums);
  size_t terms = 0;
  const size_t first = first_picture(p, task, work->tasks), last = first_picture(p, task + 1, work->tasks);
  for (size_t picture = first; picture < last; ++picture) {
    pad(padded, work->x + picture * p->in_channels * p->height * p->width, p);
    gradient_picture(p, padded, work->d + picture * p->out_height * p->out_width * WIDTH, totals, sums, &terms);
  }
  ck_flush_sums(totals, sums, sums_count(p));
}

void ck_lanes_gradient(const ck_planes *p, float *weight_gradient, float *bias_gradient, const float *x,
                       const float *d, float *scratch, int tasks) {
  require_planes(p, true);
  gradient_work work = {p, x, d, scratch, tasks};
  ck_parallel(tasks, gradient_share, &work);
  const size_t taps = tap_count(p), stride = ck_lanes_gradient_scratch(p);
  for (size_t o = 0; o < WIDTH; ++o)
    for (size_t tap = 0; tap <= taps; ++tap) {
      double total = 0;
      for (int task = 0; task < tasks; ++task)
        total += ((const double *)(scratch + (size_t)task * stride))[tap * WIDTH + o];
      if (tap < taps)
        weight_gradient[o * taps + tap] = (float)total;
      else if (bias_gradient)
        bias_gradient[o] = (float)total;
    }
}
