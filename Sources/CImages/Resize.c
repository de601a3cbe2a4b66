// Resizing of pictures of eight bits: weighted sums in fixed point, 22 bits behind the point, rounded to eight bits after
// each of the two passes. The arithmetic is exact, so every processor gives the same picture.
#include "Internal.h"
#include "Vector.h"

typedef uint8_t u8x16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint8_t u8x64 __attribute__((vector_size(64), aligned(1), may_alias));
typedef int32_t i32x16 __attribute__((vector_size(64)));
// Vectors are passed by pointer: in an argument they would tie a function to one processor.

#define INLINE static inline __attribute__((always_inline))
enum { BITS = CI_WEIGHT_BITS, HALF = 1 << (BITS - 1), LANES = 16, ROWS = 4, PADDING = 64 };

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// Sums as levels from 0 to 255.
#define LEVELS(sums) \
  __builtin_convertvector( \
      __builtin_elementwise_min(__builtin_elementwise_max((sums) >> BITS, (i32x16){0}), (i32x16){0} + 255), u8x16)
#define WIDENED(from) __builtin_convertvector(*(const u8x16 *)(from), i32x16)

INLINE uint8_t level(int32_t sum) {
  sum >>= BITS;
  return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

// --- Down the columns: neighbours of a row fill a vector. ---

INLINE void blend16(uint8_t *target, const uint8_t *const *rows, const int32_t *weights, size_t taps, size_t x) {
  i32x16 sums = (i32x16){0} + HALF;
  for (size_t tap = 0; tap < taps; tap++) sums += WIDENED(rows[tap] + x) * weights[tap];
  *(u8x16 *)(target + x) = LEVELS(sums);
}

INLINE void blend64(uint8_t *target, const uint8_t *const *rows, const int32_t *weights, size_t taps, size_t x) {
  i32x16 a = (i32x16){0} + HALF, b = a, c = a, d = a;
  for (size_t tap = 0; tap < taps; tap++) {
    const uint8_t *row = rows[tap] + x;
    const int32_t weight = weights[tap];
    a += WIDENED(row) * weight;
    b += WIDENED(row + 16) * weight;
    c += WIDENED(row + 32) * weight;
    d += WIDENED(row + 48) * weight;
  }
  *(u8x16 *)(target + x) = LEVELS(a);
  *(u8x16 *)(target + x + 16) = LEVELS(b);
  *(u8x16 *)(target + x + 32) = LEVELS(c);
  *(u8x16 *)(target + x + 48) = LEVELS(d);
}

// `target` is the sum of `taps` weighted rows of `count` bytes.
VECTORISED static void blend_rows(uint8_t *target, const uint8_t *const *rows, const int32_t *weights, size_t taps,
                                  size_t count) {
  // Outer weights are often nothing: windows have the length of the longest.
  while (taps > 1 && weights[taps - 1] == 0) taps--;
  while (taps > 1 && weights[0] == 0) taps--, weights++, rows++;
  size_t x = 0;
  for (; x + 64 <= count; x += 64) blend64(target, rows, weights, taps, x);
  for (; x + LANES <= count; x += LANES) blend16(target, rows, weights, taps, x);
  if (x == count) return;
  if (count >= LANES) {
    blend16(target, rows, weights, taps, count - LANES);
    return;
  }
  for (; x < count; x++) {
    int32_t sum = HALF;
    for (size_t tap = 0; tap < taps; tap++) sum += rows[tap][x] * weights[tap];
    target[x] = level(sum);
  }
}

// --- Along the rows: four rows, of a pixel's channels each, fill a vector. ---

// Sixteen bytes of four rows; shuffles then stay within a row's quarter.
INLINE void load_four(u8x64 *bytes, const uint8_t *const rows[ROWS], size_t offset) {
  for (int row = 0; row < ROWS; row++) __builtin_memcpy((char *)bytes + 16 * row, rows[row] + offset, 16);
}

#define QUARTER(base, a, b, c, d) \
  (base) + (a), 64, 64, 64, (base) + (b), 64, 64, 64, (base) + (c), 64, 64, 64, (base) + (d), 64, 64, 64
// The bytes a to d of every quarter as numbers of 32 bits.
#define SPREAD(bytes, a, b, c, d) \
  (i32x16) __builtin_shufflevector(bytes, (u8x64){0}, QUARTER(0, a, b, c, d), QUARTER(16, a, b, c, d), \
                                   QUARTER(32, a, b, c, d), QUARTER(48, a, b, c, d))

INLINE void store_four(uint8_t *const targets[ROWS], size_t offset, const i32x16 *sums) {
  const u8x16 levels = LEVELS(*sums);
  // The fourth byte of a picture of three channels is the next pixel's, which is written later.
  for (int row = 0; row < ROWS; row++) __builtin_memcpy(targets[row] + offset, (const char *)&levels + 4 * row, 4);
}

INLINE void pixel3(uint8_t *const targets[ROWS], size_t target, const uint8_t *const rows[ROWS], size_t offset,
                   const int32_t *weights, size_t taps) {
  i32x16 sums = (i32x16){0} + HALF;
  u8x64 bytes;
  for (; taps > 4; taps -= 4, weights += 4, offset += 12) {
    load_four(&bytes, rows, offset);
    sums += SPREAD(bytes, 0, 1, 2, 64) * weights[0];
    sums += SPREAD(bytes, 3, 4, 5, 64) * weights[1];
    sums += SPREAD(bytes, 6, 7, 8, 64) * weights[2];
    sums += SPREAD(bytes, 9, 10, 11, 64) * weights[3];
  }
  load_four(&bytes, rows, offset);
  sums += SPREAD(bytes, 0, 1, 2, 64) * weights[0];
  if (taps > 1) sums += SPREAD(bytes, 3, 4, 5, 64) * weights[1];
  if (taps > 2) sums += SPREAD(bytes, 6, 7, 8, 64) * weights[2];
  if (taps > 3) sums += SPREAD(bytes, 9, 10, 11, 64) * weights[3];
  store_four(targets, target, &sums);
}

INLINE void along3(uint8_t *const targets[ROWS], const uint8_t *const rows[ROWS], const ci_axis *axis, size_t taps) {
  for (size_t x = 0; x < axis->count; x++)
    pixel3(targets, 3 * x, rows, 3 * (size_t)axis->starts[x], axis->weights + x * taps, taps);
}

VECTORISED static void resample_rows3(uint8_t *const targets[ROWS], const uint8_t *const rows[ROWS],
                                      const ci_axis *axis) {
  switch (axis->taps) {
    case 2: along3(targets, rows, axis, 2); break;
    case 3: along3(targets, rows, axis, 3); break;
    case 4: along3(targets, rows, axis, 4); break;
    case 5: along3(targets, rows, axis, 5); break;
    case 6: along3(targets, rows, axis, 6); break;
    default: along3(targets, rows, axis, axis->taps);
  }
}

VECTORISED static void resample_rows4(uint8_t *const targets[ROWS], const uint8_t *const rows[ROWS],
                                      const ci_axis *axis) {
  const size_t taps = axis->taps;
  for (size_t x = 0; x < axis->count; x++) {
    const int32_t *weights = axis->weights + x * taps;
    size_t offset = 4 * (size_t)axis->starts[x];
    size_t tap = 0;
    i32x16 sums = (i32x16){0} + HALF;
    u8x64 bytes;
    for (; tap + 4 <= taps; tap += 4, offset += 16) {
      load_four(&bytes, rows, offset);
      sums += SPREAD(bytes, 0, 1, 2, 3) * weights[tap];
      sums += SPREAD(bytes, 4, 5, 6, 7) * weights[tap + 1];
      sums += SPREAD(bytes, 8, 9, 10, 11) * weights[tap + 2];
      sums += SPREAD(bytes, 12, 13, 14, 15) * weights[tap + 3];
    }
    for (; tap < taps; tap++, offset += 4) {
      load_four(&bytes, rows, offset);
      sums += SPREAD(bytes, 0, 1, 2, 3) * weights[tap];
    }
    store_four(targets, 4 * x, &sums);
  }
}

// One channel: four neighbours of each row fill the vector, and are added up at the end.
VECTORISED static void resample_rows1(uint8_t *const targets[ROWS], const uint8_t *const rows[ROWS],
                                      const ci_axis *axis) {
  const size_t taps = axis->taps;
  for (size_t x = 0; x < axis->count; x++) {
    const int32_t *weights = axis->weights + x * taps;
    const size_t start = (size_t)axis->starts[x];
    i32x16 sums = {0};
    size_t tap = 0;
    for (; tap + 4 <= taps; tap += 4) {
      u8x16 bytes;
      i32x16 factors;
      for (int row = 0; row < ROWS; row++) {
        __builtin_memcpy((char *)&bytes + 4 * row, rows[row] + start + tap, 4);
        __builtin_memcpy((char *)&factors + 16 * row, weights + tap, 16);
      }
      sums += __builtin_convertvector(bytes, i32x16) * factors;
    }
    for (int row = 0; row < ROWS; row++) {
      int32_t sum = HALF + sums[4 * row] + sums[4 * row + 1] + sums[4 * row + 2] + sums[4 * row + 3];
      for (size_t rest = tap; rest < taps; rest++) sum += rows[row][start + rest] * weights[rest];
      targets[row][x] = level(sum);
    }
  }
}

static void resample_rows(uint8_t *const targets[ROWS], const uint8_t *const rows[ROWS], const ci_axis *axis,
                          size_t channels) {
  switch (channels) {
    case 1: resample_rows1(targets, rows, axis); break;
    case 3: resample_rows3(targets, rows, axis); break;
    default: resample_rows4(targets, rows, axis);
  }
}

// --- Both passes ---

static size_t first_of(const ci_axis *axis) { return (size_t)axis->starts[0]; }
static size_t end_of(const ci_axis *axis) { return (size_t)axis->starts[axis->count - 1] + axis->taps; }

static size_t padded(size_t bytes) { return (bytes + PADDING + 63) / 64 * 64; }

typedef struct {
  // Four rows of the source, or of the vertical pass, with room behind them.
  uint8_t *inputs;
  size_t input_bytes;
  // A ring of rows of the horizontal pass, and one row for what nobody needs.
  uint8_t *ring;
  size_t ring_bytes;
  size_t ring_rows;
  // As many pointers as the vertical pass has taps.
  const uint8_t **pointers;
  size_t total;
} plan;

static plan plan_of(const ci_resizing *job) {
  const size_t vertical_taps = job->vertical ? job->vertical->taps : 1;
  const size_t columns = job->horizontal ? job->horizontal->count : job->width;
  plan result = {
      .input_bytes = padded(job->width * job->channels),
      .ring_bytes = padded(columns * job->channels),
      .ring_rows = vertical_taps + ROWS,
  };
  result.total = ROWS * result.input_bytes + (result.ring_rows + 1) * result.ring_bytes +
                 vertical_taps * sizeof(uint8_t *) + 64;
  return result;
}

size_t ci_resizing_scratch(const ci_resizing *job) { return plan_of(job).total; }

static plan place(const ci_resizing *job, uint8_t *scratch) {
  plan result = plan_of(job);
  result.pointers = (const uint8_t **)(((uintptr_t)scratch + 63) / 64 * 64);
  const size_t vertical_taps = job->vertical ? job->vertical->taps : 1;
  result.inputs = (uint8_t *)(result.pointers + vertical_taps);
  result.ring = result.inputs + ROWS * result.input_bytes;
  return result;
}

// Rows from `row` on, up to four, of the source; one whose neighbourhood reaches behind the memory is copied first.
static void source_rows(const ci_resizing *job, const plan *plan, size_t row, size_t count,
                        const uint8_t *rows[ROWS]) {
  const size_t row_bytes = job->width * job->channels;
  const uint8_t *end = job->source + (job->height - 1) * job->stride + row_bytes;
  for (size_t index = 0; index < ROWS; index++) {
    const uint8_t *from = job->source + (row + smaller(index, count - 1)) * job->stride;
    rows[index] = from;
    if ((size_t)(end - from) < row_bytes + PADDING) {
      uint8_t *copy = plan->inputs + index * plan->input_bytes;
      memcpy(copy, from, row_bytes);
      rows[index] = copy;
    }
  }
}

static void rows_first(const ci_resizing *job, const plan *plan) {
  const ci_axis *vertical = job->vertical;
  const size_t row_bytes = job->horizontal->count * job->channels;
  const size_t output_rows = vertical ? vertical->count : job->height;
  const size_t end = vertical ? end_of(vertical) : job->height;
  const size_t taps = vertical ? vertical->taps : 1;
  uint8_t *const waste = plan->ring + plan->ring_rows * plan->ring_bytes;
  size_t made = vertical ? first_of(vertical) : 0;

  for (size_t y = 0; y < output_rows; y++) {
    const size_t start = vertical ? (size_t)vertical->starts[y] : y;
    while (made < start + taps) {
      const size_t count = smaller(ROWS, end - made);
      const uint8_t *rows[ROWS];
      uint8_t *targets[ROWS];
      source_rows(job, plan, made, count, rows);
      for (size_t index = 0; index < ROWS; index++)
        targets[index] =
            index < count ? plan->ring + (made + index) % plan->ring_rows * plan->ring_bytes : waste;
      resample_rows(targets, rows, job->horizontal, job->channels);
      made += count;
    }
    uint8_t *target = job->target + y * row_bytes;
    if (!vertical) {
      memcpy(target, plan->ring + y % plan->ring_rows * plan->ring_bytes, row_bytes);
      continue;
    }
    for (size_t tap = 0; tap < taps; tap++)
      plan->pointers[tap] = plan->ring + (start + tap) % plan->ring_rows * plan->ring_bytes;
    blend_rows(target, plan->pointers, vertical->weights + y * taps, taps, row_bytes);
  }
}

static void columns_first(const ci_resizing *job, const plan *plan) {
  const ci_axis *vertical = job->vertical;
  const ci_axis *horizontal = job->horizontal;
  // Only the columns that the second pass reads.
  const size_t first = horizontal ? first_of(horizontal) * job->channels : 0;
  const size_t end = horizontal ? end_of(horizontal) * job->channels : job->width * job->channels;
  const size_t row_bytes = (horizontal ? horizontal->count : job->width) * job->channels;

  for (size_t y = 0; y < vertical->count; y += ROWS) {
    const size_t count = smaller(ROWS, vertical->count - y);
    const uint8_t *rows[ROWS];
    uint8_t *targets[ROWS];
    for (size_t index = 0; index < count; index++) {
      const size_t start = (size_t)vertical->starts[y + index];
      for (size_t tap = 0; tap < vertical->taps; tap++)
        plan->pointers[tap] = job->source + (start + tap) * job->stride + first;
      uint8_t *to = horizontal ? plan->inputs + index * plan->input_bytes + first
                               : job->target + (y + index) * row_bytes;
      blend_rows(to, plan->pointers, vertical->weights + (y + index) * vertical->taps, vertical->taps, end - first);
    }
    if (!horizontal) continue;
    for (size_t index = 0; index < ROWS; index++) {
      rows[index] = plan->inputs + smaller(index, count - 1) * plan->input_bytes;
      targets[index] = plan->ring + index * plan->ring_bytes;
    }
    resample_rows(targets, rows, horizontal, job->channels);
    for (size_t index = 0; index < count; index++)
      memcpy(job->target + (y + index) * row_bytes, targets[index], row_bytes);
  }
}

void ci_resize(const ci_resizing *job, uint8_t *scratch) {
  const plan plan = place(job, scratch);
  if (job->horizontal && !(job->vertical && job->vertical_first)) {
    rows_first(job, &plan);
  } else if (job->vertical) {
    columns_first(job, &plan);
  } else {
    for (size_t y = 0; y < job->height; y++)
      memcpy(job->target + y * job->width * job->channels, job->source + y * job->stride, job->width * job->channels);
  }
}
