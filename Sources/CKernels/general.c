// Operations on values of any shape, in row-major order: what networks from elsewhere have and ours seldom need.
#include "CKernels.h"
#include "vector.h"

#include <math.h>
#include <string.h>

// MARK: Functions of elements

// Each element by itself; operands that a function does not have are never read.
#define EACH(expression)             \
  for (size_t i = 0; i < n; ++i) {   \
    const float x = a[i];            \
    y[i] = (expression);             \
  }                                  \
  break
#define BOTH(expression)                 \
  for (size_t i = 0; i < n; ++i) {       \
    const float x = a[i], z = b[i];      \
    y[i] = (expression);                 \
  }                                      \
  break

static inline float modulo(float x, float z) {
  const float rest = fmodf(x, z);
  return rest != 0 && (rest < 0) != (z < 0) ? rest + z : rest;
}

VECTORISED(static, void, apply, (ck_function function, float *restrict y, const float *restrict a, const float *restrict b,
           const float *restrict c, size_t n), (function, y, a, b, c, n)) {
  switch (function) {
    case CK_ABSOLUTE: EACH(fabsf(x));
    case CK_SIGN: EACH(x > 0 ? 1 : x < 0 ? -1 : x);
    case CK_FLOOR: EACH(floorf(x));
    case CK_CEILING: EACH(ceilf(x));
    case CK_ROUND: EACH(rintf(x));
    case CK_TRUNCATE: EACH(truncf(x));
    case CK_RECIPROCAL: EACH(1 / x);
    case CK_SQUARE_ROOT: EACH(sqrtf(x));
    case CK_EXPONENTIAL: EACH(expf(x));
    case CK_LOGARITHM: EACH(logf(x));
    case CK_SINE: EACH(sinf(x));
    case CK_COSINE: EACH(cosf(x));
    case CK_TANGENT: EACH(tanf(x));
    case CK_ARCSINE: EACH(asinf(x));
    case CK_ARCCOSINE: EACH(acosf(x));
    case CK_ARCTANGENT: EACH(atanf(x));
    case CK_HYPERBOLIC_SINE: EACH(sinhf(x));
    case CK_HYPERBOLIC_COSINE: EACH(coshf(x));
    case CK_AREA_SINE: EACH(asinhf(x));
    case CK_AREA_COSINE: EACH(acoshf(x));
    case CK_AREA_TANGENT: EACH(atanhf(x));
    case CK_ERROR_FUNCTION: EACH(erff(x));
    // Where e^x would be infinite, it is x.
    case CK_SOFTPLUS: EACH(x > 30 ? x : log1pf(expf(x)));
    case CK_IS_NAN: EACH(x != x);
    case CK_IS_INFINITE: EACH(fabsf(x) == INFINITY);
    case CK_IS_POSITIVE_INFINITY: EACH(x == INFINITY);
    case CK_IS_NEGATIVE_INFINITY: EACH(x == -INFINITY);
    case CK_IS_ZERO: EACH(x == 0);
    case CK_ADD: BOTH(x + z);
    case CK_SUBTRACT: BOTH(x - z);
    case CK_MULTIPLY: BOTH(x * z);
    case CK_DIVIDE: BOTH(x / z);
    case CK_POWER: BOTH(powf(x, z));
    case CK_MINIMUM: BOTH(x != x || x < z ? x : z);
    case CK_MAXIMUM: BOTH(x != x || x > z ? x : z);
    case CK_REMAINDER: BOTH(fmodf(x, z));
    case CK_MODULO: BOTH(modulo(x, z));
    case CK_EQUAL: BOTH(x == z);
    case CK_LESS: BOTH(x < z);
    case CK_LESS_OR_EQUAL: BOTH(x <= z);
    case CK_AND: BOTH(x != 0 && z != 0);
    case CK_OR: BOTH(x != 0 || z != 0);
    case CK_EXCLUSIVE_OR: BOTH((x != 0) != (z != 0));
    case CK_SECOND: memcpy(y, b, n * sizeof *y); break;
    case CK_SELECT:
      for (size_t i = 0; i < n; ++i) y[i] = a[i] != 0 ? b[i] : c[i];
      break;
  }
}

