#ifndef CONVNET_VECTOR_H
#define CONVNET_VECTOR_H

// Compiles a function for each of these processors and chooses when the program is loaded.
#if defined(__x86_64__) && defined(__linux__)
#define VECTORISED __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define VECTORISED
#endif

#endif
