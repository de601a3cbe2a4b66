// What batch normalization does to rows of vectors.
#include "long_sums.h"
#include "normalization.h"
#include "vector.h"

#include <string.h>

typedef int32_t bits __attribute__((vector_size(64)));

// What becomes of negative results. They are told apart when a kernel is compiled.
typedef enum { AS_THEY_ARE, RECTIFIED, LEAKY } negatives;

#define WITH_NEGATIVES(slope, call, columns)            \
  if ((slope) == 1)                                     \
    call(columns, AS_THEY_ARE);                         \
  else if ((slope) == 0)                                \
    call(columns, RECTIFIED);                           \
  else                                                  \
    call(columns, LEAKY)

#define WITH_COLUMNS(columns, call) \
  switch (columns) {                \
    case 1: call(1); break;         \
    case 2: call(2); break;         \
    case 3: call(3); break;         \
    default: call(4); break;        \
  }

INLINE void load_columns(lanes *to, const float *from, size_t columns) {
  UNROLLED for (size_t j = 0; j < columns; ++j) to[j] = LOAD(from + j * WIDTH);
}

INLINE void store_columns(float *to, const lanes *from, size_t columns) {
  UNROLLED for (size_t j = 0; j < columns; ++j) STORE(to + j * WIDTH, from[j]);
}

// MARK: Sums

// One column has two accumulators a sum, so that additions need not wait for each other.
INLINE void add_moments(moments *m, const float *x, size_t row, size_t rows, ptrdiff_t ahead, size_t columns) {
  const size_t chains = columns == 1 ? 2 : 1;
  lanes shift[COLUMNS], sum[COLUMNS][2], squares[COLUMNS][2];
  UNROLLED for (size_t j = 0; j < columns; ++j) {
    shift[j] = LOAD(m->shift + j * WIDTH);
    UNROLLED for (size_t k = 0; k < chains; ++k) sum[j][k] = squares[j][k] = (lanes){0};
  }
  size_t i = 0;
  for (; i + chains <= rows; i += chains, x += chains * row)
    UNROLLED for (size_t k = 0; k < chains; ++k)
      UNROLLED for (size_t j = 0; j < columns; ++j) {
        __builtin_prefetch(x + k * row + j * WIDTH + ahead);
        const lanes difference = LOAD(x + k * row + j * WIDTH) - shift[j];
        sum[j][k] += difference;
        squares[j][k] += difference * difference;
      }
  for (; i < rows; ++i, x += row)
    UNROLLED for (size_t j = 0; j < columns; ++j) {
      const lanes difference = LOAD(x + j * WIDTH) - shift[j];
      sum[j][0] += difference;
      squares[j][0] += difference * difference;
    }
  UNROLLED for (size_t j = 0; j < columns; ++j) {
    lanes total = LOAD(m->block_sum + j * WIDTH), total_squares = LOAD(m->block_squares + j * WIDTH);
    UNROLLED for (size_t k = 0; k < chains; ++k) {
      total += sum[j][k];
      total_squares += squares[j][k];
    }
    STORE(m->block_sum + j * WIDTH, total);
    STORE(m->block_squares + j * WIDTH, total_squares);
  }
}

VECTORISED(extern, void, ck_add_moments, (moments *m, const float *x, size_t row, size_t rows, ptrdiff_t ahead, size_t columns),
           (m, x, row, rows, ahead, columns)) {
#define CALL(columns) add_moments(m, x, row, rows, ahead, columns)
  WITH_COLUMNS(columns, CALL)
#undef CALL
}

// The block's numbers have the mean shift + sum / count, and squared differences from it of squares - sum^2 / count.
VECTORISED(extern, void, ck_end_moments, (moments *m, size_t lanes), (m, lanes)) {
  const double rows = (double)m->block_rows;
  for (size_t i = 0; i < lanes; ++i) {
    const double count = rows + (double)m->block_rest[i], sum = (double)m->block_sum[i], before = m->count[i];
    const double together = before + count, part = together > 0 ? count / together : 0;
    const double offset = count > 0 ? sum / count : 0;
    const double difference = (double)m->shift[i] + offset - m->mean[i];
    const double squares = (double)m->block_squares[i] - sum * offset;
    m->mean[i] += difference * part;
    m->squares[i] += (squares < 0 ? 0 : squares) + difference * difference * before * part;
    m->count[i] = together;
    m->shift[i] = (float)m->mean[i];
    m->block_sum[i] = m->block_squares[i] = m->block_rest[i] = 0;
  }
  m->units += m->block_units;
  m->block_rows = m->block_units = 0;
}

