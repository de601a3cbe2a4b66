#ifndef CONVNET_SHARES_H
#define CONVNET_SHARES_H

#include <stddef.h>

// Where the share of a task begins, of so many elements in equal shares of whole cache lines.
static inline size_t share_begin(size_t count, int task, int tasks) {
  const size_t lines = (count + 15) / 16, begin = lines * (size_t)task / (size_t)tasks * 16;
  return begin < count ? begin : count;
}

#endif
