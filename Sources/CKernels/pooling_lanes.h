// Rows of pooling over vectors of LANES channels; included once for each number of lanes.
//
// A position holds `vectors` vectors; the last of them begins at `last`, so that it may overlap the one before: what it
// computes twice is the same. Rows are given by their beginning, sources by that of the row `first`.

#define OF_(name, lanes) name##_##lanes
#define OF__(name, lanes) OF_(name, lanes)
#define OF(name) OF__(name, LANES)

typedef float OF(floats) __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef int32_t OF(ints) __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef uint8_t OF(bytes) __attribute__((ext_vector_type(LANES), aligned(1), may_alias));
typedef double OF(doubles) __attribute__((ext_vector_type(LANES)));

#define READ(type, from) (*(const OF(type) *)(from))
#define WRITE(type, to, value) (*(OF(type) *)(to) = (value))

// MARK: Maxima

// Where NaNs are: as in PyTorch the last of them wins, and of equal numbers the first. `place` may be null.
static __attribute__((noinline)) void OF(last_nan)(float *value, float *place, const float *x, size_t row, size_t column,
                                                   size_t rows, size_t columns, float first, float down) {
  OF(floats) best = READ(floats, x), at = first;
  for (size_t m = 0; m < rows; ++m)
    for (size_t n = 0; n < columns; ++n) {
      const OF(floats) v = READ(floats, x + m * row + n * column);
      const OF(ints) takes = v > best | v != v;
      best = takes ? v : best;
      at = takes ? (OF(floats))(first + (float)m * down + (float)n) : at;
    }
  WRITE(floats, value, best);
  if (place) WRITE(floats, place, at);
}

// The largest of one window. Places are counted in floats, which hold them exactly: the compiler would narrow integers to
// bytes at each comparison. The sum is not a number where an element is none (and for infinities, which costs time only).
#define LARGER(m, n)                                                                         \
  do {                                                                                       \
    const OF(floats) v = READ(floats, x + (m)*row + (n)*column);                             \
    sum += v;                                                                                \
    if (places) at = v > best ? (OF(floats))(first + (float)(m)*down + (float)(n)) : at;     \
    best = v > best ? v : best;                                                              \
  } while (0)

INLINE void OF(largest)(float *y, float *places, const float *x, size_t row, size_t column, size_t rows, size_t columns,
                        float first, float down, bool has_fixed_rows, bool has_fixed_columns) {
  OF(floats) best = READ(floats, x), sum = best, at = first;
  if (has_fixed_rows) {
    UNROLLED for (size_t m = 0; m < rows; ++m) UNROLLED for (size_t n = m == 0; n < columns; ++n) LARGER(m, n);
  } else if (has_fixed_columns) {
    UNROLLED for (size_t n = 1; n < columns; ++n) LARGER(0, n);
    for (size_t m = 1; m < rows; ++m) UNROLLED for (size_t n = 0; n < columns; ++n) LARGER(m, n);
  } else {
    for (size_t m = 0; m < rows; ++m)
      for (size_t n = m == 0; n < columns; ++n) LARGER(m, n);
  }
  WRITE(floats, y, best);
  if (places) WRITE(floats, places, at);
  if (__builtin_expect(__builtin_reduce_or(sum != sum) != 0, 0))
    OF(last_nan)(y, places, x, row, column, rows, columns, first, down);
}

INLINE void OF(store_places)(const ck_pooling *p, void *places, size_t offset, const float *counted) {
  const OF(ints) whole = __builtin_convertvector(READ(floats, counted), OF(ints));
  if (p->counts_taps)
    WRITE(bytes, (uint8_t *)places + offset, __builtin_convertvector(whole, OF(bytes)));
  else
    WRITE(ints, (int32_t *)places + offset, whole);
}

