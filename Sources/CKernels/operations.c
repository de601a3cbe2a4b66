#include "CKernels.h"
#include "random.h"
#include "shares.h"
#include "vector.h"

#include <math.h>
#include <string.h>

VECTORISED(extern, void, ck_moving_average, (float *result, const float *old, const float *fresh, size_t count, float momentum,
           float fresh_weight), (result, old, fresh, count, momentum, fresh_weight)) {
  for (size_t i = 0; i < count; ++i) result[i] = momentum * old[i] + fresh_weight * fresh[i];
}

struct rows {
  float *to;
  const float *from;
  size_t to_stride, from_stride, count, total, tasks;
};

static void copy_share(void *context, int task) {
  const struct rows *rows = context;
  const size_t end = rows->total * ((size_t)task + 1) / rows->tasks;
  for (size_t at = rows->total * (size_t)task / rows->tasks; at < end;) {
    const size_t row = at / rows->count, column = at % rows->count;
    const size_t left = end - at, rest = rows->count - column, run = left < rest ? left : rest;
    memcpy(rows->to + row * rows->to_stride + column, rows->from + row * rows->from_stride + column,
           run * sizeof *rows->to);
    at += run;
  }
}

void ck_copy_rows(float *to, size_t to_stride, const float *from, size_t from_stride, size_t rows, size_t count,
                  int tasks) {
  struct rows all = {to, from, to_stride, from_stride, count, rows * count, 1};
  // Less than a barrier costs is copied at once.
  if (tasks > 1 && all.total > 8192) all.tasks = (size_t)tasks;
  ck_parallel((int)all.tasks, copy_share, &all);
}

typedef struct {
  float *y;
  const float *const *parts, *weights;
  int part_count, tasks;
  size_t count;
} sum_work;

VECTORISED(static, void, add_two, (float *y, const float *a, const float *b, float a_weight, float b_weight, size_t count),
           (y, a, b, a_weight, b_weight, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) y[i] = a_weight * a[i] + b_weight * b[i];
}

VECTORISED(static, void, scale_one, (float *y, const float *a, float weight, size_t count), (y, a, weight, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) y[i] = weight * a[i];
}

static void sum_share(void *context, int task) {
  enum { BLOCK = 1024 };  // stays in the nearest cache
  const sum_work *w = context;
  const size_t end = share_begin(w->count, task + 1, w->tasks);
  for (size_t first = share_begin(w->count, task, w->tasks); first < end; first += BLOCK) {
    const size_t count = end - first < BLOCK ? end - first : BLOCK;
    float *y = w->y + first;
    if (w->part_count == 1) scale_one(y, w->parts[0] + first, w->weights[0], count);
    for (int part = 1; part < w->part_count; ++part)
      add_two(y, part == 1 ? w->parts[0] + first : y, w->parts[part] + first, part == 1 ? w->weights[0] : 1, w->weights[part],
              count);
  }
}

void ck_weighted_sum(float *y, const float *const *parts, const float *weights, int part_count, size_t count, int tasks) {
  // Less than a barrier costs is added at once.
  sum_work w = {y, parts, weights, part_count, count < 8192 ? 1 : tasks, count};
  ck_parallel(w.tasks, sum_share, &w);
}

typedef struct {
  float *y;
  const float *a, *b;
  size_t count;
  int tasks;
} product_work;

VECTORISED(static, void, multiply_two, (float *y, const float *a, const float *b, size_t count), (y, a, b, count)) {
#pragma clang loop vectorize(assume_safety)
  for (size_t i = 0; i < count; ++i) y[i] = a[i] * b[i];
}

static void product_share(void *context, int task) {
  const product_work *w = context;
  const size_t first = share_begin(w->count, task, w->tasks), end = share_begin(w->count, task + 1, w->tasks);
  multiply_two(w->y + first, w->a + first, w->b + first, end - first);
}

void ck_multiply(float *y, const float *a, const float *b, size_t count, int tasks) {
  product_work w = {y, a, b, count, count < 8192 ? 1 : tasks};
  ck_parallel(w.tasks, product_share, &w);
}

VECTORISED(extern, bool, ck_mean, (float *restrict result, const float *const *parts, int part_count, size_t count, int task,
           int tasks), (result, parts, part_count, count, task, tasks)) {
  enum { BLOCK = 1024 };  // stays in the nearest cache
  const size_t end = share_begin(count, task + 1, tasks);
  const float share = 1 / (float)part_count;
  bool is_finite = true;
  for (size_t first = share_begin(count, task, tasks); first < end; first += BLOCK) {
    const size_t last = first + BLOCK < end ? first + BLOCK : end;
    const float *x = parts[0];
    for (size_t i = first; i < last; ++i) result[i] = share * x[i];
    for (int part = 1; part < part_count; ++part) {
      x = parts[part];
      for (size_t i = first; i < last; ++i) result[i] += share * x[i];
    }
    is_finite &= ck_all_finite(result + first, last - first);
  }
  return is_finite;
}

