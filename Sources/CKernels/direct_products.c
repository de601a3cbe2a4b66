// The products of direct convolutions, in which nearly all of their time goes: positions by one or two blocks of 16 output
// channels that stay in registers.
#include "direct.h"
#include "long_sums.h"
#include "vector.h"

// Vectors of 16 that accumulate side by side without leaving the registers.
#if defined(__aarch64__)
enum { PORTABLE_ROWS = 5 };
#else
enum { PORTABLE_ROWS = 2 };
#endif

// Many terms are summed in parts, which are added.
typedef struct {
  lanes sums[MOST_ROWS][2], totals[MOST_ROWS][2];
  bool has_totals;
} long_products;

INLINE void end_part(long_products *l, const size_t rows, const size_t vectors) {
  UNROLLED for (size_t r = 0; r < rows; ++r)
    UNROLLED for (size_t o = 0; o < vectors; ++o)
      l->totals[r][o] = l->has_totals ? l->totals[r][o] + l->sums[r][o] : l->sums[r][o];
  clear_sums(l->sums, rows, vectors);
  l->has_totals = true;
}

// Asks for the positions after these, where they are read for the first time.
INLINE void ask_for_next(const float *source, const bool is_cold, const size_t step, const size_t rows) {
  if (is_cold) UNROLLED for (size_t r = 0; r < rows; ++r) __builtin_prefetch(source + (rows + r) * step);
}

// Products of windows of one element, of pictures in blocks. All channels of every block but the last are there.
INLINE void sum_channels(const direct_product *p, long_products *l, const float *source, const float *u,
                         const weight_prefetch prefetch, size_t u_step, const size_t rows, const size_t vectors) {
  const bool is_cold = p->is_cold, is_full = p->last_terms == WIDTH;
  const size_t source_block = p->source_block, whole = is_full ? p->blocks : p->blocks - 1, most = MOST_TERMS / WIDTH;
  source += p->taps[0];
  for (size_t b = 0, end; b < whole; b = end) {
    if (b) end_part(l, rows, vectors);
    end = whole - b < most ? whole : b + most;
    for (; b < end; ++b, source += source_block, u += WIDTH * u_step) {
      ask_for_next(source, is_cold, WIDTH, rows);
      multiply_terms(l->sums, source, u, prefetch, u_step, WIDTH, WIDTH, rows, vectors);
    }
  }
  if (is_full) return;
  if (whole && whole % most == 0) end_part(l, rows, vectors);
  ask_for_next(source, is_cold, WIDTH, rows);
  multiply_terms(l->sums, source, u, prefetch, u_step, p->last_terms, WIDTH, rows, vectors);
}

// Those of any windows.
INLINE void sum_taps(const direct_product *p, long_products *l, const float *source, const float *u,
                     const weight_prefetch prefetch, size_t u_step, const size_t step, const size_t rows, const size_t vectors) {
  const size_t terms = step == WIDTH ? WIDTH : p->terms, tap_count = p->tap_count, *taps = p->taps;
  const bool is_cold = p->is_cold;
  size_t left = MOST_TERMS;
  for (size_t b = 0; b < p->blocks; ++b, source += p->source_block) {
    if (tap_count) ask_for_next(source + taps[0], is_cold, step, rows);
    for (size_t t = 0; t < tap_count; ++t, u += terms * u_step) {
      if (left < terms) end_part(l, rows, vectors), left = MOST_TERMS;
      left -= terms;
      multiply_terms(l->sums, source + taps[t], u, prefetch, u_step, terms, step, rows, vectors);
    }
  }
}

