// Local response normalization.
#include "internal.h"

static int lrn_forward_pd(dnnl_primitive_desc_t *pd, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                          int64_t size, float alpha, float beta, float k) {
#if VERSION_3
  return dnnl_lrn_forward_primitive_desc_create(pd, cdnn_shared_engine, cdnn_forward_kind(training),
                                                cdnn_algorithm_kind(algorithm), pointer_to(src), pointer_to(src), size, alpha,
                                                beta, k, cdnn_plain_attr());
#else
  dnnl_lrn_desc_t desc;
  CHECK(dnnl_lrn_forward_desc_init(&desc, cdnn_forward_kind(training), cdnn_algorithm_kind(algorithm), pointer_to(src), size,
                                   alpha, beta, k));
  return cdnn_create_pd(pd, &desc, cdnn_plain_attr(), NULL);
#endif
}

int cdnn_lrn_forward(cdnn_primitive **out, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                     int64_t size, float alpha, float beta, float k) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
  CHECK(lrn_forward_pd(&pd, training, algorithm, src, size, alpha, beta, k));
  return cdnn_finish_primitive(out, pd);
}

int cdnn_lrn_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src, const cdnn_desc *diff,
                      int64_t size, float alpha, float beta, float k) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(lrn_forward_pd(&hint, true, algorithm, src, size, alpha, beta, k));
#if VERSION_3
  dnnl_status_t status = dnnl_lrn_backward_primitive_desc_create(&pd, cdnn_shared_engine, cdnn_algorithm_kind(algorithm),
                                                                 pointer_to(diff), pointer_to(diff), pointer_to(src),
                                                                 size, alpha, beta, k, hint, cdnn_plain_attr());
#else
  dnnl_lrn_desc_t desc;
  dnnl_status_t status = dnnl_lrn_backward_desc_init(&desc, cdnn_algorithm_kind(algorithm), pointer_to(diff),
                                                     pointer_to(src), size, alpha, beta, k);
  if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}
