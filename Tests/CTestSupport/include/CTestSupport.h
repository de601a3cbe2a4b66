// Counts what a thread allocates, by taking the place of malloc in the test process. Only with the GNU C library; elsewhere,
// and under a sanitizer that does the same, nothing is counted.
#ifndef CONVNET_CTESTSUPPORT_H
#define CONVNET_CTESTSUPPORT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  // Allocations asked for by the kernel library and by the libraries that it calls (C++, OpenMP).
  int64_t by_library;
  // All others: Swift's run time and this program.
  int64_t by_program;
  // Bytes allocated and not freed by the thread.
  int64_t outstanding_bytes;
  // Bytes of the largest allocation.
  int64_t largest_bytes;
} ct_allocations;

bool ct_can_count(void);
// Begins to count what the calling thread allocates.
void ct_start_counting(void);
ct_allocations ct_stop_counting(void);

// Lets the allocation of this number, from 0, fail that a library of pictures or a shim asks for in the
// calling thread.
void ct_start_failing(int64_t index);
// Whether it came so far.
bool ct_stop_failing(void);

#endif
