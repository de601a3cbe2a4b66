// Elements, and operations on values of any shape; dense layers.
#ifndef CONVNET_CKERNELS_OPERATIONS_H
#define CONVNET_CKERNELS_OPERATIONS_H

#include "CKernels.h"

// MARK: Operations

// Values of at most so many dimensions.
enum { CK_RANK = 12 };

// Functions of one, two or three elements: what `Operation.Elementwise.Function` says of each.
typedef enum {
  CK_ABSOLUTE,
  CK_SIGN,
  CK_FLOOR,
  CK_CEILING,
  CK_ROUND,
  CK_TRUNCATE,
  CK_RECIPROCAL,
  CK_SQUARE_ROOT,
  CK_EXPONENTIAL,
  CK_LOGARITHM,
  CK_SINE,
  CK_COSINE,
  CK_TANGENT,
  CK_ARCSINE,
  CK_ARCCOSINE,
  CK_ARCTANGENT,
  CK_HYPERBOLIC_SINE,
  CK_HYPERBOLIC_COSINE,
  CK_AREA_SINE,
  CK_AREA_COSINE,
  CK_AREA_TANGENT,
  CK_ERROR_FUNCTION,
  CK_SOFTPLUS,
  CK_IS_NAN,
  CK_IS_INFINITE,
  CK_IS_POSITIVE_INFINITY,
  CK_IS_NEGATIVE_INFINITY,
  CK_IS_ZERO,
  CK_ADD,
  CK_SUBTRACT,
  CK_MULTIPLY,
  CK_DIVIDE,
  CK_POWER,
  CK_MINIMUM,
  CK_MAXIMUM,
  CK_REMAINDER,
  CK_MODULO,
  CK_EQUAL,
  CK_LESS,
  CK_LESS_OR_EQUAL,
  CK_AND,
  CK_OR,
  CK_EXCLUSIVE_OR,
  CK_SECOND,
  CK_SELECT,
} ck_function;

// The extents of a result, and the floats from one position of each axis to the next in up to three inputs: 0 where an input
// has one position for all.
typedef struct {
  int rank;
  size_t extents[CK_RANK];
  size_t strides[3][CK_RANK];
} ck_broadcast;

// y[i] <- f(a[i], b[i], c[i]), y in row-major order. Inputs that the function does not have are null.
void ck_elementwise(float *y, const float *const inputs[3], ck_function function, const ck_broadcast *broadcast, int tasks);

typedef enum { CK_SUM, CK_MEAN, CK_PRODUCT, CK_LARGEST, CK_SMALLEST } ck_reduction;

// One element for all along some axes: of a row-major x, the extents and strides of the axes that stay and of those that go.
typedef struct {
  int kept_rank, reduced_rank;
  size_t kept[CK_RANK], kept_strides[CK_RANK], reduced[CK_RANK], reduced_strides[CK_RANK];
} ck_axes;

void ck_reduce(float *y, const float *x, ck_reduction reduction, const ck_axes *axes, int tasks);

// y[i, j] <- sum over k of a[i, k] b[k, j], for each of `batch` matrices, of which a and b have an offset each.
typedef struct {
  size_t batch, rows, terms, columns;
  // Floats from one row, term or column to the next.
  size_t a_row, a_term, b_term, b_column;
} ck_matrix_product;

void ck_multiply_matrices(float *y, const float *a, const float *b, const size_t *a_offsets, const size_t *b_offsets,
                          const ck_matrix_product *product, int tasks);

// y[o, i, n] <- sum over t of weights[i, t] x[o, sources[i, t], n]; sources below zero are none, and where all are, y is `fill`.
// `weights` may be null.
typedef struct {
  size_t outer, in_extent, out_extent, inner, terms;
  float fill;
} ck_axis_map;

void ck_map_axis(float *y, const float *x, const int32_t *sources, const float *weights, const ck_axis_map *map, int tasks);

// The `count` largest elements of x[o, extent, n] along its axis, in descending order, or the smallest in ascending order, and
// their places. Of equal elements the first comes first, or the last.
typedef struct {
  size_t outer, extent, count, inner;
  bool is_largest, prefers_last;
} ck_top;

void ck_find_top(float *values, float *places, const float *x, const ck_top *top, int tasks);
// The transpose: x is zero but where the values came from.
void ck_find_top_gradient(float *x, const float *values, const float *places, const ck_top *top);

// A value's elements here and there: floats from one position of each axis to the next.
typedef struct {
  int rank;
  size_t extents[CK_RANK], to[CK_RANK], from[CK_RANK];
} ck_copy;

