#include "internal.h"

#include <pthread.h>

// MARK: The engine of the process

dnnl_engine_t cdnn_shared_engine;
dnnl_stream_t cdnn_shared_stream;
static dnnl_status_t shared_status;

static void make_shared(void) {
  shared_status = dnnl_engine_create(&cdnn_shared_engine, dnnl_cpu, 0);
  if (shared_status == dnnl_success)
    shared_status = dnnl_stream_create(&cdnn_shared_stream, cdnn_shared_engine, dnnl_stream_default_flags);
}

dnnl_status_t cdnn_prepare(void) {
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

// Each set of instructions has the bits of those that it contains.
static bool has_instructions(dnnl_cpu_isa_t set) { return ((int)dnnl_get_effective_cpu_isa() & (int)set) == (int)set; }

cdnn_instructions cdnn_instructions_in_use(void) {
#if defined(__x86_64__)
  if (has_instructions(dnnl_cpu_isa_avx512_core)) return CDNN_AVX512;
  if (has_instructions(dnnl_cpu_isa_avx2)) return CDNN_AVX2;
#endif
  return CDNN_PORTABLE;
}

bool cdnn_limit_instructions(cdnn_instructions instructions) {
#if defined(__x86_64__)
  switch (instructions) {
    case CDNN_AVX512: return true;
    case CDNN_AVX2: return dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2) == dnnl_success;
    case CDNN_PORTABLE: return dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41) == dnnl_success;
  }
#endif
  return instructions == CDNN_PORTABLE;
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

_Static_assert(CDNN_OUT_OF_MEMORY == (int)dnnl_out_of_memory, "the library's number");
_Static_assert(CDNN_INVALID_ARGUMENTS == (int)dnnl_invalid_arguments, "the library's number");
_Static_assert(CDNN_UNIMPLEMENTED == (int)dnnl_unimplemented, "the library's number");
// The numbers of sources end where those of destinations begin.
_Static_assert(CDNN_MAX_SOURCES <= DNNL_ARG_MULTIPLE_DST - DNNL_ARG_MULTIPLE_SRC, "more sources than numbers");

dnnl_data_type_t cdnn_data_type(cdnn_type type) {
  switch (type) {
    case CDNN_F32: return dnnl_f32;
    case CDNN_S32: return dnnl_s32;
    case CDNN_U8: return dnnl_u8;
  }
  return dnnl_data_type_undef;
}

dnnl_alg_kind_t cdnn_algorithm_kind(cdnn_algorithm algorithm) {
  switch (algorithm) {
    case CDNN_CONVOLUTION_DIRECT: return dnnl_convolution_direct;
    case CDNN_CONVOLUTION_WINOGRAD: return dnnl_convolution_winograd;
    case CDNN_LRN_ACROSS_CHANNELS: return dnnl_lrn_across_channels;
    case CDNN_LRN_WITHIN_CHANNEL: return dnnl_lrn_within_channel;
    case CDNN_ELTWISE_RELU: return dnnl_eltwise_relu;
    case CDNN_ELTWISE_CLIP: return dnnl_eltwise_clip_v2;
    case CDNN_ELTWISE_ELU: return dnnl_eltwise_elu;
    case CDNN_ELTWISE_SWISH: return dnnl_eltwise_swish;
    case CDNN_ELTWISE_GELU_ERF: return dnnl_eltwise_gelu_erf;
    case CDNN_ELTWISE_TANH: return dnnl_eltwise_tanh;
    case CDNN_ELTWISE_LOGISTIC: return dnnl_eltwise_logistic;
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
  }
  return dnnl_alg_kind_undef;
}

int cdnn_argument_index(cdnn_argument argument) {
  switch (argument) {
    case CDNN_SRC: return DNNL_ARG_SRC;
    case CDNN_SRC_1: return DNNL_ARG_SRC_1;
    case CDNN_DST: return DNNL_ARG_DST;
    case CDNN_WEIGHTS: return DNNL_ARG_WEIGHTS;
    case CDNN_BIAS: return DNNL_ARG_BIAS;
    case CDNN_WORKSPACE: return DNNL_ARG_WORKSPACE;
    case CDNN_SCRATCHPAD: return DNNL_ARG_SCRATCHPAD;
    case CDNN_DIFF_SRC: return DNNL_ARG_DIFF_SRC;
    case CDNN_DIFF_DST: return DNNL_ARG_DIFF_DST;
    case CDNN_DIFF_WEIGHTS: return DNNL_ARG_DIFF_WEIGHTS;
    case CDNN_DIFF_BIAS: return DNNL_ARG_DIFF_BIAS;
    default: return DNNL_ARG_MULTIPLE_SRC + (argument - CDNN_SOURCE_0);
  }
}

cdnn_kind cdnn_kind_of(dnnl_primitive_kind_t kind) {
  switch (kind) {
    case dnnl_convolution: return CDNN_KIND_CONVOLUTION;
    case dnnl_inner_product: return CDNN_KIND_INNER_PRODUCT;
    case dnnl_lrn: return CDNN_KIND_LRN;
    case dnnl_eltwise: return CDNN_KIND_ELTWISE;
    case dnnl_binary: return CDNN_KIND_BINARY;
    case dnnl_sum: return CDNN_KIND_SUM;
    case dnnl_concat: return CDNN_KIND_CONCAT;
    case dnnl_softmax: return CDNN_KIND_SOFTMAX;
#if !VERSION_3
    case dnnl_logsoftmax: return CDNN_KIND_SOFTMAX;
#endif
    case dnnl_resampling: return CDNN_KIND_RESAMPLING;
    case dnnl_reorder: return CDNN_KIND_REORDER;
    default: return CDNN_KIND_OTHER;
  }
}
