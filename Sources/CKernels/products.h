#ifndef CONVNET_PRODUCTS_H
#define CONVNET_PRODUCTS_H

#include "lanes.h"

enum { PAIR = 2 * WIDTH, MOST_ROWS = 16 };

// The numbers of rows for which there is forward code.
#define FOR_EACH_ROW_COUNT(body)                                                                                    \
  body(1) body(2) body(3) body(4) body(5) body(6) body(7) body(8) body(9) body(10) body(11) body(12) body(13) body(14)

INLINE size_t ceiling(size_t count, size_t parts) { return (count + parts - 1) / parts; }

INLINE void clear_sums(lanes (*sums)[2], const size_t rows, const size_t vectors) {
  UNROLLED for (size_t r = 0; r < rows; ++r)
    UNROLLED for (size_t o = 0; o < vectors; ++o) sums[r][o] = (lanes){0};
}

// How far ahead weights are asked for, in terms: few rows use them up quickly, at the speed of the memory.
INLINE size_t terms_ahead(const size_t rows) { return rows < 8 ? 128 : 32; }

// sums[row][..] += v[row * step + k] u[k * u_step..] for all terms k. The sums are vectors that stay in registers; the other
// factor is broadcast. Weights end at `end`: to ask for what lies behind, where there may be no memory, can take longer than
// the products.
INLINE void multiply_terms(lanes (*sums)[2], const float *v, const float *u, const float *end, size_t u_step,
                           const size_t terms, const size_t step, const size_t rows, const size_t vectors) {
  const size_t far = terms_ahead(rows) * u_step;
  const size_t ahead = (size_t)(end - u) >= terms * u_step + far ? far : 0;
#pragma clang loop unroll_count(4)
  for (size_t k = 0; k < terms; ++k, u += u_step) {
    lanes weights[2];
    UNROLLED for (size_t o = 0; o < vectors; ++o) {
      weights[o] = LOAD(u + o * WIDTH);
      __builtin_prefetch(u + o * WIDTH + ahead);
    }
    UNROLLED for (size_t r = 0; r < rows; ++r)
      UNROLLED for (size_t o = 0; o < vectors; ++o) sums[r][o] += v[r * step + k] * weights[o];
    // Where there are few registers, loads of the next term would take those of the sums.
    if (vectors == 1) __asm__ volatile("" ::: "memory");
  }
}

// sums[row][..] += v[i * step + row] d[i][..] for `count` positions i, whose gradients lie side by side in blocks that are
// `d_block` floats apart.
INLINE void multiply_positions(lanes (*sums)[2], const float *v, size_t step, const float *d, size_t d_block, size_t count,
                               const size_t rows, const size_t vectors) {
#pragma clang loop unroll_count(2)
  for (size_t i = 0; i < count; ++i, v += step, d += WIDTH) {
    lanes gradients[2];
    UNROLLED for (size_t o = 0; o < vectors; ++o) gradients[o] = LOAD(d + o * d_block);
    UNROLLED for (size_t r = 0; r < rows; ++r)
      UNROLLED for (size_t o = 0; o < vectors; ++o) sums[r][o] += v[r] * gradients[o];
    if (vectors == 1) __asm__ volatile("" ::: "memory");
  }
}

#endif