// `yes` where the mask is set, `no` elsewhere.
#define CHOSEN(mask, yes, no) ((lanes)(((bits)(yes) & (mask)) | ((bits)(no) & ~(mask))))

// Of a gradient what the result lets through: where that is not above zero nothing, or the slope's share. The result is computed
// as it was.
#define NOT_ABOVE_ZERO(difference, slope, shift) ((difference) * (slope) + (shift) <= (lanes){0})
#define PASSED(dy, difference, slope, shift, kind, below)                                                   \
  ((kind) == AS_THEY_ARE ? (dy)                                                                             \
   : (kind) == RECTIFIED ? (lanes)((bits)(dy) & ~NOT_ABOVE_ZERO(difference, slope, shift))                  \
                         : CHOSEN(NOT_ABOVE_ZERO(difference, slope, shift), (below) * (dy), dy))

INLINE void add_gradients(gradient_sums *s, const float *x, const float *dy, const factors *f, size_t row, size_t rows,
                          ptrdiff_t ahead, size_t columns, negatives kind) {
  const float below = f->negative_slope;
  lanes mean[COLUMNS], slope[COLUMNS], shift[COLUMNS];
  lanes gradients[COLUMNS], products[COLUMNS], differences[COLUMNS];
  load_columns(mean, f->mean, columns);
  load_columns(slope, f->slope, columns);
  load_columns(shift, f->shift, columns);
  load_columns(gradients, s->block_gradients, columns);
  load_columns(products, s->block_products, columns);
  load_columns(differences, s->block_differences, columns);
  for (size_t i = 0; i < rows; ++i, x += row, dy += row)
    UNROLLED for (size_t j = 0; j < columns; ++j) {
      __builtin_prefetch(x + j * WIDTH + ahead);
      __builtin_prefetch(dy + j * WIDTH + ahead);
      const lanes difference = LOAD(x + j * WIDTH) - mean[j];
      const lanes gradient = PASSED(LOAD(dy + j * WIDTH), difference, slope[j], shift[j], kind, below);
      gradients[j] += gradient;
      products[j] += gradient * difference;
      differences[j] += difference;
    }
  store_columns(s->block_gradients, gradients, columns);
  store_columns(s->block_products, products, columns);
  store_columns(s->block_differences, differences, columns);
}

VECTORISED(extern, void, ck_add_gradients, (gradient_sums *s, const float *x, const float *dy, const factors *f, size_t row,
           size_t rows, ptrdiff_t ahead, size_t columns), (s, x, dy, f, row, rows, ahead, columns)) {
#define WITH_KIND(columns, kind) add_gradients(s, x, dy, f, row, rows, ahead, columns, kind)
#define CALL(columns) WITH_NEGATIVES(f->negative_slope, WITH_KIND, columns)
  WITH_COLUMNS(columns, CALL)
#undef CALL
#undef WITH_KIND
}

VECTORISED(extern, void, ck_end_gradients, (gradient_sums *s, size_t lanes), (s, lanes)) {
  for (size_t i = 0; i < lanes; ++i) {
    s->gradients[i] += (double)s->block_gradients[i];
    s->products[i] += (double)s->block_products[i];
    s->differences[i] += (double)s->block_differences[i];
    s->block_gradients[i] = s->block_products[i] = s->block_differences[i] = 0;
  }
  s->block_rows = 0;
}

// One column has four accumulators, as one has two above.
INLINE void add_channels(channel_sums *s, const float *x, size_t row, size_t rows, ptrdiff_t ahead, size_t columns) {
  const size_t chains = columns == 1 ? 4 : columns == 2 ? 2 : 1;
  lanes sums[COLUMNS][4];
  UNROLLED for (size_t j = 0; j < columns; ++j) UNROLLED for (size_t k = 0; k < chains; ++k) sums[j][k] = (lanes){0};
  size_t i = 0;
  for (; i + chains <= rows; i += chains, x += chains * row)
    UNROLLED for (size_t k = 0; k < chains; ++k)
      UNROLLED for (size_t j = 0; j < columns; ++j) {
        __builtin_prefetch(x + k * row + j * WIDTH + ahead);
        sums[j][k] += LOAD(x + k * row + j * WIDTH);
      }
  for (; i < rows; ++i, x += row)
    UNROLLED for (size_t j = 0; j < columns; ++j) sums[j][0] += LOAD(x + j * WIDTH);
  UNROLLED for (size_t j = 0; j < columns; ++j) {
    lanes total = LOAD(s->block_sums + j * WIDTH);
    UNROLLED for (size_t k = 0; k < chains; ++k) total += sums[j][k];
    STORE(s->block_sums + j * WIDTH, total);
  }
}

