// Depthwise convolutions of what is expanded on the way, against sums in double precision of both, one after the other.
#include "check.h"

#include <math.h>
#include <string.h>

typedef struct {
  const char *name;
  size_t batch, in, channels, height, width, kernel, stride, dilation, padding;
  ck_activation expanded, activation;
} pair;

static ck_direct depthwise_of(const pair *p, ck_instructions instructions) {
  const size_t reach = (p->kernel - 1) * p->dilation + 1;
  ck_direct d = {.batch = p->batch, .groups = p->channels, .in_channels = p->channels, .height = p->height, .width = p->width,
                 .out_channels = p->channels, .out_height = (p->height + 2 * p->padding - reach) / p->stride + 1,
                 .out_width = (p->width + 2 * p->padding - reach) / p->stride + 1, .kernel_height = p->kernel,
                 .kernel_width = p->kernel, .stride_down = p->stride, .stride_along = p->stride,
                 .dilation_down = p->dilation, .dilation_along = p->dilation, .pad_top = p->padding, .pad_left = p->padding,
                 .instructions = instructions};
  d.in_stride = blocks(p->channels) * p->height * p->width;
  d.out_stride = blocks(p->channels) * d.out_height * d.out_width + 16;
  return d;
}

// What the depthwise convolution reads, [batch, channels, height, width], and the sums of its absolute terms.
static void expand(const pair *p, size_t stride, const float *x, const float *weights, const float *bias, double *values,
                   double *sizes) {
  for (size_t n = 0; n < p->batch; ++n)
    for (size_t o = 0; o < p->channels; ++o)
      for (size_t i = 0; i < p->height; ++i)
        for (size_t j = 0; j < p->width; ++j) {
          double sum = bias ? bias[o] : 0, size = fabs(sum);
          for (size_t c = 0; c < p->in; ++c) {
            const double term = (double)x[n * stride + blocked_at(c, i, j, p->height, p->width)] * weights[o * p->in + c];
            sum += term, size += fabs(term);
          }
          const size_t at = ((n * p->channels + o) * p->height + i) * p->width + j;
          values[at] = activated(p->expanded, sum), sizes[at] = size;
        }
}

static void check_pair(const pair *p, ck_instructions instructions, int tasks, bool has_bias) {
  const ck_direct d = depthwise_of(p, instructions);
  const size_t positions = p->height * p->width, kernel = p->kernel * p->kernel, stride = blocks(p->in) * positions + 32;
  float *x = zeros(p->batch * stride), *y = randoms(p->batch * d.out_stride);
  for (size_t n = 0; n < p->batch; ++n)
    for (size_t c = 0; c < p->in; ++c)
      for (size_t i = 0; i < p->height; ++i)
        for (size_t j = 0; j < p->width; ++j) x[n * stride + blocked_at(c, i, j, p->height, p->width)] = random_float();
  float *expanding = randoms(p->channels * p->in), *weights = randoms(p->channels * kernel);
  float *bias = has_bias ? randoms(p->channels) : NULL, *expanding_bias = has_bias ? randoms(p->channels) : NULL;
  float *packed = randoms(ck_depthwise_weights_size(&d, false));
  float *packed_expanding = randoms(ck_expansion_weights_size(&d, p->in));
  float *scratch = randoms(ck_expanded_depthwise_scratch(&d, tasks));
  ck_depthwise_pack(&d, packed, weights, false);
  ck_expansion_pack(&d, p->in, packed_expanding, expanding);
  const ck_expansion expansion = {.in_channels = p->in, .in_stride = stride, .x = x, .packed = packed_expanding,
                                  .bias = expanding_bias, .activation = p->expanded};
  ck_expanded_depthwise_forward(&d, &expansion, y, packed, bias, p->activation, scratch, tasks);
  double *values = calloc(p->batch * p->channels * positions, sizeof *values);
  double *sizes = calloc(p->batch * p->channels * positions, sizeof *sizes);
  expand(p, stride, x, expanding, expanding_bias, values, sizes);
  for (size_t n = 0; n < p->batch; ++n)
    for (size_t o = 0; o < blocks(p->channels); ++o)
      for (size_t i = 0; i < d.out_height; ++i)
        for (size_t j = 0; j < d.out_width; ++j) {
          double sum = 0, size = 0;
          const bool is_there = o < p->channels;
          if (is_there && bias) sum = bias[o], size = fabs(sum);
          for (size_t m = 0; is_there && m < p->kernel; ++m)
            for (size_t k = 0; k < p->kernel; ++k) {
              const size_t row = i * p->stride + m * p->dilation - p->padding;
              const size_t column = j * p->stride + k * p->dilation - p->padding;
              if (row >= p->height || column >= p->width) continue;
              const size_t at = ((n * p->channels + o) * p->height + row) * p->width + column;
              const double weight = weights[(o * p->kernel + m) * p->kernel + k];
              sum += values[at] * weight;
              // No slope is above 1.5.
              size += (fabs(values[at]) + 1.5 * sizes[at]) * fabs(weight);
            }
          if (is_there) sum = activated(p->activation, sum);
          const double actual = y[n * d.out_stride + blocked_at(o, i, j, d.out_height, d.out_width)];
          // No activation is off by more than 1e-6.
          const double bound = 4e-6 * size + (p->activation > CK_RELU6 ? 1e-6 : 0);
          expect(fabs(actual - sum) <= bound, "%s, instructions %d, %d tasks: [%zu, %zu, %zu, %zu] is %g, not %g", p->name,
                 instructions, tasks, n, o, i, j, actual, sum);
        }
  free(x), free(y), free(expanding), free(weights), free(bias), free(expanding_bias);
  free(packed), free(packed_expanding), free(scratch), free(values), free(sizes);
}

