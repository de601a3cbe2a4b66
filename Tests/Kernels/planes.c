// Convolutions of few channels against the same sums in double precision, in all three directions, on each set of instructions.
#include "check.h"

#include <math.h>

typedef struct {
  double *y, *dx, *by_weights, *by_bias;
} sums;

static sums add_up(const ck_planes *p, const float *x, const float *dy, const float *weights, const float *bias) {
  const size_t plane = p->height * p->width, out_plane = p->out_height * p->out_width;
  const size_t kernel = p->kernel_height * p->kernel_width;
  sums all = {calloc(p->batch * p->out_channels * out_plane, sizeof(double)),
              calloc(p->batch * p->in_channels * plane, sizeof(double)),
              calloc(p->out_channels * p->in_channels * kernel, sizeof(double)),
              calloc(p->out_channels, sizeof(double))};
  if (!all.y || !all.dx || !all.by_weights || !all.by_bias) exit(1);
  for (size_t b = 0; b < p->batch; ++b)
    for (size_t o = 0; o < p->out_channels; ++o)
      for (size_t i = 0; i < p->out_height; ++i)
        for (size_t j = 0; j < p->out_width; ++j) {
          const size_t at = ((b * p->out_channels + o) * p->out_height + i) * p->out_width + j;
          all.y[at] = bias[o];
          all.by_bias[o] += dy[at];
          for (size_t c = 0; c < p->in_channels; ++c)
            for (size_t m = 0; m < p->kernel_height; ++m)
              for (size_t n = 0; n < p->kernel_width; ++n) {
                const size_t row = i + m - p->pad_top, column = j + n - p->pad_left;
                if (row >= p->height || column >= p->width) continue;
                const size_t from = ((b * p->in_channels + c) * p->height + row) * p->width + column;
                const size_t tap = (o * p->in_channels + c) * kernel + m * p->kernel_width + n;
                all.y[at] += (double)x[from] * weights[tap];
                all.dx[from] += (double)dy[at] * weights[tap];
                all.by_weights[tap] += (double)dy[at] * x[from];
              }
        }
  return all;
}

static void expect_near(const char *what, const ck_planes *p, const float *actual, const double *expected, size_t count) {
  double largest = 0;
  for (size_t i = 0; i < count; ++i) largest = fmax(largest, fabs(expected[i]));
  for (size_t i = 0; i < count; ++i)
    expect(fabs(actual[i] - expected[i]) <= 1e-5 * largest,
           "%zu to %zu channels, %zux%zu, %s, instructions %d: %zu is %g, not %g", p->in_channels, p->out_channels,
           p->kernel_height, p->kernel_width, what, (int)ck_instructions_in_use(), i, actual[i], expected[i]);
}

// From [batch, channels, positions] to [batch, positions, channels], or back.
static float *with_channels_inside(const float *values, size_t batch, size_t channels, size_t positions, bool back) {
  float *moved = zeros(batch * channels * positions);
  for (size_t b = 0; b < batch; ++b)
    for (size_t c = 0; c < channels; ++c)
      for (size_t i = 0; i < positions; ++i) {
        const size_t plain = (b * channels + c) * positions + i, inside = (b * positions + i) * channels + c;
        moved[back ? plain : inside] = values[back ? inside : plain];
      }
  return moved;
}

// What no kernel writes, and no sum is near to.
static void spoil(float *values, size_t count) {
  for (size_t i = 0; i < count; ++i) values[i] = NAN;
}

// Kernels whose results have the channels innermost.
static void check_lanes(const ck_planes *p, int tasks, const float *x, const float *dy, const float *weights, const float *bias,
                        const sums *expected) {
  const size_t positions = p->out_height * p->out_width, y_count = p->batch * p->out_channels * positions;
  const size_t weight_count = p->out_channels * p->in_channels * p->kernel_height * p->kernel_width;
  float *d = with_channels_inside(dy, p->batch, p->out_channels, positions, false), *lanes = zeros(y_count);
  float *by_weights = zeros(weight_count), *by_bias = zeros(p->out_channels);
  for (int by_winograd = 0; by_winograd <= ck_lanes_winograd_is_possible(p); ++by_winograd) {
    const size_t size = by_winograd ? ck_lanes_winograd_forward_scratch(p) : ck_lanes_forward_scratch(p);
    float *scratch = randoms((size_t)tasks * size);
    spoil(lanes, y_count);
    (by_winograd ? ck_lanes_winograd_forward : ck_lanes_forward)(p, lanes, x, weights, bias, CK_IDENTITY, scratch, tasks);
    float *y = with_channels_inside(lanes, p->batch, p->out_channels, positions, true);
    expect_near(by_winograd ? "lanes forward by Winograd's algorithm" : "lanes forward", p, y, expected->y, y_count);
    free(scratch), free(y);
  }
  float *scratch = randoms((size_t)tasks * ck_lanes_gradient_scratch(p));
  spoil(by_weights, weight_count), spoil(by_bias, p->out_channels);
  ck_lanes_gradient(p, by_weights, by_bias, x, d, scratch, tasks);
  expect_near("lanes gradient by weights", p, by_weights, expected->by_weights, weight_count);
  expect_near("lanes gradient by bias", p, by_bias, expected->by_bias, p->out_channels);
  free(scratch), free(d), free(lanes), free(by_weights), free(by_bias);
}

