#include "COneDNN.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dnnl.h>

#define VERSION_3 (DNNL_VERSION_MAJOR >= 3)

// In version 2 a memory descriptor is a struct that its user owns, in version 3 a handle.
struct cdnn_desc {
  dnnl_memory_desc_t md;
};

#if VERSION_3
typedef const_dnnl_memory_desc_t md_pointer;
static md_pointer pointer_to(const cdnn_desc *desc) { return desc ? desc->md : NULL; }
#else
typedef const dnnl_memory_desc_t *md_pointer;
static md_pointer pointer_to(const cdnn_desc *desc) { return desc ? &desc->md : NULL; }
#endif

struct cdnn_attributes {
  dnnl_primitive_attr_t attr;
  dnnl_post_ops_t post_ops;
};

enum { QUERIED_ARGUMENTS = CDNN_DIFF_SHIFT + 1 };

struct cdnn_primitive {
  dnnl_primitive_t primitive;
  char implementation[64];
  cdnn_desc *descs[QUERIED_ARGUMENTS];
};

struct cdnn_call {
  dnnl_primitive_t primitive;
  int count;
  dnnl_exec_arg_t *arguments;
};

#define CHECK(call)                              \
  do {                                           \
    dnnl_status_t status_ = (call);              \
    if (status_ != dnnl_success) return status_; \
  } while (0)

// MARK: The engine of the process

static dnnl_engine_t shared_engine;
static dnnl_stream_t shared_stream;
static dnnl_status_t shared_status;

static void make_shared(void) {
  shared_status = dnnl_engine_create(&shared_engine, dnnl_cpu, 0);
  if (shared_status == dnnl_success)
    shared_status = dnnl_stream_create(&shared_stream, shared_engine, dnnl_stream_default_flags);
}

static dnnl_status_t prepare(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, make_shared);
  return shared_status;
}

void cdnn_version(int *major, int *minor, int *patch) {
  const dnnl_version_t *version = dnnl_version();
  *major = version->major;
  *minor = version->minor;
  *patch = version->patch;
}

const char *cdnn_status_text(int status) {
  switch (status) {
    case dnnl_success: return "success";
    case dnnl_out_of_memory: return "out of memory";
    case dnnl_invalid_arguments: return "invalid arguments";
    case dnnl_unimplemented: return "not implemented by the library";
    case dnnl_runtime_error: return "run-time error";
    default: return "unknown failure";
  }
}

// MARK: Translation of our vocabulary

static dnnl_data_type_t data_type(cdnn_type type) {
  switch (type) {
    case CDNN_F32: return dnnl_f32;
    case CDNN_F16: return dnnl_f16;
    case CDNN_BF16: return dnnl_bf16;
    case CDNN_S32: return dnnl_s32;
    case CDNN_S8: return dnnl_s8;
    case CDNN_U8: return dnnl_u8;
  }
  return dnnl_data_type_undef;
}

static dnnl_alg_kind_t algorithm_kind(cdnn_algorithm algorithm) {
  switch (algorithm) {
    case CDNN_CONVOLUTION_DIRECT: return dnnl_convolution_direct;
    case CDNN_CONVOLUTION_WINOGRAD: return dnnl_convolution_winograd;
    case CDNN_CONVOLUTION_AUTO: return dnnl_convolution_auto;
    case CDNN_POOLING_MAX: return dnnl_pooling_max;
    case CDNN_POOLING_AVERAGE_INCLUDING_PADDING: return dnnl_pooling_avg_include_padding;
    case CDNN_POOLING_AVERAGE_EXCLUDING_PADDING: return dnnl_pooling_avg_exclude_padding;
    case CDNN_LRN_ACROSS_CHANNELS: return dnnl_lrn_across_channels;
    case CDNN_LRN_WITHIN_CHANNEL: return dnnl_lrn_within_channel;
    case CDNN_ELTWISE_RELU: return dnnl_eltwise_relu;
    case CDNN_ELTWISE_CLIP: return dnnl_eltwise_clip_v2;
    case CDNN_ELTWISE_ELU: return dnnl_eltwise_elu;
    case CDNN_ELTWISE_SWISH: return dnnl_eltwise_swish;
    case CDNN_ELTWISE_GELU_ERF: return dnnl_eltwise_gelu_erf;
    case CDNN_ELTWISE_TANH: return dnnl_eltwise_tanh;
    case CDNN_ELTWISE_LOGISTIC: return dnnl_eltwise_logistic;
    case CDNN_ELTWISE_LINEAR: return dnnl_eltwise_linear;
    case CDNN_ELTWISE_RELU_FROM_RESULT: return dnnl_eltwise_relu_use_dst_for_bwd;
    case CDNN_ELTWISE_CLIP_FROM_RESULT: return dnnl_eltwise_clip_v2_use_dst_for_bwd;
    case CDNN_ELTWISE_ELU_FROM_RESULT: return dnnl_eltwise_elu_use_dst_for_bwd;
    case CDNN_ELTWISE_TANH_FROM_RESULT: return dnnl_eltwise_tanh_use_dst_for_bwd;
    case CDNN_ELTWISE_LOGISTIC_FROM_RESULT: return dnnl_eltwise_logistic_use_dst_for_bwd;
    case CDNN_BINARY_ADD: return dnnl_binary_add;
    case CDNN_BINARY_MULTIPLY: return dnnl_binary_mul;
    case CDNN_RESAMPLING_NEAREST: return dnnl_resampling_nearest;
    case CDNN_RESAMPLING_LINEAR: return dnnl_resampling_linear;
#if VERSION_3
    case CDNN_SOFTMAX: return dnnl_softmax_accurate;
    case CDNN_LOG_SOFTMAX: return dnnl_softmax_log;
#else
    case CDNN_SOFTMAX: return dnnl_alg_kind_undef;
    case CDNN_LOG_SOFTMAX: return dnnl_alg_kind_undef;
#endif
    case CDNN_REDUCTION_SUM: return dnnl_reduction_sum;
    case CDNN_REDUCTION_MEAN: return dnnl_reduction_mean;
  }
  return dnnl_alg_kind_undef;
}

