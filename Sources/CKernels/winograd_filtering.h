#ifndef CONVNET_WINOGRAD_FILTERING_H
#define CONVNET_WINOGRAD_FILTERING_H

#include "lanes.h"

// Minimal filtering F(4, r): four outputs of a filter of r = 3, 5 or 7 taps from r + 3 inputs by r + 3 products instead of
// 4 r (Winograd, "Arithmetic complexity of computations", 1980). Inputs and taps are evaluated at the points 0, +-p for each
// p below, and infinity, and multiplied there; outputs are the products' transposed evaluation. Points in pairs share their
// even and odd parts. Squares around 1 whose product is 1 keep the rounding error low: for three taps it is half of that of
// 0, +-1, +-2 and infinity. With s = p^2, M(t) = product of (t - s) over all pairs, M_k without pair k's:
//
//   inputs  at 0: sum of M's coefficients times x[0], x[2], ...; at infinity likewise x[1], x[3], ...;
//           at +-p: sum of M_k's coefficients times x[2], x[4], ... +- p x[1], p x[3], ...
//   taps    at +-p: polynomial of the taps, over 2 s M_k(s); at 0 the first over M(0), at infinity the last
//
// Functions work on a row of vectors of channels, `step` vectors apart. One tap needs no filtering: a copy.
enum { TILE = 4, MOST_TAPS = 7, MOST_SPAN = MOST_TAPS + TILE - 1, MOST_PAIRS = (MOST_TAPS + 1) / 2 };

INLINE size_t tile_of(size_t taps) { return taps == 1 ? 1 : TILE; }
INLINE size_t span_of(size_t taps) { return taps + tile_of(taps) - 1; }
INLINE size_t pairs_of(size_t taps) { return (taps + 1) / 2; }

// Polynomials by their roots, constant term first.
#define ROOTS_1(a) {-(a), 1}
#define ROOTS_2(a, b) {(a) * (b), -((a) + (b)), 1}
#define ROOTS_3(a, b, c) {-(a) * (b) * (c), (a) * (b) + (b) * (c) + (a) * (c), -((a) + (b) + (c)), 1}
#define ROOTS_4(a, b, c, d)                                                                               \
  {(a) * (b) * (c) * (d), -((a) * (b) * ((c) + (d)) + ((a) + (b)) * (c) * (d)),                           \
   (a) * (b) + (c) * (d) + ((a) + (b)) * ((c) + (d)), -((a) + (b) + (c) + (d)), 1}

typedef struct {
  double points[MOST_PAIRS], squares[MOST_PAIRS];
  double all[MOST_PAIRS + 1], without[MOST_PAIRS][MOST_PAIRS];  // M and each M_k
} filtering;

// Of 3, 5 and 7 taps. Everything that is computed from them is constant where the number of taps is.
static const filtering filterings[] = {
    {{0.70710678118654752440, 1.41421356237309504880}, {0.5, 2}, ROOTS_2(0.5, 2), {ROOTS_1(2), ROOTS_1(0.5)}},
    {{0.5, 1, 2}, {0.25, 1, 4}, ROOTS_3(0.25, 1, 4), {ROOTS_2(1, 4), ROOTS_2(0.25, 4), ROOTS_2(0.25, 1)}},
    {{0.4, 0.8, 1.25, 2.5},
     {0.16, 0.64, 1.5625, 6.25},
     ROOTS_4(0.16, 0.64, 1.5625, 6.25),
     {ROOTS_3(0.64, 1.5625, 6.25), ROOTS_3(0.16, 1.5625, 6.25), ROOTS_3(0.16, 0.64, 6.25), ROOTS_3(0.16, 0.64, 1.5625)}},
};

// What tap j counts at point +p of pair k.
INLINE float tap_factor(const filtering *f, size_t pairs, size_t k, size_t j) {
  const double square = f->squares[k];
  double divisor = 0, power = j % 2 ? f->points[k] : 1;
  UNROLLED for (size_t i = 0; i < pairs; ++i) divisor = divisor * square + f->without[k][pairs - 1 - i];
  UNROLLED for (size_t i = 0; i < j / 2; ++i) power *= square;
  return (float)(power / (2 * square * divisor));
}