// Elements that a function is given at a time, gathered where they do not lie side by side.
enum { RUN = 256 };

struct elementwise {
  float *y;
  const float *const *inputs;
  ck_function function;
  const ck_broadcast *broadcast;
  size_t rows;
  int tasks;
};

static const float *gathered(float *restrict buffer, const float *from, size_t stride, size_t n) {
  if (stride == 1) return from;
  if (stride == 0) {
    const float value = *from;
    for (size_t i = 0; i < n; ++i) buffer[i] = value;
  } else {
    for (size_t i = 0; i < n; ++i) buffer[i] = from[i * stride];
  }
  return buffer;
}

// The rows of a share: all axes but the last count rows.
static void elementwise_share(void *context, int task) {
  const struct elementwise *job = context;
  const ck_broadcast *broadcast = job->broadcast;
  const int last = broadcast->rank - 1;
  const size_t columns = broadcast->extents[last];
  const size_t end = job->rows * ((size_t)task + 1) / (size_t)job->tasks;
  float buffers[3][RUN];
  for (size_t row = job->rows * (size_t)task / (size_t)job->tasks; row < end; ++row) {
    size_t rest = row, offsets[3] = {0, 0, 0};
    for (int axis = last - 1; axis >= 0; --axis) {
      const size_t position = rest % broadcast->extents[axis];
      rest /= broadcast->extents[axis];
      for (int k = 0; k < 3; ++k) offsets[k] += position * broadcast->strides[k][axis];
    }
    for (size_t first = 0; first < columns; first += RUN) {
      const size_t n = columns - first < RUN ? columns - first : RUN;
      const float *from[3] = {0, 0, 0};
      for (int k = 0; k < 3; ++k) {
        const size_t stride = broadcast->strides[k][last];
        if (job->inputs[k]) from[k] = gathered(buffers[k], job->inputs[k] + offsets[k] + first * stride, stride, n);
      }
      apply(job->function, job->y + row * columns + first, from[0], from[1], from[2], n);
    }
  }
}

void ck_elementwise(float *y, const float *const inputs[3], ck_function function, const ck_broadcast *broadcast, int tasks) {
  size_t rows = 1;
  for (int axis = 0; axis < broadcast->rank - 1; ++axis) rows *= broadcast->extents[axis];
  struct elementwise job = {y, inputs, function, broadcast, rows, 1};
  // Less than a barrier costs is computed at once.
  if (rows * broadcast->extents[broadcast->rank - 1] > 8192) job.tasks = tasks;
  ck_parallel(job.tasks, elementwise_share, &job);
}

// MARK: Reductions

struct reduce {
  float *y;
  const float *x;
  ck_reduction reduction;
  const ck_axes *axes;
  size_t results, terms;
  int tasks;
};

static double reduce_run(ck_reduction reduction, double sum, const float *x, size_t stride, size_t n) {
  switch (reduction) {
    case CK_SUM:
    case CK_MEAN:
      for (size_t i = 0; i < n; ++i) sum += (double)x[i * stride];
      break;
    case CK_PRODUCT:
      for (size_t i = 0; i < n; ++i) sum *= (double)x[i * stride];
      break;
    case CK_LARGEST:
      for (size_t i = 0; i < n; ++i) {
        const double value = (double)x[i * stride];
        sum = value <= sum || sum != sum ? sum : value;
      }
      break;
    case CK_SMALLEST:
      for (size_t i = 0; i < n; ++i) {
        const double value = (double)x[i * stride];
        sum = value >= sum || sum != sum ? sum : value;
      }
      break;
  }
  return sum;
}

