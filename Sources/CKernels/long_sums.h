#ifndef CONVNET_LONG_SUMS_H
#define CONVNET_LONG_SUMS_H

#include <stddef.h>

// So many terms, at most, are summed one after the other in single precision. The worst are terms that are alike: every sum
// is then rounded in the same direction, and n of them are off by up to n / 4 units of 2^-24 of the sum, here by 8e-6.
enum { MOST_TERMS = 512 };

// Adds sums in single precision to their totals, and begins them anew.
void ck_flush_sums(double *totals, float *sums, size_t count);

#endif
