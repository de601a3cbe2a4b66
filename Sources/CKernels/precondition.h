#ifndef CONVNET_PRECONDITION_H
#define CONVNET_PRECONDITION_H

// What a caller of a kernel has to see to. A debug build looks, and ends the process where it did not; any other takes it for
// granted.
#ifdef DEBUG
#undef NDEBUG
#include <assert.h>
#define REQUIRE(condition) assert(condition)
#else
#define REQUIRE(condition) ((void)0)
#endif

#endif