static void reduce_share(void *context, int task) {
  const struct reduce *job = context;
  const ck_axes *axes = job->axes;
  const int last = axes->reduced_rank - 1;
  const size_t run = last >= 0 ? axes->reduced[last] : 1, stride = last >= 0 ? axes->reduced_strides[last] : 1;
  const size_t end = job->results * ((size_t)task + 1) / (size_t)job->tasks;
  for (size_t result = job->results * (size_t)task / (size_t)job->tasks; result < end; ++result) {
    size_t rest = result, offset = 0;
    for (int axis = axes->kept_rank - 1; axis >= 0; --axis) {
      offset += rest % axes->kept[axis] * axes->kept_strides[axis];
      rest /= axes->kept[axis];
    }
    double value = job->reduction == CK_PRODUCT    ? 1
                   : job->reduction == CK_LARGEST  ? -(double)INFINITY
                   : job->reduction == CK_SMALLEST ? (double)INFINITY
                                                   : 0;
    for (size_t row = 0; row < job->terms / run; ++row) {
      size_t left = row, at = offset;
      for (int axis = last - 1; axis >= 0; --axis) {
        at += left % axes->reduced[axis] * axes->reduced_strides[axis];
        left /= axes->reduced[axis];
      }
      value = reduce_run(job->reduction, value, job->x + at, stride, run);
    }
    job->y[result] = (float)(job->reduction == CK_MEAN ? value / (double)job->terms : value);
  }
}

void ck_reduce(float *y, const float *x, ck_reduction reduction, const ck_axes *axes, int tasks) {
  struct reduce job = {y, x, reduction, axes, 1, 1, 1};
  for (int axis = 0; axis < axes->kept_rank; ++axis) job.results *= axes->kept[axis];
  for (int axis = 0; axis < axes->reduced_rank; ++axis) job.terms *= axes->reduced[axis];
  if (job.results * job.terms > 8192) job.tasks = tasks;
  ck_parallel(job.tasks, reduce_share, &job);
}

// MARK: Products of matrices

struct multiply {
  float *y;
  const float *a, *b;
  const size_t *a_offsets, *b_offsets;
  const ck_matrix_product *product;
  int tasks;
};

// Columns of a row that are summed at a time, in double precision.
enum { COLUMNS = 64 };

VECTORISED(static, void, multiply_row, (float *restrict y, const float *restrict a, const float *restrict b,
           const ck_matrix_product *product), (y, a, b, product)) {
  const size_t terms = product->terms, a_term = product->a_term, b_term = product->b_term;
  for (size_t first = 0; first < product->columns; first += COLUMNS) {
    const size_t n = product->columns - first < COLUMNS ? product->columns - first : COLUMNS;
    double sums[COLUMNS] = {0};
    const float *from = b + first * product->b_column;
    if (product->b_column == 1) {
      for (size_t k = 0; k < terms; ++k) {
        const double factor = (double)a[k * a_term];
        const float *row = from + k * b_term;
        for (size_t j = 0; j < n; ++j) sums[j] += factor * (double)row[j];
      }
    } else {
      for (size_t j = 0; j < n; ++j) {
        const float *column = from + j * product->b_column;
        double sum = 0;
        for (size_t k = 0; k < terms; ++k) sum += (double)a[k * a_term] * (double)column[k * b_term];
        sums[j] = sum;
      }
    }
    for (size_t j = 0; j < n; ++j) y[first + j] = (float)sums[j];
  }
}

static void multiply_share(void *context, int task) {
  const struct multiply *job = context;
  const ck_matrix_product *product = job->product;
  const size_t rows = product->batch * product->rows;
  const size_t end = rows * ((size_t)task + 1) / (size_t)job->tasks;
  for (size_t row = rows * (size_t)task / (size_t)job->tasks; row < end; ++row) {
    const size_t matrix = row / product->rows, i = row % product->rows;
    multiply_row(job->y + row * product->columns, job->a + job->a_offsets[matrix] + i * product->a_row,
                 job->b + job->b_offsets[matrix], product);
  }
}

void ck_multiply_matrices(float *y, const float *a, const float *b, const size_t *a_offsets, const size_t *b_offsets,
                          const ck_matrix_product *product, int tasks) {
  struct multiply job = {y, a, b, a_offsets, b_offsets, product, 1};
  if (product->batch * product->rows * product->columns * product->terms > 65536) job.tasks = tasks;
  ck_parallel(job.tasks, multiply_share, &job);
}

// MARK: Maps of an axis

struct map {
  float *y;
  const float *x;
  const int32_t *sources;
  const float *weights;
  const ck_axis_map *map;
  int tasks;
};

