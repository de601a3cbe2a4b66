// Convolutions and dense products, forward and backward.
#include "internal.h"

static int convolution_forward_pd(dnnl_primitive_desc_t *pd, bool training, cdnn_algorithm algorithm,
                                  const cdnn_desc *src, const cdnn_desc *weights, const cdnn_desc *bias,
                                  const cdnn_desc *dst, const cdnn_window *window, dnnl_primitive_attr_t attr) {
  dnnl_dims_t dilates;
  CHECK(cdnn_gaps(window, src, dilates));
#if VERSION_3
  return dnnl_convolution_forward_primitive_desc_create(
      pd, cdnn_shared_engine, cdnn_forward_kind(training), cdnn_algorithm_kind(algorithm), pointer_to(src), pointer_to(weights),
      pointer_to(bias), pointer_to(dst), window->strides, dilates, window->padding_before, window->padding_after, attr);
#else
  dnnl_convolution_desc_t desc;
  CHECK(dnnl_dilated_convolution_forward_desc_init(&desc, cdnn_forward_kind(training), cdnn_algorithm_kind(algorithm),
                                                   pointer_to(src), pointer_to(weights), pointer_to(bias),
                                                   pointer_to(dst), window->strides, dilates,
                                                   window->padding_before, window->padding_after));
  return cdnn_create_pd(pd, &desc, attr, NULL);
#endif
}

int cdnn_convolution_forward(cdnn_primitive **out, bool training, cdnn_algorithm algorithm, const cdnn_desc *src,
                             const cdnn_desc *weights, const cdnn_desc *bias, const cdnn_desc *dst,
                             const cdnn_window *window, const cdnn_attributes *attributes) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
  const uint64_t arithmetic = cdnn_begin_making();
  int status =
      convolution_forward_pd(&pd, training, algorithm, src, weights, bias, dst, window, cdnn_attr_of(attributes));
  if (status == dnnl_success) status = cdnn_finish_primitive(out, pd);
  cdnn_end_making(arithmetic);
  return status;
}

int cdnn_convolution_backward_data(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *diff_src,
                                   const cdnn_desc *weights, const cdnn_desc *diff_dst, const cdnn_window *window) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(convolution_forward_pd(&hint, true, algorithm, diff_src, weights, NULL, diff_dst, window, cdnn_plain_attr()));
  dnnl_dims_t dilates;
  CHECK(cdnn_gaps(window, diff_src, dilates));
#if VERSION_3
  dnnl_status_t status = dnnl_convolution_backward_data_primitive_desc_create(
      &pd, cdnn_shared_engine, cdnn_algorithm_kind(algorithm), pointer_to(diff_src), pointer_to(weights), pointer_to(diff_dst),
      window->strides, dilates, window->padding_before, window->padding_after, hint, cdnn_plain_attr());
#else
  dnnl_convolution_desc_t desc;
  dnnl_status_t status = dnnl_dilated_convolution_backward_data_desc_init(
      &desc, cdnn_algorithm_kind(algorithm), pointer_to(diff_src), pointer_to(weights), pointer_to(diff_dst),
      window->strides, dilates, window->padding_before, window->padding_after);
  if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}

int cdnn_convolution_backward_weights(cdnn_primitive **out, cdnn_algorithm algorithm, const cdnn_desc *src,
                                      const cdnn_desc *diff_weights, const cdnn_desc *diff_bias,
                                      const cdnn_desc *diff_dst, const cdnn_window *window) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(
      convolution_forward_pd(&hint, true, algorithm, src, diff_weights, diff_bias, diff_dst, window, cdnn_plain_attr()));
  dnnl_dims_t dilates;
  CHECK(cdnn_gaps(window, src, dilates));
#if VERSION_3
  dnnl_status_t status = dnnl_convolution_backward_weights_primitive_desc_create(
      &pd, cdnn_shared_engine, cdnn_algorithm_kind(algorithm), pointer_to(src), pointer_to(diff_weights),
      pointer_to(diff_bias), pointer_to(diff_dst), window->strides, dilates, window->padding_before,
      window->padding_after, hint, cdnn_plain_attr());
