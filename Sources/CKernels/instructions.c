#include "vector.h"

ck_instructions ck_usable_instructions(ck_instructions limit) {
#if defined(__x86_64__)
  if (limit == CK_WIDEST && __builtin_cpu_supports("avx512f")) return CK_WIDEST;
  if (limit != CK_PORTABLE && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return CK_AVX2;
#else
  (void)limit;
#endif
  return CK_PORTABLE;
}
