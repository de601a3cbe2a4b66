// Convolutions, in all three directions.
#ifndef CONVNET_CKERNELS_CONVOLUTIONS_H
#define CONVNET_CKERNELS_CONVOLUTIONS_H

#include "CKernels.h"

// MARK: Convolutions of few channels
// Stride and dilation 1, one group; pictures in plain order [batch, channels, height, width]. `tasks` shares of the batch run
// on the pool, each with its own part of `scratch`, whose size is given in floats a task. Gradients by weights and bias are
// within 1e-5 of the sum of their absolute terms, of however many.

typedef struct {
  size_t batch, in_channels, height, width;
  size_t out_channels, out_height, out_width;
  size_t kernel_height, kernel_width;
  size_t pad_top, pad_left;
} ck_planes;

// What is applied to the results: nothing; max(y, 0); min(max(y, 0), 6); tanh y, off by at most 5 units in the last place;
// s(y) = 1 / (1 + exp(-y)), off by at most 4; h(y) = min(max(y + 3, 0), 6) / 6; y h(y); y s(y); and y times the share of a normal
// distribution that lies below y, off by at most 2e-7 |y|. What is not a number stays so.
typedef enum {
  CK_IDENTITY,
  CK_RELU,
  CK_RELU6,
  CK_TANH,
  CK_SIGMOID,
  CK_HARD_SIGMOID,
  CK_HARD_SWISH,
  CK_SILU,
  CK_GELU
} ck_activation;

// Applies an activation to `count` numbers, `tasks` shares of which run on the pool; `y` may be `x`.
void ck_activation_forward(float *y, const float *x, size_t count, ck_activation activation, int tasks);
// The gradient of CK_RELU, CK_RELU6, CK_HARD_SIGMOID, CK_TANH or CK_SIGMOID from its results, zero where they are at a limit, or
// of CK_HARD_SWISH, CK_SILU or CK_GELU from what it was applied to. `dx` may be `dy`.
void ck_activation_gradient(float *dx, const float *kept, const float *dy, size_t count, ck_activation activation,
                            int tasks);

// Functions that change what is below zero: to the factor times it, or times exp(x) - 1.
typedef struct {
  float factor;
  bool is_exponential;
  // Of gradients: whether they are given the function's results, not what it was applied to.
  bool is_from_result;
} ck_below_zero;

// `y` may be `x`.
void ck_below_zero_forward(float *y, const float *x, size_t count, ck_below_zero below, int tasks);
// `dx` may be `dy`.
void ck_below_zero_gradient(float *dx, const float *kept, const float *dy, size_t count, ck_below_zero below, int tasks);

size_t ck_planes_forward_scratch(const ck_planes *planes);
// `bias` may be null.
void ck_planes_forward(const ck_planes *planes, float *y, const float *x, const float *weights, const float *bias,
                       ck_activation activation, float *scratch, int tasks);
size_t ck_planes_input_gradient_scratch(const ck_planes *planes);
void ck_planes_input_gradient(const ck_planes *planes, float *input_gradient, const float *output_gradient,
                              const float *weights, float *scratch, int tasks);
size_t ck_planes_gradient_scratch(const ck_planes *planes);
// `bias_gradient` may be null.
void ck_planes_gradient(const ck_planes *planes, float *weight_gradient, float *bias_gradient, const float *x,
                        const float *output_gradient, float *scratch, int tasks);
// The same for 16 output channels: `y` and `output_gradient` have the channels innermost, [batch, height, width, channels].
size_t ck_lanes_forward_scratch(const ck_planes *planes);
void ck_lanes_forward(const ck_planes *planes, float *y, const float *x, const float *weights, const float *bias,
                      ck_activation activation, float *scratch, int tasks);
// The same by Winograd's algorithm, for kernels of five columns and rows of an even number of results.
bool ck_lanes_winograd_is_possible(const ck_planes *planes);
size_t ck_lanes_winograd_multiply_adds(const ck_planes *planes);
size_t ck_lanes_winograd_forward_scratch(const ck_planes *planes);
void ck_lanes_winograd_forward(const ck_planes *planes, float *y, const float *x, const float *weights,
                               const float *bias, ck_activation activation, float *scratch, int tasks);
size_t ck_lanes_gradient_scratch(const ck_planes *planes);
void ck_lanes_gradient(const ck_planes *planes, float *weight_gradient, float *bias_gradient, const float *x,
                       const float *output_gradient, float *scratch, int tasks);
