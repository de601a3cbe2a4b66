#define _GNU_SOURCE
#include "CTestSupport.h"

#include <stddef.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static _Thread_local bool is_counting;
static _Thread_local ct_allocations counts;

static _Thread_local bool is_failing;
static _Thread_local int64_t left_before_failure;

static bool is_in(const void *caller, const char *const *names, size_t count) {
  Dl_info info;
  if (!dladdr(caller, &info) || !info.dli_fname) return false;
  for (size_t i = 0; i < count; ++i)
    if (strstr(info.dli_fname, names[i])) return true;
  return false;
}

static bool is_of_library(const void *caller) {
  static const char *const names[] = {"libdnnl", "libstdc++", "libgomp"};
  return is_in(caller, names, sizeof names / sizeof *names);
}

// Whether this allocation is the one that shall fail: of the libraries of pictures and of the shims, which are linked into the
// tests. Those of Swift and of C++ end the process when they fail.
static bool fails(const void *caller) {
  static const char *const names[] = {"libpng", "libjpeg", "libz.", "xctest"};
  if (!is_failing) return false;
  is_failing = false;
  const bool is_counted = is_in(caller, names, sizeof names / sizeof *names);
  is_failing = true;
  return is_counted && left_before_failure-- == 0;
}

static void *counted(void *memory, const void *caller) {
  if (is_counting) {
    is_counting = false;  // what the look-up of the caller may allocate is not the caller's
    if (is_of_library(caller))
      ++counts.by_library;
    else
      ++counts.by_program;
    const int64_t bytes = (int64_t)malloc_usable_size(memory);
    counts.outstanding_bytes += bytes;
    if (bytes > counts.largest_bytes) counts.largest_bytes = bytes;
    is_counting = true;
  }
  return memory;
}

void *malloc(size_t size) {
  if (fails(__builtin_return_address(0))) return NULL;
  return counted(__libc_malloc(size), __builtin_return_address(0));
}

void *calloc(size_t count, size_t size) {
  if (fails(__builtin_return_address(0))) return NULL;
  return counted(__libc_calloc(count, size), __builtin_return_address(0));
}

void *realloc(void *memory, size_t size) {
  if (fails(__builtin_return_address(0))) return NULL;
  if (is_counting) counts.outstanding_bytes -= (int64_t)malloc_usable_size(memory);
  return counted(__libc_realloc(memory, size), __builtin_return_address(0));
}

void *memalign(size_t alignment, size_t size) {
  return counted(__libc_memalign(alignment, size), __builtin_return_address(0));
}

void *aligned_alloc(size_t alignment, size_t size) {
  return counted(__libc_memalign(alignment, size), __builtin_return_address(0));
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void *fresh = __libc_memalign(alignment, size);
  if (!fresh) return ENOMEM;
  *memory = counted(fresh, __builtin_return_address(0));
  return 0;
}

void free(void *memory) {
  if (is_counting) counts.outstanding_bytes -= (int64_t)malloc_usable_size(memory);
  __libc_free(memory);
}

bool ct_can_count(void) { return true; }

void ct_start_counting(void) {
  counts = (ct_allocations){0};
  is_counting = true;
}

ct_allocations ct_stop_counting(void) {
  is_counting = false;
  return counts;
}

void ct_start_failing(int64_t index) {
  left_before_failure = index;
  is_failing = true;
}

bool ct_stop_failing(void) {
  is_failing = false;
  return left_before_failure < 0;
}

#else

bool ct_can_count(void) { return false; }

void ct_start_failing(int64_t index) { (void)index; }

bool ct_stop_failing(void) { return false; }

void ct_start_counting(void) {}

ct_allocations ct_stop_counting(void) { return (ct_allocations){0}; }

#endif