static int argument_index(cdnn_argument argument) {
  switch (argument) {
    case CDNN_SRC: return DNNL_ARG_SRC;
    case CDNN_SRC_1: return DNNL_ARG_SRC_1;
    case CDNN_DST: return DNNL_ARG_DST;
    case CDNN_WEIGHTS: return DNNL_ARG_WEIGHTS;
    case CDNN_BIAS: return DNNL_ARG_BIAS;
    case CDNN_MEAN: return DNNL_ARG_MEAN;
    case CDNN_VARIANCE: return DNNL_ARG_VARIANCE;
    case CDNN_SCALE: return DNNL_ARG_SCALE;
    case CDNN_SHIFT: return DNNL_ARG_SHIFT;
    case CDNN_WORKSPACE: return DNNL_ARG_WORKSPACE;
    case CDNN_SCRATCHPAD: return DNNL_ARG_SCRATCHPAD;
    case CDNN_DIFF_SRC: return DNNL_ARG_DIFF_SRC;
    case CDNN_DIFF_DST: return DNNL_ARG_DIFF_DST;
    case CDNN_DIFF_WEIGHTS: return DNNL_ARG_DIFF_WEIGHTS;
    case CDNN_DIFF_BIAS: return DNNL_ARG_DIFF_BIAS;
    case CDNN_DIFF_SCALE: return DNNL_ARG_DIFF_SCALE;
    case CDNN_DIFF_SHIFT: return DNNL_ARG_DIFF_SHIFT;
    case CDNN_POST_OPERATION_SOURCE_0: return DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1;
    default: return DNNL_ARG_MULTIPLE_SRC + (argument - CDNN_SOURCE_0);
  }
}

static unsigned normalization_flags(int flags) {
  unsigned result = dnnl_normalization_flags_none;
  if (flags & CDNN_NORMALIZATION_GLOBAL_STATISTICS) result |= dnnl_use_global_stats;
  if (flags & CDNN_NORMALIZATION_SCALE_SHIFT) result |= dnnl_use_scale | dnnl_use_shift;
  if (flags & CDNN_NORMALIZATION_FUSE_RELU) result |= dnnl_fuse_norm_relu;
  return result;
}

// MARK: Descriptors

static cdnn_desc *allocate_desc(void) { return calloc(1, sizeof(cdnn_desc)); }

static int finish_desc(cdnn_desc **out, cdnn_desc *desc, dnnl_status_t status) {
  if (status != dnnl_success) {
    free(desc);
    desc = NULL;
  }
  *out = desc;
  return status;
}

int cdnn_desc_create(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type, const int64_t *strides) {
  int64_t row_major[CDNN_MAX_RANK];
  if (!strides) {
    int64_t stride = 1;
    for (int axis = rank - 1; axis >= 0; --axis) {
      row_major[axis] = stride;
      stride *= dims[axis];
    }
    strides = row_major;
  }
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
#if VERSION_3
  dnnl_status_t status = dnnl_memory_desc_create_with_strides(&desc->md, rank, dims, data_type(type), strides);
#else
  dnnl_status_t status = dnnl_memory_desc_init_by_strides(&desc->md, rank, dims, data_type(type), strides);
#endif
  return finish_desc(out, desc, status);
}

static int create_tagged(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type, dnnl_format_tag_t tag) {
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
#if VERSION_3
  return finish_desc(out, desc, dnnl_memory_desc_create_with_tag(&desc->md, rank, dims, data_type(type), tag));
#else
  return finish_desc(out, desc, dnnl_memory_desc_init_by_tag(&desc->md, rank, dims, data_type(type), tag));
#endif
}

int cdnn_desc_create_any(cdnn_desc **out, int rank, const int64_t *dims, cdnn_type type) {
  return create_tagged(out, rank, dims, type, dnnl_format_tag_any);
}

static cdnn_desc *copy_of(md_pointer md) {
  if (!md) return NULL;
  cdnn_desc *desc = allocate_desc();
  if (!desc) return NULL;
#if VERSION_3
  if (dnnl_memory_desc_clone(&desc->md, md) != dnnl_success) {
    free(desc);
    return NULL;
  }
#else
  desc->md = *md;
#endif
  return desc;
}

int cdnn_desc_copy(cdnn_desc **out, const cdnn_desc *desc) {
  *out = copy_of(pointer_to(desc));
  return *out ? dnnl_success : dnnl_out_of_memory;
}

int cdnn_desc_create_part(cdnn_desc **out, const cdnn_desc *parent, const int64_t *dims, const int64_t *offsets) {
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
#if VERSION_3
  dnnl_status_t status = dnnl_memory_desc_create_submemory(&desc->md, parent->md, dims, offsets);
#else
  dnnl_status_t status = dnnl_memory_desc_init_submemory(&desc->md, &parent->md, dims, offsets);
#endif
  return finish_desc(out, desc, status);
}

int cdnn_desc_reshape(cdnn_desc **out, const cdnn_desc *from, int rank, const int64_t *dims) {
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
  return finish_desc(out, desc, dnnl_memory_desc_reshape(&desc->md, pointer_to(from), rank, dims));
}

int cdnn_desc_permute(cdnn_desc **out, const cdnn_desc *from, const int *permutation) {
  cdnn_desc *desc = allocate_desc();
  if (!desc) return dnnl_out_of_memory;
  return finish_desc(out, desc, dnnl_memory_desc_permute_axes(&desc->md, pointer_to(from), permutation));
}