// Means of two by two; `height` and `width` are those of the pooled picture.
void ck_planes_mean_pool(float *y, const float *x, size_t planes, size_t height, size_t width, int tasks);
void ck_planes_mean_pool_gradient(float *dx, const float *dy, size_t planes, size_t height, size_t width, int tasks);

// MARK: Direct convolutions
// Any kernel of at most 256 taps, any stride, dilation and padding; groups of multiples of 16 channels, or one group of any
// number. Pictures have their channels in blocks of 16, filled up with zeros, [batch, channels / 16, height, width, 16]; those of
// one or three channels are read in plain order, [batch, channels, height, width], or with the channels innermost, where there is
// code for the stride; their gradient is in blocks. Sums are of
// single precision, in parts of at most 512 terms.
//
// `tasks` parts run on the pool, each with its own scratch memory; the results depend on their number in the order of sums of
// gradients by weights and bias only. Scratch and weight sizes are in floats, for all tasks together. Where it `transposes`,
// weights are for the gradient by the input.

typedef struct {
  size_t batch, groups, in_channels, height, width;  // channels of all groups
  size_t out_channels, out_height, out_width;
  size_t kernel_height, kernel_width, stride_down, stride_along, dilation_down, dilation_along;
  size_t pad_top, pad_left;
  // Floats from a picture to the next: more than its own where it is a slice of more channels.
  size_t in_stride, out_stride;
  // Of pictures that are not in blocks: whether the channels lie innermost.
  bool is_interleaved;
  ck_instructions instructions;
} ck_direct;

// Whether there are kernels for it; for the gradient by the input, of strides of at most 16 remainders.
bool ck_direct_can_compute(const ck_direct *direct, bool transposes);
// Whether pictures are not in blocks.
bool ck_direct_is_plain(const ck_direct *direct);
size_t ck_direct_weights_size(const ck_direct *direct, bool transposes);
// Packs weights [out_channels][in_channels / groups][kernel_height][kernel_width].
void ck_direct_pack(const ck_direct *direct, float *packed, const float *weights, bool transposes, int tasks);
size_t ck_direct_scratch(const ck_direct *direct, bool transposes, int tasks);
// y <- activation of (convolution + bias + addend). `bias` and `addend` may be null; the addend lies as y does and may be y.
void ck_direct_forward(const ck_direct *direct, float *y, const float *x, const float *packed, const float *bias,
                       const float *addend, ck_activation activation, float *scratch, int tasks);
void ck_direct_input_gradient(const ck_direct *direct, float *dx, const float *dy, const float *packed, float *scratch,
                              int tasks);
size_t ck_direct_gradient_scratch(const ck_direct *direct, int tasks);
// `weight_gradient` as the weights lie; `bias_gradient` may be null. Both keep to 1e-5 of the sum of their absolute terms, of
// however many.
void ck_direct_gradient(const ck_direct *direct, float *weight_gradient, float *bias_gradient, const float *x,
                        const float *dy, float *scratch, int tasks);

// MARK: Convolutions of any extents
// What the kernels above do not compute, of pictures in plain order, [batch, channels, height, width], whose strides are not
// looked at. Sums are of single precision, in parts of at most 512 terms; those of gradients by weights are of double precision.
// Results do not depend on the number of tasks.

// y <- convolution + bias + addend. `bias` and `addend` may be null; the addend may be y.
void ck_sums_forward(const ck_direct *direct, float *y, const float *x, const float *weights, const float *bias,
                     const float *addend, int tasks);
void ck_sums_input_gradient(const ck_direct *direct, float *dx, const float *dy, const float *weights, int tasks);
void ck_sums_gradient(const ck_direct *direct, float *weight_gradient, const float *x, const float *dy, int tasks);

// MARK: Depthwise convolutions
// Of each channel by itself: as many groups as channels of the pictures and of the results, all in blocks of 16. Else as above,
// with weights [channels][kernel_height][kernel_width].

bool ck_depthwise_can_compute(const ck_direct *direct, bool transposes);
size_t ck_depthwise_weights_size(const ck_direct *direct, bool transposes);
void ck_depthwise_pack(const ck_direct *direct, float *packed, const float *weights, bool transposes);
size_t ck_depthwise_scratch(const ck_direct *direct, bool transposes, int tasks);
void ck_depthwise_forward(const ck_direct *direct, float *y, const float *x, const float *packed, const float *bias,
                          const float *addend, ck_activation activation, float *scratch, int tasks);