#else
  dnnl_convolution_desc_t desc;
  dnnl_status_t status = dnnl_dilated_convolution_backward_weights_desc_init(
      &desc, cdnn_algorithm_kind(algorithm), pointer_to(src), pointer_to(diff_weights), pointer_to(diff_bias),
      pointer_to(diff_dst), window->strides, dilates, window->padding_before, window->padding_after);
  if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}

static int inner_product_forward_pd(dnnl_primitive_desc_t *pd, bool training, const cdnn_desc *src,
                                    const cdnn_desc *weights, const cdnn_desc *bias, const cdnn_desc *dst,
                                    dnnl_primitive_attr_t attr) {
#if VERSION_3
  return dnnl_inner_product_forward_primitive_desc_create(pd, cdnn_shared_engine, cdnn_forward_kind(training), pointer_to(src),
                                                          pointer_to(weights), pointer_to(bias), pointer_to(dst),
                                                          attr);
#else
  dnnl_inner_product_desc_t desc;
  CHECK(dnnl_inner_product_forward_desc_init(&desc, cdnn_forward_kind(training), pointer_to(src), pointer_to(weights),
                                             pointer_to(bias), pointer_to(dst)));
  return cdnn_create_pd(pd, &desc, attr, NULL);
#endif
}

int cdnn_inner_product_forward(cdnn_primitive **out, bool training, const cdnn_desc *src, const cdnn_desc *weights,
                               const cdnn_desc *bias, const cdnn_desc *dst, const cdnn_attributes *attributes) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t pd;
  const uint64_t arithmetic = cdnn_begin_making();
  int status = inner_product_forward_pd(&pd, training, src, weights, bias, dst, cdnn_attr_of(attributes));
  if (status == dnnl_success) status = cdnn_finish_primitive(out, pd);
  cdnn_end_making(arithmetic);
  return status;
}

int cdnn_inner_product_backward_data(cdnn_primitive **out, const cdnn_desc *diff_src, const cdnn_desc *weights,
                                     const cdnn_desc *diff_dst) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(inner_product_forward_pd(&hint, true, diff_src, weights, NULL, diff_dst, cdnn_plain_attr()));
#if VERSION_3
  dnnl_status_t status = dnnl_inner_product_backward_data_primitive_desc_create(
      &pd, cdnn_shared_engine, pointer_to(diff_src), pointer_to(weights), pointer_to(diff_dst), hint, cdnn_plain_attr());
#else
  dnnl_inner_product_desc_t desc;
  dnnl_status_t status = dnnl_inner_product_backward_data_desc_init(&desc, pointer_to(diff_src), pointer_to(weights),
                                                                    pointer_to(diff_dst));
  if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}

int cdnn_inner_product_backward_weights(cdnn_primitive **out, const cdnn_desc *src, const cdnn_desc *diff_weights,
                                        const cdnn_desc *diff_bias, const cdnn_desc *diff_dst) {
  CHECK(cdnn_prepare());
  dnnl_primitive_desc_t hint, pd;
  CHECK(inner_product_forward_pd(&hint, true, src, diff_weights, diff_bias, diff_dst, cdnn_plain_attr()));
#if VERSION_3
  dnnl_status_t status = dnnl_inner_product_backward_weights_primitive_desc_create(
      &pd, cdnn_shared_engine, pointer_to(src), pointer_to(diff_weights), pointer_to(diff_bias), pointer_to(diff_dst), hint,
      cdnn_plain_attr());
#else
  dnnl_inner_product_desc_t desc;
  dnnl_status_t status = dnnl_inner_product_backward_weights_desc_init(
      &desc, pointer_to(src), pointer_to(diff_weights), pointer_to(diff_bias), pointer_to(diff_dst));
  if (status == dnnl_success) status = cdnn_create_pd(&pd, &desc, cdnn_plain_attr(), hint);
#endif
  dnnl_primitive_desc_destroy(hint);
  CHECK(status);
  return cdnn_finish_primitive(out, pd);
}