void check_expansion(void) {
  const pair pairs[] = {
      {"expanded 3x3", 2, 16, 32, 9, 11, 3, 1, 1, 1, CK_RELU6, CK_RELU6},
      {"expanded 3x3, odd channels", 2, 24, 40, 14, 14, 3, 1, 1, 1, CK_RELU, CK_IDENTITY},
      {"expanded 3x3, stride 2, odd channels", 3, 24, 72, 14, 13, 3, 2, 1, 1, CK_HARD_SWISH, CK_HARD_SWISH},
      {"expanded 3x3, stride 2, lines in turn", 1, 16, 48, 70, 72, 3, 2, 1, 1, CK_RELU6, CK_RELU6},
      {"expanded 3x3, lines in turn", 1, 32, 32, 71, 67, 3, 1, 1, 1, CK_RELU, CK_SIGMOID},
      {"expanded 5x5", 3, 40, 72, 7, 7, 5, 1, 1, 2, CK_SILU, CK_SILU},
      {"expanded 5x5, lines in turn", 1, 40, 16, 66, 68, 5, 1, 1, 2, CK_RELU, CK_HARD_SWISH},
      {"expanded 5x5, stride 2", 2, 72, 24, 15, 15, 5, 2, 1, 2, CK_SIGMOID, CK_RELU},
      {"expanded 7x7", 1, 20, 20, 14, 17, 7, 1, 1, 3, CK_IDENTITY, CK_IDENTITY},
      {"expanded 7x7 of a small picture", 2, 48, 48, 4, 3, 7, 1, 1, 3, CK_RELU, CK_SILU},
      {"expanded 7x7, groups of columns", 1, 16, 16, 4, 15, 7, 1, 1, 3, CK_RELU, CK_RELU},
      {"expanded, no padding", 2, 5, 5, 6, 11, 3, 1, 1, 0, CK_SIGMOID, CK_IDENTITY},
      {"expanded, dilation", 1, 32, 32, 10, 12, 3, 1, 2, 2, CK_RELU, CK_IDENTITY},
      {"expanded 2x2, stride 3, columns that nobody reads", 2, 17, 33, 11, 10, 2, 3, 1, 0, CK_RELU6, CK_RELU},
      {"expanded 1x1", 2, 33, 17, 5, 6, 1, 1, 1, 0, CK_RELU, CK_RELU6},
      {"expanded by terms of a part and a few more", 1, 520, 16, 3, 3, 3, 1, 1, 1, CK_TANH, CK_HARD_SIGMOID},
      {"expanded 3x3, fewer rows than tasks", 1, 24, 16, 1, 1, 3, 1, 1, 1, CK_GELU, CK_TANH},
      {"expanded by many terms", 1, 1040, 16, 3, 3, 3, 1, 1, 1, CK_RELU, CK_IDENTITY},
  };
  for (size_t l = 0; l < sizeof pairs / sizeof *pairs; ++l)
    for (ck_instructions i = ck_usable_instructions(CK_WIDEST); i <= CK_PORTABLE; ++i)
      for (int tasks = 1; tasks <= 3; ++tasks) check_pair(&pairs[l], i, tasks, l % 4 != 3);
}