void ck_depthwise_input_gradient(const ck_direct *direct, float *dx, const float *dy, const float *packed, float *scratch,
                                 int tasks);
size_t ck_depthwise_gradient_scratch(const ck_direct *direct, int tasks);
void ck_depthwise_gradient(const ck_direct *direct, float *weight_gradient, float *bias_gradient, const float *x,
                           const float *dy, float *scratch, int tasks);

// What a depthwise convolution reads, computed on the way, planes or rows at a time, so that it is never in memory as a whole: by
// a convolution without groups whose windows have one element, and an activation. `x` has `in_channels` channels in blocks of 16,
// `in_stride` floats a picture, and the extents of the depthwise convolution's input; `bias` may be null.
typedef struct {
  size_t in_channels, in_stride;
  const float *x, *packed, *bias;
  ck_activation activation;
} ck_expansion;
size_t ck_expansion_weights_size(const ck_direct *direct, size_t in_channels);
// Packs weights [direct->in_channels][in_channels].
void ck_expansion_pack(const ck_direct *direct, size_t in_channels, float *packed, const float *weights);
size_t ck_expanded_depthwise_scratch(const ck_direct *direct, int tasks);
// Where `ck_depthwise_can_compute(direct, false)`.
void ck_expanded_depthwise_forward(const ck_direct *direct, const ck_expansion *expansion, float *y, const float *packed,
                                   const float *bias, ck_activation activation, float *scratch, int tasks);

// MARK: Winograd's algorithm
// Minimal filtering for kernels of 3x3, 5x5, 1x3, 3x1, 1x7 and 7x1, stride and dilation 1, one group, a padding on each side
// of less than the kernel, and multiples of 16 channels: tiles of four outputs along each axis on which the kernel has more
// than one tap, by 6, 8 or 10 products for 3, 5 or 7 taps instead of 12, 20 or 28. Pictures have their channels in blocks of
// 16, [batch, channels / 16, height, width, 16]. All arrays begin at multiples of 64 bytes where they are to be fast.
//
// Accuracy: on random data of 16 to 1024 channels the error in the mean square is so many times that of summing one product
// after the other in single precision: 1.7 to 2.5 (3x3), 4.3 to 6.0 (5x5), 1.3 to 1.7 (1x3), 4.2 to 6.2 (1x7). Tests hold
// the largest error under 1e-5 of the largest result for 3x3 and 2e-5 for the others. Gradients by weights and bias keep to
// that however large the batch: tiles are summed in parts, long sums of parts in double precision.
//
// `tasks` parts run on the pool, each with its own scratch memory; the results depend on their number in the order of sums
// only. Scratch and weight sizes are in floats, for all tasks together.

typedef struct {
  size_t batch, in_channels, height, width;
  size_t out_channels, out_height, out_width;
  size_t kernel_height, kernel_width;
  size_t pad_top, pad_left;
  // Floats from a picture to the next: more than its own where it is a slice of more channels.
  size_t in_stride, out_stride;
  ck_instructions instructions;
} ck_winograd;

// The convolution whose forward is this one's gradient by the input.
ck_winograd ck_winograd_transposed(const ck_winograd *winograd);
bool ck_winograd_can_compute(size_t kernel_height, size_t kernel_width);
size_t ck_winograd_weights_size(const ck_winograd *winograd);
// Multiplications, each with its addition, in any of the three directions: one a point of every tile and pair of channels.
size_t ck_winograd_multiply_adds(const ck_winograd *winograd);
// Transforms weights [out_channels][in_channels][kernel_height][kernel_width]. Where it `transposes`, `winograd` is the
// transposed of a convolution and the weights are that one's, so that the channels are in the other order.
void ck_winograd_pack(const ck_winograd *winograd, float *packed, const float *weights, bool transposes, int tasks);
size_t ck_winograd_forward_scratch(const ck_winograd *winograd, int tasks);
// y <- convolution + bias + addend, negative elements to zero where it `rectifies`. `bias` and `addend` may be null; the
// addend lies as y does and may be y.
void ck_winograd_forward(const ck_winograd *winograd, float *y, const float *x, const float *packed, const float *bias,
                         const float *addend, bool rectifies, float *scratch, int tasks);
size_t ck_winograd_gradient_scratch(const ck_winograd *winograd, int tasks);
// `weight_gradient` as the weights lie; `bias_gradient` may be null.
void ck_winograd_gradient(const ck_winograd *winograd, float *weight_gradient, float *bias_gradient, const float *x,
                          const float *output_gradient, float *scratch, int tasks);

#endif
