#include "vector.h"

atomic_int ck_known_instructions;

ck_instructions ck_usable_instructions(ck_instructions limit) {
#if defined(__x86_64__)
  if (limit == CK_WIDEST && __builtin_cpu_supports("avx512f")) return CK_WIDEST;
  if (limit != CK_PORTABLE && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_AVX2;
#else
  (void)limit;
#endif
  return CK_PORTABLE;
}

void ck_limit_instructions(ck_instructions limit) {
  atomic_store_explicit(&ck_known_instructions, (int)ck_usable_instructions(limit) + 1, memory_order_relaxed);
}

ck_instructions ck_instructions_in_use(void) {
  int known = 0;
  // A limit that another thread sets meanwhile stays.
  atomic_compare_exchange_strong(&ck_known_instructions, &known, (int)ck_usable_instructions(CK_WIDEST) + 1);
  return (ck_instructions)(atomic_load_explicit(&ck_known_instructions, memory_order_relaxed) - 1);
}
