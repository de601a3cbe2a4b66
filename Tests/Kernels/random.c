// Random numbers beside published words of the generator and the mathematical library, on every instruction set alike.
#include "check.h"

#include <math.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static void check_normal(uint32_t first, uint32_t second) {
  const double u = (first >> 8) * 0x1p-24, v = (second >> 8) * 0x1p-24;
  const float expected = (float)(sqrt(-2 * log(1 - u)) * cos(2 * pi * v)), actual = ck_normal(first, second);
  expect(fabsf(actual - expected) <= 1e-7f * fabsf(expected) + 2e-15f, "normal number of %u and %u is %a, not %a", first, second,
         (double)actual, (double)expected);
}

void check_random(void) {
  enum { COUNT = 1000 };
  const uint32_t keys[2][2] = {{0, 0}, {0xa4093822, 0x299f31d0}};
  const uint32_t counters[2][3] = {{0, 0, 0}, {0x85a308d3, 0x13198a2e, 0x03707344}};
  // The generator's authors publish these words, for a key and a counter of zeros.
  const uint32_t published[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  float words[4];
  ck_uniforms(words, 4, 0, 1, keys[0], counters[0]);
  for (int i = 0; i < 4; ++i)
    expect(words[i] == (float)(published[i] >> 8) * 0x1p-24f, "word %d of the generator is %a", i, (double)words[i]);

  // Both ends, the quarters of a turn, and where the logarithm changes its exponent.
  const uint32_t edges[] = {0,        1,        0x1fffff, 0x200000, 0x3fffff, 0x400000, 0x4afb0c, 0x600000,
                            0x800000, 0xa00000, 0xc00000, 0xdfffff, 0xe00000, 0xfffffe, 0xffffff};
  const size_t edge_count = sizeof edges / sizeof *edges;
  for (size_t i = 0; i < edge_count * edge_count; ++i) check_normal(edges[i / edge_count] << 8, edges[i % edge_count] << 8);

  float *first = zeros(COUNT), *numbers = zeros(COUNT), *widest = zeros(COUNT);
  for (int limit = CK_WIDEST; limit <= CK_PORTABLE; ++limit) {
    ck_limit_instructions((ck_instructions)limit);
    for (size_t count = 0; count <= 70; ++count) {
      for (int i = 0; i < COUNT; ++i) numbers[i] = 7;
      ck_uniforms(first, COUNT, -2, 3, keys[1], counters[1]);
      ck_uniforms(numbers, count, -2, 3, keys[1], counters[1]);
      expect(memcmp(first, numbers, count * sizeof *first) == 0 && numbers[count] == 7, "%zu uniform numbers", count);
      ck_normals(first, COUNT, 0.5f, keys[1], counters[1]);
      ck_normals(numbers, count, 0.5f, keys[1], counters[1]);
      expect(memcmp(first, numbers, count * sizeof *first) == 0 && numbers[count] == 7, "%zu normal numbers", count);
    }
    if (limit == CK_WIDEST) memcpy(widest, first, COUNT * sizeof *first);
    expect(memcmp(widest, first, COUNT * sizeof *first) == 0, "limited to %d, other normal numbers are drawn", limit);
  }
  ck_limit_instructions(CK_WIDEST);
  double sum = 0, squares = 0;
  for (int i = 0; i < COUNT; ++i) sum += first[i], squares += first[i] * first[i];
  sum /= COUNT, squares /= COUNT;
  expect(fabs(sum) < 0.05 && fabs(squares - 0.25) < 0.03, "mean %f, mean square %f", sum, squares);
  free(first), free(numbers), free(widest);
}
