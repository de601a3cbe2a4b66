// Dense layers of small batches. Every weight is used once or a few times, so that memory sets the time: the weights are read
// in order, as they are stored, and nothing is packed.
#include "CKernels.h"
#include "lanes.h"
#include "vector.h"

// Rows that share what is read of the input; how far ahead their weights are asked for, in vectors.
enum { ROWS = 4, AHEAD = 48 };

INLINE float sum_of(const lanes *x) {
  float sum = 0;
  for (int i = 0; i < WIDTH; ++i) sum += (*x)[i];
  return sum;
}

// The products of `rows` rows of weights with `batch` inputs, both known to the compiler.
INLINE void products(const ck_dense *d, float *y, const float *x, const float *w, const float *bias, size_t row,
                     const size_t rows, const size_t batch) {
  lanes sums[rows * batch];
  for (size_t i = 0; i < rows * batch; ++i) sums[i] = (lanes){0};
  const size_t whole = d->inputs / WIDTH * WIDTH;
  for (size_t i = 0; i < whole; i += WIDTH) {
    for (size_t r = 0; r < rows; ++r) {
      __builtin_prefetch(w + r * d->inputs + i + AHEAD * WIDTH, 0, 0);
      const lanes weights = LOAD(w + r * d->inputs + i);
      for (size_t b = 0; b < batch; ++b) sums[r * batch + b] += weights * LOAD(x + b * d->inputs + i);
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    for (size_t b = 0; b < batch; ++b) {
      float sum = sum_of(&sums[r * batch + b]);
      for (size_t i = whole; i < d->inputs; ++i) sum += w[r * d->inputs + i] * x[b * d->inputs + i];
      if (bias) sum += bias[row + r];
      y[b * d->outputs + row + r] = d->is_rectified && sum < 0 ? 0 : sum;
    }
  }
}

INLINE void share_of(const ck_dense *d, float *y, const float *x, const float *w, const float *bias, size_t first,
                     size_t end, const size_t batch) {
  size_t row = first;
  for (; row + ROWS <= end; row += ROWS) products(d, y, x, w + row * d->inputs, bias, row, ROWS, batch);
  for (; row < end; ++row) products(d, y, x, w + row * d->inputs, bias, row, 1, batch);
}

VECTORISED static void dense_share(const ck_dense *d, float *y, const float *x, const float *w, const float *bias,
                                   size_t first, size_t end) {
  switch (d->batch) {
    case 1: share_of(d, y, x, w, bias, first, end, 1); break;
    case 2: share_of(d, y, x, w, bias, first, end, 2); break;
    case 3: share_of(d, y, x, w, bias, first, end, 3); break;
    default: share_of(d, y, x, w, bias, first, end, CK_DENSE_BATCH); break;
  }
}

typedef struct {
  const ck_dense *dense;
  float *y;
  const float *x, *w, *bias;
  int tasks;
} call;

static void run_task(void *context, int task) {
  const call *c = context;
  const size_t rows = c->dense->outputs, share = (rows + (size_t)c->tasks - 1) / (size_t)c->tasks;
  const size_t first = (size_t)task * share, end = first + share < rows ? first + share : rows;
  if (first < end) dense_share(c->dense, c->y, c->x, c->w, c->bias, first, end);
}

void ck_dense_forward(const ck_dense *dense, float *y, const float *x, const float *weights, const float *bias,
                      int tasks) {
  call c = {dense, y, x, weights, bias, tasks};
  ck_parallel(tasks, run_task, &c);
}
