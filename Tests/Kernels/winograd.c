// Winograd's algorithm beside the same sums as they are written, in all three directions.
#include "check.h"

#include <math.h>

static double largest(const float *x, size_t count) {
  double most = 0;
  for (size_t i = 0; i < count; ++i) most = fmax(most, fabs(x[i]));
  return most;
}

static void expect_near(const char *what, const ck_winograd *w, const float *actual, const float *expected, size_t count) {
  const double bound = (w->kernel_height == 3 && w->kernel_width == 3 ? 1e-5 : 2e-5) * largest(expected, count);
  for (size_t i = 0; i < count; ++i)
    expect(fabs(actual[i] - expected[i]) <= bound, "%zux%zu, %s, instructions %d: %zu is %g, not %g", w->kernel_height,
           w->kernel_width, what, w->instructions, i, actual[i], expected[i]);
}

static void check(const ck_winograd *w, int tasks) {
  const ck_direct d = {w->batch,        1,          w->in_channels,  w->height,       w->width,
                       w->out_channels, w->out_height, w->out_width, w->kernel_height, w->kernel_width,
                       1,               1,          1,               1,               w->pad_top,
                       w->pad_left,     w->in_stride, w->out_stride, false,           w->instructions};
  const size_t x_count = w->batch * w->in_stride, y_count = w->batch * w->out_stride;
  const size_t weight_count = w->out_channels * w->in_channels * w->kernel_height * w->kernel_width;
  const ck_winograd transposed = ck_winograd_transposed(w);
  float *x = randoms(x_count), *dy = randoms(y_count), *weights = randoms(weight_count), *bias = randoms(w->out_channels);
  float *y[2] = {zeros(y_count), zeros(y_count)}, *dx[2] = {zeros(x_count), zeros(x_count)};
  float *by_weights[2] = {zeros(weight_count), zeros(weight_count)};
  float *by_bias[2] = {zeros(w->out_channels), zeros(w->out_channels)};

  float *packed = randoms(ck_winograd_weights_size(w)), *scratch = randoms(ck_winograd_forward_scratch(w, tasks));
  ck_winograd_pack(w, packed, weights, false, tasks);
  ck_winograd_forward(w, y[0], x, packed, bias, NULL, false, scratch, tasks);
  free(packed), free(scratch);
  packed = randoms(ck_winograd_weights_size(&transposed));
  scratch = randoms(ck_winograd_forward_scratch(&transposed, tasks));
  ck_winograd_pack(&transposed, packed, weights, true, tasks);
  ck_winograd_forward(&transposed, dx[0], dy, packed, NULL, NULL, false, scratch, tasks);
  free(packed), free(scratch);
  scratch = randoms(ck_winograd_gradient_scratch(w, tasks));
  ck_winograd_gradient(w, by_weights[0], by_bias[0], x, dy, scratch, tasks);
  free(scratch);

  packed = randoms(ck_direct_weights_size(&d, false)), scratch = randoms(ck_direct_scratch(&d, false, tasks) + 1);
  ck_direct_pack(&d, packed, weights, false, tasks);
  ck_direct_forward(&d, y[1], x, packed, bias, NULL, CK_IDENTITY, scratch, tasks);
  free(packed), free(scratch);
  packed = randoms(ck_direct_weights_size(&d, true)), scratch = randoms(ck_direct_scratch(&d, true, tasks) + 1);
  ck_direct_pack(&d, packed, weights, true, tasks);
  ck_direct_input_gradient(&d, dx[1], dy, packed, scratch, tasks);
  free(packed), free(scratch);
  scratch = randoms(ck_direct_gradient_scratch(&d, tasks));
  ck_direct_gradient(&d, by_weights[1], by_bias[1], x, dy, scratch, tasks);
  free(scratch);

  expect_near("forward", w, y[0], y[1], y_count);
  expect_near("input gradient", w, dx[0], dx[1], x_count);
  expect_near("gradient by weights", w, by_weights[0], by_weights[1], weight_count);
  expect_near("gradient by bias", w, by_bias[0], by_bias[1], w->out_channels);
  for (int i = 0; i < 2; ++i) free(y[i]), free(dx[i]), free(by_weights[i]), free(by_bias[i]);
  free(x), free(dy), free(weights), free(bias);
}

void check_winograd(void) {
  static const size_t windows[][2] = {{3, 3}, {5, 5}, {1, 3}, {3, 1}, {1, 7}, {7, 1}};
  for (size_t i = 0; i < sizeof windows / sizeof *windows; ++i)
    for (ck_instructions instructions = ck_usable_instructions(CK_WIDEST); instructions <= CK_PORTABLE; ++instructions)
      for (int tasks = 1; tasks <= 2; ++tasks) {
        ck_winograd w = {.batch = 2, .in_channels = 32, .height = 9, .width = 11, .out_channels = 48, .out_height = 9,
                         .out_width = 11, .kernel_height = windows[i][0], .kernel_width = windows[i][1],
                         .pad_top = windows[i][0] / 2, .pad_left = windows[i][1] / 2, .instructions = instructions};
        w.in_stride = w.in_channels * w.height * w.width, w.out_stride = w.out_channels * w.out_height * w.out_width;
        check(&w, tasks);
      }
}
