// Normalization, long sums and pooling.
#ifndef CONVNET_CKERNELS_REDUCTIONS_H
#define CONVNET_CKERNELS_REDUCTIONS_H

#include "CKernels.h"

// MARK: Batch normalization
// Sums over examples and positions within 1e-5 of the sum of their absolute terms, means and variances within 1e-5 of their
// values, in whatever layout and on however many threads: normalization.c.

// Where the channels of a value lie: `runs` runs of floats an example, `length` floats each. Element i of run r is of channel
// r * period + i % period, where there is one: numbers that fill up a block are zero and stay so. Blocks of b channels are runs
// of period b, rows of plain order runs of period 1, and channels that lie innermost one run of period `channels`.
typedef struct {
  size_t channels, examples, example_stride, runs, run_stride, length, period;
} ck_channels;

// What normalizes by the statistics of several processes that train together: `sum` replaces numbers by their sums over all, and
// of the examples of all, this process's are `share`: 0 where what it has counts nowhere.
typedef struct {
  void (*sum)(void *context, double *values, size_t count);
  void *context;
  double share;
} ck_joint;

// Floats of scratch memory, for all tasks together.
size_t ck_normalization_scratch(const ck_channels *channels, int tasks);
// y <- (x - mean) scale / sqrt(variance + epsilon) + shift, negative elements times `negative_slope`, which is 1 where they stay
// as they are and 0 for a ReLU, with the mean and the variance (the mean of squared differences from it) of the batch, which
// are written. `y` may be `x`. `joint` is null where the batch is this process's alone.
void ck_normalization(const ck_channels *channels, float *y, const float *x, const float *scale, const float *shift,
                      float *mean, float *variance, float epsilon, float negative_slope, float *scratch, int tasks,
                      const ck_joint *joint);
// The same with given statistics.
void ck_normalization_by(const ck_channels *channels, float *y, const float *x, const float *scale, const float *shift,
                         const float *mean, const float *variance, float epsilon, float negative_slope, int tasks);
// The gradients of `ck_normalization`, by x, scale and shift; `dx` may be `dy`. `shift` may be null where `negative_slope` is 1.
void ck_normalization_gradient(const ck_channels *channels, float *dx, float *scale_gradient, float *shift_gradient,
                               const float *x, const float *dy, const float *mean, const float *variance,
                               const float *scale, const float *shift, float epsilon, float negative_slope, float *scratch,
                               int tasks, const ck_joint *joint);

// The sums of each channel's elements over examples and positions.
void ck_channel_sums(const ck_channels *channels, float *sums, const float *x, float *scratch, int tasks);

// Makes zero again what fills up the blocks of channels of `y`.
void ck_clear_filling(const ck_channels *channels, float *y);

// MARK: Channels of a position

// Pictures in blocks of 16 channels, filled up with zeros, or with all channels of a position side by side.
typedef struct {
  size_t examples, positions, channels;
  // Floats from an example, a position and 16 channels to the next.
  size_t example, position, block;
  // Whether the last block is filled up.
  bool is_filled;
} ck_pixels;

// y <- x factor, with one factor a channel, of each example where they are not shared. `y` may be `x`.
void ck_channel_scale(const ck_pixels *pixels, float *y, const float *x, const float *factors, bool are_shared, int tasks);
// y <- y + shift, with one number a channel.
void ck_channel_shift(const ck_pixels *pixels, float *y, const float *shifts, int tasks);
// The sums of x dy over positions, and over examples where factors are shared; blocks of 512 terms are added in double precision.
void ck_channel_scale_gradient(const ck_pixels *pixels, float *factors, const float *x, const float *dy, bool are_shared,
                               int tasks);

// Local response normalization: y <- x (bias + alpha sum of squares of neighbours)^-beta, of which there are `size`, an odd
// number, around each element, fewer at a border.
typedef struct {
  float alpha, beta, bias;
  size_t size;
} ck_response;

// Floats of scratch memory a task.
size_t ck_response_scratch(const ck_pixels *pixels, const ck_response *response);
// Neighbours are channels of the same position. With `dy`, the gradient by x.
void ck_response_across(const ck_pixels *pixels, const ck_response *response, float *y, const float *x, const float *dy,
                        float *scratch, int tasks);
size_t ck_response_within_scratch(size_t height, size_t width);
// Neighbours are positions of the same plane, `size` down and along.
void ck_response_within(size_t planes, size_t height, size_t width, const ck_response *response, float *y, const float *x,
                        const float *dy, float *scratch, int tasks);