VECTORISED(extern, void, ck_dropout, (float *result, const float *x, size_t first, size_t count, uint32_t threshold, float scale,
           const uint32_t key[2], const uint32_t counter[3]), (result, x, first, count, threshold, scale, key, counter)) {
  const size_t end = first + count;
  for (size_t block = first / 4; block * 4 < end; block += BLOCKS) {
    words c[4];
    random_words(c, block, key, counter);
    for (size_t i = 0; i < 4 * BLOCKS; ++i) {
      const size_t element = block * 4 + i;
      // Multiplied, so that what is not a number stays so.
      if (element >= first && element < end)
        result[element - first] = (c[i % 4][i / 4] >= threshold ? scale : 0) * x[element - first];
    }
  }
}

void ck_stochastic_depth(float *result, const float *x, size_t first, size_t examples, size_t count, uint32_t threshold,
                         float scale, const uint32_t key[2], const uint32_t counter[3]) {
  for (size_t i = 0; i < examples; ++i) {
    const size_t example = first + i;
    words c[4];
    random_words(c, example / 4, key, counter);
    const float factor = c[example % 4][0] >= threshold ? scale : 0;
    float *to = result + i * count;
    const float *from = x + i * count;
    // Multiplied, so that what is not a number stays so.
    for (size_t j = 0; j < count; ++j) to[j] = factor * from[j];
  }
}

typedef struct {
  float *result;
  const float *x, *quantiles;
  size_t count;
  float deviation;
  uint32_t key[2], counter[3];
  int tasks;
} noise;

// Eight numbers of a block of random bits, sixteen bits each.
static void noise_share(void *context, int task) {
  const noise *n = context;
  const size_t blocks = (n->count + 7) / 8, last = blocks * ((size_t)task + 1) / (size_t)n->tasks;
  for (size_t block = blocks * (size_t)task / (size_t)n->tasks; block < last; block += BLOCKS) {
    words c[4];
    random_words(c, block, n->key, n->counter);
    const size_t own = last - block < BLOCKS ? last - block : BLOCKS;
    const size_t first = 8 * block, rest = n->count - first, count = rest < 8 * own ? rest : 8 * own;
    for (size_t i = 0; i < count; ++i) {
      const uint64_t place = c[i % 8 / 2][i / 8] >> (i % 2 * 16) & 0xFFFF;
      n->result[first + i] = n->x[first + i] + n->deviation * n->quantiles[place];
    }
  }
}

void ck_add_noise(float *result, const float *x, size_t count, float deviation, const float *quantiles,
                  const uint32_t key[2], const uint32_t counter[3], int tasks) {
  noise work = {result, x, quantiles, count, deviation, {key[0], key[1]}, {counter[0], counter[1], counter[2]}, tasks};
  ck_parallel(tasks, noise_share, &work);
}

void ck_softmax_of_no_numbers(float *y, const float *x, size_t rows, size_t classes, size_t positions) {
  for (size_t row = 0; row < rows; ++row, x += classes * positions, y += classes * positions)
    for (size_t position = 0; position < positions; ++position) {
      float largest = -INFINITY;
      for (size_t i = 0; i < classes; ++i) {
        const float value = x[i * positions + position];
        largest = value <= largest ? largest : value;
        if (largest != largest) break;
      }
      if (fabsf(largest) < INFINITY) continue;
      for (size_t i = 0; i < classes; ++i) y[i * positions + position] = NAN;
    }
}

void ck_softmax_of_many(float *y, size_t rows, size_t classes, size_t positions, bool is_logarithmic) {
  for (size_t row = 0; row < rows; ++row, y += classes * positions)
    for (size_t position = 0; position < positions; ++position) {
      float *at = y + position;
      double sum = 0;
      for (size_t i = 0; i < classes; ++i) sum += (double)(is_logarithmic ? expf(at[i * positions]) : at[i * positions]);
      const double correction = is_logarithmic ? log(sum) : 1 / sum;
      for (size_t i = 0; i < classes; ++i) {
        const double value = (double)at[i * positions];
        at[i * positions] = (float)(is_logarithmic ? value - correction : value * correction);
      }
    }
}

