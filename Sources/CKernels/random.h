#ifndef CONVNET_RANDOM_H
#define CONVNET_RANDOM_H

#include "lanes.h"

typedef uint64_t words __attribute__((vector_size(64)));
enum { BLOCKS = 8 };

// Of blocks `first`, `first` + 1, … of the generator of Sources/Tensors/RandomNumbers.swift: word i of each in c[i], in the
// lower half of a lane, whose rest is zero.
INLINE void random_words(words c[4], size_t first, const uint32_t key[2], const uint32_t counter[3]) {
  const words low = (words){0} + 0xFFFFFFFF, places = {0, 1, 2, 3, 4, 5, 6, 7};
  c[0] = (places + first) & low;
  for (int i = 0; i < 3; ++i) c[i + 1] = (words){0} + counter[i];
  uint32_t k0 = key[0], k1 = key[1];
  UNROLLED for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9, k1 += 0xBB67AE85) {
    const words one = (c[0] & low) * 0xD2511F53, two = (c[2] & low) * 0xCD9E8D57;
    c[0] = two >> 32 ^ c[1] ^ k0;
    c[2] = one >> 32 ^ c[3] ^ k1;
    c[1] = two & low;
    c[3] = one & low;
  }
}

#endif
