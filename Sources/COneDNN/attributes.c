#include "internal.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

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
  CHECK(dnnl_post_ops_append_eltwise(attributes->post_ops, cdnn_algorithm_kind(algorithm), alpha, beta));
#else
  CHECK(dnnl_post_ops_append_eltwise(attributes->post_ops, 1, cdnn_algorithm_kind(algorithm), alpha, beta));
#endif
  return dnnl_primitive_attr_set_post_ops(attributes->attr, attributes->post_ops);
}

uint64_t cdnn_begin_making(void) {
#if defined(__x86_64__)
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before & ~0x8040u);
  return before;
#elif defined(__aarch64__)
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before & ~((uint64_t)1 << 24)));
  return before;
#else
  return 0;
#endif
}

void cdnn_end_making(uint64_t before) {
#if defined(__x86_64__)
  _mm_setcsr((unsigned)before);
#elif defined(__aarch64__)
  __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
  (void)before;
#endif
}

int cdnn_attributes_append_sum(cdnn_attributes *attributes) {
#if VERSION_3
  CHECK(dnnl_post_ops_append_sum(attributes->post_ops, 1, 0, dnnl_data_type_undef));
#else
  CHECK(dnnl_post_ops_append_sum(attributes->post_ops, 1));
#endif
  return dnnl_primitive_attr_set_post_ops(attributes->attr, attributes->post_ops);
}
