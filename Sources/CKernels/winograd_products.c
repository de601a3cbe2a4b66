// The products of Winograd's algorithm, in which nearly all of its time goes: tiles of a result that stay in registers,
// each vector a block of 16 output channels, the other factor broadcast.
#include "vector.h"
#include "winograd.h"

// Vectors of 16 that accumulate side by side without leaving the registers.
#if defined(__aarch64__)
enum { PORTABLE_TILES = 5, PORTABLE_CHANNELS = 4 };
#else
enum { PORTABLE_TILES = 2, PORTABLE_CHANNELS = 2 };
#endif

// MARK: Forward

// `rows` tiles by `vectors` blocks of output channels, of weights `u_step` floats apart.
INLINE void product_rows(float *m, size_t m_block, const float *v, size_t v_block, const float *u, const float *u_end,
                         size_t u_step, size_t in_blocks, const bool prefetches, const size_t rows, const size_t vectors) {
  lanes sums[MOST_ROWS][2];
  clear_sums(sums, rows, vectors);
  const weight_prefetch prefetch = weight_prefetch_of(u, u_end, u_step, in_blocks * WIDTH, prefetches, rows);
  for (; in_blocks > 0; --in_blocks, v += v_block, u += WIDTH * u_step) {
    UNROLLED for (size_t r = 0; r < rows; ++r) __builtin_prefetch(v + v_block + r * WIDTH);
    multiply_terms(sums, v, u, prefetch, u_step, WIDTH, WIDTH, rows, vectors);
  }
  UNROLLED for (size_t r = 0; r < rows; ++r)
    UNROLLED for (size_t o = 0; o < vectors; ++o) STORE(m + o * m_block + r * WIDTH, sums[r][o]);
}

// All tiles, in groups of about equal size, at most `most` each.
INLINE void product_of(const winograd_product *p, const size_t most, const size_t vectors) {
  const size_t block = p->tiles * WIDTH, blocks = p->is_pair ? 2 : 1, groups = ceiling(p->tiles, most);
  for (size_t o = 0; o < blocks; o += vectors)
    for (size_t group = 0; group < groups; ++group) {
      const size_t first = p->tiles * group / groups, rows = p->tiles * (group + 1) / groups - first;
      float *m = p->m + o * block + first * WIDTH;
      const float *v = p->v + first * WIDTH, *u = p->u + o * WIDTH;
      switch (rows) {
#define ROWS(count)                                                                                               \
  case count:                                                                                                     \
    if (count > most) break;                                                                                      \
    if (prefetches_weights(group, vectors))                                                                       \
      product_rows(m, block, v, block, u, p->u_end, blocks * WIDTH, p->in_blocks, true, count, vectors);          \
    else                                                                                                          \
      product_rows(m, block, v, block, u, p->u_end, blocks * WIDTH, p->in_blocks, false, count, vectors);         \
    break;
        FOR_EACH_ROW_COUNT(ROWS)
#undef ROWS
      }
    }
}

#if defined(__x86_64__)
FOR_AVX512 static void product_avx512(const winograd_product *p) {
  if (p->is_pair)
    product_of(p, 14, 2);
  else
    product_of(p, 14, 1);
}
FOR_AVX2 static void product_avx2(const winograd_product *p) { product_of(p, 6, 1); }
#endif
static void product_portable(const winograd_product *p) { product_of(p, PORTABLE_TILES, 1); }

void ck_winograd_product(const winograd_product *p) {
  switch (ck_usable_instructions(p->instructions)) {
#if defined(__x86_64__)
    case CK_WIDEST: product_avx512(p); break;
    case CK_AVX2: product_avx2(p); break;
#endif
    default: product_portable(p);
  }
}

// MARK: Weight gradient

// `rows` input channels by `vectors` blocks of output channels, of gradients `u_step` floats apart.
INLINE void gradient_rows(float *u, size_t u_step, const float *v, const float *d, size_t d_block, size_t tiles,
                          bool accumulates, size_t rows, size_t vectors) {
  // The next call continues where this one ends.
  UNROLLED for (size_t r = 0; r < rows; ++r)
    UNROLLED for (size_t o = 0; o < vectors; ++o) __builtin_prefetch(u + (rows + r) * u_step + o * WIDTH, 1);
  lanes sums[MOST_ROWS][2];
  clear_sums(sums, rows, vectors);
  multiply_positions(sums, v, WIDTH, d, d_block, tiles, rows, vectors);
  UNROLLED for (size_t r = 0; r < rows; ++r)
    UNROLLED for (size_t o = 0; o < vectors; ++o) {
      // Added in the end, so that terms are rounded by their own sum, not by that of all tiles before.
      if (accumulates) sums[r][o] += LOAD(u + r * u_step + o * WIDTH);
      STORE(u + r * u_step + o * WIDTH, sums[r][o]);
    }
}

INLINE void gradient_of(const winograd_gradient_product *p, size_t rows, size_t vectors) {
  const size_t block = p->tiles * WIDTH, blocks = p->is_pair ? 2 : 1, u_step = blocks * WIDTH;
  for (size_t row = 0; row < WIDTH; row += rows)
    for (size_t o = 0; o < blocks; o += vectors)
      gradient_rows(p->u + row * u_step + o * WIDTH, u_step, p->v + row, p->d + o * block, block, p->tiles,
                    p->accumulates, rows, vectors);
}

#if defined(__x86_64__)
FOR_AVX512 static void gradient_avx512(const winograd_gradient_product *p) {
  if (p->is_pair)
    gradient_of(p, 8, 2);
  else
    gradient_of(p, 16, 1);
}
FOR_AVX2 static void gradient_avx2(const winograd_gradient_product *p) { gradient_of(p, 4, 1); }
#endif
static void gradient_portable(const winograd_gradient_product *p) { gradient_of(p, PORTABLE_CHANNELS, 1); }

void ck_winograd_gradient_product(const winograd_gradient_product *p) {
  switch (ck_usable_instructions(p->instructions)) {
#if defined(__x86_64__)
    case CK_WIDEST: gradient_avx512(p); break;
    case CK_AVX2: gradient_avx2(p); break;
#endif
    default: gradient_portable(p);
  }
}
