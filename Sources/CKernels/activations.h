#ifndef CONVNET_ACTIVATIONS_H
#define CONVNET_ACTIVATIONS_H

#include "lanes.h"

// Applies an activation to numbers that were just computed, and so are in the nearest cache.
void ck_activate(float *x, size_t count, ck_activation activation);

#endif