void cdnn_desc_destroy(cdnn_desc *desc) {
  if (!desc) return;
#if VERSION_3
  dnnl_memory_desc_destroy(desc->md);
#endif
  free(desc);
}

bool cdnn_desc_equal(const cdnn_desc *left, const cdnn_desc *right) {
  return dnnl_memory_desc_equal(pointer_to(left), pointer_to(right)) != 0;
}

size_t cdnn_desc_byte_count(const cdnn_desc *desc) { return dnnl_memory_desc_get_size(pointer_to(desc)); }

typedef struct {
  int rank, blocks;
  bool is_blocked;
  dnnl_dims_t dims, padded, strides, block_extents, block_axes;
} layout;

static layout layout_of(const cdnn_desc *desc) {
  layout result = {0};
#if VERSION_3
  md_pointer md = desc->md;
  const dnnl_dims_t *dims;
  dnnl_format_kind_t kind;
  dnnl_memory_desc_query(md, dnnl_query_ndims_s32, &result.rank);
  dnnl_memory_desc_query(md, dnnl_query_format_kind, &kind);
  result.is_blocked = kind == dnnl_blocked;
  if (!result.is_blocked) return result;
  dnnl_memory_desc_query(md, dnnl_query_inner_nblks_s32, &result.blocks);
  dnnl_memory_desc_query(md, dnnl_query_dims, &dims);
  memcpy(result.dims, *dims, sizeof *dims);
  dnnl_memory_desc_query(md, dnnl_query_padded_dims, &dims);
  memcpy(result.padded, *dims, sizeof *dims);
  dnnl_memory_desc_query(md, dnnl_query_strides, &dims);
  memcpy(result.strides, *dims, sizeof *dims);
  if (result.blocks) {
    dnnl_memory_desc_query(md, dnnl_query_inner_blks, &dims);
    memcpy(result.block_extents, *dims, sizeof *dims);
    dnnl_memory_desc_query(md, dnnl_query_inner_idxs, &dims);
    memcpy(result.block_axes, *dims, sizeof *dims);
  }
#else
  const dnnl_memory_desc_t *md = &desc->md;
  result.rank = md->ndims;
  result.is_blocked = md->format_kind == dnnl_blocked;
  if (!result.is_blocked) return result;
  result.blocks = md->format_desc.blocking.inner_nblks;
  memcpy(result.dims, md->dims, sizeof md->dims);
  memcpy(result.padded, md->padded_dims, sizeof md->padded_dims);
  memcpy(result.strides, md->format_desc.blocking.strides, sizeof result.strides);
  memcpy(result.block_extents, md->format_desc.blocking.inner_blks, sizeof result.block_extents);
  memcpy(result.block_axes, md->format_desc.blocking.inner_idxs, sizeof result.block_axes);
#endif
  return result;
}

void cdnn_desc_text(const cdnn_desc *desc, char *text, size_t capacity) {
  layout l = layout_of(desc);
  if (!l.is_blocked) {
    snprintf(text, capacity, "opaque");
    return;
  }
  bool blocked[CDNN_MAX_RANK] = {false};
  for (int i = 0; i < l.blocks; ++i) blocked[l.block_axes[i]] = true;
  int order[CDNN_MAX_RANK];
  for (int axis = 0; axis < l.rank; ++axis) {
    int place = axis;  // insertion by decreasing stride; axes of equal stride keep their order
    for (; place > 0 && l.strides[order[place - 1]] < l.strides[axis]; --place) order[place] = order[place - 1];
    order[place] = axis;
  }
  size_t used = 0;
  for (int i = 0; i < l.rank && used + 1 < capacity; ++i)
    text[used++] = (char)((blocked[order[i]] ? 'A' : 'a') + order[i]);
  text[used] = 0;
  for (int i = 0; i < l.blocks && used + 1 < capacity; ++i)
    used += (size_t)snprintf(text + used, capacity - used, "%lld%c", (long long)l.block_extents[i],
                             (char)('a' + l.block_axes[i]));
}

bool cdnn_desc_plain_strides(const cdnn_desc *desc, int64_t *strides) {
  layout l = layout_of(desc);
  if (!l.is_blocked || l.blocks) return false;
  for (int axis = 0; axis < l.rank; ++axis) {
    if (l.padded[axis] != l.dims[axis]) return false;
    strides[axis] = l.strides[axis];
  }
  return true;
}

int cdnn_desc_create_blocked(cdnn_desc **out, const int64_t *dims, cdnn_type type) {
  return create_tagged(out, 4, dims, type, dnnl_aBcd16b);
}

int cdnn_desc_create_like(cdnn_desc **out, const cdnn_desc *like, int rank, const int64_t *dims, cdnn_type type) {
  static const struct {
    const char *text;
    dnnl_format_tag_t tag;
  } tags[] = {
      {"aBcd16b", dnnl_aBcd16b}, {"aBcd8b", dnnl_aBcd8b}, {"aBcd4b", dnnl_aBcd4b}, {"acdb", dnnl_acdb},
      {"abcd", dnnl_abcd},       {"aBc16b", dnnl_aBc16b}, {"aBc8b", dnnl_aBc8b},   {"aBc4b", dnnl_aBc4b},
      {"acb", dnnl_acb},         {"abc", dnnl_abc},       {"ab", dnnl_ab},
  };
  *out = NULL;
  char text[64];
  cdnn_desc_text(like, text, sizeof text);
  for (size_t i = 0; i < sizeof tags / sizeof *tags; ++i) {
    if (!strcmp(tags[i].text, text)) return create_tagged(out, rank, dims, type, tags[i].tag);
  }
  return dnnl_unimplemented;
}

// MARK: Attributes

