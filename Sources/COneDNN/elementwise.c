// Functions of elements, sums, concatenation, softmax, resampling, reduction and reorders.
#include "internal.h"

static int eltwise_forward_pd(dnnl_primitive_desc_t *pd, cdnn_algorithm algorithm, const cdnn_desc *src, float alpha,
                              float beta) {
#if VERSION_3
  return dnnl_eltwise_forward_primitive_desc_create(pd, cdnn_shared_engine, dnnl_forward_training,
                                                    cdnn_algorithm_kind(algorithm), pointer_to(src), pointer_to(src), alpha,
                                                    beta, cdnn_plain_attr());
#else
  dnnl_eltwise_desc_t desc;
  CHECK(dnnl_eltwise_forward_desc_init(&desc, dnnl_forward_training, cdnn_algorithm_kind(algorithm), pointer_to(src), alpha,
                                       beta));
  return cdnn_create_pd(pd, &desc, cdnn_plain_attr(), NULL);
#endif
}

int cdnn_eltwise_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, float alpha,
                         float beta) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
  CHECK(eltwise_forward_pd(&pd, algorithm, src, alpha, beta));
  return cdnn_finish_primitive(out, pd);
}

int cdnn_eltwise_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *data,
                          const cdnn_desc *diff, float alpha, float beta) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(eltwise_forward_pd(&hint, algorithm, data, alpha, beta));
#if VERSION_3
  dnnl_status_t status = dnnl_eltwise_backward_primitive_desc_create(&pd, cdnn_shared_engine, cdnn_algorithm_kind(algorithm),
                                                                     pointer_to(diff), pointer_to(diff),
                                                                     pointer_to(data), alpha, beta, hint, cdnn_plain_attr());
#else
  dnnl_eltwise_desc_t desc;
  dnnl_status_t status = dnnl_eltwise_backward_desc_init(&desc, cdnn_algorithm_kind(algorithm), pointer_to(diff),
                                                         pointer_to(data), alpha, beta);
  if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}

int cdnn_binary(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *first, const cdnn_desc *second,
                const cdnn_desc *dst) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
#if VERSION_3
  CHECK(dnnl_binary_primitive_desc_create(&pd, cdnn_shared_engine, cdnn_algorithm_kind(algorithm), pointer_to(first),
                                          pointer_to(second), pointer_to(dst), cdnn_plain_attr()));
#else
  dnnl_binary_desc_t desc;
  CHECK(dnnl_binary_desc_init(&desc, cdnn_algorithm_kind(algorithm), pointer_to(first), pointer_to(second),
                              pointer_to(dst)));
  CHECK(cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), NULL));
#endif
  return cdnn_finish_primitive(out, pd);
}

// The descriptors as the library's functions of many sources take them: handles in version 3, structs in version 2.
static int gather(dnnl_memory_desc_t **mds, int count, const cdnn_desc *const *sources) {
  if (count < 1 || count > CDNN_MAX_SOURCES) return dnnl_invalid_arguments;
  *mds = malloc((size_t)count * sizeof **mds);
  if (!*mds) return dnnl_out_of_memory;
  for (int i = 0; i < count; ++i) (*mds)[i] = sources[i]->md;
  return dnnl_success;
}

int cdnn_sum(cdnn_primitive **out, const cdnn_desc *dst, int count, const float *scales,
             const cdnn_desc *const *sources) {
  CHECK(cdnn_prepare());
  dnnl_memory_desc_t *mds;
  CHECK(gather(&mds, count, sources));
  dnnl_primitive_desc_t pd;
#if VERSION_3
  dnnl_status_t status = dnnl_sum_primitive_desc_create(&pd, cdnn_shared_engine, pointer_to(dst), count, scales,
                                                        (const_dnnl_memory_desc_t *)mds, cdnn_plain_attr());
#else
  dnnl_status_t status =
      dnnl_sum_primitive_desc_create(&pd, pointer_to(dst), count, scales, mds, cdnn_plain_attr(), cdnn_shared_engine);
#endif
  free(mds);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}

int cdnn_concat(cdnn_primitive **out, const cdnn_desc *dst, int count, int axis, const cdnn_desc *const *sources) {
  CHECK(cdnn_prepare());
  dnnl_memory_desc_t *mds;
  CHECK(gather(&mds, count, sources));
  dnnl_primitive_desc_t pd;
#if VERSION_3
  dnnl_status_t status = dnnl_concat_primitive_desc_create(&pd, cdnn_shared_engine, pointer_to(dst), count, axis,
                                                           (const_dnnl_memory_desc_t *)mds, cdnn_plain_attr());
#else
  dnnl_status_t status =
      dnnl_concat_primitive_desc_create(&pd, pointer_to(dst), count, axis, mds, cdnn_plain_attr(), cdnn_shared_engine);
#endif
  free(mds);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}

