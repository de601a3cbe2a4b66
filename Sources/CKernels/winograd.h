#ifndef CONVNET_WINOGRAD_H
#define CONVNET_WINOGRAD_H

#include "lanes.h"

// Winograd's F(4x4, 3x3): an output tile of 4x4 from an input tile of 6x6 by 36 products instead of 144 (Lavin and Gray,
// "Fast algorithms for convolutional neural networks", 2015). The polynomials are evaluated at 0, +-sqrt(1/2), +-sqrt(2) and
// infinity: points near 1 whose squares multiply to 1 keep the rounding error at half of that of 0, +-1, +-2 and infinity.
//
// The transforms below work on a row of vectors of channels, `step` vectors apart; a tile takes one along its columns and
// one along its rows.
enum { POINTS = 36, TILE = 4, SPAN = 6, PAIR = 2 * WIDTH };

#define SMALL_POINT 0.70710678118654752440f
#define LARGE_POINT 1.41421356237309504880f

// Six inputs at the points.
INLINE void transform_input(lanes *to, size_t to_step, const lanes *x, size_t step) {
  const lanes x1 = x[step], x2 = x[2 * step], x3 = x[3 * step], x4 = x[4 * step];
  const lanes even_small = x4 - 2 * x2, odd_small = SMALL_POINT * x3 - LARGE_POINT * x1;
  const lanes even_large = x4 - 0.5f * x2, odd_large = LARGE_POINT * x3 - SMALL_POINT * x1;
  to[0] = x[0] + x4 - 2.5f * x2;
  to[to_step] = even_small + odd_small;
  to[2 * to_step] = even_small - odd_small;
  to[3 * to_step] = even_large + odd_large;
  to[4 * to_step] = even_large - odd_large;
  to[5 * to_step] = x1 + x[5 * step] - 2.5f * x3;
}

// Three weights at the points.
INLINE void transform_weights(lanes *to, size_t to_step, const lanes *w, size_t step) {
  const lanes even_small = (-2.0f / 3) * w[0] - (1.0f / 3) * w[2 * step];
  const lanes odd_small = (-2.0f / 3 * SMALL_POINT) * w[step];
  const lanes even_large = (1.0f / 6) * w[0] + (1.0f / 3) * w[2 * step];
  const lanes odd_large = (1.0f / 6 * LARGE_POINT) * w[step];
  to[0] = w[0];
  to[to_step] = even_small + odd_small;
  to[2 * to_step] = even_small - odd_small;
  to[3 * to_step] = even_large + odd_large;
  to[4 * to_step] = even_large - odd_large;
  to[5 * to_step] = w[2 * step];
}

// Products at the points to four outputs.
INLINE void transform_output(lanes *to, size_t to_step, const lanes *m, size_t step) {
  const lanes even_small = m[step] + m[2 * step], odd_small = SMALL_POINT * (m[step] - m[2 * step]);
  const lanes even_large = m[3 * step] + m[4 * step], odd_large = LARGE_POINT * (m[3 * step] - m[4 * step]);
  to[0] = m[0] + even_small + even_large;
  to[to_step] = odd_small + odd_large;
  to[2 * to_step] = 0.5f * even_small + 2 * even_large;
  to[3 * to_step] = 0.5f * odd_small + 2 * odd_large + m[5 * step];
}

// The transpose of transform_output: four output gradients at the points.
INLINE void transform_output_gradient(lanes *to, size_t to_step, const lanes *d, size_t step) {
  const lanes d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
  const lanes even_small = d0 + 0.5f * d2, odd_small = SMALL_POINT * (d1 + 0.5f * d3);
  const lanes even_large = d0 + 2 * d2, odd_large = LARGE_POINT * (d1 + 2 * d3);
  to[0] = d0;
  to[to_step] = even_small + odd_small;
  to[2 * to_step] = even_small - odd_small;
  to[3 * to_step] = even_large + odd_large;
  to[4 * to_step] = even_large - odd_large;
  to[5 * to_step] = d3;
}

// The transpose of transform_weights: products at the points to three weight gradients.
INLINE void transform_weight_gradient(lanes *to, size_t to_step, const lanes *u, size_t step) {
  const lanes even_small = u[step] + u[2 * step], odd_small = u[step] - u[2 * step];
  const lanes even_large = u[3 * step] + u[4 * step], odd_large = u[3 * step] - u[4 * step];
  to[0] = u[0] - (2.0f / 3) * even_small + (1.0f / 6) * even_large;
  to[to_step] = (1.0f / 6 * LARGE_POINT) * odd_large - (2.0f / 3 * SMALL_POINT) * odd_small;
  to[2 * to_step] = u[5 * step] + (1.0f / 3) * (even_large - even_small);
}

// MARK: Tiles

INLINE size_t tile_columns(const ck_winograd *w) { return (w->out_width + TILE - 1) / TILE; }
INLINE size_t tiles_of_picture(const ck_winograd *w) { return (w->out_height + TILE - 1) / TILE * tile_columns(w); }
INLINE size_t ceiling(size_t count, size_t parts) { return (count + parts - 1) / parts; }

typedef struct {
  size_t picture, top, left;
} tile_place;

INLINE tile_place place_of(const ck_winograd *w, size_t tile) {
  const size_t of_picture = tiles_of_picture(w), within = tile % of_picture;
  return (tile_place){tile / of_picture, within / tile_columns(w) * TILE, within % tile_columns(w) * TILE};
}

// Values of tiles lie as [point][block of 16 channels][tile][16]. Points are an odd number of cache lines apart, so that
// the 36 that a tile writes do not meet in one set of a cache.
INLINE size_t point_stride(size_t blocks, size_t tiles) { return (blocks * tiles | 1) * WIDTH; }

// Of tiles first ..< first + count: inputs of one block of channels to the points, `point` floats apart.
void ck_winograd_transform_inputs(const ck_winograd *w, float *v, size_t point, const float *x, size_t block,
                                  size_t first, size_t count);
// Output gradients likewise; adds their sums over the tiles to the 16 of `bias_gradient`.
void ck_winograd_transform_gradients(const ck_winograd *w, float *v, size_t point, float *bias_gradient,
                                     const float *d, size_t block, size_t first, size_t count);

// MARK: Products

// Transformed weights, and their gradients, lie as [pair of blocks of output channels][point][input channel][32], in the
// order in which they are used; an odd last block counts 16. Points are an odd number of lines apart, as above.
INLINE size_t weights_point(size_t in_channels, bool is_pair) { return (in_channels << is_pair | 1) * WIDTH; }
INLINE size_t weights_pair(size_t in_channels) { return POINTS * weights_point(in_channels, true); }
INLINE size_t weights_count(size_t in_channels, size_t out_blocks) {
  return out_blocks / 2 * weights_pair(in_channels) + out_blocks % 2 * POINTS * weights_point(in_channels, false);
}

// At one point: m[tile][out] = sum over in of v[tile][in] u[in][out], for 32 or 16 output channels.
typedef struct {
  float *m;
  const float *v, *u;
  size_t in_blocks, tiles;
  bool is_pair;
  ck_instructions instructions;
} winograd_product;
void ck_winograd_product(const winograd_product *product);

// At one point: u[in][out] = or += sum over tiles of v[tile][in] d[tile][out], for 16 input and 32 or 16 output channels.
typedef struct {
  float *u;
  const float *v, *d;
  size_t tiles;
  bool is_pair, accumulates;
  ck_instructions instructions;
} winograd_gradient_product;
void ck_winograd_gradient_product(const winograd_gradient_product *product);

#endif