static void check(const ck_planes *p, int tasks) {
  enum { LANES = 16 };
  const size_t x_count = p->batch * p->in_channels * p->height * p->width;
  const size_t y_count = p->batch * p->out_channels * p->out_height * p->out_width;
  const size_t weight_count = p->out_channels * p->in_channels * p->kernel_height * p->kernel_width;
  float *x = randoms(x_count), *dy = randoms(y_count), *weights = randoms(weight_count), *bias = randoms(p->out_channels);
  const sums expected = add_up(p, x, dy, weights, bias);
  float *y = zeros(y_count), *dx = zeros(x_count), *by_weights = zeros(weight_count), *by_bias = zeros(p->out_channels);
  spoil(y, y_count), spoil(dx, x_count), spoil(by_weights, weight_count), spoil(by_bias, p->out_channels);

  float *scratch = randoms((size_t)tasks * ck_planes_forward_scratch(p));
  ck_planes_forward(p, y, x, weights, bias, CK_IDENTITY, scratch, tasks);
  expect_near("forward", p, y, expected.y, y_count);
  free(scratch), scratch = randoms((size_t)tasks * ck_planes_input_gradient_scratch(p));
  ck_planes_input_gradient(p, dx, dy, weights, scratch, tasks);
  expect_near("input gradient", p, dx, expected.dx, x_count);
  free(scratch), scratch = randoms((size_t)tasks * ck_planes_gradient_scratch(p));
  ck_planes_gradient(p, by_weights, by_bias, x, dy, scratch, tasks);
  expect_near("gradient by weights", p, by_weights, expected.by_weights, weight_count);
  expect_near("gradient by bias", p, by_bias, expected.by_bias, p->out_channels);
  free(scratch);
  if (p->out_channels == LANES) check_lanes(p, tasks, x, dy, weights, bias, &expected);
  free(x), free(dy), free(weights), free(bias), free(y), free(dx), free(by_weights), free(by_bias);
  free(expected.y), free(expected.dx), free(expected.by_weights), free(expected.by_bias);
}

void check_planes(void) {
  // Channels in and out, the sides of the picture, those of the kernel, and the padding before; after it, what keeps the size, or
  // none.
  static const size_t cases[][9] = {
      {1, 6, 28, 28, 5, 5, 2, 2, 3},   {6, 16, 14, 14, 5, 5, 0, 0, 3}, {3, 16, 32, 32, 3, 3, 1, 1, 1},
      {1, 16, 9, 11, 3, 3, 1, 1, 2},   {2, 16, 12, 7, 5, 2, 2, 0, 1},  {7, 1, 6, 19, 3, 4, 1, 1, 1},
      {4, 8, 17, 17, 7, 7, 3, 3, 1},   {5, 3, 5, 40, 1, 5, 0, 2, 2},   {6, 16, 5, 22, 2, 5, 0, 2, 2},
      {2, 13, 90, 130, 3, 3, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 0, 0, 1},    {3, 16, 11, 11, 1, 1, 0, 0, 1},
  };
  for (int limit = CK_WIDEST; limit <= CK_PORTABLE; ++limit) {
    if (ck_usable_instructions((ck_instructions)limit) != (ck_instructions)limit) continue;
    ck_limit_instructions((ck_instructions)limit);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
      const size_t *c = cases[i];
      const ck_planes p = {.batch = c[8], .in_channels = c[0], .height = c[2], .width = c[3], .out_channels = c[1],
                           .out_height = c[2] + 2 * c[6] + 1 - c[4], .out_width = c[3] + 2 * c[7] + 1 - c[5],
                           .kernel_height = c[4], .kernel_width = c[5], .pad_top = c[6], .pad_left = c[7]};
      for (int tasks = 1; tasks <= 2; ++tasks) check(&p, tasks);
    }
  }
  ck_limit_instructions(CK_WIDEST);
}
