// The loops, held to fewer instructions: those with fused multiply-adds round once, the others twice, which shows in last digits.
#include "check.h"

#include <math.h>

void check_instructions(void) {
  enum { COUNT = 100 };
  // The most that a portable loop can have.
#if defined(__aarch64__)
  const bool always_fuses = true;
#else
  const bool always_fuses = false;
#endif
  float *average = randoms(COUNT), *weight = randoms(COUNT), *result = zeros(COUNT);
  const float share = 0.3f;
  int differences = 0;
  for (int limit = CK_WIDEST; limit <= CK_PORTABLE; ++limit) {
    ck_limit_instructions((ck_instructions)limit);
    const ck_instructions usable = ck_usable_instructions((ck_instructions)limit);
    expect(ck_instructions_in_use() == usable, "limited to %d, %d are in use", limit, (int)ck_instructions_in_use());
    const bool fuses = always_fuses || usable != CK_PORTABLE;
    for (int i = 0; i < COUNT; ++i) result[i] = average[i];
    ck_average_weights(result, weight, COUNT, share);
    for (int i = 0; i < COUNT; ++i) {
      const float step = weight[i] - average[i];
      const volatile float product = share * step;
      const float rounded_twice = average[i] + product, rounded_once = fmaf(share, step, average[i]);
      differences += rounded_twice != rounded_once;
      expect(result[i] == (fuses ? rounded_once : rounded_twice), "limited to %d, element %d is %a", limit, i, (double)result[i]);
    }
  }
  expect(differences > 0, "no element tells one rounding from two");
  ck_limit_instructions(CK_WIDEST);
  free(average), free(weight), free(result);
}
