// Direct convolutions against sums of products in double precision.
#include "check.h"

#include <math.h>
#include <string.h>

typedef struct {
  const char *name;
  ck_direct d;
  bool adds;
  ck_activation activation;
} layer;

// And of the pictures that a convolution reads.
static size_t source_at(const ck_direct *d, size_t c, size_t i, size_t j) {
  if (!ck_direct_is_plain(d)) return blocked_at(c, i, j, d->height, d->width);
  return d->is_interleaved ? (i * d->width + j) * d->in_channels + c : (c * d->height + i) * d->width + j;
}

static ck_direct finished(ck_direct d) {
  const bool is_plain = ck_direct_is_plain(&d);
  d.in_stride = (is_plain ? d.in_channels : blocks(d.in_channels)) * d.height * d.width + 32;
  d.out_stride = blocks(d.out_channels) * d.out_height * d.out_width + 16;
  return d;
}

// Random numbers in the channels that there are, zeros in those that fill up blocks.
static float *sources(const ck_direct *d) {
  float *x = zeros(d->batch * d->in_stride + 16);
  for (size_t n = 0; n < d->batch; ++n)
    for (size_t c = 0; c < d->in_channels; ++c)
      for (size_t i = 0; i < d->height; ++i)
        for (size_t j = 0; j < d->width; ++j) x[n * d->in_stride + source_at(d, c, i, j)] = random_float();
  return x;
}

static float *results(const ck_direct *d) {
  float *y = zeros(d->batch * d->out_stride + 16);
  for (size_t n = 0; n < d->batch; ++n)
    for (size_t c = 0; c < d->out_channels; ++c)
      for (size_t i = 0; i < d->out_height; ++i)
        for (size_t j = 0; j < d->out_width; ++j)
          y[n * d->out_stride + blocked_at(c, i, j, d->out_height, d->out_width)] = random_float();
  return y;
}

// Channels each by itself have kernels of their own.
static bool is_depthwise(const ck_direct *d) {
  return d->groups > 1 && d->groups == d->in_channels && d->groups == d->out_channels;
}

static bool direct_can_compute(const ck_direct *d, bool transposes) {
  return is_depthwise(d) ? ck_depthwise_can_compute(d, transposes) : ck_direct_can_compute(d, transposes);
}
static size_t direct_weights_size(const ck_direct *d, bool transposes) {
  return is_depthwise(d) ? ck_depthwise_weights_size(d, transposes) : ck_direct_weights_size(d, transposes);
}
static void direct_pack(const ck_direct *d, float *packed, const float *weights, bool transposes, int tasks) {
  if (is_depthwise(d))
    ck_depthwise_pack(d, packed, weights, transposes);
  else
    ck_direct_pack(d, packed, weights, transposes, tasks);
}
static size_t direct_scratch(const ck_direct *d, bool transposes, int tasks) {
  return is_depthwise(d) ? ck_depthwise_scratch(d, transposes, tasks) : ck_direct_scratch(d, transposes, tasks);
}
static size_t direct_gradient_scratch(const ck_direct *d, int tasks) {
  return is_depthwise(d) ? ck_depthwise_gradient_scratch(d, tasks) : ck_direct_gradient_scratch(d, tasks);
}
static void direct_forward(const ck_direct *d, float *y, const float *x, const float *packed, const float *bias,
                           const float *addend, ck_activation activation, float *scratch, int tasks) {
  (is_depthwise(d) ? ck_depthwise_forward : ck_direct_forward)(d, y, x, packed, bias, addend, activation, scratch, tasks);
}
static void direct_input_gradient(const ck_direct *d, float *dx, const float *dy, const float *packed, float *scratch,
                                  int tasks) {
  (is_depthwise(d) ? ck_depthwise_input_gradient : ck_direct_input_gradient)(d, dx, dy, packed, scratch, tasks);
}
static void direct_gradient(const ck_direct *d, float *weights, float *bias, const float *x, const float *dy, float *scratch,
                            int tasks) {
  (is_depthwise(d) ? ck_depthwise_gradient : ck_direct_gradient)(d, weights, bias, x, dy, scratch, tasks);
}