int cdnn_attributes_create(cdnn_attributes **out) {
  *out = NULL;
  cdnn_attributes *attributes = calloc(1, sizeof *attributes);
  if (!attributes) return dnnl_out_of_memory;
  dnnl_status_t status = dnnl_primitive_attr_create(&attributes->attr);
  if (status == dnnl_success)
    status = dnnl_primitive_attr_set_scratchpad_mode(attributes->attr, dnnl_scratchpad_mode_user);
  if (status == dnnl_success) status = dnnl_post_ops_create(&attributes->post_ops);
  if (status == dnnl_success)
    *out = attributes;
  else
    cdnn_attributes_destroy(attributes);
  return status;
}

void cdnn_attributes_destroy(cdnn_attributes *attributes) {
  if (!attributes) return;
  if (attributes->post_ops) dnnl_post_ops_destroy(attributes->post_ops);
  if (attributes->attr) dnnl_primitive_attr_destroy(attributes->attr);
  free(attributes);
}

int cdnn_attributes_append_eltwise(cdnn_attributes *attributes, cdnn_algorithm algorithm, float alpha, float beta) {
#if VERSION_3
  CHECK(dnnl_post_ops_append_eltwise(attributes->post_ops, algorithm_kind(algorithm), alpha, beta));
#else
  CHECK(dnnl_post_ops_append_eltwise(attributes->post_ops, 1, algorithm_kind(algorithm), alpha, beta));
#endif
  return dnnl_primitive_attr_set_post_ops(attributes->attr, attributes->post_ops);
}

int cdnn_attributes_append_sum(cdnn_attributes *attributes) {
#if VERSION_3
  CHECK(dnnl_post_ops_append_sum(attributes->post_ops, 1, 0, dnnl_data_type_undef));
#else
  CHECK(dnnl_post_ops_append_sum(attributes->post_ops, 1));
#endif
  return dnnl_primitive_attr_set_post_ops(attributes->attr, attributes->post_ops);
}

int cdnn_attributes_append_binary(cdnn_attributes *attributes, cdnn_algorithm algorithm, const cdnn_desc *source) {
  CHECK(dnnl_post_ops_append_binary(attributes->post_ops, algorithm_kind(algorithm), pointer_to(source)));
  return dnnl_primitive_attr_set_post_ops(attributes->attr, attributes->post_ops);
}

// MARK: Primitives

// The layouts a primitive chose. Gradients by scale, shift and bias are plain vectors and need no query.
static dnnl_query_t query_of(cdnn_argument argument, int *index) {
  *index = 0;
  switch (argument) {
    case CDNN_SRC_1: *index = 1; return dnnl_query_src_md;
    case CDNN_SRC: return dnnl_query_src_md;
    case CDNN_DST: return dnnl_query_dst_md;
    case CDNN_WEIGHTS: return dnnl_query_weights_md;
    case CDNN_WORKSPACE: return dnnl_query_workspace_md;
    case CDNN_SCRATCHPAD: return dnnl_query_scratchpad_md;
    case CDNN_DIFF_SRC: return dnnl_query_diff_src_md;
    case CDNN_DIFF_DST: return dnnl_query_diff_dst_md;
    case CDNN_DIFF_WEIGHTS: return dnnl_query_diff_weights_md;
    default: return dnnl_query_undef;
  }
}

// Takes over `pd`.
static int finish_primitive(cdnn_primitive **out, dnnl_primitive_desc_t pd) {
  *out = NULL;
  cdnn_primitive *primitive = calloc(1, sizeof *primitive);
  dnnl_status_t status = primitive ? dnnl_primitive_create(&primitive->primitive, pd) : dnnl_out_of_memory;
  if (status == dnnl_success) {
    const char *implementation = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &implementation) == dnnl_success && implementation)
      snprintf(primitive->implementation, sizeof primitive->implementation, "%s", implementation);
    for (int argument = 0; argument < QUERIED_ARGUMENTS; ++argument) {
      int index;
      dnnl_query_t query = query_of(argument, &index);
      if (query == dnnl_query_undef) continue;
      md_pointer md = dnnl_primitive_desc_query_md(pd, query, index);
      if (md && dnnl_memory_desc_get_size(md)) primitive->descs[argument] = copy_of(md);
    }
    *out = primitive;
  } else {
    free(primitive);
  }
  dnnl_primitive_desc_destroy(pd);
  return status;
}

