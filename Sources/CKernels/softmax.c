// Softmax over the classes, summed in double precision.
#include "CKernels.h"
#include "precondition.h"

#include <math.h>

typedef struct {
  float *y;
  const float *x;
  size_t rows, classes, positions;
  bool is_logarithmic;
  int tasks;
} softmax_work;

static void softmax_of(const softmax_work *w, float *y, const float *x) {
  const size_t step = w->positions, end = w->classes * step;
  float largest = -INFINITY;
  bool is_none = false;
  for (size_t i = 0; i < end; i += step) {
    is_none |= x[i] != x[i];
    largest = x[i] > largest ? x[i] : largest;
  }
  if (is_none || isinf(largest)) {
    for (size_t i = 0; i < end; i += step) y[i] = NAN;
    return;
  }
  double sum = 0;
  for (size_t i = 0; i < end; i += step) {
    const float share = expf(x[i] - largest);
    sum += (double)share;
    y[i] = w->is_logarithmic ? x[i] - largest : share;
  }
  const float factor = (float)(1 / sum), logarithm = (float)log(sum);
  if (w->is_logarithmic)
    for (size_t i = 0; i < end; i += step) y[i] -= logarithm;
  else
    for (size_t i = 0; i < end; i += step) y[i] *= factor;
}

static void softmax_share(void *context, int task) {
  const softmax_work *w = context;
  const size_t units = w->rows * w->positions, end = units * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t unit = units * (size_t)task / (size_t)w->tasks; unit < end; ++unit) {
    const size_t at = unit / w->positions * w->classes * w->positions + unit % w->positions;
    softmax_of(w, w->y + at, w->x + at);
  }
}

void ck_softmax(float *y, const float *x, size_t rows, size_t classes, size_t positions, bool is_logarithmic, int tasks) {
  softmax_work w = {y, x, rows, classes, positions, is_logarithmic, 1};
  // Less than a barrier costs is computed at once.
  if (rows * classes * positions > 1024) w.tasks = tasks;
  ck_parallel(w.tasks, softmax_share, &w);
}