// Copies elements of four bytes from one order to another.
void ck_copy_elements(const ck_copy *copy, float *to, const float *from, int tasks);

// Copies `rows` runs of `count` floats, which lie so many floats apart here and there; in at most so many tasks.
void ck_copy_rows(float *to, size_t to_stride, const float *from, size_t from_stride, size_t rows, size_t count,
                  int tasks);

// y[rows][classes][positions] <- a softmax over the classes, or its logarithm; not a number where one of x is none, or the
// largest is infinite. `y` may be `x`.
void ck_softmax(float *y, const float *x, size_t rows, size_t classes, size_t positions, bool is_logarithmic, int tasks);
// Makes those results y[rows][classes][positions] of a softmax over the classes not a number where one of x is none, or the
// largest is infinite.
void ck_softmax_of_no_numbers(float *y, const float *x, size_t rows, size_t classes, size_t positions);
// Makes results y[rows][classes][positions] of a softmax over many classes, or of its logarithm, add up to one: the library
// sums in single precision.
void ck_softmax_of_many(float *y, size_t rows, size_t classes, size_t positions, bool is_logarithmic);
// dx <- y (dy - sum over the classes of y dy), or of the logarithm dy - exp(y) sum of dy.
void ck_softmax_gradient(float *dx, const float *y, const float *dy, size_t rows, size_t classes, size_t positions,
                         bool is_logarithmic);
// result <- the first numbers of the stream of Philox words of (key, counter): normal ones, two words each, times `deviation`, or
// uniform ones in [low, high), a word each. The same on every processor.
void ck_normals(float *result, size_t count, float deviation, const uint32_t key[2], const uint32_t counter[3]);
void ck_uniforms(float *result, size_t count, float low, float high, const uint32_t key[2], const uint32_t counter[3]);
// The normal number of two words, as `ck_normals` has it.
float ck_normal(uint32_t first, uint32_t second);
// y <- the weighted sum of `part_count` arrays, the first of which may be y.
void ck_weighted_sum(float *y, const float *const *parts, const float *weights, int part_count, size_t count, int tasks);
// y <- a b; y may be either.
void ck_multiply(float *y, const float *a, const float *b, size_t count, int tasks);
// old <- momentum old + fresh_weight fresh.
void ck_moving_average(float *result, const float *old, const float *fresh, size_t count, float momentum,
                       float fresh_weight);
// result <- the mean of `part_count` arrays; of one task of `tasks`, its share. Whether that is finite.
bool ck_mean(float *result, const float *const *parts, int part_count, size_t count, int task, int tasks);
// Keeps an element where the Philox word of (key, counter, first + element) is at least `threshold`, scaled; else zero.
// May be the same array.
void ck_dropout(float *result, const float *x, size_t first, size_t count, uint32_t threshold, float scale,
                const uint32_t key[2], const uint32_t counter[3]);
// The same for whole examples: result <- scale x or 0, of `examples` of `count` numbers each, which are those from `first` on.
void ck_stochastic_depth(float *result, const float *x, size_t first, size_t examples, size_t count, uint32_t threshold,
                         float scale, const uint32_t key[2], const uint32_t counter[3]);
// result <- x + deviation times random numbers: each one of 2^16 `quantiles` of a distribution, by sixteen bits of the blocks
// that the counter goes on with. Results do not depend on the number of tasks.
void ck_add_noise(float *result, const float *x, size_t count, float deviation, const float *quantiles,
                  const uint32_t key[2], const uint32_t counter[3], int tasks);
// Rows of logits -> probabilities, and the sum over the rows of the cross-entropy with the target distribution.
// Labels are indices (`labels`) or distributions (`targets`); the other is null. Not a number where an index is no class.
double ck_cross_entropy(float *probabilities, const float *logits, const int32_t *labels, const float *targets,
                        size_t rows, size_t classes, float smoothing);
// gradient <- scale (probability - smoothed target).
void ck_cross_entropy_gradient(float *gradient, const float *probabilities, const int32_t *labels,
                               const float *targets, size_t rows, size_t classes, float smoothing, float scale);
// The sum over rows and classes of weight times label.
double ck_label_weight(const int32_t *labels, const float *targets, const float *weights, size_t rows,
                       size_t classes);
// The sum over rows and classes of weight times smoothed target times -log probability.
double ck_weighted_cross_entropy(const float *logits, const int32_t *labels, const float *targets,
                                 const float *weights, size_t rows, size_t classes, float smoothing);