INLINE void OF(maxima_row)(const ck_pooling *p, size_t i, float *y, void *places, const float *x, size_t first,
                           size_t vectors, size_t last, size_t fixed) {
  const span r = elements_under(&p->down, i), whole = whole_windows(&p->along);
  const size_t rows = length_of(r), row = p->in.row, column = p->in.column;
  const size_t top = r.begin + p->down.before - i * p->down.stride;
  const float *from = x + (r.begin - first) * row;
  for (size_t j = 0; j < p->along.out; ++j) {
    if (fixed && j == whole.begin && whole.end > j) {
      // Blocks: neighbours lie LANES apart.
      const float *corner = from + (j * p->along.stride - p->along.before) * LANES;
      for (; j < whole.end; ++j, corner += p->along.stride * LANES) {
        float *to = y + j * LANES, at[LANES], *counted = places ? at : NULL;
        if (rows == fixed)
          OF(largest)(to, counted, corner, row, LANES, fixed, fixed, 0, (float)fixed, true, true);
        else
          OF(largest)(to, counted, corner, row, LANES, rows, fixed, (float)(top * fixed), (float)fixed, false, true);
        if (places) OF(store_places)(p, places, j * LANES, at);
      }
      if (j == p->along.out) return;
    }
    const span c = elements_under(&p->along, j);
    const size_t columns = length_of(c), left = c.begin + p->along.before - j * p->along.stride;
    const float number =
        p->counts_taps ? (float)(top * p->along.window + left) : (float)(r.begin * p->along.in + c.begin);
    const float down = p->counts_taps ? (float)p->along.window : (float)p->along.in;
    for (size_t k = 0; k < vectors; ++k) {
      const size_t lane = least(k * LANES, last);
      float at[LANES];
      OF(largest)(y + j * p->out.column + lane, places ? at : NULL, from + c.begin * column + lane, row, column, rows,
                  columns, number, down, false, false);
      if (places) OF(store_places)(p, places, j * p->places.column + lane, at);
    }
  }
}

// Every element takes the gradients of the windows that it won: written once, and in an order of sums that depends on nothing.
INLINE void OF(maxima_gradient_row)(const ck_pooling *p, size_t r, float *dx, const void *places, const float *dy,
                                    size_t first, size_t vectors, size_t last) {
  const span i = windows_over(&p->down, r);
  span j = {0, 0};
  for (size_t c = 0; c < p->along.in; ++c) {
    const size_t at = c + p->along.before;
    while (j.end < p->along.out && j.end * p->along.stride <= at) ++j.end;
    while (j.begin < j.end && j.begin * p->along.stride + p->along.window <= at) ++j.begin;
    for (size_t k = 0; k < vectors; ++k) {
      const size_t lane = least(k * LANES, last);
      OF(floats) sum = 0;
      for (size_t m = i.begin; m < i.end; ++m) {
        const size_t tap = (r + p->down.before - m * p->down.stride) * p->along.window + at;
        const float *from = dy + (m - first) * p->out.row + lane;
        const size_t row = (m - first) * p->places.row + lane;
        for (size_t n = j.begin; n < j.end; ++n) {
          const size_t place = row + n * p->places.column;
          OF(ints) won;
          if (p->counts_taps) {
            const OF(bytes) taps = READ(bytes, (const uint8_t *)places + place);
            won = __builtin_convertvector(taps == (OF(bytes))(uint8_t)(tap - n * p->along.stride), OF(ints));
          } else {
            won = READ(ints, (const int32_t *)places + place) == (OF(ints))(int32_t)(r * p->along.in + c);
          }
          sum += won ? READ(floats, from + n * p->out.column) : (OF(floats))0;
        }
      }
      WRITE(floats, dx + c * p->in.column + lane, sum);
    }
  }
}

