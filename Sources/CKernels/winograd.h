#ifndef CONVNET_WINOGRAD_H
#define CONVNET_WINOGRAD_H

#include "products.h"
#include "winograd_filtering.h"

// Winograd's algorithm for convolutions (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015): an
// output tile of 4x4 from an input tile of 6x6 by 36 products instead of 144 for kernels of 3x3, from 8x8 by 64 instead of
// 400 for 5x5; an output tile of 1x4 from 1x10 by 10 instead of 28 for 1x7. Kernels of one column are those of one row in
// pictures that are read with rows and columns exchanged.
enum { MOST_POINTS = 64, MOST_KERNEL = 25 };

// The kernels for which there is code, by taps down and along.
#define FOR_EACH_WINDOW(body) body(3, 3) body(5, 5) body(1, 3) body(1, 7)
// One number a window, for which the taps must be few enough: 0 where they are not.
#define WINDOW(down, along) ((down) <= MOST_TAPS && (along) <= MOST_TAPS ? (down)*16 + (along) : 0)

// A convolution as the code below sees it, turned where the kernel has one column.
typedef struct {
  size_t batch, in_channels, out_channels;
  size_t down, along;  // taps
  size_t height, width, out_height, out_width;
  size_t pad_top, pad_left;
  size_t in_row, in_column, in_plane, in_stride;  // floats from one to the next
  size_t out_row, out_column, out_plane, out_stride;
  size_t points, tiles_along, tiles_of_picture;
  ck_instructions instructions;
} winograd_view;
winograd_view ck_winograd_view(const ck_winograd *w);

// An estimate of the cycles in which a task computes so many tiles and output channels.
typedef double (*winograd_cost)(const winograd_view *w, size_t tiles, size_t out_channels);
// How many parts the output channels are dealt out in, of which a task takes one, so that it costs least: every part
// transforms the inputs anew.
size_t ck_winograd_groups(const winograd_view *w, size_t tasks, winograd_cost cost);

typedef struct {
  size_t picture, top, left;
} tile_place;

INLINE tile_place place_of(const winograd_view *w, size_t tile, size_t down, size_t along) {
  const size_t within = tile % w->tiles_of_picture;
  return (tile_place){tile / w->tiles_of_picture, within / w->tiles_along * tile_of(down),
                      within % w->tiles_along * tile_of(along)};
}

// Values of tiles lie as [point][block of 16 channels][tile][16]. Points are an odd number of cache lines apart, so that
// those that a tile writes do not meet in one set of a cache.
INLINE size_t point_stride(size_t blocks, size_t tiles) { return (blocks * tiles | 1) * WIDTH; }

// Of tiles first ..< first + count: inputs of one block of channels to the points, `point` floats apart.
void ck_winograd_transform_inputs(const winograd_view *w, float *v, size_t point, const float *x, size_t block,
                                  size_t first, size_t count);
// Output gradients likewise; adds their sums over the tiles to the 16 of `bias_gradient`.
void ck_winograd_transform_gradients(const winograd_view *w, float *v, size_t point, double *bias_gradient,
                                     const float *d, size_t block, size_t first, size_t count);

// MARK: Products

// Transformed weights, and their gradients, lie as [pair of blocks of output channels][point][input channel][32], in the
// order in which they are used; an odd last block counts 16. Points are an odd number of lines apart, as above.
INLINE size_t weights_point(size_t in_channels, bool is_pair) { return (in_channels << is_pair | 1) * WIDTH; }
INLINE size_t weights_pair(size_t points, size_t in_channels) { return points * weights_point(in_channels, true); }
INLINE size_t weights_count(size_t points, size_t in_channels, size_t out_blocks) {
  return out_blocks / 2 * weights_pair(points, in_channels) + out_blocks % 2 * points * weights_point(in_channels, false);
}

// At one point: m[tile][out] = sum over in of v[tile][in] u[in][out], for 32 or 16 output channels.
typedef struct {
  float *m;
  const float *v, *u;
  const float *u_end;  // of all weights
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
