#ifndef CONVNET_LANES_H
#define CONVNET_LANES_H

#include "CKernels.h"

// Sixteen floats anywhere in memory. Read and written through pointers, never passed: a vector in an argument would tie the
// function to one processor.
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
enum { WIDTH = 16 };

#define LOAD(from) (*(const lanes *)(from))
#define STORE(to, value) (*(lanes *)(to) = (value))
#define INLINE static inline __attribute__((always_inline))
// At -O2 the compiler would leave the larger of the inner loops rolled, and their vectors in memory.
#define UNROLLED _Pragma("clang loop unroll(full)")

INLINE size_t rounded(size_t extent) { return (extent + WIDTH - 1) / WIDTH * WIDTH; }

// A picture copied into scratch memory with its padding, so that loops know no borders.
INLINE size_t padded_height(const ck_planes *p) { return p->out_height + p->kernel_height - 1; }
INLINE size_t padded_width(const ck_planes *p) { return rounded(p->out_width) + p->kernel_width - 1; }
INLINE size_t padded_count(const ck_planes *p) {
  // The last vector of the last row may read a little further.
  return rounded(p->in_channels * padded_height(p) * padded_width(p) + WIDTH);
}

void ck_pad_picture(float *padded, const float *picture, const ck_planes *p);

#endif