void ck_softmax_gradient(float *dx, const float *y, const float *dy, size_t rows, size_t classes, size_t positions,
                         bool is_logarithmic) {
  for (size_t row = 0; row < rows; ++row)
    for (size_t position = 0; position < positions; ++position) {
      const size_t first = row * classes * positions + position;
      double sum = 0;
      for (size_t i = 0; i < classes; ++i) {
        const size_t at = first + i * positions;
        sum += is_logarithmic ? (double)dy[at] : (double)y[at] * (double)dy[at];
      }
      for (size_t i = 0; i < classes; ++i) {
        const size_t at = first + i * positions;
        dx[at] = (float)(is_logarithmic ? (double)dy[at] - (double)expf(y[at]) * sum
                                        : (double)y[at] * ((double)dy[at] - sum));
      }
    }
}

static inline float target_of(const int32_t *labels, const float *targets, size_t row, size_t column, size_t classes,
                              float smoothing) {
  float target = targets ? targets[row * classes + column] : (labels[row] == (int32_t)column ? 1.0f : 0.0f);
  return (1 - smoothing) * target + smoothing / (float)classes;
}

double ck_cross_entropy(float *probabilities, const float *logits, const int32_t *labels, const float *targets,
                        size_t rows, size_t classes, float smoothing) {
  double loss = 0;
  for (size_t row = 0; row < rows; ++row) {
    if (labels && (labels[row] < 0 || (size_t)labels[row] >= classes)) return NAN;
    const float *x = logits + row * classes;
    float *p = probabilities + row * classes;
    float largest = x[0];
    for (size_t i = 1; i < classes; ++i) largest = x[i] > largest ? x[i] : largest;
    double sum = 0;
    for (size_t i = 0; i < classes; ++i) sum += p[i] = expf(x[i] - largest);
    const double log_sum = log(sum);
    const float inverse = (float)(1 / sum);
    for (size_t i = 0; i < classes; ++i) p[i] *= inverse;
    if (labels && smoothing == 0) {
      loss += log_sum - (x[labels[row]] - largest);
    } else {
      for (size_t i = 0; i < classes; ++i)
        loss += target_of(labels, targets, row, i, classes, smoothing) * (log_sum - (x[i] - largest));
    }
  }
  return loss;
}

void ck_cross_entropy_gradient(float *gradient, const float *probabilities, const int32_t *labels,
                               const float *targets, size_t rows, size_t classes, float smoothing, float scale) {
  for (size_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < classes; ++i)
      gradient[row * classes + i] =
          scale * (probabilities[row * classes + i] - target_of(labels, targets, row, i, classes, smoothing));
}

static inline double label_of(const int32_t *labels, const float *targets, size_t row, size_t column, size_t classes) {
  return targets ? (double)targets[row * classes + column] : labels[row] == (int32_t)column ? 1.0 : 0.0;
}

double ck_label_weight(const int32_t *labels, const float *targets, const float *weights, size_t rows,
                       size_t classes) {
  double sum = 0;
  for (size_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < classes; ++i) sum += weights[i] * label_of(labels, targets, row, i, classes);
  return sum;
}

double ck_weighted_cross_entropy(const float *logits, const int32_t *labels, const float *targets,
                                 const float *weights, size_t rows, size_t classes, float smoothing) {
  double loss = 0;
  for (size_t row = 0; row < rows; ++row) {
    const float *x = logits + row * classes;
    float largest = x[0];
    for (size_t i = 1; i < classes; ++i) largest = x[i] > largest ? x[i] : largest;
    double sum = 0;
    for (size_t i = 0; i < classes; ++i) sum += exp((double)x[i] - largest);
    const double log_sum = log(sum);
    for (size_t i = 0; i < classes; ++i)
      loss += (double)weights[i] * target_of(labels, targets, row, i, classes, smoothing) *
              (log_sum - ((double)x[i] - largest));
  }
  return loss;
}

void ck_weighted_cross_entropy_gradient(float *gradient, const float *probabilities, const int32_t *labels,
                                        const float *targets, const float *weights, size_t rows, size_t classes,
                                        float smoothing, double scale) {
  for (size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (size_t i = 0; i < classes; ++i)
      sum += (double)weights[i] * target_of(labels, targets, row, i, classes, smoothing);
    for (size_t i = 0; i < classes; ++i)
      gradient[row * classes + i] =
          (float)(scale * (probabilities[row * classes + i] * sum -
                           (double)weights[i] * target_of(labels, targets, row, i, classes, smoothing)));
  }
}