// `rows` positions from `first` on, by `vectors` blocks of output channels of which the weights lie `u_step` floats apart.
INLINE void product_rows(const direct_product *p, size_t first, size_t block, size_t u_step, const size_t step,
                         const size_t rows, const size_t vectors, const bool has_one_tap, const bool prefetches) {
  const float *u = p->weights + block * WIDTH, *source = p->source + first * step;
  const size_t offset = first * p->y_step + block * p->y_block;
  // What is added to the results is wanted in the end.
  if (p->addend) UNROLLED for (size_t o = 0; o < vectors; ++o)
      UNROLLED for (size_t r = 0; r < rows; ++r) __builtin_prefetch(p->addend + offset + o * p->y_block + r * p->y_step);
  const size_t terms = p->blocks * p->tap_count * p->terms;
  const weight_prefetch prefetch = weight_prefetch_of(u, p->weights_end, u_step, terms, prefetches, rows);
  long_products l = {.has_totals = false};
  clear_sums(l.sums, rows, vectors);
  if (has_one_tap)
    sum_channels(p, &l, source, u, prefetch, u_step, rows, vectors);
  else
    sum_taps(p, &l, source, u, prefetch, u_step, step, rows, vectors);
  const lanes low = (lanes){0}, high = low + 6;
  UNROLLED for (size_t o = 0; o < vectors; ++o) {
    const lanes bias = LOAD(p->bias + (block + o) * WIDTH);
    float *y = p->y + offset + o * p->y_block;
    const float *addend = p->addend ? p->addend + offset + o * p->y_block : NULL;
    UNROLLED for (size_t r = 0; r < rows; ++r) {
      lanes value = (l.has_totals ? l.sums[r][o] + l.totals[r][o] : l.sums[r][o]) + bias;
      if (addend) value += LOAD(addend + r * p->y_step);
      // What is not a number is at no limit, and stays.
      if (p->rectifies) value = SELECT(value <= low, low, value);
      if (p->is_limited) value = SELECT(value > high, high, value);
      STORE(y + r * p->y_step, value);
    }
  }
}

// All positions, in groups of about equal size, at most `most` each.
INLINE void product_of_blocks(const direct_product *p, const size_t most, const size_t vectors, const bool has_one_tap) {
  const size_t blocks = p->is_pair ? 2 : 1, groups = ceiling(p->positions, most);
  for (size_t block = 0; block < blocks; block += vectors)
    for (size_t group = 0; group < groups; ++group) {
      const size_t first = p->positions * group / groups, rows = p->positions * (group + 1) / groups - first;
      switch (rows) {
#define ROWS(count)                                                                                        \
  case count:                                                                                              \
    if (count > most) break;                                                                               \
    if (prefetches_weights(group, vectors))                                                                \
      product_rows(p, first, block, blocks * WIDTH, WIDTH, count, vectors, has_one_tap, true);             \
    else                                                                                                   \
      product_rows(p, first, block, blocks * WIDTH, WIDTH, count, vectors, has_one_tap, false);            \
    break;
        FOR_EACH_ROW_COUNT(ROWS)
#undef ROWS
      }
    }
}

// The same in plain order, whose rows are long and whose weights are few.
INLINE void product_of_plain(const direct_product *p, const size_t step, const size_t most, const size_t vectors) {
  const size_t blocks = p->is_pair ? 2 : 1;
  for (size_t block = 0; block < blocks; block += vectors) {
    size_t first = 0;
#define ROWS(count)                                                                    \
  for (; count <= most && first + count <= p->positions; first += count)               \
    product_rows(p, first, block, blocks * WIDTH, step, count, vectors, false, vectors == 2);
    ROWS(14) ROWS(6) ROWS(5) ROWS(2) ROWS(1)
#undef ROWS
  }
}

INLINE void product_of(const direct_product *p, const size_t most, const size_t vectors) {
  switch (p->step) {
    case WIDTH:
      if (p->tap_count == 1)
        product_of_blocks(p, most, vectors, true);
      else
        product_of_blocks(p, most, vectors, false);
      break;
    // One and three channels, at the strides of first layers.
    case 1: product_of_plain(p, 1, most, vectors); break;
    case 2: product_of_plain(p, 2, most, vectors); break;
    case 3: product_of_plain(p, 3, most, vectors); break;
    case 6: product_of_plain(p, 6, most, vectors); break;
    case 12: product_of_plain(p, 12, most, vectors); break;
  }
}

#if defined(__x86_64__)
FOR_AVX512 static void product_avx512(const direct_product *p) {
  if (p->is_pair)
    product_of(p, 14, 2);
  else
    product_of(p, 14, 1);
}
FOR_AVX2 static void product_avx2(const direct_product *p) { product_of(p, 6, 1); }
#endif
static void product_portable(const direct_product *p) { product_of(p, PORTABLE_ROWS, 1); }

void ck_direct_product(const direct_product *p) {
  switch (ck_usable_instructions(p->instructions)) {
#if defined(__x86_64__)
    case CK_WIDEST: product_avx512(p); break;
    case CK_AVX2: product_avx2(p); break;
#endif
    default: product_portable(p);
  }
}
