#ifndef CONVNET_NORMALIZATION_H
#define CONVNET_NORMALIZATION_H

#include "lanes.h"

// Reductions over examples and positions, channel by channel, and what is written from them: normalization.c has the sums,
// normalization_rows.c what happens to the elements.

enum {
  COLUMNS = 4,  // vectors side by side that are summed together
  TILE = COLUMNS * WIDTH,
  BLOCK = 64,  // numbers of a lane that are summed in single precision
};

// Mean and sum of squared differences from it, lane by lane, of the blocks so far; and sums of a block about `shift`.
typedef struct {
  double mean[TILE], squares[TILE], count[TILE];
  float shift[TILE], block_sum[TILE], block_squares[TILE], block_rest[TILE];
  // Of the block: whole rows, and rows of which a lane may have no number, counted in `block_rest`, with them. Of all blocks.
  size_t block_rows, block_units, units;
} moments;

// Sums, lane by lane, of gradients, of their products with differences from the mean, and of these.
typedef struct {
  double gradients[TILE], products[TILE], differences[TILE];
  float block_gradients[TILE], block_products[TILE], block_differences[TILE];
  size_t block_rows;
} gradient_sums;

// Sums, lane by lane.
typedef struct {
  double sums[TILE];
  float block_sums[TILE];
  size_t block_rows;
} channel_sums;

// What a tile is normalized by: (x - mean) slope + shift; and the gradient is slope dy + (x - mean) decline + offset.
typedef struct {
  float mean[TILE], slope[TILE], shift[TILE], decline[TILE], offset[TILE];
  float negative_slope;  // of negative results: 1 leaves them as they are, 0 makes them zero
} factors;

// Each works on `rows` rows of `columns` vectors, whose beginnings are `row` floats apart, and asks for what lies `ahead` floats
// from there.
void ck_add_moments(moments *m, const float *x, size_t row, size_t rows, ptrdiff_t ahead, size_t columns);
void ck_end_moments(moments *m, size_t lanes);
void ck_add_gradients(gradient_sums *s, const float *x, const float *dy, const factors *f, size_t row, size_t rows,
                      ptrdiff_t ahead, size_t columns);
void ck_end_gradients(gradient_sums *s, size_t lanes);
void ck_add_channels(channel_sums *s, const float *x, size_t row, size_t rows, ptrdiff_t ahead, size_t columns);
void ck_end_channels(channel_sums *s, size_t lanes);
void ck_normalize(float *y, const float *x, const factors *f, size_t row, size_t rows, ptrdiff_t ahead, size_t columns);
void ck_normalize_gradient(float *dx, const float *x, const float *dy, const factors *f, size_t row, size_t rows,
                           ptrdiff_t ahead, size_t columns);

#endif