VECTORISED(extern, void, ck_add_channels, (channel_sums *s, const float *x, size_t row, size_t rows, ptrdiff_t ahead,
           size_t columns), (s, x, row, rows, ahead, columns)) {
#define CALL(columns) add_channels(s, x, row, rows, ahead, columns)
  WITH_COLUMNS(columns, CALL)
#undef CALL
}

void ck_end_channels(channel_sums *s, size_t lanes) {
  ck_flush_sums(s->sums, s->block_sums, lanes);
  s->block_rows = 0;
}

// MARK: Results

// Zero comes first in the comparison, so that what is not a number stays so.
#define RESULT(y, kind, below)                                                 \
  ((kind) == AS_THEY_ARE ? (y)                                                 \
   : (kind) == RECTIFIED ? (lanes)(~((lanes){0} > (y)) & (bits)(y))            \
                         : CHOSEN((lanes){0} > (y), (below) * (y), y))

INLINE void normalize(float *y, const float *x, const factors *f, size_t row, size_t rows, ptrdiff_t ahead,
                      size_t columns, negatives kind) {
  const float below = f->negative_slope;
  lanes mean[COLUMNS], slope[COLUMNS], shift[COLUMNS];
  load_columns(mean, f->mean, columns);
  load_columns(slope, f->slope, columns);
  load_columns(shift, f->shift, columns);
  for (size_t i = 0; i < rows; ++i, x += row, y += row)
    UNROLLED for (size_t j = 0; j < columns; ++j) {
      __builtin_prefetch(x + j * WIDTH + ahead);
      __builtin_prefetch(y + j * WIDTH + ahead, 1);
      const lanes difference = LOAD(x + j * WIDTH) - mean[j];
      const lanes result = difference * slope[j] + shift[j];
      STORE(y + j * WIDTH, RESULT(result, kind, below));
    }
}

VECTORISED(extern, void, ck_normalize, (float *y, const float *x, const factors *f, size_t row, size_t rows, ptrdiff_t ahead,
           size_t columns), (y, x, f, row, rows, ahead, columns)) {
#define WITH_KIND(columns, kind) normalize(y, x, f, row, rows, ahead, columns, kind)
#define CALL(columns) WITH_NEGATIVES(f->negative_slope, WITH_KIND, columns)
  WITH_COLUMNS(columns, CALL)
#undef CALL
#undef WITH_KIND
}

INLINE void normalize_gradient(float *dx, const float *x, const float *dy, const factors *f, size_t row, size_t rows,
                               ptrdiff_t ahead, size_t columns, negatives kind) {
  const float below = f->negative_slope;
  lanes mean[COLUMNS], slope[COLUMNS], shift[COLUMNS], decline[COLUMNS], offset[COLUMNS];
  load_columns(mean, f->mean, columns);
  load_columns(slope, f->slope, columns);
  load_columns(shift, f->shift, columns);
  load_columns(decline, f->decline, columns);
  load_columns(offset, f->offset, columns);
  for (size_t i = 0; i < rows; ++i, x += row, dy += row, dx += row)
    UNROLLED for (size_t j = 0; j < columns; ++j) {
      __builtin_prefetch(x + j * WIDTH + ahead);
      __builtin_prefetch(dy + j * WIDTH + ahead);
      __builtin_prefetch(dx + j * WIDTH + ahead, 1);
      const lanes difference = LOAD(x + j * WIDTH) - mean[j];
      const lanes gradient = PASSED(LOAD(dy + j * WIDTH), difference, slope[j], shift[j], kind, below);
      const lanes lost = difference * decline[j] + offset[j];
      STORE(dx + j * WIDTH, gradient * slope[j] + lost);
    }
}

VECTORISED(extern, void, ck_normalize_gradient, (float *dx, const float *x, const float *dy, const factors *f, size_t row,
           size_t rows, ptrdiff_t ahead, size_t columns), (dx, x, dy, f, row, rows, ahead, columns)) {
#define WITH_KIND(columns, kind) normalize_gradient(dx, x, dy, f, row, rows, ahead, columns, kind)
#define CALL(columns) WITH_NEGATIVES(f->negative_slope, WITH_KIND, columns)
  WITH_COLUMNS(columns, CALL)
#undef CALL
#undef WITH_KIND
}