// gradient <- scale (probability times the row's sum of weight times smoothed target - weight times smoothed target).
void ck_weighted_cross_entropy_gradient(float *gradient, const float *probabilities, const int32_t *labels,
                                        const float *targets, const float *weights, size_t rows, size_t classes,
                                        float smoothing, double scale);
// Logits -> probabilities by a sigmoid, and the sum of the binary cross-entropy with the targets, of which those that are there
// weigh as `positive_weights` says, one a label; null: all alike.
double ck_binary_cross_entropy(float *probabilities, const float *logits, const float *targets,
                               const float *positive_weights, size_t rows, size_t labels);
// gradient <- scale ((1 - target) p - weight target (1 - p)).
void ck_binary_cross_entropy_gradient(float *gradient, const float *probabilities, const float *targets,
                                      const float *positive_weights, size_t rows, size_t labels, float scale);
// The sum of mask (prediction - target)^2; `mask` may be null.
double ck_squared_error(const float *prediction, const float *target, const float *mask, size_t count);
// gradient <- scale mask (prediction - target).
void ck_squared_error_gradient(float *gradient, const float *prediction, const float *target, const float *mask,
                               size_t count, float scale);
// Planes of [input_height, input_width] to [output_height, output_width]: output row i is input row rows[i], a row of zeros
// where that is negative; likewise columns.
void ck_pad(float *output, const float *input, size_t planes, const int32_t *rows, const int32_t *columns,
            size_t input_height, size_t input_width, size_t output_height, size_t output_width);
// The transpose of ck_pad: sums every output element back into the input element that it came from, of which there may be
// many at an edge. `line` has room for a row of the input.
void ck_pad_gradient(float *input, const float *output, size_t planes, const int32_t *rows, const int32_t *columns,
                     size_t input_height, size_t input_width, size_t output_height, size_t output_width,
                     double *line);

// Of an output position: the input positions that it mixes, and the share of the second.
typedef struct {
  int32_t first, second;
  double share;
} ck_tap;

// The transpose of upsampling planes of [input_height, input_width] to [output_height, output_width]: every output element is
// given back to the inputs that it mixed, in double precision. `sums` has room for a plane of the input and a row.
void ck_upsample_gradient(float *input, const float *output, size_t planes, const ck_tap *rows, const ck_tap *columns,
                          size_t input_height, size_t input_width, size_t output_height, size_t output_width, double *sums);

// What the positions along an axis of a result are made of: result i is the sum of `weights[k]` times source `sources[k]`, of k
// from `starts[i]` to `starts[i + 1]`; none make zero. `extent` is the number of sources.
typedef struct {
  size_t results, extent;
  const int32_t *starts, *sources;
  const float *weights;
} ck_combination;

// Pictures of `channels` in blocks of 16, filled up with zeros, which the result's are too; so many floats from an example to
// the next.
typedef struct {
  size_t examples, channels, x_example, y_example;
  ck_combination down, along;
} ck_block_combination;

// y <- combinations of rows, and of positions along them, summed in single precision. `scratch` has room for a row of 16
// channels of the source for each of the tasks, which run on the pool.
void ck_combine_blocks(const ck_block_combination *combination, float *y, const float *x, float *scratch, int tasks);

// MARK: Dense layers

// How weights are kept. Of bfloat16 each is off by at most 2^-8 of itself; of int8 by at most half a step, which is 1/127 of
// the largest magnitude among the weights of the same output. Inputs, products and sums are in single precision in each case.
typedef enum { CK_DENSE_FLOAT32, CK_DENSE_BFLOAT16, CK_DENSE_INT8 } ck_dense_weights;

typedef struct {
  size_t batch, inputs, outputs;
  ck_dense_weights weights;
  bool adds;          // whether the results are added to y
  bool is_rectified;  // whether negative results become zero in the end
  ck_instructions instructions;
} ck_dense;

// Bytes of packed weights, bfloat16 or int8.
size_t ck_dense_packed_size(ck_dense_weights form, size_t outputs, size_t inputs);
// From weights[outputs, inputs]. An output of int8 weights of which one is not finite is not a number.
void ck_dense_pack(void *packed, const float *weights, ck_dense_weights form, size_t outputs, size_t inputs,
                   int tasks);
// y[batch, outputs] <- x[batch, inputs] weights[outputs, inputs]^T + bias, which may be null. Weights of single precision are
// read as they are, others as packed. `tasks` shares of the outputs run on the pool.
void ck_dense_forward(const ck_dense *dense, float *y, const float *x, const void *weights, const float *bias,
                      int tasks);

#endif
