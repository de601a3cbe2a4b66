// Random numbers of eight blocks of the generator at a time. Nothing is fused and no mathematical library asked, so that all
// processors and systems draw the same.
#include "CKernels.h"
#include "random.h"
#include "vector.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

typedef double doubles __attribute__((vector_size(64)));

// Of whole numbers below 2^52.
#define AS_DOUBLES(integers) ((doubles)((integers) | 0x4330000000000000) - 0x1p52)

// x <- the logarithms of k 2^-24, k from 1 to 2^24: with k = m 2^e, m from 1/sqrt 2 to sqrt 2 and s = (m - 1) / (m + 1), they are
// 2 (s + s^3 / 3 + s^5 / 5 + …) + (e - 24) log 2.
INLINE void logarithms(doubles *x, const words *k) {
  const words bits = (words)AS_DOUBLES(*k);
  doubles m = (doubles)((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
  const words is_large = (words)(m > 0x1.6a09e667f3bcdp+0);  // all bits, or none
  m = (doubles)((words)m - (is_large & 0x0010000000000000));
  const doubles exponent = AS_DOUBLES((bits >> 52) - is_large) - (1023 + 24);
  const doubles s = (m - 1) / (m + 1), z = s * s;
  doubles sum = (doubles){0} + 1.0 / 23;
  UNROLLED for (int n = 21; n > 0; n -= 2) sum = sum * z + 1.0 / n;
  *x = 2 * s * sum + exponent * 0x1.62e42fefa39efp-1;
}

// x <- cos(2 pi k 2^-24), for k from 0 to 2^24 - 1: by the series of the cosine or the sine of what is left of k behind the
// nearest quarter of a turn.
INLINE void cosines(doubles *x, const words *k) {
  static const double cosine[] = {0x1p+0, -0x1.3bd3cc9be45dep+4, 0x1.03c1f081b5ac4p+6, -0x1.55d3c7e3cbffap+6,
                                  0x1.e1f506891babbp+5, -0x1.a6d1f2a204a8cp+4, 0x1.f9d38a3763cc3p+2, -0x1.b6e24f44b128fp+0,
                                  0x1.20c62c2f2d7f5p-2};
  static const double sine[] = {0x1.921fb54442d18p+2, -0x1.4abbce625be53p+5, 0x1.466bc6775aae2p+6, -0x1.32d2cce62bd86p+6,
                                0x1.50783487ee782p+5, -0x1.e3074fde8871fp+3, 0x1.e8f434d018d63p+1, -0x1.6fadb9f155744p-1,
                                0x1.aaec32af93359p-4};
  const words quarter = (*k + 0x200000) >> 22;
  const doubles t = (AS_DOUBLES(*k) - AS_DOUBLES(quarter << 22)) * 0x1p-24, z = t * t;
  doubles even = (doubles){0} + cosine[8], odd = (doubles){0} + sine[8];
  UNROLLED for (int n = 7; n >= 0; --n) {
    even = even * z + cosine[n];
    odd = odd * z + sine[n];
  }
  const words is_odd = -(quarter & 1), sign = ((quarter + 1) & 2) << 62;
  *x = (doubles)((((words)(odd * t) & is_odd) | ((words)even & ~is_odd)) ^ sign);
}

// By the transform of Box and Muller. 1 - u lies in (0, 1], so the logarithm is finite.
INLINE void normals(float *result, const words *first, const words *second, float deviation) {
  const words rest = 0x1000000 - (*first >> 8), turn = *second >> 8;
  doubles radius, direction;
  logarithms(&radius, &rest);
  cosines(&direction, &turn);
  radius = __builtin_elementwise_sqrt(-2 * radius);
  *(half *)result = deviation * __builtin_convertvector(radius * direction, half);
}

VECTORISED(extern, void, ck_normals, (float *result, size_t count, float deviation, const uint32_t key[2],
           const uint32_t counter[3]), (result, count, deviation, key, counter)) {
  for (size_t first = 0; first < count; first += 2 * BLOCKS) {
    words c[4];
    random_words(c, first / 2, key, counter);
    float numbers[2][BLOCKS], ordered[2 * BLOCKS];
    normals(numbers[0], &c[0], &c[1], deviation);
    normals(numbers[1], &c[2], &c[3], deviation);
    for (int i = 0; i < 2 * BLOCKS; ++i) ordered[i] = numbers[i % 2][i / 2];
    const size_t rest = count - first;
    memcpy(result + first, ordered, (rest < 2 * BLOCKS ? rest : 2 * BLOCKS) * sizeof *result);
  }
}

VECTORISED(extern, float, ck_normal, (uint32_t first, uint32_t second), (first, second)) {
  const words one = (words){0} + first, two = (words){0} + second;
  float numbers[BLOCKS];
  normals(numbers, &one, &two, 1);
  return numbers[0];
}

VECTORISED(extern, void, ck_uniforms, (float *result, size_t count, float low, float high, const uint32_t key[2],
           const uint32_t counter[3]), (result, count, low, high, key, counter)) {
  for (size_t first = 0; first < count; first += 4 * BLOCKS) {
    words c[4];
    random_words(c, first / 4, key, counter);
    float ordered[4 * BLOCKS];
    for (int i = 0; i < 4 * BLOCKS; ++i) ordered[i] = (float)(c[i % 4][i / 4] >> 8) * 0x1p-24f * (high - low) + low;
    const size_t rest = count - first;
    memcpy(result + first, ordered, (rest < 4 * BLOCKS ? rest : 4 * BLOCKS) * sizeof *result);
  }
}
