// Direct convolutions, forward, and their gradients by the input. A task takes a part of the rows of the results and of the
// output channels: some rows at a time, which it multiplies with the weights of 32 output channels after those of another 32.
#include "activations.h"
#include "direct.h"

#include <string.h>

// Floats of the source that stay in a near cache while few weights pass by, and in the next one while many do.
enum { NEAR = 1 << 15, FAR = 1 << 17, FEW_WEIGHTS = 1 << 17 };

typedef struct {
  direct_view v;
  direct_source source;
  float *y;
  const float *x, *weights, *bias, *addend;
  ck_activation activation;
  float *scratch;
  size_t channel_parts, row_parts;  // a task is one of each
} forward_work;

// An estimate of the cycles of a task with so many rows of units and pairs of output blocks.
static double cost(const direct_view *v, const direct_source *s, size_t rows, size_t pairs) {
  const double terms = (double)(direct_terms(v) / v->phase_count), positions = (double)v->unit_columns;
  const double products = (double)rows * positions * (double)v->phase_count * terms * (double)pairs;
  const double copying = s->is_copied ? (double)rows * (double)(v->in_blocks * s->row) / 4 : 0;
  const double passes = (double)ceiling(rows, s->chunk);
  return products + copying + passes * (double)direct_terms(v) * PAIR * (double)pairs * sizeof(float) / 8;
}

static forward_work plan(const ck_direct *d, bool transposes, int tasks) {
  forward_work p = {.v = ck_direct_view(d, transposes)};
  const direct_view *v = &p.v;
  p.source = ck_direct_source(v);
  const size_t most = (direct_weights_of_group(v) <= FEW_WEIGHTS ? NEAR : FAR) / (v->in_blocks * p.source.row);
  ck_direct_set_chunk(v, &p.source, most > 1 ? most : 1);
  const size_t rows = v->batch * v->unit_rows, pairs = v->groups * v->pairs, count = (size_t)tasks;
  double least = 0;
  for (size_t parts = 1; parts <= count && parts <= pairs; ++parts) {
    if (count % parts) continue;
    const double estimate = cost(v, &p.source, ceiling(rows, count / parts), ceiling(pairs, parts));
    if (parts == 1 || estimate < least) p.channel_parts = parts, least = estimate;
  }
  p.row_parts = count / p.channel_parts;
  const size_t of_task = ceiling(rows, p.row_parts);
  if (p.source.chunk > of_task) ck_direct_set_chunk(v, &p.source, of_task);
  return p;
}

size_t ck_direct_scratch(const ck_direct *d, bool transposes, int tasks) {
  const forward_work p = plan(d, transposes, tasks);
  return ck_direct_copied_floats(&p.v, &p.source) * (size_t)tasks;
}

// While the results are near. What fills up a last block stays zero.
static void activate(ck_activation activation, const direct_product *product, size_t channels) {
  const size_t blocks = product->is_pair ? 2 : 1, left = blocks * WIDTH - channels;
  for (size_t o = 0; o < blocks; ++o)
    ck_activate(product->y + o * product->y_block, product->positions * WIDTH, activation);
  if (left == 0 || (activation != CK_SIGMOID && activation != CK_HARD_SIGMOID)) return;
  float *last = product->y + (blocks - 1) * product->y_block + WIDTH - left;
  for (size_t i = 0; i < product->positions; ++i) memset(last + i * WIDTH, 0, left * sizeof *last);
}