// The gradient of blocks where window and stride are constants, for maxima and means: every window adds to as many sums as it
// has columns, of which `stride` are then complete. `rows` windows lie over the row.
INLINE void OF(fixed_gradient_row)(const ck_pooling *p, size_t r, float *dx, const uint8_t *taps, const float *dy,
                                   size_t first, size_t window, size_t stride, size_t rows) {
  enum { MOST = 3 };
  const span i = windows_over(&p->down, r), whole = whole_windows(&p->along);
  const float *from[MOST];
  const uint8_t *won[MOST];
  int32_t base[MOST];
  float weight[MOST];
  UNROLLED for (size_t m = 0; m < rows; ++m) {
    from[m] = dy + (i.begin + m - first) * p->out.row;
    won[m] = taps ? taps + (i.begin + m - first) * p->places.row : NULL;
    base[m] = (int32_t)((r + p->down.before - (i.begin + m) * p->down.stride) * window);
    weight[m] = taps ? 0 : 1 / (float)counted(p, &p->down, i.begin + m);
  }
  OF(floats) sums[MOST];
  UNROLLED for (size_t n = 0; n < window; ++n) sums[n] = 0;
  // Of the first column of the window; before the row this is huge.
  size_t c = -p->along.before;
  for (size_t j = 0; j < p->along.out; ++j, c += stride) {
    if (taps) {
      UNROLLED for (size_t m = 0; m < rows; ++m) {
        const OF(ints) at = __builtin_convertvector(READ(bytes, won[m] + j * LANES), OF(ints));
        const OF(floats) gradient = READ(floats, from[m] + j * LANES);
        UNROLLED for (size_t n = 0; n < window; ++n)
          sums[n] += at == (OF(ints))(base[m] + (int32_t)n) ? gradient : (OF(floats))0;
      }
    } else {
      OF(floats) gradient = 0;
      UNROLLED for (size_t m = 0; m < rows; ++m) gradient += READ(floats, from[m] + j * LANES) * weight[m];
      gradient *= j >= whole.begin && j < whole.end ? 1 / (float)window : 1 / (float)counted(p, &p->along, j);
      UNROLLED for (size_t n = 0; n < window; ++n) sums[n] += gradient;
    }
    UNROLLED for (size_t n = 0; n < stride; ++n)
      if (c + n < p->along.in) WRITE(floats, dx + (c + n) * LANES, sums[n]);
    UNROLLED for (size_t n = 0; n < window; ++n) sums[n] = n + stride < window ? sums[n + stride] : 0;
  }
  UNROLLED for (size_t n = 0; n < window - stride; ++n)
    if (c + n < p->along.in) WRITE(floats, dx + (c + n) * LANES, sums[n]);
  for (c += window - stride; c < p->along.in; ++c) WRITE(floats, dx + c * LANES, (OF(floats))0);
}

// Whether it has done the row.
INLINE bool OF(has_fixed_gradient)(const ck_pooling *p, size_t r, float *dx, const uint8_t *taps, const float *dy,
                                   size_t first) {
  const size_t window = p->along.window, stride = p->along.stride;
  const span i = windows_over(&p->down, r);
  if (p->down.window != window || p->down.stride != stride) return false;
#define FIXED(a, b, rows)                                             \
  if (window == a && stride == b && length_of(i) == rows) {           \
    OF(fixed_gradient_row)(p, r, dx, taps, dy, first, a, b, rows);    \
    return true;                                                      \
  }
  FIXED(2, 2, 1)
  FIXED(3, 2, 1)
  FIXED(3, 2, 2)
  FIXED(3, 1, 3)
  FIXED(3, 1, 2)
#undef FIXED
  return false;
}

// MARK: Means

// Sums of so many elements in single precision; longer ones are continued in double precision.
enum { OF(SHORT_SUM) = 32 };

// y <- weight times the sum over rows and columns.
INLINE void OF(weighted_sum)(float *y, const float *x, size_t row, size_t column, size_t rows, size_t columns,
                             double weight) {
  OF(floats) sum = 0;
  if (rows * columns <= OF(SHORT_SUM)) {
    for (size_t m = 0; m < rows; ++m)
      for (size_t n = 0; n < columns; ++n) sum += READ(floats, x + m * row + n * column);
    WRITE(floats, y, sum * (float)weight);
    return;
  }
  OF(doubles) total = 0;
  if (columns <= OF(SHORT_SUM)) {
    const size_t together = OF(SHORT_SUM) / columns;
    for (size_t begin = 0; begin < rows; begin += together) {
      const size_t end = least(rows, begin + together);
      sum = 0;
      for (size_t m = begin; m < end; ++m)
        for (size_t n = 0; n < columns; ++n) sum += READ(floats, x + m * row + n * column);
      total += __builtin_convertvector(sum, OF(doubles));
    }
  } else {
    for (size_t m = 0; m < rows; ++m)
      for (size_t begin = 0; begin < columns; begin += OF(SHORT_SUM)) {
        const size_t end = least(columns, begin + OF(SHORT_SUM));
        sum = 0;
        for (size_t n = begin; n < end; ++n) sum += READ(floats, x + m * row + n * column);
        total += __builtin_convertvector(sum, OF(doubles));
      }
  }
  WRITE(floats, y, __builtin_convertvector(total * weight, OF(floats)));
}

