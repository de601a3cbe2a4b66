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

// Whether weights are prefetched, which is known to the compiler, and from how many floats ahead.
typedef struct {
  bool is_on;
  size_t distance;
} weight_prefetch;

// Of those of `terms` terms from `u` on; all weights end at `end`. Few rows use them up quickly, at the speed of the memory. To
// ask for what lies behind the end, where there may be no memory, can take longer than the products.
INLINE weight_prefetch weight_prefetch_of(const float *u, const float *end, size_t u_step, size_t terms, const bool is_on,
                                          const size_t rows) {
  const size_t far = (rows < 8 ? 128 : 32) * u_step;
  return (weight_prefetch){is_on, is_on && (size_t)(end - u) >= terms * u_step + far ? far : 0};
}

// The first positions read weights from afar. For others they are near: to ask for them once more takes a product's time where
// registers are few, and each term has few products.
INLINE bool prefetches_weights(size_t group, const size_t vectors) { return vectors == 2 || group == 0; }

// sums[row][..] += v[row * step] u[..]. The sums are vectors that stay in registers; the other factor is broadcast.
INLINE void multiply_term(lanes (*sums)[2], const float *v, const float *u, const weight_prefetch prefetch, const size_t step,
                          const size_t rows, const size_t vectors) {
  lanes weights[2];
  UNROLLED for (size_t o = 0; o < vectors; ++o) {
    weights[o] = LOAD(u + o * WIDTH);
    if (prefetch.is_on) __builtin_prefetch(u + o * WIDTH + prefetch.distance);
  }
  UNROLLED for (size_t r = 0; r < rows; ++r)
    UNROLLED for (size_t o = 0; o < vectors; ++o) sums[r][o] += v[r * step] * weights[o];
  // Where there are few registers, loads of the next term would take those of the sums.
  if (vectors == 1) __asm__ volatile("" ::: "memory");
}

// The same for all terms k, of v[row * step + k] and u[k * u_step..]; of pictures in blocks, whose step is
// WIDTH, the terms are a multiple of four.
INLINE void multiply_terms(lanes (*sums)[2], const float *v, const float *u, const weight_prefetch prefetch, size_t u_step,
                           const size_t terms, const size_t step, const size_t rows, const size_t vectors) {
  if (step == WIDTH) {
    for (size_t first = 0; first < terms; first += 4)
      UNROLLED for (size_t k = 0; k < 4; ++k, u += u_step)
        multiply_term(sums, v + first + k, u, prefetch, step, rows, vectors);
  } else {
#pragma clang loop unroll_count(4)
    for (size_t k = 0; k < terms; ++k, u += u_step) multiply_term(sums, v + k, u, prefetch, step, rows, vectors);
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