static void products_of_part(const forward_work *p, const direct_part *part, size_t group, size_t pair, bool is_first) {
  const direct_view *v = &p->v;
  const size_t plane = v->height * v->width * WIDTH, block = group * v->out_blocks + pair * 2;
  const bool is_pair = v->out_blocks - pair * 2 >= 2;
  const size_t width = is_pair ? PAIR : WIDTH;
  // Filled up with zeros, as the channels are.
  float bias[PAIR] = {0};
  const size_t first = pair * PAIR, channels = v->out_channels - first < width ? v->out_channels - first : width;
  if (p->bias) memcpy(bias, p->bias + group * v->out_channels + first, channels * sizeof *bias);
  direct_product product = {.bias = bias,
                            .weights_end = p->weights + v->groups * direct_weights_of_group(v),
                            .terms = v->terms,
                            .blocks = v->in_blocks,
                            .last_terms = direct_last_terms(v->in_channels),
                            .step = v->step,
                            .source_block = p->source.block,
                            .y_block = plane,
                            .y_step = v->y_column_step * WIDTH,
                            .is_pair = is_pair,
                            .is_cold = is_first && !p->source.is_copied,
                            .instructions = v->instructions};
  const bool is_activated = direct_activate(&product, p->activation);
  const float *weights = p->weights + group * direct_weights_of_group(v) + pair * direct_terms(v) * PAIR;
  for (size_t f = 0; f < v->phase_count; ++f) {
    const direct_phase *phase = &v->phases[f];
    product.taps = p->source.taps + phase->first_tap, product.tap_count = phase->tap_count;
    product.weights = weights;
    weights += phase->tap_count * v->in_blocks * v->terms * width;
    if (!phase->columns) continue;
    const size_t last = part->last < phase->rows ? part->last : phase->rows;
    const size_t rows = p->source.is_flat && last > part->first ? last - part->first : 1;
    product.positions = rows * phase->columns;
    for (size_t i = part->first; i < last; i += rows) {
      const size_t row = phase->first_row + i * v->y_row_step;
      const size_t offset =
          part->picture * v->y_stride + block * plane + (row * v->width + phase->first_column) * WIDTH;
      product.y = p->y + offset;
      product.addend = p->addend ? p->addend + offset : NULL;
      product.source = part->source + (i - part->first) * p->source.row;
      ck_direct_product(&product);
      if (!is_activated) activate(p->activation, &product, channels);
    }
  }
}

static void forward_share(void *context, int task) {
  const forward_work *p = context;
  const direct_view *v = &p->v;
  const size_t rows = v->batch * v->unit_rows, pairs = v->groups * v->pairs;
  const size_t channel_part = (size_t)task % p->channel_parts, row_part = (size_t)task / p->channel_parts;
  const size_t first_pair = pairs * channel_part / p->channel_parts;
  const size_t last_pair = pairs * (channel_part + 1) / p->channel_parts;
  const size_t begin = rows * row_part / p->row_parts, end = rows * (row_part + 1) / p->row_parts;
  float *scratch = p->scratch + (size_t)task * ck_direct_copied_floats(v, &p->source);
  const size_t passes = ceiling(end - begin, p->source.chunk);
  for (size_t pass = 0; pass < passes; ++pass) {
    const size_t first = begin + (end - begin) * pass / passes, last = begin + (end - begin) * (pass + 1) / passes;
    for (size_t pair = first_pair; pair < last_pair; ++pair) {
      const size_t group = pair / v->pairs, of_group = pair % v->pairs;
      if (pair == first_pair || of_group == 0) ck_direct_copy(v, &p->source, scratch, p->x, group, first, last);
      const float *copied = scratch;
      for (size_t at = first; at < last;) {
        const direct_part part = ck_direct_part(v, &p->source, p->x, group, &copied, at, last);
        products_of_part(p, &part, group, of_group, pair == first_pair || of_group == 0);
        at += part.last - part.first;
      }
    }
  }
}

void ck_direct_forward(const ck_direct *d, float *y, const float *x, const float *packed, const float *bias,
                       const float *addend, ck_activation activation, float *scratch, int tasks) {
  forward_work p = plan(d, false, tasks);
  p.y = y, p.x = x, p.weights = packed, p.bias = bias, p.addend = addend, p.activation = activation, p.scratch = scratch;
  ck_parallel(tasks, forward_share, &p);
}

void ck_direct_input_gradient(const ck_direct *d, float *dx, const float *dy, const float *packed, float *scratch,
                              int tasks) {
  forward_work p = plan(d, true, tasks);
  p.y = dx, p.x = dy, p.weights = packed, p.scratch = scratch;
  ck_parallel(tasks, forward_share, &p);
}