static int softmax_forward_pd(dnnl_primitive_desc_t *pd, cdnn_algorithm algorithm, const cdnn_desc *src, int axis) {
#if VERSION_3
  return dnnl_softmax_forward_primitive_desc_create(pd, cdnn_shared_engine, dnnl_forward_training,
                                                    cdnn_algorithm_kind(algorithm), pointer_to(src), pointer_to(src), axis,
                                                    cdnn_plain_attr());
#else
  if (algorithm == CDNN_LOG_SOFTMAX) {
    dnnl_logsoftmax_desc_t desc;
    CHECK(dnnl_logsoftmax_forward_desc_init(&desc, dnnl_forward_training, pointer_to(src), axis));
    return cdnn_create_pd(pd, &desc, cdnn_plain_attr(), NULL);
  }
  dnnl_softmax_desc_t desc;
  CHECK(dnnl_softmax_forward_desc_init(&desc, dnnl_forward_training, pointer_to(src), axis));
  return cdnn_create_pd(pd, &desc, cdnn_plain_attr(), NULL);
#endif
}

int cdnn_softmax_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, int axis) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
  CHECK(softmax_forward_pd(&pd, algorithm, src, axis));
  return cdnn_finish_primitive(out, pd);
}

int cdnn_softmax_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *dst,
                          const cdnn_desc *diff, int axis) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(softmax_forward_pd(&hint, algorithm, dst, axis));
  dnnl_status_t status;
#if VERSION_3
  status = dnnl_softmax_backward_primitive_desc_create(&pd, cdnn_shared_engine, cdnn_algorithm_kind(algorithm),
                                                       pointer_to(diff), pointer_to(diff), pointer_to(dst), axis, hint,
                                                       cdnn_plain_attr());
#else
  if (algorithm == CDNN_LOG_SOFTMAX) {
    dnnl_logsoftmax_desc_t desc;
    status = dnnl_logsoftmax_backward_desc_init(&desc, pointer_to(diff), pointer_to(dst), axis);
    if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
  } else {
    dnnl_softmax_desc_t desc;
    status = dnnl_softmax_backward_desc_init(&desc, pointer_to(diff), pointer_to(dst), axis);
    if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
  }
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}

static int resampling_forward_pd(dnnl_primitive_desc_t *pd, cdnn_algorithm algorithm, const cdnn_desc *src,
                                 const cdnn_desc *dst) {
#if VERSION_3
  return dnnl_resampling_forward_primitive_desc_create(pd, cdnn_shared_engine, dnnl_forward_training,
                                                       cdnn_algorithm_kind(algorithm), NULL, pointer_to(src),
                                                       pointer_to(dst), cdnn_plain_attr());
#else
  dnnl_resampling_desc_t desc;
  CHECK(dnnl_resampling_forward_desc_init(&desc, dnnl_forward_training, cdnn_algorithm_kind(algorithm), NULL,
                                          pointer_to(src), pointer_to(dst)));
  return cdnn_create_pd(pd, &desc, cdnn_plain_attr(), NULL);
#endif
}

int cdnn_resampling_forward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src,
                            const cdnn_desc *dst) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
  CHECK(resampling_forward_pd(&pd, algorithm, src, dst));
  return cdnn_finish_primitive(out, pd);
}

int cdnn_resampling_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *diff_src,
                             const cdnn_desc *diff_dst) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(resampling_forward_pd(&hint, algorithm, diff_src, diff_dst));
#if VERSION_3
  dnnl_status_t status = dnnl_resampling_backward_primitive_desc_create(&pd, cdnn_shared_engine, cdnn_algorithm_kind(algorithm),
                                                                        NULL, pointer_to(diff_src),
                                                                        pointer_to(diff_dst), hint, cdnn_plain_attr());
#else
  dnnl_resampling_desc_t desc;
  dnnl_status_t status = dnnl_resampling_backward_desc_init(&desc, cdnn_algorithm_kind(algorithm), NULL,
                                                            pointer_to(diff_src), pointer_to(diff_dst));
  if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}

int cdnn_reorder(cdnn_primitive **out, const cdnn_desc *src, const cdnn_desc *dst) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
  CHECK(dnnl_reorder_primitive_desc_create(&pd, pointer_to(src), cdnn_shared_engine, pointer_to(dst), cdnn_shared_engine,
                                           cdnn_plain_attr()));
  return cdnn_finish_primitive(out, pd);
}