// Attributes with a scratchpad of the caller's and nothing else.
static dnnl_primitive_attr_t plain_attr(void) {
  static dnnl_primitive_attr_t attr;
  if (!attr) {
    dnnl_primitive_attr_t fresh;
    if (dnnl_primitive_attr_create(&fresh) != dnnl_success) return NULL;
    dnnl_primitive_attr_set_scratchpad_mode(fresh, dnnl_scratchpad_mode_user);
    dnnl_primitive_attr_t expected = NULL;
    if (!__atomic_compare_exchange_n(&attr, &expected, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
      dnnl_primitive_attr_destroy(fresh);
  }
  return attr;
}

static dnnl_primitive_attr_t attr_of(const cdnn_attributes *attributes) {
  return attributes ? attributes->attr : plain_attr();
}

static dnnl_prop_kind_t forward_kind(bool training) {
  return training ? dnnl_forward_training : dnnl_forward_inference;
}

// The library counts the gap between taps: dilation 1 is 0.
static const int64_t *gaps(const cdnn_window *window, dnnl_dims_t storage) {
  for (int axis = 0; axis < window->axes; ++axis) storage[axis] = window->dilations[axis] - 1;
  return storage;
}

#if !VERSION_3
static int create_pd(dnnl_primitive_desc_t *pd, const void *op_desc, dnnl_primitive_attr_t attr,
                     dnnl_primitive_desc_t hint) {
  return dnnl_primitive_desc_create(pd, op_desc, attr, shared_engine, hint);
}
#endif

static int convolution_forward_pd(dnnl_primitive_desc_t *pd, bool training, cdnn_algorithm algorithm,
                                  const cdnn_desc *src, const cdnn_desc *weights, const cdnn_desc *bias,
                                  const cdnn_desc *dst, const cdnn_window *window, dnnl_primitive_attr_t attr) {
  dnnl_dims_t dilates;
  gaps(window, dilates);
#if VERSION_3
  return dnnl_convolution_forward_primitive_desc_create(
      pd, shared_engine, forward_kind(training), algorithm_kind(algorithm), pointer_to(src), pointer_to(weights),
      pointer_to(bias), pointer_to(dst), window->strides, dilates, window->padding_before, window->padding_after, attr);
#else
  dnnl_convolution_desc_t desc;
  CHECK(dnnl_dilated_convolution_forward_desc_init(&desc, forward_kind(training), algorithm_kind(algorithm),
                                                   pointer_to(src), pointer_to(weights), pointer_to(bias),
                                                   pointer_to(dst), window->strides, dilates,
                                                   window->padding_before, window->padding_after));
  return create_pd(pd, &desc, attr, NULL);
#endif
}

int cdnn_convolution_forward(cdnn_primitive **out, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                             const cdnn_desc *weights, const cdnn_desc *bias, const cdnn_desc *dst,
                             const cdnn_window *window, const cdnn_attributes *attributes) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(convolution_forward_pd(&pd, training, algorithm, src, weights, bias, dst, window, attr_of(attributes)));
  return finish_primitive(out, pd);
}

int cdnn_convolution_backward_data(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *diff_src,
                                   const cdnn_desc *weights, const cdnn_desc *diff_dst, const cdnn_window *window) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(convolution_forward_pd(&hint, true, algorithm, diff_src, weights, NULL, diff_dst, window, plain_attr()));
  dnnl_dims_t dilates;
  gaps(window, dilates);
#if VERSION_3
  dnnl_status_t status = dnnl_convolution_backward_data_primitive_desc_create(
      &pd, shared_engine, algorithm_kind(algorithm), pointer_to(diff_src), pointer_to(weights), pointer_to(diff_dst),
      window->strides, dilates, window->padding_before, window->padding_after, hint, plain_attr());
#else
  dnnl_convolution_desc_t desc;
  dnnl_status_t status = dnnl_dilated_convolution_backward_data_desc_init(
      &desc, algorithm_kind(algorithm), pointer_to(diff_src), pointer_to(weights), pointer_to(diff_dst),
      window->strides, dilates, window->padding_before, window->padding_after);
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

int cdnn_convolution_backward_weights(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src,
                                      const cdnn_desc *diff_weights, const cdnn_desc *diff_bias,
                                      const cdnn_desc *diff_dst, const cdnn_window *window) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(
      convolution_forward_pd(&hint, true, algorithm, src, diff_weights, diff_bias, diff_dst, window, plain_attr()));
  dnnl_dims_t dilates;
  gaps(window, dilates);
#if VERSION_3
  dnnl_status_t status = dnnl_convolution_backward_weights_primitive_desc_create(
      &pd, shared_engine, algorithm_kind(algorithm), pointer_to(src), pointer_to(diff_weights),
      pointer_to(diff_bias), pointer_to(diff_dst), window->strides, dilates, window->padding_before,
      window->padding_after, hint, plain_attr());
#else
  dnnl_convolution_desc_t desc;
  dnnl_status_t status = dnnl_dilated_convolution_backward_weights_desc_init(
      &desc, algorithm_kind(algorithm), pointer_to(src), pointer_to(diff_weights), pointer_to(diff_bias),
      pointer_to(diff_dst), window->strides, dilates, window->padding_before, window->padding_after);
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

static int inner_product_forward_pd(dnnl_primitive_desc_t *pd, bool training, const cdnn_desc *src,
                                    const cdnn_desc *weights, const cdnn_desc *bias, const cdnn_desc *dst,
                                    dnnl_primitive_attr_t attr) {
#if VERSION_3
  return dnnl_inner_product_forward_primitive_desc_create(pd, shared_engine, forward_kind(training), pointer_to(src),
                                                          pointer_to(weights), pointer_to(bias), pointer_to(dst),
                                                          attr);
#else
  dnnl_inner_product_desc_t desc;
  CHECK(dnnl_inner_product_forward_desc_init(&desc, forward_kind(training), pointer_to(src), pointer_to(weights),
                                             pointer_to(bias), pointer_to(dst)));
  return create_pd(pd, &desc, attr, NULL);
#endif
}

int cdnn_inner_product_forward(cdnn_primitive **out, bool training, const cdnn_desc *src, const cdnn_desc *weights,
                               const cdnn_desc *bias, const cdnn_desc *dst, const cdnn_attributes *attributes) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(inner_product_forward_pd(&pd, training, src, weights, bias, dst, attr_of(attributes)));
  return finish_primitive(out, pd);
}

int cdnn_inner_product_backward_data(cdnn_primitive **out, const cdnn_desc *diff_src, const cdnn_desc *weights,
                                     const cdnn_desc *diff_dst) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(inner_product_forward_pd(&hint, true, diff_src, weights, NULL, diff_dst, plain_attr()));
#if VERSION_3
  dnnl_status_t status = dnnl_inner_product_backward_data_primitive_desc_create(
      &pd, shared_engine, pointer_to(diff_src), pointer_to(weights), pointer_to(diff_dst), hint, plain_attr());
#else
  dnnl_inner_product_desc_t desc;
  dnnl_status_t status = dnnl_inner_product_backward_data_desc_init(&desc, pointer_to(diff_src), pointer_to(weights),
                                                                    pointer_to(diff_dst));
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

int cdnn_inner_product_backward_weights(cdnn_primitive **out, const cdnn_desc *src, const cdnn_desc *diff_weights,
                                        const cdnn_desc *diff_bias, const cdnn_desc *diff_dst) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(inner_product_forward_pd(&hint, true, src, diff_weights, diff_bias, diff_dst, plain_attr()));