static void map_share(void *context, int task) {
  const struct map *job = context;
  const ck_axis_map *map = job->map;
  const size_t rows = map->outer * map->out_extent, terms = map->terms, inner = map->inner;
  const size_t end = rows * ((size_t)task + 1) / (size_t)job->tasks;
  for (size_t row = rows * (size_t)task / (size_t)job->tasks; row < end; ++row) {
    const size_t outer = row / map->out_extent, position = row % map->out_extent;
    float *y = job->y + row * inner;
    const float *x = job->x + outer * map->in_extent * inner;
    const int32_t *sources = job->sources + position * terms;
    const float *weights = job->weights ? job->weights + position * terms : NULL;
    if (terms == 1 && !weights && sources[0] >= 0) {
      memcpy(y, x + (size_t)sources[0] * inner, inner * sizeof *y);
      continue;
    }
    bool is_empty = true;
    for (size_t t = 0; t < terms; ++t) is_empty &= sources[t] < 0;
    for (size_t i = 0; i < inner; ++i) {
      double sum = is_empty ? (double)map->fill : 0;
      for (size_t t = 0; t < terms; ++t) {
        if (sources[t] < 0) continue;
        sum += (weights ? (double)weights[t] : 1) * (double)x[(size_t)sources[t] * inner + i];
      }
      y[i] = (float)sum;
    }
  }
}

void ck_map_axis(float *y, const float *x, const int32_t *sources, const float *weights, const ck_axis_map *map, int tasks) {
  struct map job = {y, x, sources, weights, map, 1};
  if (map->outer * map->out_extent * map->inner > 8192) job.tasks = tasks;
  ck_parallel(job.tasks, map_share, &job);
}

// MARK: The largest elements

struct find {
  float *values, *places;
  const float *x;
  const ck_top *top;
  int tasks;
};

// Whether an element comes before another that was met earlier. What is not a number is larger than any.
static bool comes_before(float later, float earlier, const ck_top *top) {
  const bool later_is_none = later != later, earlier_is_none = earlier != earlier;
  const bool is_same = later_is_none || earlier_is_none ? later_is_none && earlier_is_none : later == earlier;
  if (is_same) return top->prefers_last;
  const bool is_larger = later_is_none || (!earlier_is_none && later > earlier);
  return is_larger == top->is_largest;
}

static void find_share(void *context, int task) {
  const struct find *job = context;
  const ck_top *top = job->top;
  const size_t lines = top->outer * top->inner, inner = top->inner;
  const size_t end = lines * ((size_t)task + 1) / (size_t)job->tasks;
  for (size_t line = lines * (size_t)task / (size_t)job->tasks; line < end; ++line) {
    const size_t outer = line / inner, column = line % inner;
    const float *x = job->x + outer * top->extent * inner + column;
    float *values = job->values + outer * top->count * inner + column;
    float *places = job->places + outer * top->count * inner + column;
    size_t found = 0;
    for (size_t i = 0; i < top->extent; ++i) {
      const float value = x[i * inner];
      size_t at = found;
      while (at > 0 && comes_before(value, values[(at - 1) * inner], top)) --at;
      if (at == top->count) continue;
      if (found < top->count) ++found;
      for (size_t j = found - 1; j > at; --j) {
        values[j * inner] = values[(j - 1) * inner];
        places[j * inner] = places[(j - 1) * inner];
      }
      values[at * inner] = value;
      places[at * inner] = (float)i;
    }
  }
}

void ck_find_top(float *values, float *places, const float *x, const ck_top *top, int tasks) {
  struct find job = {values, places, x, top, 1};
  if (top->outer * top->extent * top->inner > 8192) job.tasks = tasks;
  ck_parallel(job.tasks, find_share, &job);
}

void ck_find_top_gradient(float *x, const float *values, const float *places, const ck_top *top) {
  memset(x, 0, top->outer * top->extent * top->inner * sizeof *x);
  for (size_t outer = 0; outer < top->outer; ++outer)
    for (size_t i = 0; i < top->count; ++i)
      for (size_t n = 0; n < top->inner; ++n) {
        const size_t at = (outer * top->count + i) * top->inner + n;
        const float place = places[at];
        // Places come from a run, but may be anything in a graph of a file.
        if (place >= 0 && place < (float)top->extent)
          x[(outer * top->extent + (size_t)place) * top->inner + n] += values[at];
      }
}