// y <- (x - mean) scale / sqrt(variance + epsilon) + shift, with mean and variance of the channels of each position. `y` may be
// `x`.
void ck_layer_normalization(const ck_pixels *pixels, float *y, const float *x, const float *scale, const float *shift,
                            float epsilon, int tasks);
// Its gradient by x; `dx` may be `dy`.
void ck_layer_normalization_input_gradient(const ck_pixels *pixels, float *dx, const float *x, const float *dy,
                                           const float *scale, float epsilon, int tasks);
// Floats of scratch memory, for all tasks together.
size_t ck_layer_normalization_scratch(const ck_pixels *pixels, int tasks);
// Its gradients by scale and shift.
void ck_layer_normalization_parameter_gradient(const ck_pixels *pixels, float *scale_gradient, float *shift_gradient,
                                               const float *x, const float *dy, float epsilon, float *scratch, int tasks);

// MARK: Long sums
// The library sums the terms of a gradient by weights one after the other in single precision, which loses all of them in the
// end. It is given a part of the batch at a time instead, so small that its error is below 1e-5 of the sum of the absolute
// terms, and what it makes of the parts is added in double precision.

// A part of a value, copied to where the parts lie: `examples` of `blocks` of channels of `rows` by `columns` positions, each of
// `lanes` floats side by side.
typedef struct {
  float *to;
  const float *from;
  size_t examples, blocks, rows, columns, lanes;
  // Floats from one to the next; columns lie side by side.
  size_t to_example, to_block, to_row, from_example, from_block, from_row;
  // Where the part begins in the picture: before it, in its padding, where negative.
  ptrdiff_t row, column;
  // What is copied; zeros are written for the rest: padding, and what another part has counted.
  size_t first_row, last_row, first_column, last_column, first_example;
} ck_tile;

typedef enum { CK_FIRST_PART, CK_SECOND_PART, CK_LATER_PART, CK_LAST_PART } ck_part_stage;

typedef struct {
  ck_tile tiles[2];
  // Of the parts so far in double precision, and of the last part; the result in the end.
  double *totals;
  float *sums;
  size_t count;
  ck_part_stage stage;
} ck_part;

// Adds the sums of the last part, and copies the next one. The first part has none before it; after the last, the sums
// become those of all parts.
void ck_next_part(const ck_part *part, int tasks);

// MARK: Pooling
// Windows that slide over pictures; a signal is a picture of one row. Every window holds an element. `tasks` shares of the rows
// run on the pool; results do not depend on their number.

// One axis: elements, windows, and how these lie on the elements and the padding around them.
typedef struct {
  size_t in, out, window, stride, before, after;
} ck_pooling_axis;

// Where elements lie: so many from one to the next along each axis. Channels lie in blocks of 8 or 16, which are side by side
// and filled up with zeros; `channel` leads from a block to the next, or in blocks of one from a channel to the next.
typedef struct {
  size_t example, channel, row, column, block;
} ck_picture_strides;

typedef struct {
  size_t batch, channels;
  ck_pooling_axis down, along;
  // Of pictures, of results, and of the places of maxima; in blocks as long as one another.
  ck_picture_strides in, out, places;
  // Whether means are divided by all positions of the padded picture that a window covers, or by its elements alone.
  bool counts_padding;
  // How a place is counted: a byte, by the window's positions, row by row, those on the padding too; for windows of at most 256.
  // Or else an int32, by the elements of the channel, row by row.
  bool counts_taps;
} ck_pooling;

// Floats of scratch memory that each task needs, in any of the four.
size_t ck_pooling_scratch(const ck_pooling *pooling);
// y <- the largest under each window: NaN where there is one. `places`, which may be null: of equal elements the first, of
// NaNs the last, as PyTorch has it.
void ck_max_pool(const ck_pooling *pooling, float *y, void *places, const float *x, float *scratch, int tasks);
// dx <- the sum of the gradients of the windows that an element won.
void ck_max_pool_gradient(const ck_pooling *pooling, float *dx, const float *dy, const void *places, float *scratch,
                          int tasks);
// y <- the mean under each window, summed in double precision beyond 32 elements.
void ck_mean_pool(const ck_pooling *pooling, float *y, const float *x, float *scratch, int tasks);
void ck_mean_pool_gradient(const ck_pooling *pooling, float *dx, const float *dy, float *scratch, int tasks);

#endif
