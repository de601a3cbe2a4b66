#ifndef CONVNET_VECTOR_H
#define CONVNET_VECTOR_H

#include "CKernels.h"

#include <stdatomic.h>

// For functions of which one is chosen by `ck_usable_instructions`.
#if defined(__x86_64__)
#define FOR_AVX512 __attribute__((target("avx512f")))
#define FOR_AVX2 __attribute__((target("avx2,fma")))
#endif

// Defines a function that is compiled for each of these processors, and calls that for the instructions in use: `static` or
// `extern`, its result, its name, its parameters, and these once more, as they are passed on. The body follows; it knows
// `is_wide`: whether there are 32 registers of 16 floats, as with AVX-512. Otherwise they hold half as much or less, all
// together 8 vectors of `lanes` (AVX2: 16 of 8 floats; NEON: 32 of 4), and tiles of more than 6 sums would lie in memory.
#define VECTORISED(linkage, result, name, parameters, arguments) \
  VECTORISED_BY_NAME(linkage, result, name, parameters, arguments)
#define VECTORISED_BODY(result, name, parameters)             \
  static inline __attribute__((always_inline)) result name##_on_any( \
      const bool is_wide __attribute__((unused)), IN_PARENTHESES parameters)
#define IN_PARENTHESES(...) __VA_ARGS__
#if defined(__x86_64__)
#define VECTORISED_BY_NAME(linkage, result, name, parameters, arguments)                                            \
  VECTORISED_BODY(result, name, parameters);                                                                        \
  FOR_AVX512 static result name##_on_avx512 parameters { return name##_on_any(true, IN_PARENTHESES arguments); }    \
  FOR_AVX2 static result name##_on_avx2 parameters { return name##_on_any(false, IN_PARENTHESES arguments); }       \
  static __attribute__((noinline)) result name##_on_plain parameters {                                              \
    return name##_on_any(false, IN_PARENTHESES arguments);                                                          \
  }                                                                                                                 \
  linkage result name parameters {                                                                                  \
    switch (instructions_in_use()) {                                                                                \
      case CK_WIDEST: return name##_on_avx512 arguments;                                                            \
      case CK_AVX2: return name##_on_avx2 arguments;                                                                \
      default: return name##_on_plain arguments;                                                                    \
    }                                                                                                               \
  }                                                                                                                 \
  VECTORISED_BODY(result, name, parameters)
#else
#define VECTORISED_BY_NAME(linkage, result, name, parameters, arguments)                    \
  VECTORISED_BODY(result, name, parameters);                                                \
  linkage result name parameters { return name##_on_any(false, IN_PARENTHESES arguments); } \
  VECTORISED_BODY(result, name, parameters)
#endif

// Those in use, and one; 0 until someone asks.
extern atomic_int ck_known_instructions;

static inline ck_instructions instructions_in_use(void) {
  const int known = atomic_load_explicit(&ck_known_instructions, memory_order_relaxed);
  return known ? (ck_instructions)(known - 1) : ck_instructions_in_use();
}

#endif
