// What the engine needs of oneDNN, in one vocabulary for versions 2.6 and 3.
//
// Every function that can fail returns 0 or the library's status; `cdnn_status_text` names it.
// Objects are created for the one CPU engine of the process and freed by their owner.
#ifndef CONVNET_CONEDNN_H
#define CONVNET_CONEDNN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct cdnn_desc cdnn_desc;              // a memory descriptor: extents, type, layout
typedef struct cdnn_attributes cdnn_attributes;  // post-operations
typedef struct cdnn_primitive cdnn_primitive;    // a compiled primitive and its descriptor
typedef struct cdnn_call cdnn_call;              // a primitive bound to its arguments

enum { CDNN_MAX_RANK = 12, CDNN_MAX_SOURCES = 1024 };

// Two of the library's statuses.
enum { CDNN_OUT_OF_MEMORY = 1, CDNN_INVALID_ARGUMENTS = 2, CDNN_UNIMPLEMENTED = 3 };

typedef enum { CDNN_F32, CDNN_S32, CDNN_U8 } cdnn_type;

typedef enum {
  CDNN_CONVOLUTION_DIRECT,
  CDNN_CONVOLUTION_WINOGRAD,
  CDNN_LRN_ACROSS_CHANNELS,
  CDNN_LRN_WITHIN_CHANNEL,
  CDNN_ELTWISE_RELU,  // alpha: the slope of the negative part
  CDNN_ELTWISE_CLIP,  // alpha, beta: the bounds
  CDNN_ELTWISE_ELU,
  CDNN_ELTWISE_SWISH,
  CDNN_ELTWISE_GELU_ERF,
  CDNN_ELTWISE_TANH,
  CDNN_ELTWISE_LOGISTIC,
  // The same functions, differentiated from their results.
  CDNN_ELTWISE_RELU_FROM_RESULT,
  CDNN_ELTWISE_CLIP_FROM_RESULT,
  CDNN_ELTWISE_ELU_FROM_RESULT,
  CDNN_ELTWISE_TANH_FROM_RESULT,
  CDNN_ELTWISE_LOGISTIC_FROM_RESULT,
  CDNN_BINARY_ADD,
  CDNN_BINARY_MULTIPLY,
  CDNN_RESAMPLING_NEAREST,
  CDNN_RESAMPLING_LINEAR,
  CDNN_SOFTMAX,
  CDNN_LOG_SOFTMAX,
} cdnn_algorithm;

// The arguments of a primitive. `CDNN_SOURCE_0 + i` are the inputs of sums and concatenations.
typedef enum {
  CDNN_SRC,
  CDNN_SRC_1,
  CDNN_DST,
  CDNN_WEIGHTS,
  CDNN_BIAS,
  CDNN_WORKSPACE,
  CDNN_SCRATCHPAD,
  CDNN_DIFF_SRC,
  CDNN_DIFF_DST,
  CDNN_DIFF_WEIGHTS,
  CDNN_DIFF_BIAS,
  CDNN_SOURCE_0 = 1000,
} cdnn_argument;

// What a primitive computes.
typedef enum {
  CDNN_KIND_OTHER,
  CDNN_KIND_CONVOLUTION,
  CDNN_KIND_INNER_PRODUCT,
  CDNN_KIND_LRN,
  CDNN_KIND_ELTWISE,
  CDNN_KIND_BINARY,
  CDNN_KIND_SUM,
  CDNN_KIND_CONCAT,
  CDNN_KIND_SOFTMAX,
  CDNN_KIND_RESAMPLING,
  CDNN_KIND_REORDER,
} cdnn_kind;

void cdnn_version(int *major, int *minor, int *patch);
const char *cdnn_status_text(int status);

// Widest first.
typedef enum { CDNN_AVX512, CDNN_AVX2, CDNN_PORTABLE } cdnn_instructions;
// The widest that the library's kernels use.
cdnn_instructions cdnn_instructions_in_use(void);
// Holds the library to no more than these. False where it has begun to compute, and cannot be held any more.
bool cdnn_limit_instructions(cdnn_instructions instructions);

// MARK: Descriptors

// Arrays of extents, offsets and strides have `rank` numbers: from 1 to CDNN_MAX_RANK, and that of the descriptor where one
// is given. Anything else is refused as invalid arguments.

// Dense row-major where `strides` is null.
int cdnn_desc_create(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type, const int64_t *strides);
// The primitive chooses the layout.
int cdnn_desc_create_any(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type);
// Channels in blocks of 16, the innermost axis; the rest row-major. Pictures, rank 4.
int cdnn_desc_create_blocked(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type);
// The same order of axes and the same blocks as `like`, for other extents. Fails for orders that no primitive of pictures
// or signals uses.
int cdnn_desc_create_like(cdnn_desc **out, const cdnn_desc *like, int rank, const int64_t *dims, cdnn_type type);
int cdnn_desc_copy(cdnn_desc **out, const cdnn_desc *desc);
// The part of `parent` at `offsets`; it lies in the parent's memory.
int cdnn_desc_create_part(cdnn_desc **out, const cdnn_desc *parent, int rank, const int64_t *dims,
                          const int64_t *offsets);