static void check_forward(const layer *l, ck_instructions instructions, int tasks) {
  ck_direct d = finished(l->d);
  d.instructions = instructions;
  const size_t in = d.in_channels / d.groups, out = d.out_channels / d.groups, kernel = d.kernel_height * d.kernel_width;
  float *x = sources(&d), *y = results(&d);
  float *addend = zeros(d.batch * d.out_stride), *weights = randoms(d.out_channels * in * kernel);
  float *bias = randoms(d.out_channels), *packed = randoms(direct_weights_size(&d, false));
  float *scratch = randoms(direct_scratch(&d, false, tasks) + 1);
  memcpy(addend, y, d.batch * d.out_stride * sizeof *y);
  direct_pack(&d, packed, weights, false, tasks);
  direct_forward(&d, y, x, packed, bias, l->adds ? y : NULL, l->activation, scratch, tasks);
  for (size_t n = 0; n < d.batch; ++n)
    for (size_t o = 0; o < blocks(d.out_channels); ++o)
      for (size_t i = 0; i < d.out_height; ++i)
        for (size_t j = 0; j < d.out_width; ++j) {
          const size_t at = n * d.out_stride + blocked_at(o, i, j, d.out_height, d.out_width);
          double sum = 0, size = 0;
          for (size_t c = 0; o < d.out_channels && c < in; ++c)
            for (size_t m = 0; m < d.kernel_height; ++m)
              for (size_t k = 0; k < d.kernel_width; ++k) {
                const size_t row = i * d.stride_down + m * d.dilation_down - d.pad_top;
                const size_t column = j * d.stride_along + k * d.dilation_along - d.pad_left;
                if (row >= d.height || column >= d.width) continue;
                const size_t channel = o / out * in + c;
                const float value = x[n * d.in_stride + source_at(&d, channel, row, column)];
                const double term = (double)value * weights[((o * in + c) * d.kernel_height + m) * d.kernel_width + k];
                sum += term, size += fabs(term);
              }
          if (o < d.out_channels) sum += bias[o], size += fabs(bias[o]);
          if (l->adds) sum += addend[at], size += fabs(addend[at]);
          if (o < d.out_channels) sum = activated(l->activation, sum);
          // No slope is above 1.5, and no activation off by more than 1e-6.
          const double bound = 2e-6 * size * 1.5 + (o < d.out_channels && l->activation > CK_RELU6 ? 1e-6 : 0);
          expect(fabs(y[at] - sum) <= bound, "%s, forward, instructions %d, %d tasks: [%zu, %zu, %zu, %zu] is %g, not %g",
                 l->name, instructions, tasks, n, o, i, j, y[at], sum);
        }
  free(x), free(y), free(addend), free(weights), free(bias), free(packed), free(scratch);
}

static void check_input_gradient(const layer *l, ck_instructions instructions, int tasks) {
  ck_direct d = finished(l->d);
  d.instructions = instructions;
  // Gradients have their channels in blocks, however few there are.
  d.in_stride = blocks(d.in_channels) * d.height * d.width + 32;
  const size_t in = d.in_channels / d.groups, out = d.out_channels / d.groups, kernel = d.kernel_height * d.kernel_width;
  float *dx = randoms(d.batch * d.in_stride), *weights = randoms(d.out_channels * in * kernel);
  float *dy = results(&d);
  float *packed = randoms(direct_weights_size(&d, true));
  float *scratch = randoms(direct_scratch(&d, true, tasks) + 1);
  direct_pack(&d, packed, weights, true, tasks);
  direct_input_gradient(&d, dx, dy, packed, scratch, tasks);
  const size_t count = d.batch * d.in_stride;
  double *sums = calloc(count, sizeof *sums), *sizes = calloc(count, sizeof *sizes);
  for (size_t n = 0; n < d.batch; ++n)
    for (size_t o = 0; o < d.out_channels; ++o)
      for (size_t i = 0; i < d.out_height; ++i)
        for (size_t j = 0; j < d.out_width; ++j)
          for (size_t c = 0; c < in; ++c)
            for (size_t m = 0; m < d.kernel_height; ++m)
              for (size_t k = 0; k < d.kernel_width; ++k) {
                const size_t row = i * d.stride_down + m * d.dilation_down - d.pad_top;
                const size_t column = j * d.stride_along + k * d.dilation_along - d.pad_left;
                if (row >= d.height || column >= d.width) continue;
                const size_t at = n * d.in_stride + blocked_at(o / out * in + c, row, column, d.height, d.width);
                const double term = (double)dy[n * d.out_stride + blocked_at(o, i, j, d.out_height, d.out_width)] *
                                    weights[((o * in + c) * d.kernel_height + m) * d.kernel_width + k];
                sums[at] += term, sizes[at] += fabs(term);
              }
  for (size_t n = 0; n < d.batch; ++n)
    for (size_t e = 0; e < blocks(d.in_channels) * d.height * d.width; ++e) {
      const size_t at = n * d.in_stride + e;
      expect(fabs(dx[at] - sums[at]) <= 2e-6 * sizes[at], "%s, input gradient, instructions %d, %d tasks: %zu is %g, not %g",
             l->name, instructions, tasks, at, dx[at], sums[at]);
    }
  free(dx), free(dy), free(weights), free(packed), free(scratch), free(sums), free(sizes);
}

