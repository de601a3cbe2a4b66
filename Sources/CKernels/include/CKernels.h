// The thread pool that our kernels share with oneDNN, and the loops that need wide vectors.
//
// Each kernel is compiled for several processors and dispatched at run time. Arrays do not overlap unless a comment says
// that they may be the same.
#ifndef CONVNET_CKERNELS_H
#define CONVNET_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Threads

// Processors that the calling thread may run on.
int ck_affine_processors(void);
// Starts a thread that nobody waits for, with a stack that suits the decoders of pictures. Returns 0 or the system's error
// number.
int ck_start_thread(void (*body)(void *context), void *context);
// Whether so many threads, the calling one among them, can be had at once.
bool ck_can_start_threads(int threads);
// Whether so many can be had beside those that there are.
bool ck_can_start_more_threads(int threads);
// Makes the calling thread's parallel regions, ours and oneDNN's, run on `threads` threads with denormals flushed to zero,
// and the calling thread flush them too until the end. Returns how its arithmetic was, which the end wants back.
uint64_t ck_begin_computing(int threads);
void ck_end_computing(uint64_t before);
// What decides whether the pool's threads, which wait for each other by spinning, shall soon sleep instead: zero at first.
typedef struct {
  double share;
  int quiet_looks;
  bool are_short;
} ck_wait_judge;
// Takes note for which share of its time a thread has waited for a processor. Returns whether waits are to be short.
bool ck_judge_waits(ck_wait_judge *judge, double share);
// Whether they are.
bool ck_waits_are_short(void);
// Calls `body(context, task)` for task 0 ..< tasks, on the pool.
void ck_parallel(int tasks, void (*body)(void *context, int task), void *context);

// Threads of their own for tasks that run side by side, each prepared for one thread. A run of `workers` + 1 tasks gives the
// first to the caller, and then what no thread has begun. Belongs to one thread at a time.
typedef struct ck_team ck_team;
ck_team *ck_team_create(int workers);
void ck_team_run(ck_team *team, int tasks, void (*body)(void *context, int task), void *context);
void ck_team_destroy(ck_team *team);

// The largest resident memory of the process so far, in bytes.
int64_t ck_peak_memory(void);

// MARK: Peaks
// The most that `tasks` threads of the pool do in a second, all together, measured for some seconds.

// Multiplications, each with its addition, of floats in registers.
double ck_peak_multiply_adds(int tasks, double seconds);
// Bytes read, and bytes read and written in copying, of `byte_count` bytes that lie in memory; false where there is no such
// memory.
bool ck_peak_memory_rates(size_t byte_count, int tasks, double seconds, double *read, double *copied);

// MARK: Optimizers

// Each is one pass over a parameter and what is remembered of it. The formulas stand in Sources/Training/Optimizers.

// What a velocity is a sum of: steps, each with the rate of its time, or gradients, to be multiplied by the present rate.
typedef enum { CK_VELOCITY_OF_STEPS, CK_VELOCITY_OF_GRADIENTS } ck_velocity;

typedef struct {
  float rate, momentum, decay;
  ck_velocity velocity;
  // Whether the parameter looks one step of the velocity ahead (Nesterov).
  bool looks_ahead;
} ck_momentum;
void ck_momentum_step(float *weight, float *velocity, const float *gradient, size_t count, const ck_momentum *settings);

typedef struct {
  float rate, decay;
  // The weight of the old average of squares, and what is left in that of the value from which it began.
  float old_share, beginning;
  float momentum, epsilon;
  ck_velocity velocity;
  bool epsilon_inside;
} ck_rmsprop;
// No `mean`: not centred. No `velocity`: no momentum.
void ck_rmsprop_step(float *weight, float *squares, float *mean, float *velocity, const float *gradient, size_t count,
                     const ck_rmsprop *settings);

typedef struct {
  // The shares of the new gradient in the mean, and of its square in the mean of squares.
  float mean_share, square_share;
  // weight <- keep weight - rate mean / (root_factor sqrt(squares) + epsilon), with gradient + decay weight for the gradient.
  float keep, rate, root_factor, epsilon, decay;
} ck_adam;
void ck_adam_step(float *weight, float *mean, float *squares, const float *gradient, size_t count, const ck_adam *settings);

// average <- average + share (weight - average).
void ck_average_weights(float *average, const float *weight, size_t count, float share);
// sum <- sum + share gradient; where it is the last of a sum: gradient <- that, sum <- 0.
void ck_accumulate(float *sum, float *gradient, size_t count, float share, bool is_last);
// x <- factor x.
void ck_scale(float *x, size_t count, float factor);
// Each between -limit and limit; what is not a number stays so.
void ck_clamp(float *x, size_t count, float limit);
// Where the share of a task begins, of so many elements in equal shares of whole cache lines.
size_t ck_share_begin(size_t count, int task, int tasks);
// The sum of squares, accumulated in double precision.
double ck_sum_of_squares(const float *x, size_t count);
// Whether every element is finite.
bool ck_all_finite(const float *x, size_t count);

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

// Copies `rows` runs of `count` floats, which lie so many floats apart here and there; in at most so many tasks.
void ck_copy_rows(float *to, size_t to_stride, const float *from, size_t from_stride, size_t rows, size_t count,
                  int tasks);

// Makes those results y[rows][classes][positions] of a softmax over the classes not a number where one of x is none, or the
// largest is infinite.
void ck_softmax_of_no_numbers(float *y, const float *x, size_t rows, size_t classes, size_t positions);
// Makes results y[rows][classes][positions] of a softmax over many classes, or of its logarithm, add up to one: the library
// sums in single precision.
void ck_softmax_of_many(float *y, size_t rows, size_t classes, size_t positions, bool is_logarithmic);
// dx <- y (dy - sum over the classes of y dy), or of the logarithm dy - exp(y) sum of dy.
void ck_softmax_gradient(float *dx, const float *y, const float *dy, size_t rows, size_t classes, size_t positions,
                         bool is_logarithmic);
// y <- the weighted sum of `part_count` arrays, the first of which may be y.
void ck_weighted_sum(float *y, const float *const *parts, const float *weights, int part_count, size_t count, int tasks);
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

// Instructions that a kernel may use: AVX-512; AVX2 with fused multiply-adds; or what every processor of its kind has.
typedef enum { CK_WIDEST, CK_AVX2, CK_PORTABLE } ck_instructions;
// What the processor has, within the limit.
ck_instructions ck_usable_instructions(ck_instructions limit);

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
// The gradient of CK_RELU, CK_RELU6 or CK_HARD_SIGMOID from its results, zero where they are at a limit, or of CK_HARD_SWISH from
// what it was applied to. `dx` may be `dy`.
void ck_activation_gradient(float *dx, const float *kept, const float *dy, size_t count, ck_activation activation,
                            int tasks);

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
// The sums of x dy over positions, and over examples where factors are shared; blocks of 512 terms are added in double precision.
void ck_channel_scale_gradient(const ck_pixels *pixels, float *factors, const float *x, const float *dy, bool are_shared,
                               int tasks);

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

// MARK: Direct convolutions
// Any kernel of at most 256 taps, any stride, dilation and padding; groups of multiples of 16 channels, or one group of any
// number. Pictures have their channels in blocks of 16, filled up with zeros, [batch, channels / 16, height, width, 16]; those of
// one or three channels are read in plain order, [batch, channels, height, width], or with the channels innermost. Sums are of
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
