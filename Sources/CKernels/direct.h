#ifndef CONVNET_DIRECT_H
#define CONVNET_DIRECT_H

#include "products.h"

// A convolution, or its gradient by the input, as sums of products whose terms lie side by side in memory. Results of 16 or 32
// channels at some neighbouring positions stay in registers; a term is a number of the source, broadcast, times a vector of
// weights:
//
//     y[position][out] = sum over blocks of input channels, taps and terms k of
//                        source[block][position * step + tap + k] * weights[block][tap][k][out]
//
// Of pictures in blocks of 16 channels the terms are the channels of a block, and positions are 16 floats apart. Pictures of one
// or three channels, which are not in blocks, are copied with the channels innermost, so that a whole row of the kernel is one
// tap.
enum { MOST_KERNEL_TAPS = 256, MOST_PHASES = 16 };

// MARK: What is computed

// Results whose rows and columns leave the same remainders by their steps, and the taps that lead there. Unit (i, j) of a
// phase is the result at row first_row + i * step, column first_column + j * step.
typedef struct {
  size_t first_row, first_column, rows, columns;
  size_t first_tap, tap_count;
} direct_phase;

// Unit (i, j) reads the source by a tap at row i * row_step + row and column j * column_step + column, which may be in the
// padding. A convolution has one phase and steps of its stride in the source; its gradient by the input has as many phases as the
// stride has remainders, and these steps in the result.
typedef struct {
  ptrdiff_t row, column;
  size_t place;  // in the kernel
} direct_tap;

typedef struct {
  size_t batch, groups, in_channels, out_channels, in_blocks, out_blocks, pairs;  // channels of one group
  size_t source_height, source_width, height, width;
  size_t source_stride, y_stride;  // floats from an example to the next
  size_t row_step, column_step, y_row_step, y_column_step;
  size_t unit_rows, unit_columns;  // of the largest phase
  size_t phase_count, tap_count;
  direct_phase phases[MOST_PHASES];
  direct_tap taps[MOST_KERNEL_TAPS];
  size_t kernel;       // taps of the kernel, those too that lead nowhere
  size_t terms, step;  // of a tap; floats from a position to the next
  bool is_plain, is_interleaved, transposes;
  ck_instructions instructions;
} direct_view;
direct_view ck_direct_view(const ck_direct *d, bool transposes);

// MARK: What is read

typedef struct {
  bool is_copied;
  // Whether the rows of results, and what they read, lie side by side.
  bool is_flat;
  size_t taps[MOST_KERNEL_TAPS];  // where each tap's terms begin, from a unit's on
  size_t row, block;              // floats from a unit's row, and from a block of channels, to the next
  size_t chunk;                   // rows of units that are read at a time
  // Of a copy: its first row and column as seen from unit (0, 0); lines from a unit's row to the next, and more for the taps;
  // positions of a column's remainder, and floats of a line.
  ptrdiff_t low_row, low_column;
  size_t row_lines, more_lines, remainder, line;
} direct_source;
direct_source ck_direct_source(const direct_view *v);
void ck_direct_set_chunk(const direct_view *v, direct_source *s, size_t rows);
// Floats of a copy of one chunk.
size_t ck_direct_copied_floats(const direct_view *v, const direct_source *s);
// Copies what rows first ..< last of units read, counted through the pictures, where that is copied at all.
void ck_direct_copy(const direct_view *v, const direct_source *s, float *to, const float *x, size_t group, size_t first,
                    size_t last);

// Of such rows those of the first picture among them, and where what they read begins.
typedef struct {
  size_t picture, first, last;
  const float *source;
} direct_part;
// `copied`, which begins at the copy, moves on to what the next part reads.
direct_part ck_direct_part(const direct_view *v, const direct_source *s, const float *x, size_t group, const float **copied,
                           size_t first, size_t last);

// Of the last block of channels of a picture in blocks, which may not be full: those that are there, and up to three more.
INLINE size_t direct_last_terms(size_t channels) {
  const size_t last = channels % WIDTH;
  return last ? (last + 3) / 4 * 4 : WIDTH;
}

// MARK: Weights

// They lie in the order in which they are used: [group][pair of blocks of output channels][phase][block of input channels][tap]
// [term][32]; an odd last block counts 16.
INLINE size_t direct_terms(const direct_view *v) { return v->tap_count * v->in_blocks * v->terms; }
INLINE size_t direct_weights_of_group(const direct_view *v) { return direct_terms(v) * v->out_blocks * WIDTH; }

// The weights of a pair, counted through the groups, as they lie in [out, in, kernel], from `copies` of them as packed, `copy`
// floats apart, which are added up. Not of weights that are transposed.
void ck_direct_unpack(const direct_view *v, float *weights, const float *packed, size_t copies, size_t copy, size_t pair);

// MARK: Products

// The results of one run of positions.
typedef struct {
  float *y;
  const float *source, *weights, *bias, *addend;
  const float *weights_end;  // of all weights
  const size_t *taps;  // where each tap's terms begin
  size_t tap_count, terms, blocks;
  size_t last_terms;             // of the last block's channels, of pictures in blocks: a multiple of four
  size_t step;                   // floats from a position to the next in the source
  size_t source_block, y_block;  // floats from a block of channels to the next
  size_t y_step, positions;
  bool is_pair, rectifies, is_limited;  // to zero at least, and to six at most
  bool is_cold;  // whether the source is read for the first time
  ck_instructions instructions;
} direct_product;
void ck_direct_product(const direct_product *product);

// Has the products apply an activation; false where it is none of theirs, and left to do.
INLINE bool direct_activate(direct_product *product, ck_activation activation) {
  product->rectifies = activation == CK_RELU || activation == CK_RELU6;
  product->is_limited = activation == CK_RELU6;
  return product->rectifies || activation == CK_IDENTITY;
}

#endif
