#include "internal.h"

static int pooling_forward_pd(dnnl_primitive_desc_t *pd, bool training, cdnn_algorithm algorithm,
                              const cdnn_desc *src, const cdnn_desc *dst, const cdnn_window *window) {
  dnnl_dims_t dilates;
  CHECK(cdnn_gaps(window, src, dilates));
#if VERSION_3
  return dnnl_pooling_forward_primitive_desc_create(
      pd, cdnn_shared_engine, cdnn_forward_kind(training), cdnn_algorithm_kind(algorithm), pointer_to(src), pointer_to(dst),
      window->strides, window->kernel, dilates, window->padding_before, window->padding_after, cdnn_plain_attr());
#else
  dnnl_pooling_v2_desc_t desc;
  CHECK(dnnl_pooling_v2_forward_desc_init(&desc, cdnn_forward_kind(training), cdnn_algorithm_kind(algorithm), pointer_to(src),
                                          pointer_to(dst), window->strides, window->kernel, dilates,
                                          window->padding_before, window->padding_after));
  return cdnn_create_pd(pd, &desc, cdnn_plain_attr(), NULL);
#endif
}

int cdnn_pooling_forward(cdnn_primitive **out, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                         const cdnn_desc *dst, const cdnn_window *window) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
  CHECK(pooling_forward_pd(&pd, training, algorithm, src, dst, window));
  return cdnn_finish_primitive(out, pd);
}

int cdnn_pooling_backward(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *diff_src,
                          const cdnn_desc *diff_dst, const cdnn_window *window) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(pooling_forward_pd(&hint, true, algorithm, diff_src, diff_dst, window));
  dnnl_dims_t dilates;
  CHECK(cdnn_gaps(window, diff_src, dilates));
#if VERSION_3
  dnnl_status_t status = dnnl_pooling_backward_primitive_desc_create(
      &pd, cdnn_shared_engine, cdnn_algorithm_kind(algorithm), pointer_to(diff_src), pointer_to(diff_dst), window->strides,
      window->kernel, dilates, window->padding_before, window->padding_after, hint, cdnn_plain_attr());
#else
  dnnl_pooling_v2_desc_t desc;
  dnnl_status_t status = dnnl_pooling_v2_backward_desc_init(
      &desc, cdnn_algorithm_kind(algorithm), pointer_to(diff_src), pointer_to(diff_dst), window->strides, window->kernel,
      dilates, window->padding_before, window->padding_after);
  if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}