#if VERSION_3
  dnnl_status_t status = dnnl_inner_product_backward_weights_primitive_desc_create(
      &pd, shared_engine, pointer_to(src), pointer_to(diff_weights), pointer_to(diff_bias), pointer_to(diff_dst), hint,
      plain_attr());
#else
  dnnl_inner_product_desc_t desc;
  dnnl_status_t status = dnnl_inner_product_backward_weights_desc_init(
      &desc, pointer_to(src), pointer_to(diff_weights), pointer_to(diff_bias), pointer_to(diff_dst));
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

static int pooling_forward_pd(dnnl_primitive_desc_t *pd, bool training, cdnn_algorithm algorithm,
                              const cdnn_desc *src, const cdnn_desc *dst, const cdnn_window *window) {
  dnnl_dims_t dilates;
  gaps(window, dilates);
#if VERSION_3
  return dnnl_pooling_forward_primitive_desc_create(
      pd, shared_engine, forward_kind(training), algorithm_kind(algorithm), pointer_to(src), pointer_to(dst),
      window->strides, window->kernel, dilates, window->padding_before, window->padding_after, plain_attr());
#else
  dnnl_pooling_v2_desc_t desc;
  CHECK(dnnl_pooling_v2_forward_desc_init(&desc, forward_kind(training), algorithm_kind(algorithm), pointer_to(src),
                                          pointer_to(dst), window->strides, window->kernel, dilates,
                                          window->padding_before, window->padding_after));
  return create_pd(pd, &desc, plain_attr(), NULL);
#endif
}

int cdnn_pooling_forward(cdnn_primitive **out, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                         const cdnn_desc *dst, const cdnn_window *window) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(pooling_forward_pd(&pd, training, algorithm, src, dst, window));
  return finish_primitive(out, pd);
}

int cdnn_pooling_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *diff_src,
                          const cdnn_desc *diff_dst, const cdnn_window *window) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(pooling_forward_pd(&hint, true, algorithm, diff_src, diff_dst, window));
  dnnl_dims_t dilates;
  gaps(window, dilates);
#if VERSION_3
  dnnl_status_t status = dnnl_pooling_backward_primitive_desc_create(
      &pd, shared_engine, algorithm_kind(algorithm), pointer_to(diff_src), pointer_to(diff_dst), window->strides,
      window->kernel, dilates, window->padding_before, window->padding_after, hint, plain_attr());
#else
  dnnl_pooling_v2_desc_t desc;
  dnnl_status_t status = dnnl_pooling_v2_backward_desc_init(
      &desc, algorithm_kind(algorithm), pointer_to(diff_src), pointer_to(diff_dst), window->strides, window->kernel,
      dilates, window->padding_before, window->padding_after);
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

static int normalization_forward_pd(dnnl_primitive_desc_t *pd, bool training, const cdnn_desc *src, float epsilon,
                                    int flags) {
#if VERSION_3
  return dnnl_batch_normalization_forward_primitive_desc_create(pd, shared_engine, forward_kind(training),
                                                                pointer_to(src), pointer_to(src), epsilon,
                                                                normalization_flags(flags), plain_attr());
#else
  dnnl_batch_normalization_desc_t desc;
  CHECK(dnnl_batch_normalization_forward_desc_init(&desc, forward_kind(training), pointer_to(src), epsilon,
                                                   normalization_flags(flags)));
  return create_pd(pd, &desc, plain_attr(), NULL);
#endif
}

int cdnn_normalization_forward(cdnn_primitive **out, bool training, const cdnn_desc *src, float epsilon, int flags) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(normalization_forward_pd(&pd, training, src, epsilon, flags));
  return finish_primitive(out, pd);
}

int cdnn_normalization_backward(cdnn_primitive **out, const cdnn_desc *diff, const cdnn_desc *src, float epsilon,
                                int flags) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(normalization_forward_pd(&hint, true, src, epsilon, flags));
#if VERSION_3
  dnnl_status_t status = dnnl_batch_normalization_backward_primitive_desc_create(
      &pd, shared_engine, dnnl_backward, pointer_to(diff), pointer_to(diff), pointer_to(src), epsilon,
      normalization_flags(flags), hint, plain_attr());
#else
  dnnl_batch_normalization_desc_t desc;
  dnnl_status_t status = dnnl_batch_normalization_backward_desc_init(
      &desc, dnnl_backward, pointer_to(diff), pointer_to(src), epsilon, normalization_flags(flags));
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

static int lrn_forward_pd(dnnl_primitive_desc_t *pd, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                          int64_t size, float alpha, float beta, float k) {
#if VERSION_3
  return dnnl_lrn_forward_primitive_desc_create(pd, shared_engine, forward_kind(training), algorithm_kind(algorithm),
                                                pointer_to(src), pointer_to(src), size, alpha, beta, k, plain_attr());
#else
  dnnl_lrn_desc_t desc;
  CHECK(dnnl_lrn_forward_desc_init(&desc, forward_kind(training), algorithm_kind(algorithm), pointer_to(src), size,
                                   alpha, beta, k));
  return create_pd(pd, &desc, plain_attr(), NULL);
#endif
}

int cdnn_lrn_forward(cdnn_primitive **out, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                     int64_t size, float alpha, float beta, float k) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(lrn_forward_pd(&pd, training, algorithm, src, size, alpha, beta, k));
  return finish_primitive(out, pd);
}

int cdnn_lrn_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, const cdnn_desc *diff,
                      int64_t size, float alpha, float beta, float k) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(lrn_forward_pd(&hint, true, algorithm, src, size, alpha, beta, k));
#if VERSION_3
  dnnl_status_t status = dnnl_lrn_backward_primitive_desc_create(&pd, shared_engine, algorithm_kind(algorithm),
                                                                 pointer_to(diff), pointer_to(diff), pointer_to(src),
                                                                 size, alpha, beta, k, hint, plain_attr());
