#ifndef CONVNET_VECTOR_H
#define CONVNET_VECTOR_H

#include "CKernels.h"

// Compiles a function for each of these processors and chooses when the program is loaded. Not under a sanitizer: the choice
// runs before the sanitizer is ready for it.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(IS_SANITIZED)
#define VECTORISED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTORISED
#endif

// For functions of which one is chosen by `ck_usable_instructions`.
#if defined(__x86_64__)
#define FOR_AVX512 __attribute__((target("avx512f")))
#define FOR_AVX2 __attribute__((target("avx2,fma")))
#endif

#endif
