// Means of two by two of pictures in plain order, and their gradients.
#include "lanes.h"
#include "vector.h"

#include <string.h>

typedef struct {
  float *to;
  const float *from;
  size_t planes, height, width;  // of the pooled picture
  int tasks;
} pool_work;

// Sixteen means from two rows of 32. The order of the sums is that of `pool_planes` for single elements.
INLINE void pool_vector(float *to, const float *upper, const float *lower) {
  const lanes left = LOAD(upper) + LOAD(lower), right = LOAD(upper + WIDTH) + LOAD(lower + WIDTH);
  const lanes even = __builtin_shufflevector(left, right, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const lanes odd = __builtin_shufflevector(left, right, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  STORE(to, 0.25f * (even + odd));
}

VECTORISED(static, void, pool_planes, (float *y, const float *x, size_t rows, size_t width), (y, x, rows, width)) {
  const size_t count = rows * width;
  for (size_t row = 0; row < rows; ++row) {
    const float *upper = x + row * 4 * width, *lower = upper + 2 * width;
    size_t j = 0;
    // What hangs over a row is overwritten by the next; behind the last there is nothing to read or to write.
    for (; j < width && row * width + j + WIDTH <= count && (row * 4 + 2) * width + 2 * j + 2 * WIDTH <= 4 * count;
         j += WIDTH)
      pool_vector(y + row * width + j, upper + 2 * j, lower + 2 * j);
    for (; j < width; ++j)
      y[row * width + j] = 0.25f * ((upper[2 * j] + lower[2 * j]) + (upper[2 * j + 1] + lower[2 * j + 1]));
  }
}

VECTORISED(static, void, spread_planes, (float *dx, const float *dy, size_t rows, size_t width), (dx, dy, rows, width)) {
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