#else
  dnnl_lrn_desc_t desc;
  dnnl_status_t status = dnnl_lrn_backward_desc_init(&desc, algorithm_kind(algorithm), pointer_to(diff),
                                                     pointer_to(src), size, alpha, beta, k);
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

static int eltwise_forward_pd(dnnl_primitive_desc_t *pd, cdnn_algorithm algorithm, const cdnn_desc *src, float alpha,
                              float beta) {
#if VERSION_3
  return dnnl_eltwise_forward_primitive_desc_create(pd, shared_engine, dnnl_forward_training,
                                                    algorithm_kind(algorithm), pointer_to(src), pointer_to(src), alpha,
                                                    beta, plain_attr());
#else
  dnnl_eltwise_desc_t desc;
  CHECK(dnnl_eltwise_forward_desc_init(&desc, dnnl_forward_training, algorithm_kind(algorithm), pointer_to(src), alpha,
                                       beta));
  return create_pd(pd, &desc, plain_attr(), NULL);
#endif
}

int cdnn_eltwise_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, float alpha,
                         float beta) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(eltwise_forward_pd(&pd, algorithm, src, alpha, beta));
  return finish_primitive(out, pd);
}

int cdnn_eltwise_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *data,
                          const cdnn_desc *diff, float alpha, float beta) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(eltwise_forward_pd(&hint, algorithm, data, alpha, beta));
#if VERSION_3
  dnnl_status_t status = dnnl_eltwise_backward_primitive_desc_create(&pd, shared_engine, algorithm_kind(algorithm),
                                                                     pointer_to(diff), pointer_to(diff),
                                                                     pointer_to(data), alpha, beta, hint, plain_attr());
#else
  dnnl_eltwise_desc_t desc;
  dnnl_status_t status = dnnl_eltwise_backward_desc_init(&desc, algorithm_kind(algorithm), pointer_to(diff),
                                                         pointer_to(data), alpha, beta);
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

int cdnn_binary(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *first, const cdnn_desc *second,
                const cdnn_desc *dst) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
#if VERSION_3
  CHECK(dnnl_binary_primitive_desc_create(&pd, shared_engine, algorithm_kind(algorithm), pointer_to(first),
                                          pointer_to(second), pointer_to(dst), plain_attr()));
#else
  dnnl_binary_desc_t desc;
  CHECK(dnnl_binary_desc_init(&desc, algorithm_kind(algorithm), pointer_to(first), pointer_to(second),
                              pointer_to(dst)));
  CHECK(create_pd(&pd, &desc, plain_attr(), NULL));
#endif
  return finish_primitive(out, pd);
}

// The descriptors as the library's functions of many sources take them: handles in version 3, structs in version 2.
static dnnl_memory_desc_t *gather(int count, const cdnn_desc *const *sources) {
  dnnl_memory_desc_t *mds = malloc((size_t)count * sizeof *mds);
  if (mds)
    for (int i = 0; i < count; ++i) mds[i] = sources[i]->md;
  return mds;
}

int cdnn_sum(cdnn_primitive **out, const cdnn_desc *dst, int count, const float *scales,
             const cdnn_desc *const *sources) {
  CHECK(prepare());
  dnnl_memory_desc_t *mds = gather(count, sources);
  if (!mds) return dnnl_out_of_memory;
  dnnl_primitive_desc_t pd;
#if VERSION_3
  dnnl_status_t status = dnnl_sum_primitive_desc_create(&pd, shared_engine, pointer_to(dst), count, scales,
                                                        (const_dnnl_memory_desc_t *)mds, plain_attr());
#else
  dnnl_status_t status =
      dnnl_sum_primitive_desc_create(&pd, pointer_to(dst), count, scales, mds, plain_attr(), shared_engine);
#endif
  free(mds);
  CHECK(status);
  return finish_primitive(out, pd);
}

int cdnn_concat(cdnn_primitive **out, const cdnn_desc *dst, int count, int axis, const cdnn_desc *const *sources) {
  CHECK(prepare());
  dnnl_memory_desc_t *mds = gather(count, sources);
  if (!mds) return dnnl_out_of_memory;
  dnnl_primitive_desc_t pd;
#if VERSION_3
  dnnl_status_t status = dnnl_concat_primitive_desc_create(&pd, shared_engine, pointer_to(dst), count, axis,
                                                           (const_dnnl_memory_desc_t *)mds, plain_attr());
#else
  dnnl_status_t status =
      dnnl_concat_primitive_desc_create(&pd, pointer_to(dst), count, axis, mds, plain_attr(), shared_engine);
#endif
  free(mds);
  CHECK(status);
  return finish_primitive(out, pd);
}

static int softmax_forward_pd(dnnl_primitive_desc_t *pd, cdnn_algorithm algorithm, const cdnn_desc *src, int axis) {
#if VERSION_3
  return dnnl_softmax_forward_primitive_desc_create(pd, shared_engine, dnnl_forward_training,
                                                    algorithm_kind(algorithm), pointer_to(src), pointer_to(src), axis,
                                                    plain_attr());
#else
  if (algorithm == CDNN_LOG_SOFTMAX) {
    dnnl_logsoftmax_desc_t desc;
    CHECK(dnnl_logsoftmax_forward_desc_init(&desc, dnnl_forward_training, pointer_to(src), axis));
    return create_pd(pd, &desc, plain_attr(), NULL);
  }
  dnnl_softmax_desc_t desc;
  CHECK(dnnl_softmax_forward_desc_init(&desc, dnnl_forward_training, pointer_to(src), axis));
  return create_pd(pd, &desc, plain_attr(), NULL);
#endif
}

int cdnn_softmax_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, int axis) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(softmax_forward_pd(&pd, algorithm, src, axis));
  return finish_primitive(out, pd);
}

