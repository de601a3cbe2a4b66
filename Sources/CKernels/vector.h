#ifndef CONVNET_VECTOR_H
#define CONVNET_VECTOR_H

#include "CKernels.h"

// Compiles a function for each of these processors and chooses when the program is loaded.
#if defined(__x86_64__) && defined(__linux__)
#define VECTORISED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTORISED
#endif

// For functions of which one is chosen by `ck_usable_instructions`.
#if defined(__x86_64__)
#define FOR_AVX512 __attribute__((target("avx512f")))
#define FOR_AVX2 __attribute__((target("avx2,fma")))
#endif

// What the processor has, within the limit.
ck_instructions ck_usable_instructions(ck_instructions limit);

#endif
