// Dense layers against sums of products in double precision.
#include "check.h"

#include <math.h>

void check_dense(void) {
  static const size_t sizes[][3] = {{1, 40, 7}, {3, 100, 33}, {4, 64, 128}, {7, 1500, 70}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
    for (ck_instructions instructions = ck_usable_instructions(CK_WIDEST); instructions <= CK_PORTABLE; ++instructions)
      for (ck_dense_weights form = CK_DENSE_FLOAT32; form <= CK_DENSE_INT8; ++form) {
        const ck_dense d = {.batch = sizes[i][0], .inputs = sizes[i][1], .outputs = sizes[i][2], .weights = form,
                            .is_rectified = i % 2 == 1, .instructions = instructions};
        float *x = randoms(d.batch * d.inputs), *weights = randoms(d.outputs * d.inputs), *bias = randoms(d.outputs);
        float *y = randoms(d.batch * d.outputs);
        void *packed = zeros(ck_dense_packed_size(form, d.outputs, d.inputs) / sizeof(float) + 1);
        if (form != CK_DENSE_FLOAT32) ck_dense_pack(packed, weights, form, d.outputs, d.inputs, 2);
        ck_dense_forward(&d, y, x, form == CK_DENSE_FLOAT32 ? weights : packed, bias, 2);
        // What a weight is off by at most, of the largest: 2^-8, or half a step of 1/127.
        const double rounding = form == CK_DENSE_FLOAT32 ? 1e-6 : form == CK_DENSE_BFLOAT16 ? 1.0 / 256 : 0.5 / 127;
        for (size_t n = 0; n < d.batch; ++n)
          for (size_t o = 0; o < d.outputs; ++o) {
            double sum = bias[o], size = 0;
            for (size_t k = 0; k < d.inputs; ++k)
              sum += (double)x[n * d.inputs + k] * weights[o * d.inputs + k], size += fabs(x[n * d.inputs + k]);
            if (d.is_rectified && sum < 0) sum = 0;
            expect(fabs(y[n * d.outputs + o] - sum) <= rounding * size + 1e-6,
                   "dense, form %d, instructions %d: [%zu, %zu] is %g, not %g", form, instructions, n, o,
                   y[n * d.outputs + o], sum);
          }
        free(x), free(weights), free(bias), free(y), free(packed);
      }
}