static void check_gradient(const layer *l, ck_instructions instructions, int tasks) {
  ck_direct d = finished(l->d);
  d.instructions = instructions;
  const size_t in = d.in_channels / d.groups, out = d.out_channels / d.groups, kernel = d.kernel_height * d.kernel_width;
  float *x = sources(&d), *dy = results(&d), *scratch = randoms(direct_gradient_scratch(&d, tasks) + 1);
  float *gradient = randoms(d.out_channels * in * kernel), *bias = randoms(d.out_channels);
  direct_gradient(&d, gradient, bias, x, dy, scratch, tasks);
  for (size_t o = 0; o < d.out_channels; ++o)
    for (size_t c = 0; c < in; ++c)
      for (size_t m = 0; m < d.kernel_height; ++m)
        for (size_t k = 0; k < d.kernel_width; ++k) {
          double sum = 0, size = 0, bias_sum = 0, bias_size = 0;
          for (size_t n = 0; n < d.batch; ++n)
            for (size_t i = 0; i < d.out_height; ++i)
              for (size_t j = 0; j < d.out_width; ++j) {
                const double dy_value = dy[n * d.out_stride + blocked_at(o, i, j, d.out_height, d.out_width)];
                bias_sum += dy_value, bias_size += fabs(dy_value);
                const size_t row = i * d.stride_down + m * d.dilation_down - d.pad_top;
                const size_t column = j * d.stride_along + k * d.dilation_along - d.pad_left;
                if (row >= d.height || column >= d.width) continue;
                const double term = dy_value * x[n * d.in_stride + source_at(&d, o / out * in + c, row, column)];
                sum += term, size += fabs(term);
              }
          const double actual = gradient[((o * in + c) * d.kernel_height + m) * d.kernel_width + k];
          expect(fabs(actual - sum) <= 5e-6 * size, "%s, gradient, instructions %d, %d tasks: [%zu, %zu, %zu, %zu] is %g, not %g",
                 l->name, instructions, tasks, o, c, m, k, actual, sum);
          expect(fabs(bias[o] - bias_sum) <= 5e-6 * bias_size, "%s, gradient by the bias: %zu is %g, not %g", l->name, o, bias[o],
                 bias_sum);
        }
  free(x), free(dy), free(scratch), free(gradient), free(bias);
}

