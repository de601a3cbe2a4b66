// Tests of the kernels in C alone: for processors on which no Swift is at hand, and for emulators of these.
#include "check.h"

size_t failures, expectations;

void expect(bool condition, const char *what, ...) {
  ++expectations;
  if (condition) return;
  if (++failures > 20) return;
  va_list values;
  va_start(values, what);
  vfprintf(stderr, what, values);
  va_end(values);
  fputc('\n', stderr);
}

float random_float(void) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) / 8388608.0f - 1;
}

static void *allocate(size_t count) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, (count + 1) * sizeof(float)) != 0) exit(1);
  return memory;
}

float *randoms(size_t count) {
  float *values = allocate(count);
  for (size_t i = 0; i < count; ++i) values[i] = random_float();
  return values;
}

float *zeros(size_t count) {
  float *values = allocate(count);
  for (size_t i = 0; i < count; ++i) values[i] = 0;
  return values;
}

int main(void) {
  const uint64_t before = ck_begin_computing(2);
  check_dense();
  check_direct();
  check_expansion();
  check_planes();
  check_winograd();
  check_instructions();
  check_random();
  ck_end_computing(before);
  printf("%zu expectations, %zu of them not met\n", expectations, failures);
  return failures > 0 || expectations == 0;
}
