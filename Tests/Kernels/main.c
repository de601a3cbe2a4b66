// Tests of the kernels in C alone: for processors on which no Swift is at hand, and for emulators of these.
#include "check.h"

#include <math.h>

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

size_t blocks(size_t channels) { return (channels + 15) / 16 * 16; }

size_t blocked_at(size_t c, size_t i, size_t j, size_t height, size_t width) {
  return ((c / 16 * height + i) * width + j) * 16 + c % 16;
}

double activated(ck_activation activation, double x) {
  switch (activation) {
    case CK_RELU: return fmax(x, 0);
    case CK_RELU6: return fmin(fmax(x, 0), 6);
    case CK_TANH: return tanh(x);
    case CK_SIGMOID: return 1 / (1 + exp(-x));
    case CK_HARD_SIGMOID: return fmin(fmax(x + 3, 0), 6) / 6;
    case CK_HARD_SWISH: return x * fmin(fmax(x + 3, 0), 6) / 6;
    case CK_SILU: return x / (1 + exp(-x));
    case CK_GELU: return x * erfc(-x / sqrt(2)) / 2;
    default: return x;
  }
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