void check_direct(void) {
  const layer layers[] = {
      {"1x1", {2, 1, 32, 9, 7, 48, 9, 7, 1, 1, 1, 1, 1, 1, 0, 0}},
      {"1x1 with a sum", {3, 1, 48, 5, 5, 64, 5, 5, 1, 1, 1, 1, 1, 1, 0, 0}, .adds = true, .activation = CK_RELU},
      {"1x1, stride 2", {2, 1, 32, 9, 8, 32, 5, 4, 1, 1, 2, 2, 1, 1, 0, 0}, .activation = CK_RELU},
      {"3x3", {1, 1, 16, 6, 11, 32, 6, 11, 3, 3, 1, 1, 1, 1, 1, 1}},
      {"3x3, no padding", {2, 1, 16, 6, 11, 32, 4, 9, 3, 3, 1, 1, 1, 1, 0, 0}},
      {"3x3, stride 2", {2, 1, 32, 14, 14, 64, 7, 7, 3, 3, 2, 2, 1, 1, 1, 1}},
      {"3x3, stride 2, below and right alone", {2, 1, 32, 12, 12, 16, 6, 6, 3, 3, 2, 2, 1, 1, 0, 0}, .adds = true},
      {"3x3, dilation 2", {1, 1, 32, 10, 12, 32, 10, 12, 3, 3, 1, 1, 2, 2, 2, 2}},
      {"3x2, stride 3 by 1, dilation 1 by 3", {2, 1, 16, 11, 10, 32, 4, 7, 3, 2, 3, 1, 1, 3, 1, 0}},
      {"2x2, stride 3", {2, 1, 16, 11, 10, 32, 4, 3, 2, 2, 3, 3, 1, 1, 0, 0}},
      {"1x7", {1, 1, 32, 5, 9, 32, 5, 9, 1, 7, 1, 1, 1, 1, 0, 3}},
      {"odd channels", {2, 1, 24, 5, 6, 40, 5, 6, 3, 3, 1, 1, 1, 1, 1, 1}, .activation = CK_RELU},
      {"seven channels", {1, 1, 7, 5, 6, 5, 5, 6, 1, 1, 1, 1, 1, 1, 0, 0}},
      {"ReLU6", {2, 1, 40, 7, 7, 24, 7, 7, 1, 1, 1, 1, 1, 1, 0, 0}, .adds = true, .activation = CK_RELU6},
      {"tanh", {1, 1, 40, 5, 7, 24, 5, 7, 1, 1, 1, 1, 1, 1, 0, 0}, .activation = CK_TANH},
      {"sigmoid", {2, 1, 40, 5, 7, 24, 5, 7, 1, 1, 1, 1, 1, 1, 0, 0}, .activation = CK_SIGMOID},
      {"hard sigmoid", {2, 1, 40, 5, 7, 8, 5, 7, 1, 1, 1, 1, 1, 1, 0, 0}, .activation = CK_HARD_SIGMOID},
      {"hard swish", {1, 1, 16, 6, 11, 32, 3, 6, 3, 3, 2, 2, 1, 1, 1, 1}, .activation = CK_HARD_SWISH},
      {"SiLU", {2, 1, 24, 5, 6, 40, 5, 6, 3, 3, 1, 1, 1, 1, 1, 1}, .adds = true, .activation = CK_SILU},
      {"GELU", {2, 1, 40, 5, 7, 56, 5, 7, 1, 1, 1, 1, 1, 1, 0, 0}, .activation = CK_GELU},
      {"groups", {2, 3, 96, 5, 6, 144, 3, 3, 3, 3, 2, 2, 1, 1, 1, 1}, .activation = CK_RELU},
      {"depthwise 3x3", {2, 32, 32, 9, 11, 32, 9, 11, 3, 3, 1, 1, 1, 1, 1, 1}, .activation = CK_RELU6},
      {"depthwise 3x3, stride 2, odd channels", {2, 24, 24, 14, 13, 24, 7, 7, 3, 3, 2, 2, 1, 1, 1, 1}, .activation = CK_SIGMOID},
      {"depthwise 3x3, stride 2, below and right alone", {1, 16, 16, 12, 12, 16, 6, 6, 3, 3, 2, 2, 1, 1, 0, 0}, .adds = true},
      {"depthwise 5x5", {3, 40, 40, 7, 7, 40, 7, 7, 5, 5, 1, 1, 1, 1, 2, 2}, .adds = true, .activation = CK_HARD_SWISH},
      {"depthwise 5x5, stride 2", {1, 72, 72, 28, 28, 72, 14, 14, 5, 5, 2, 2, 1, 1, 2, 2}, .activation = CK_RELU},
      {"depthwise 7x7", {1, 20, 20, 14, 17, 20, 14, 17, 7, 7, 1, 1, 1, 1, 3, 3}},
      {"depthwise 7x7 of a small picture", {2, 48, 48, 4, 3, 48, 4, 3, 7, 7, 1, 1, 1, 1, 3, 3}, .activation = CK_SILU},
      {"depthwise 3x3, groups of columns", {1, 16, 16, 3, 43, 16, 3, 43, 3, 3, 1, 1, 1, 1, 1, 1}, .activation = CK_RELU},
      {"depthwise 5x5, groups of columns", {1, 16, 16, 3, 29, 16, 3, 29, 5, 5, 1, 1, 1, 1, 2, 2}, .activation = CK_RELU6},
      {"depthwise 7x7, groups of columns", {1, 16, 16, 4, 15, 16, 4, 15, 7, 7, 1, 1, 1, 1, 3, 3}, .adds = true},
      {"depthwise 7x7 of a column", {1, 16, 16, 5, 1, 16, 5, 1, 7, 7, 1, 1, 1, 1, 3, 3}},
      {"depthwise 3x5, more padding above", {2, 16, 16, 6, 8, 16, 7, 8, 3, 5, 1, 1, 1, 1, 2, 2}},
      {"depthwise, no padding", {2, 5, 5, 6, 11, 5, 4, 9, 3, 3, 1, 1, 1, 1, 0, 0}},
      {"depthwise, dilation", {1, 32, 32, 10, 12, 32, 10, 12, 3, 3, 1, 1, 2, 2, 2, 2}},
      {"depthwise 3x2, stride 3 by 1, dilation 1 by 3", {2, 16, 16, 11, 10, 16, 4, 7, 3, 2, 3, 1, 1, 3, 1, 0}},
      {"depthwise 2x2, stride 3", {2, 17, 17, 11, 10, 17, 4, 3, 2, 2, 3, 3, 1, 1, 0, 0}},
      {"depthwise 1x1", {2, 33, 33, 5, 6, 33, 5, 6, 1, 1, 1, 1, 1, 1, 0, 0}},
      {"depthwise, wide rows", {1, 16, 16, 2, 600, 16, 2, 600, 3, 3, 1, 1, 1, 1, 1, 1}},
      {"depthwise, many positions", {9, 16, 16, 32, 8, 16, 32, 8, 3, 3, 1, 1, 1, 1, 1, 1}},
      {"a picture of one pixel", {5, 1, 64, 1, 1, 96, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0}},
      {"a kernel larger than the picture", {1, 1, 16, 2, 2, 16, 2, 2, 5, 5, 1, 1, 1, 1, 2, 2}},
      {"channels of a part of a sum and a few more", {1, 1, 520, 3, 3, 32, 3, 3, 1, 1, 1, 1, 1, 1, 0, 0}},
      {"many channels", {1, 1, 512, 7, 7, 96, 7, 7, 1, 1, 1, 1, 1, 1, 0, 0}},
      {"wide rows", {1, 1, 16, 2, 600, 16, 2, 600, 3, 3, 1, 1, 1, 1, 1, 1}},
      {"many positions", {9, 1, 16, 64, 8, 16, 64, 8, 1, 1, 1, 1, 1, 1, 0, 0}},
      {"many rows", {3, 1, 128, 24, 3, 32, 24, 3, 3, 3, 1, 1, 1, 1, 1, 1}},
      {"first layer, 7x7, stride 2", {2, 1, 3, 23, 21, 64, 12, 11, 7, 7, 2, 2, 1, 1, 3, 3}, .activation = CK_RELU},
      {"first layer with the channels innermost",
       {2, 1, 3, 23, 21, 64, 12, 11, 7, 7, 2, 2, 1, 1, 3, 3, .is_interleaved = true}},
      {"first layer, 11x11, stride 4", {1, 1, 3, 35, 35, 96, 8, 8, 11, 11, 4, 4, 1, 1, 2, 2}, .activation = CK_RELU},
      {"first layer, 3x3, stride 2", {1, 1, 3, 15, 13, 32, 7, 6, 3, 3, 2, 2, 1, 1, 0, 0}},
      {"first layer, 3x3", {1, 1, 3, 9, 13, 32, 9, 13, 3, 3, 1, 1, 1, 1, 1, 1}},
      {"first layer of one channel", {2, 1, 1, 9, 13, 48, 9, 13, 5, 5, 1, 1, 1, 1, 2, 2}},
      {"three channels, stride 3", {1, 1, 3, 11, 13, 20, 4, 5, 3, 3, 3, 3, 1, 1, 1, 1}, .activation = CK_RELU},
      {"one channel, dilation 2", {2, 1, 1, 9, 10, 16, 9, 10, 3, 3, 1, 1, 2, 2, 2, 2}},
      {"first layer of one channel, stride 2", {2, 1, 1, 9, 13, 48, 5, 7, 3, 3, 2, 2, 1, 1, 1, 1}},
  };
  for (size_t l = 0; l < sizeof layers / sizeof *layers; ++l)
    for (ck_instructions i = ck_usable_instructions(CK_WIDEST); i <= CK_PORTABLE; ++i)
      for (int tasks = 1; tasks <= 3; ++tasks) {
        const ck_direct d = finished(layers[l].d);
        expect(direct_can_compute(&d, false), "%s cannot be computed", layers[l].name);
        check_forward(&layers[l], i, tasks);
        if (direct_can_compute(&d, true)) check_input_gradient(&layers[l], i, tasks);
        check_gradient(&layers[l], i, tasks);
      }
}