double ck_binary_cross_entropy(float *probabilities, const float *logits, const float *targets,
                               const float *positive_weights, size_t rows, size_t labels) {
  double loss = 0;
  for (size_t row = 0, i = 0; row < rows; ++row)
    for (size_t label = 0; label < labels; ++label, ++i) {
      const double x = logits[i], e = exp(-fabs(x)), target = targets[i];
      probabilities[i] = (float)((x < 0 ? e : 1) / (1 + e));
      if (positive_weights) {
        // -log p = log1p(e) + max(-x, 0), -log(1 - p) = log1p(e) + max(x, 0); what is no number stays none.
        const double tail = log1p(e), positive = x > 0 ? x : x < 0 ? 0 : x;
        loss += positive_weights[label] * target * (tail + positive - x) + (1 - target) * (tail + positive);
      } else {
        loss += (x > 0 ? x : x < 0 ? 0 : x) - x * target + log1p(e);
      }
    }
  return loss;
}

void ck_binary_cross_entropy_gradient(float *gradient, const float *probabilities, const float *targets,
                                      const float *positive_weights, size_t rows, size_t labels, float scale) {
  for (size_t row = 0, i = 0; row < rows; ++row)
    for (size_t label = 0; label < labels; ++label, ++i) {
      const float p = probabilities[i], target = targets[i];
      gradient[i] = scale * (positive_weights ? (1 - target) * p - positive_weights[label] * target * (1 - p) : p - target);
    }
}

double ck_squared_error(const float *prediction, const float *target, const float *mask, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    double difference = (double)prediction[i] - target[i];
    sum += (mask ? mask[i] : 1) * difference * difference;
  }
  return sum;
}

VECTORISED(extern, void, ck_squared_error_gradient, (float *gradient, const float *prediction, const float *target,
           const float *mask, size_t count, float scale), (gradient, prediction, target, mask, count, scale)) {
  if (mask) {
    for (size_t i = 0; i < count; ++i) gradient[i] = scale * mask[i] * (prediction[i] - target[i]);
  } else {
    for (size_t i = 0; i < count; ++i) gradient[i] = scale * (prediction[i] - target[i]);
  }
}

void ck_pad(float *output, const float *input, size_t planes, const int32_t *rows, const int32_t *columns,
            size_t input_height, size_t input_width, size_t output_height, size_t output_width) {
  for (size_t plane = 0; plane < planes; ++plane)
    for (size_t i = 0; i < output_height; ++i) {
      float *to = output + (plane * output_height + i) * output_width;
      const float *from = input + (plane * input_height + (size_t)(rows[i] < 0 ? 0 : rows[i])) * input_width;
      for (size_t j = 0; j < output_width; ++j) to[j] = rows[i] < 0 || columns[j] < 0 ? 0 : from[columns[j]];
    }
}

void ck_pad_gradient(float *input, const float *output, size_t planes, const int32_t *rows, const int32_t *columns,
                     size_t input_height, size_t input_width, size_t output_height, size_t output_width,
                     double *line) {
  for (size_t plane = 0; plane < planes; ++plane, output += output_height * output_width)
    for (size_t row = 0; row < input_height; ++row, input += input_width) {
      memset(line, 0, input_width * sizeof *line);
      for (size_t i = 0; i < output_height; ++i) {
        if (rows[i] < 0 || (size_t)rows[i] != row) continue;
        const float *from = output + i * output_width;
        for (size_t j = 0; j < output_width; ++j)
          if (columns[j] >= 0) line[columns[j]] += (double)from[j];
      }
      for (size_t j = 0; j < input_width; ++j) input[j] = (float)line[j];
    }
}

static void add_row(double *sums, const double *line, size_t width, double share) {
  for (size_t j = 0; j < width; ++j) sums[j] += share * line[j];
}

void ck_upsample_gradient(float *input, const float *output, size_t planes, const ck_tap *rows, const ck_tap *columns,
                          size_t input_height, size_t input_width, size_t output_height, size_t output_width, double *sums) {
  const size_t positions = input_height * input_width;
  double *line = sums + positions;
  for (size_t plane = 0; plane < planes; ++plane, input += positions) {
    memset(sums, 0, positions * sizeof *sums);
    for (size_t i = 0; i < output_height; ++i, output += output_width) {
      memset(line, 0, input_width * sizeof *line);
      for (size_t j = 0; j < output_width; ++j) {
        line[columns[j].first] += (double)output[j] * (1 - columns[j].share);
        line[columns[j].second] += (double)output[j] * columns[j].share;
      }
      add_row(sums + (size_t)rows[i].first * input_width, line, input_width, 1 - rows[i].share);
      if (rows[i].share != 0) add_row(sums + (size_t)rows[i].second * input_width, line, input_width, rows[i].share);
    }
    for (size_t j = 0; j < positions; ++j) input[j] = (float)sums[j];
  }
}