int cdnn_desc_reshape(cdnn_desc **out, const cdnn_desc *desc, int rank, const int64_t *dims);
// Axis i of `desc` becomes axis permutation[i].
int cdnn_desc_permute(cdnn_desc **out, const cdnn_desc *desc, int rank, const int *permutation);
void cdnn_desc_destroy(cdnn_desc *desc);
bool cdnn_desc_equal(const cdnn_desc *left, const cdnn_desc *right);
size_t cdnn_desc_byte_count(const cdnn_desc *desc);
// Bytes of the elements alone, those that fill up blocks included: less than the byte count for a part of other memory.
size_t cdnn_desc_content_byte_count(const cdnn_desc *desc);
// Blocks from the outermost in, as in `aBcd16b`: a letter an axis by decreasing stride, upper case where it is blocked.
void cdnn_desc_text(const cdnn_desc *desc, char *text, size_t capacity);
// Whether elements lie at plain strides, written to `strides`, without blocks or padding.
bool cdnn_desc_plain_strides(const cdnn_desc *desc, int rank, int64_t *strides);
// Whether they do but for axis 1, which may lie in blocks, innermost: the stride of an axis, there of its blocks, and the
// extent of a block, 1 for none. False where elements do not begin with the memory.
bool cdnn_desc_channel_strides(const cdnn_desc *desc, int rank, int64_t *strides, int64_t *block);

// MARK: Attributes

int cdnn_attributes_create(cdnn_attributes **out);
void cdnn_attributes_destroy(cdnn_attributes *attributes);
int cdnn_attributes_append_eltwise(cdnn_attributes *attributes, cdnn_algorithm algorithm, float alpha, float beta);
int cdnn_attributes_append_sum(cdnn_attributes *attributes);

// MARK: Primitives
// Scratchpads belong to the caller. Windows have `axes` numbers an array, two fewer than the source has; dilation 1 is none.

typedef struct {
  int axes;
  const int64_t *strides;
  const int64_t *dilations;
  const int64_t *padding_before;
  const int64_t *padding_after;
} cdnn_window;

int cdnn_convolution_forward(cdnn_primitive **out, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                             const cdnn_desc *weights, const cdnn_desc *bias, const cdnn_desc *dst,
                             const cdnn_window *window, const cdnn_attributes *attributes);
int cdnn_convolution_backward_data(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *diff_src,
                                   const cdnn_desc *weights, const cdnn_desc *diff_dst, const cdnn_window *window);
int cdnn_convolution_backward_weights(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src,
                                      const cdnn_desc *diff_weights, const cdnn_desc *diff_bias,
                                      const cdnn_desc *diff_dst, const cdnn_window *window);
int cdnn_inner_product_forward(cdnn_primitive **out, bool training, const cdnn_desc *src, const cdnn_desc *weights,
                               const cdnn_desc *bias, const cdnn_desc *dst, const cdnn_attributes *attributes);
int cdnn_inner_product_backward_data(cdnn_primitive **out, const cdnn_desc *diff_src, const cdnn_desc *weights,
                                     const cdnn_desc *diff_dst);
int cdnn_inner_product_backward_weights(cdnn_primitive **out, const cdnn_desc *src, const cdnn_desc *diff_weights,
                                        const cdnn_desc *diff_bias, const cdnn_desc *diff_dst);
int cdnn_lrn_forward(cdnn_primitive **out, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                     int64_t size, float alpha, float beta, float k);
int cdnn_lrn_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, const cdnn_desc *diff,
                      int64_t size, float alpha, float beta, float k);
int cdnn_eltwise_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, float alpha,
                         float beta);
int cdnn_eltwise_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *data,
                          const cdnn_desc *diff, float alpha, float beta);
int cdnn_binary(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *first, const cdnn_desc *second,
                const cdnn_desc *dst);
int cdnn_sum(cdnn_primitive **out, const cdnn_desc *dst, int count, const float *scales,
             const cdnn_desc *const *sources);
int cdnn_concat(cdnn_primitive **out, const cdnn_desc *dst, int count, int axis, const cdnn_desc *const *sources);
int cdnn_softmax_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, int axis);
int cdnn_softmax_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *dst,
                          const cdnn_desc *diff, int axis);
int cdnn_resampling_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src,
                            const cdnn_desc *dst);
int cdnn_resampling_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *diff_src,
                             const cdnn_desc *diff_dst);
int cdnn_reorder(cdnn_primitive **out, const cdnn_desc *src, const cdnn_desc *dst);
void cdnn_primitive_destroy(cdnn_primitive *primitive);

// The layout that the primitive chose for an argument; null where it has none.
const cdnn_desc *cdnn_primitive_desc(const cdnn_primitive *primitive, cdnn_argument argument);
// The name of the implementation, as in `jit:avx512_core`.
const char *cdnn_primitive_implementation(const cdnn_primitive *primitive);
cdnn_kind cdnn_primitive_kind(const cdnn_primitive *primitive);
// Whether it adds its result to what the destination holds.
bool cdnn_primitive_accumulates(const cdnn_primitive *primitive);

// MARK: Calls

int cdnn_call_create(cdnn_call **out, const cdnn_primitive *primitive, int count, const cdnn_argument *arguments,
                     const cdnn_desc *const *descs, void *const *pointers);
int cdnn_call_run(const cdnn_call *call);
void cdnn_call_destroy(cdnn_call *call);

#endif