// taps + 3 inputs at the points.
INLINE void transform_input(lanes *to, size_t to_step, const lanes *x, size_t step, size_t taps) {
  if (taps == 1) {
    to[0] = x[0];
    return;
  }
  const filtering *f = &filterings[taps / 2 - 1];
  const size_t pairs = pairs_of(taps), last = span_of(taps) - 1;
  lanes zero = (float)f->all[0] * x[0], infinity = (float)f->all[0] * x[step];
  UNROLLED for (size_t j = 1; j <= pairs; ++j) {
    zero += (float)f->all[j] * x[2 * j * step];
    infinity += (float)f->all[j] * x[(2 * j + 1) * step];
  }
  to[0] = zero;
  to[last * to_step] = infinity;
  UNROLLED for (size_t k = 0; k < pairs; ++k) {
    lanes even = (float)f->without[k][0] * x[2 * step], odd = (float)(f->points[k] * f->without[k][0]) * x[step];
    UNROLLED for (size_t j = 1; j < pairs; ++j) {
      even += (float)f->without[k][j] * x[(2 * j + 2) * step];
      odd += (float)(f->points[k] * f->without[k][j]) * x[(2 * j + 1) * step];
    }
    to[(2 * k + 1) * to_step] = even + odd;
    to[(2 * k + 2) * to_step] = even - odd;
  }
}

// Taps at the points.
INLINE void transform_weights(lanes *to, size_t to_step, const lanes *w, size_t step, size_t taps) {
  if (taps == 1) {
    to[0] = w[0];
    return;
  }
  const filtering *f = &filterings[taps / 2 - 1];
  const size_t pairs = pairs_of(taps), last = span_of(taps) - 1;
  to[0] = (float)(1 / f->all[0]) * w[0];
  to[last * to_step] = w[(taps - 1) * step];
  UNROLLED for (size_t k = 0; k < pairs; ++k) {
    lanes even = tap_factor(f, pairs, k, 0) * w[0], odd = tap_factor(f, pairs, k, 1) * w[step];
    UNROLLED for (size_t j = 2; j < taps; j += 2) even += tap_factor(f, pairs, k, j) * w[j * step];
    UNROLLED for (size_t j = 3; j < taps; j += 2) odd += tap_factor(f, pairs, k, j) * w[j * step];
    to[(2 * k + 1) * to_step] = even + odd;
    to[(2 * k + 2) * to_step] = even - odd;
  }
}

// Products at the points to four outputs.
INLINE void transform_output(lanes *to, size_t to_step, const lanes *m, size_t step, size_t taps) {
  if (taps == 1) {
    to[0] = m[0];
    return;
  }
  const filtering *f = &filterings[taps / 2 - 1];
  lanes y[TILE] = {m[0], {0}, {0}, m[(span_of(taps) - 1) * step]};
  UNROLLED for (size_t k = 0; k < pairs_of(taps); ++k) {
    const lanes plus = m[(2 * k + 1) * step], minus = m[(2 * k + 2) * step];
    const lanes even = plus + minus, odd = (float)f->points[k] * (plus - minus);
    y[0] += even;
    y[1] += odd;
    y[2] += (float)f->squares[k] * even;
    y[3] += (float)f->squares[k] * odd;
  }
  UNROLLED for (size_t i = 0; i < TILE; ++i) to[i * to_step] = y[i];
}

// The transpose of transform_output: four output gradients at the points.
INLINE void transform_output_gradient(lanes *to, size_t to_step, const lanes *d, size_t step, size_t taps) {
  if (taps == 1) {
    to[0] = d[0];
    return;
  }
  const filtering *f = &filterings[taps / 2 - 1];
  const lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
  to[0] = d0;
  to[(span_of(taps) - 1) * to_step] = d3;
  UNROLLED for (size_t k = 0; k < pairs_of(taps); ++k) {
    const float square = (float)f->squares[k];
    const lanes even = d0 + square * d2, odd = (float)f->points[k] * (d1 + square * d3);
    to[(2 * k + 1) * to_step] = even + odd;
    to[(2 * k + 2) * to_step] = even - odd;
  }
}

// The transpose of transform_weights: products at the points to gradients by the taps.
INLINE void transform_weight_gradient(lanes *to, size_t to_step, const lanes *u, size_t step, size_t taps) {
  if (taps == 1) {
    to[0] = u[0];
    return;
  }
  const filtering *f = &filterings[taps / 2 - 1];
  const size_t pairs = pairs_of(taps);
  lanes w[MOST_TAPS] = {(float)(1 / f->all[0]) * u[0]};
  w[taps - 1] = u[(span_of(taps) - 1) * step];
  UNROLLED for (size_t k = 0; k < pairs; ++k) {
    const lanes plus = u[(2 * k + 1) * step], minus = u[(2 * k + 2) * step];
    const lanes even = plus + minus, odd = plus - minus;
    UNROLLED for (size_t j = 0; j < taps; j += 2) w[j] += tap_factor(f, pairs, k, j) * even;
    UNROLLED for (size_t j = 1; j < taps; j += 2) w[j] += tap_factor(f, pairs, k, j) * odd;
  }
  UNROLLED for (size_t j = 0; j < taps; ++j) to[j * to_step] = w[j];
}

#endif
