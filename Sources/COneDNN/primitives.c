#include "internal.h"

#include <stdio.h>

// The layouts a primitive chose. Gradients by biases are plain vectors and need no query.
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

static bool accumulates(dnnl_primitive_desc_t pd) {
  const_dnnl_primitive_attr_t attr;
  const_dnnl_post_ops_t post_ops;
  if (dnnl_primitive_desc_get_attr(pd, &attr) != dnnl_success) return false;
  if (dnnl_primitive_attr_get_post_ops(attr, &post_ops) != dnnl_success) return false;
  for (int i = 0; i < dnnl_post_ops_len(post_ops); ++i)
    if (dnnl_post_ops_get_kind(post_ops, i) == dnnl_sum) return true;
  return false;
}

int cdnn_finish_primitive(cdnn_primitive **out, dnnl_primitive_desc_t pd) {
  *out = NULL;
  cdnn_primitive *primitive = calloc(1, sizeof *primitive);
  dnnl_status_t status = primitive ? dnnl_primitive_create(&primitive->primitive, pd) : dnnl_out_of_memory;
  if (status == dnnl_success) {
    const char *implementation = NULL;
    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &implementation) == dnnl_success && implementation)
      snprintf(primitive->implementation, sizeof primitive->implementation, "%s", implementation);
    dnnl_primitive_kind_t kind;
    if (dnnl_primitive_desc_query(pd, dnnl_query_primitive_kind, 0, &kind) == dnnl_success)
      primitive->kind = cdnn_kind_of(kind);
    primitive->accumulates = accumulates(pd);
    for (int argument = 0; argument < QUERIED_ARGUMENTS; ++argument) {
      int index;
      dnnl_query_t query = query_of(argument, &index);
      if (query == dnnl_query_undef) continue;
      md_pointer md = dnnl_primitive_desc_query_md(pd, query, index);
      if (!md || dnnl_memory_desc_get_size(md) == 0) continue;
      primitive->descs[argument] = cdnn_copy_of(md);
      // Without it the argument would pass for one that the primitive does not have.
      if (!primitive->descs[argument]) status = dnnl_out_of_memory;
    }
    if (status == dnnl_success)
      *out = primitive;
    else
      cdnn_primitive_destroy(primitive);
  } else {
    free(primitive);
  }
  dnnl_primitive_desc_destroy(pd);
  return status;
}

dnnl_primitive_attr_t cdnn_plain_attr(void) {
  static dnnl_primitive_attr_t shared;
  dnnl_primitive_attr_t attr = __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
  if (attr) return attr;
  dnnl_primitive_attr_t fresh;
  if (dnnl_primitive_attr_create(&fresh) != dnnl_success) return NULL;
  if (dnnl_primitive_attr_set_scratchpad_mode(fresh, dnnl_scratchpad_mode_user) == dnnl_success &&
      __atomic_compare_exchange_n(&shared, &attr, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return fresh;
  // Another thread was quicker, and `attr` is what it made.
  dnnl_primitive_attr_destroy(fresh);
  return attr;
}

dnnl_primitive_attr_t cdnn_attr_of(const cdnn_attributes *attributes) {
  return attributes ? attributes->attr : cdnn_plain_attr();
}

dnnl_prop_kind_t cdnn_forward_kind(bool training) {
  return training ? dnnl_forward_training : dnnl_forward_inference;
}

int cdnn_gaps(const cdnn_window *window, const cdnn_desc *src, dnnl_dims_t gaps) {
  if (window->axes < 1 || window->axes > CDNN_MAX_RANK - 2 || window->axes != cdnn_rank(src) - 2)
    return dnnl_invalid_arguments;
  for (int axis = 0; axis < window->axes; ++axis) gaps[axis] = window->dilations[axis] - 1;
  return dnnl_success;
}

#if !VERSION_3
int cdnn_create_pd(dnnl_primitive_desc_t *pd, const void *op_desc, dnnl_primitive_attr_t attr,
                     dnnl_primitive_desc_t hint) {
  return dnnl_primitive_desc_create(pd, op_desc, attr, cdnn_shared_engine, hint);
}
#endif

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

cdnn_kind cdnn_primitive_kind(const cdnn_primitive *primitive) { return primitive->kind; }

bool cdnn_primitive_accumulates(const cdnn_primitive *primitive) { return primitive->accumulates; }

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
    argument->arg = cdnn_argument_index(arguments[call->count]);
    status = dnnl_memory_create(&argument->memory, pointer_to(descs[call->count]), cdnn_shared_engine,
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
  CHECK(dnnl_primitive_execute(call->primitive, cdnn_shared_stream, call->count, call->arguments));
  // On OpenMP's threads it is done. Builds of the library for SYCL, or for a pool of threads, return at once.
  return dnnl_stream_wait(cdnn_shared_stream);
}

void cdnn_call_destroy(cdnn_call *call) {
  if (!call) return;
  for (int i = 0; i < call->count; ++i) dnnl_memory_destroy(call->arguments[i].memory);
  free(call->arguments);
  free(call);
}