int cdnn_softmax_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *dst,
                          const cdnn_desc *diff, int axis) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(softmax_forward_pd(&hint, algorithm, dst, axis));
  dnnl_status_t status;
#if VERSION_3
  status = dnnl_softmax_backward_primitive_desc_create(&pd, shared_engine, algorithm_kind(algorithm),
                                                       pointer_to(diff), pointer_to(diff), pointer_to(dst), axis, hint,
                                                       plain_attr());
#else
  if (algorithm == CDNN_LOG_SOFTMAX) {
    dnnl_logsoftmax_desc_t desc;
    status = dnnl_logsoftmax_backward_desc_init(&desc, pointer_to(diff), pointer_to(dst), axis);
    if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
  } else {
    dnnl_softmax_desc_t desc;
    status = dnnl_softmax_backward_desc_init(&desc, pointer_to(diff), pointer_to(dst), axis);
    if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
  }
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

static int resampling_forward_pd(dnnl_primitive_desc_t *pd, cdnn_algorithm algorithm, const cdnn_desc *src,
                                 const cdnn_desc *dst) {
#if VERSION_3
  return dnnl_resampling_forward_primitive_desc_create(pd, shared_engine, dnnl_forward_training,
                                                       algorithm_kind(algorithm), NULL, pointer_to(src),
                                                       pointer_to(dst), plain_attr());
#else
  dnnl_resampling_desc_t desc;
  CHECK(dnnl_resampling_forward_desc_init(&desc, dnnl_forward_training, algorithm_kind(algorithm), NULL,
                                          pointer_to(src), pointer_to(dst)));
  return create_pd(pd, &desc, plain_attr(), NULL);
#endif
}

int cdnn_resampling_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src,
                            const cdnn_desc *dst) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(resampling_forward_pd(&pd, algorithm, src, dst));
  return finish_primitive(out, pd);
}

int cdnn_resampling_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *diff_src,
                             const cdnn_desc *diff_dst) {
  CHECK(prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(resampling_forward_pd(&hint, algorithm, diff_src, diff_dst));
#if VERSION_3
  dnnl_status_t status = dnnl_resampling_backward_primitive_desc_create(&pd, shared_engine, algorithm_kind(algorithm),
                                                                        NULL, pointer_to(diff_src),
                                                                        pointer_to(diff_dst), hint, plain_attr());
#else
  dnnl_resampling_desc_t desc;
  dnnl_status_t status = dnnl_resampling_backward_desc_init(&desc, algorithm_kind(algorithm), NULL,
                                                            pointer_to(diff_src), pointer_to(diff_dst));
  if (status == dnnl_success) status = create_pd(&pd, &desc, plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return finish_primitive(out, pd);
}

int cdnn_reduction(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, const cdnn_desc *dst) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
#if VERSION_3
  CHECK(dnnl_reduction_primitive_desc_create(&pd, shared_engine, algorithm_kind(algorithm), pointer_to(src),
                                             pointer_to(dst), 0, 0, plain_attr()));
#else
  dnnl_reduction_desc_t desc;
  CHECK(dnnl_reduction_desc_init(&desc, algorithm_kind(algorithm), pointer_to(src), pointer_to(dst), 0, 0));
  CHECK(create_pd(&pd, &desc, plain_attr(), NULL));
#endif
  return finish_primitive(out, pd);
}

int cdnn_reorder(cdnn_primitive **out, const cdnn_desc *src, const cdnn_desc *dst) {
  CHECK(prepare());
  dnnl_primitive_desc_t pd;
  CHECK(dnnl_reorder_primitive_desc_create(&pd, pointer_to(src), shared_engine, pointer_to(dst), shared_engine,
                                           plain_attr()));
  return finish_primitive(out, pd);
}

void cdnn_primitive_destroy(cdnn_primitive *primitive) {
  if (!primitive) return;
  for (int argument = 0; argument < QUERIED_ARGUMENTS; ++argument) cdnn_desc_destroy(primitive->descs[argument]);
  dnnl_primitive_destroy(primitive->primitive);
  free(primitive);
}

const cdnn_desc *cdnn_primitive_desc(const cdnn_primitive *primitive, cdnn_argument argument) {
  return (int)argument < QUERIED_ARGUMENTS ? primitive->descs[argument] : NULL;
}

const char *cdnn_primitive_implementation(const cdnn_primitive *primitive) { return primitive->implementation; }

// MARK: Calls

int cdnn_call_create(cdnn_call **out, const cdnn_primitive *primitive, int count, const cdnn_argument *arguments,
                     const cdnn_desc *const *descs, void *const *pointers) {
  *out = NULL;
  cdnn_call *call = calloc(1, sizeof *call);
  if (!call) return dnnl_out_of_memory;
  call->primitive = primitive->primitive;
  call->arguments = calloc((size_t)count, sizeof *call->arguments);
  dnnl_status_t status = call->arguments ? dnnl_success : dnnl_out_of_memory;
  for (; status == dnnl_success && call->count < count; ++call->count) {
    dnnl_exec_arg_t *argument = &call->arguments[call->count];
    argument->arg = argument_index(arguments[call->count]);
    status = dnnl_memory_create(&argument->memory, pointer_to(descs[call->count]), shared_engine,
                                pointers[call->count]);
    if (status != dnnl_success) break;
  }
  if (status == dnnl_success)
    *out = call;
  else
    cdnn_call_destroy(call);
  return status;
}

int cdnn_call_run(const cdnn_call *call) {
  return dnnl_primitive_execute(call->primitive, shared_stream, call->count, call->arguments);
}

void cdnn_call_destroy(cdnn_call *call) {
  if (!call) return;
  for (int i = 0; i < call->count; ++i) dnnl_memory_destroy(call->arguments[i].memory);
  free(call->arguments);
  free(call);
}