INLINE void OF(means_row)(const ck_pooling *p, size_t i, float *y, const float *x, size_t first, size_t vectors,
                          size_t last, bool is_block) {
  const span r = elements_under(&p->down, i), whole = whole_windows(&p->along);
  const double inside = whole.begin < whole.end ? weight_of(p, i, whole.begin) : 0;
  for (size_t j = 0; j < p->along.out; ++j) {
    const span c = elements_under(&p->along, j);
    const float *corner = x + (r.begin - first) * p->in.row + c.begin * p->in.column;
    const double weight = j >= whole.begin && j < whole.end ? inside : weight_of(p, i, j);
    if (is_block) {
      float *to = y + j * LANES;
      switch (length_of(c)) {
#define COLUMNS(n) \
  case n: OF(weighted_sum)(to, corner, p->in.row, LANES, length_of(r), n, weight); continue;
        COLUMNS(2) COLUMNS(3) COLUMNS(4) COLUMNS(5) COLUMNS(6) COLUMNS(7) COLUMNS(8)
#undef COLUMNS
        default: break;
      }
    }
    for (size_t k = 0; k < vectors; ++k) {
      const size_t lane = least(k * LANES, last);
      OF(weighted_sum)(y + j * p->out.column + lane, corner + lane, p->in.row, p->in.column, length_of(r), length_of(c),
                       weight);
    }
  }
}

// Rows of windows of three columns and stride 1, in blocks: every column is reduced once. `rows` lie under the windows.
INLINE void OF(rolling_row)(const ck_pooling *p, size_t i, float *y, const float *x, size_t first, bool maxima,
                            size_t rows) {
  const span r = elements_under(&p->down, i), whole = whole_windows(&p->along);
  const float *from = x + (r.begin - first) * p->in.row;
  const OF(floats) lowest = -INFINITY;
  const float inside = maxima ? 0 : (float)(1 / ((double)counted(p, &p->down, i) * 3));
  OF(floats) largest[3] = {lowest, lowest, lowest}, sums[3] = {0, 0, 0};
  // The column that comes into the window; before the row this is huge.
  size_t c = -p->along.before;
  for (size_t n = 0; n < 2 + p->along.out; ++n, ++c) {
    largest[0] = largest[1], largest[1] = largest[2], largest[2] = lowest;
    sums[0] = sums[1], sums[1] = sums[2], sums[2] = 0;
    if (c < p->along.in) {
      sums[2] = largest[2] = READ(floats, from + c * LANES);
      UNROLLED for (size_t m = 1; m < rows; ++m) {
        const OF(floats) v = READ(floats, from + m * p->in.row + c * LANES);
        sums[2] += v;
        if (maxima) largest[2] = v > largest[2] ? v : largest[2];
      }
    }
    if (n < 2) continue;
    const size_t j = n - 2;
    const OF(floats) sum = sums[0] + sums[1] + sums[2];
    float *to = y + j * LANES;
    if (!maxima) {
      const float weight = j >= whole.begin && j < whole.end ? inside : (float)weight_of(p, i, j);
      WRITE(floats, to, sum * weight);
      continue;
    }
    OF(floats) best = largest[0] > largest[1] ? largest[0] : largest[1];
    best = largest[2] > best ? largest[2] : best;
    WRITE(floats, to, best);
    if (__builtin_expect(__builtin_reduce_or(sum != sum) != 0, 0)) {
      const span columns = elements_under(&p->along, j);
      OF(last_nan)(to, NULL, from + columns.begin * LANES, p->in.row, LANES, rows, length_of(columns), 0, 0);
    }
  }
}

// Whether it has done the row.
INLINE bool OF(has_rolling_row)(const ck_pooling *p, size_t i, float *y, const float *x, size_t first, bool maxima) {
  const size_t rows = length_of(elements_under(&p->down, i));
  if (p->along.window != 3 || p->along.stride != 1) return false;
  if (rows == 3) OF(rolling_row)(p, i, y, x, first, maxima, 3);
  else if (rows == 2) OF(rolling_row)(p, i, y, x, first, maxima, 2);
  else return false;
  return true;
}

