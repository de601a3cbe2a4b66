#ifndef CONVNET_LANES_H
#define CONVNET_LANES_H

#include "CKernels.h"
#include "precondition.h"

// Sixteen floats anywhere in memory. Read and written through pointers, never passed: a vector in an argument would tie the
// function to one processor.
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
enum { WIDTH = 16 };
// Eight, and as many in one register as 256 bits have.
typedef float half __attribute__((vector_size(32), aligned(4), may_alias));

#define LOAD(from) (*(const lanes *)(from))
#define STORE(to, value) (*(lanes *)(to) = (value))
// What comparisons of them give: all bits of an element, or none. And the elements of `yes` where there are bits, else of
// `no`: compilers see a minimum in it where it is one.
typedef int32_t lane_mask __attribute__((vector_size(64), aligned(4), may_alias));
#define SELECT(mask, yes, no) \
  ((lanes)(((lane_mask)(yes) & (lane_mask)(mask)) | ((lane_mask)(no) & ~(lane_mask)(mask))))
#define INLINE static inline __attribute__((always_inline))
// At -O2 the compiler would leave the larger of the inner loops rolled, and their vectors in memory.
#define UNROLLED _Pragma("clang loop unroll(full)")

INLINE size_t rounded(size_t extent) { return (extent + WIDTH - 1) / WIDTH * WIDTH; }

#endif
