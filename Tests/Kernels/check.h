// What the tests of the kernels stand in.
#pragma once

#include "CKernels.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

extern size_t failures, expectations;

// Says what is wrong where the condition is not met; of many faults the first few.
void expect(bool condition, const char *what, ...) __attribute__((format(printf, 2, 3)));

// Between -1 and 1, the same in every run.
float random_float(void);
float *randoms(size_t count);
float *zeros(size_t count);

// The channels of all blocks of 16 that so many need, and where an element of a picture in blocks lies.
size_t blocks(size_t channels);
size_t blocked_at(size_t c, size_t i, size_t j, size_t height, size_t width);
// An activation in double precision.
double activated(ck_activation activation, double x);

void check_dense(void);
void check_direct(void);
void check_expansion(void);
void check_planes(void);
void check_random(void);
void check_winograd(void);
void check_instructions(void);
