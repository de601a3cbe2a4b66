// What the files of the shim share. The only place that includes the library's header.
#ifndef CONVNET_CONEDNN_INTERNAL_H
#define CONVNET_CONEDNN_INTERNAL_H

#include "COneDNN.h"

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
static inline md_pointer pointer_to(const cdnn_desc *desc) { return desc ? desc->md : NULL; }
#else
typedef const dnnl_memory_desc_t *md_pointer;
static inline md_pointer pointer_to(const cdnn_desc *desc) { return desc ? &desc->md : NULL; }
#endif

struct cdnn_attributes {
  dnnl_primitive_attr_t attr;
  dnnl_post_ops_t post_ops;
};

enum { QUERIED_ARGUMENTS = CDNN_DIFF_BIAS + 1 };

struct cdnn_primitive {
  dnnl_primitive_t primitive;
  char implementation[64];
  cdnn_kind kind;
  bool accumulates;
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

// The engine and the stream of the process; `cdnn_prepare` makes them.
extern dnnl_engine_t cdnn_shared_engine;
extern dnnl_stream_t cdnn_shared_stream;
dnnl_status_t cdnn_prepare(void);

// Our vocabulary in the library's.
dnnl_data_type_t cdnn_data_type(cdnn_type type);
dnnl_alg_kind_t cdnn_algorithm_kind(cdnn_algorithm algorithm);
int cdnn_argument_index(cdnn_argument argument);
cdnn_kind cdnn_kind_of(dnnl_primitive_kind_t kind);

// While a primitive with post-operations is made, denormal numbers count on this thread: one is the slope of a ReLU, which is
// not to be taken for zero. The end wants back what the beginning returned.
uint64_t cdnn_begin_making(void);
void cdnn_end_making(uint64_t before);

cdnn_desc *cdnn_copy_of(md_pointer md);

// Makes a primitive of a descriptor, which it takes over.
int cdnn_finish_primitive(cdnn_primitive **out, dnnl_primitive_desc_t pd);
// Attributes with a scratchpad of the caller's and nothing else.
dnnl_primitive_attr_t cdnn_plain_attr(void);
dnnl_primitive_attr_t cdnn_attr_of(const cdnn_attributes *attributes);
dnnl_prop_kind_t cdnn_forward_kind(bool training);
int cdnn_rank(const cdnn_desc *desc);
// The library counts the gap between taps: dilation 1 is 0. Fails where the window has not the axes of the source, as many of
// which the library reads from its arrays.
int cdnn_gaps(const cdnn_window *window, const cdnn_desc *src, dnnl_dims_t gaps);
#if !VERSION_3
int cdnn_create_pd(dnnl_primitive_desc_t *pd, const void *op_desc, dnnl_primitive_attr_t attr,
                   dnnl_primitive_desc_t hint);
#endif

#endif