INLINE void OF(means_gradient_row)(const ck_pooling *p, size_t r, float *dx, const float *dy, size_t first,
                                   size_t vectors, size_t last) {
  const span i = windows_over(&p->down, r), whole_down = whole_windows(&p->down), whole_along = whole_windows(&p->along);
  const bool is_whole = i.begin >= whole_down.begin && i.end <= whole_down.end;
  const size_t row = p->out.row, column = p->out.column;
  const double weight = 1 / ((double)p->down.window * (double)p->along.window);
  for (size_t c = 0, end; c < p->along.in; c = end) {
    // Elements under the same windows have the same gradient.
    const span j = windows_over(&p->along, c);
    for (end = c + 1; end < p->along.in; ++end) {
      const span next = windows_over(&p->along, end);
      if (next.begin != j.begin || next.end != j.end) break;
    }
    const float *corner = dy + (i.begin - first) * row + j.begin * column;
    for (size_t k = 0; k < vectors; ++k) {
      const size_t lane = least(k * LANES, last);
      float sum[LANES];
      if (is_whole && j.begin >= whole_along.begin && j.end <= whole_along.end) {
        OF(weighted_sum)(sum, corner + lane, row, column, length_of(i), length_of(j), weight);
      } else {
        OF(doubles) total = 0;
        for (size_t m = 0; m < length_of(i); ++m)
          for (size_t n = 0; n < length_of(j); ++n)
            total += __builtin_convertvector(READ(floats, corner + m * row + n * column + lane), OF(doubles)) *
                     weight_of(p, i.begin + m, j.begin + n);
        WRITE(floats, sum, __builtin_convertvector(total, OF(floats)));
      }
      const OF(floats) value = READ(floats, sum);
      for (size_t at = c; at < end; ++at) WRITE(floats, dx + at * p->in.column + lane, value);
    }
  }
}

// MARK: Rows of any kind

// One row of results from the sources' rows from `first` on.
INLINE void OF(one_row)(const ck_pooling *p, pooling_kind kind, size_t result, float *to, const float *from,
                        void *places, size_t first, size_t vectors, size_t last, bool is_block) {
  const size_t extent = is_block && p->down.window == p->along.window ? p->along.window : 0;
  switch (kind) {
    case MAXIMA:
      if (places && extent == 2) OF(maxima_row)(p, result, to, places, from, first, 1, 0, 2);
      else if (places && extent == 3) OF(maxima_row)(p, result, to, places, from, first, 1, 0, 3);
      else if (places) OF(maxima_row)(p, result, to, places, from, first, vectors, last, 0);
      else if (is_block && OF(has_rolling_row)(p, result, to, from, first, true)) break;
      else if (extent == 2) OF(maxima_row)(p, result, to, NULL, from, first, 1, 0, 2);
      else if (extent == 3) OF(maxima_row)(p, result, to, NULL, from, first, 1, 0, 3);
      else OF(maxima_row)(p, result, to, NULL, from, first, vectors, last, 0);
      break;
    case MEANS:
      if (is_block && OF(has_rolling_row)(p, result, to, from, first, false)) break;
      OF(means_row)(p, result, to, from, first, vectors, last, is_block);
      break;
    case MAXIMA_GRADIENT:
      if (is_block && p->counts_taps && OF(has_fixed_gradient)(p, result, to, places, from, first)) break;
      OF(maxima_gradient_row)(p, result, to, places, from, first, vectors, last);
      break;
    case MEANS_GRADIENT:
      if (is_block && OF(has_fixed_gradient)(p, result, to, NULL, from, first)) break;
      OF(means_gradient_row)(p, result, to, from, first, vectors, last);
      break;
  }
}

// Rows `begin` to `end` of results; `to` and `places` begin at their rows 0 of a picture, or at the first of a strip.
VECTORISED(static, void, OF(pool_rows), (const ck_pooling *p, pooling_kind kind, size_t begin, size_t end, float *to,
           const float *from, void *places, size_t first_result, size_t first_source, size_t vectors, size_t last),
           (p, kind, begin, end, to, from, places, first_result, first_source, vectors, last)) {
  const ck_picture_strides *results = is_gradient(kind) ? &p->in : &p->out;
  const size_t size = p->counts_taps ? sizeof(uint8_t) : sizeof(int32_t);
  const bool is_block =
      vectors == 1 && p->in.column == LANES && p->out.column == LANES && p->places.column == LANES;
  for (size_t row = begin; row < end; ++row) {
    // The gradient finds places by the rows of its sources.
    void *at = places && kind == MAXIMA ? (char *)places + (row - first_result) * p->places.row * size : places;
    OF(one_row)(p, kind, row, to + (row - first_result) * results->row, from, at, first_source, vectors, last, is_block);
  }
}

#undef READ
#undef WRITE
#undef LARGER
#undef OF
#undef OF_
#undef OF__
#undef LANES
