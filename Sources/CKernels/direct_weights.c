// Weights in the order in which the products of direct convolutions use them, and their gradients in the order of weights.
#include "direct.h"
#include "transpose.h"
#include "vector.h"

#include <string.h>

// MARK: Whole blocks of 16 by 16 channels

// Of a block of input and one of output channels of a convolution: weights [out][in][kernel], whose rows are `row` floats apart,
// to terms [tap][in], `term` floats apart.
VECTORISED(static, void, pack_block, (float *to, size_t term, const float *from, size_t row, size_t kernel),
           (to, term, from, row, kernel)) {
  size_t channel = 0, place = 0;
  for (size_t column = 0; column < WIDTH * kernel; column += WIDTH) {
    lanes values[WIDTH];
    for (size_t o = 0; o < WIDTH; ++o) values[o] = LOAD(from + o * row + column);
    transpose(values);
    for (size_t i = 0; i < WIDTH; ++i) {
      STORE(to + (place * WIDTH + channel) * term, values[i]);
      if (++place == kernel) place = 0, ++channel;
    }
  }
}

// And back, added up from `copies` of the terms.
VECTORISED(static, void, unpack_block, (float *to, size_t row, const float *from, size_t term, size_t copies, size_t copy,
           size_t kernel), (to, row, from, term, copies, copy, kernel)) {
  size_t channel = 0, place = 0;
  for (size_t column = 0; column < WIDTH * kernel; column += WIDTH) {
    lanes values[WIDTH];
    for (size_t i = 0; i < WIDTH; ++i) {
      const float *at = from + (place * WIDTH + channel) * term;
      values[i] = LOAD(at);
      for (size_t c = 1; c < copies; ++c) values[i] += LOAD(at + c * copy);
      if (++place == kernel) place = 0, ++channel;
    }
    transpose(values);
    for (size_t o = 0; o < WIDTH; ++o) STORE(to + o * row + column, values[o]);
  }
}

// Whether a block of input channels, and one of output channels, is whole.
static bool is_whole(const direct_view *v, size_t in_block, size_t out_block) {
  return !v->is_plain && !v->transposes && (in_block + 1) * WIDTH <= v->in_channels &&
         (out_block + 1) * WIDTH <= v->out_channels;
}

// MARK: Any channels

// Floats of a term of a pair.
INLINE size_t width_of(const direct_view *v, size_t pair) { return v->out_blocks - pair * 2 < 2 ? WIDTH : PAIR; }

// Where the weights of a term begin, and how far those of the next output channel are. As weights lie, [out, in, kernel];
// those of the convolution whose gradient this is have the channels in the other order.
typedef struct {
  size_t first, step;
  bool is_empty;
} weight_place;

static weight_place place_of(const direct_view *v, size_t group, size_t out, size_t block, const direct_tap *tap, size_t term) {
  // Without blocks the terms of a row of the kernel are its columns, each with all channels.
  const size_t channel = v->is_plain ? term % v->in_channels : block * WIDTH + term;
  const size_t place = tap->place + (v->is_plain ? term / v->in_channels : 0);
  const size_t out_step = (v->transposes ? 1 : v->in_channels) * v->kernel;
  const size_t in_step = (v->transposes ? v->out_channels : 1) * v->kernel;
  const size_t of_group = group * v->in_channels * v->out_channels * v->kernel;
  return (weight_place){of_group + out * out_step + channel * in_step + place, out_step, channel >= v->in_channels};
}

static void pack_term(const direct_view *v, float *to, const float *weights, const weight_place *place, size_t first,
                      size_t width) {
  const size_t count = v->out_channels - first < width ? v->out_channels - first : width;
  if (place->step == 1 && count == width && !place->is_empty) {
    memcpy(to, weights + place->first, width * sizeof *to);
    return;
  }
  for (size_t o = 0; o < width; ++o)
    to[o] = o < count && !place->is_empty ? weights[place->first + o * place->step] : 0;
}

// MARK: Packing

typedef struct {
  direct_view v;
  float *packed;
  const float *weights;
  size_t tasks;
} pack_work;

static void pack_pair(const pack_work *p, size_t group, size_t pair) {
  const direct_view *v = &p->v;
  const size_t width = width_of(v, pair), first = pair * PAIR;
  float *to = p->packed + group * direct_weights_of_group(v) + pair * direct_terms(v) * PAIR;
  for (size_t f = 0; f < v->phase_count; ++f) {
    const size_t count = v->phases[f].tap_count * v->terms;
    const direct_tap *taps = v->taps + v->phases[f].first_tap;
    for (size_t block = 0; block < v->in_blocks; ++block, to += count * width) {
      if (is_whole(v, block, pair * 2) && is_whole(v, block, pair * 2 + width / WIDTH - 1)) {
        const weight_place place = place_of(v, group, first, block, taps, 0);
        for (size_t o = 0; o < width; o += WIDTH)
          pack_block(to + o, width, p->weights + place.first - taps->place + o * place.step, place.step, v->kernel);
        continue;
      }
      for (size_t i = 0; i < count; ++i) {
        const weight_place place = place_of(v, group, first, block, taps + i / v->terms, i % v->terms);
        pack_term(v, to + i * width, p->weights, &place, first, width);
      }
    }
  }
}

static void pack_share(void *context, int task) {
  const pack_work *p = context;
  const size_t pairs = p->v.groups * p->v.pairs;
  for (size_t at = pairs * (size_t)task / p->tasks; at < pairs * (size_t)(task + 1) / p->tasks; ++at)
    pack_pair(p, at / p->v.pairs, at % p->v.pairs);
}

size_t ck_direct_weights_size(const ck_direct *d, bool transposes) {
  const direct_view v = ck_direct_view(d, transposes);
  return v.groups * direct_weights_of_group(&v);
}

void ck_direct_pack(const ck_direct *d, float *packed, const float *weights, bool transposes, int tasks) {
  pack_work p = {ck_direct_view(d, transposes), packed, weights, (size_t)tasks};
  ck_parallel(tasks, pack_share, &p);
}

// MARK: Unpacking

void ck_direct_unpack(const direct_view *v, float *weights, const float *packed, size_t copies, size_t copy, size_t pair) {
  const size_t group = pair / v->pairs, of_group = pair % v->pairs, width = width_of(v, of_group), first = of_group * PAIR;
  const size_t count = v->tap_count * v->terms, left = v->out_channels - first;
  for (size_t block = 0; block < v->in_blocks; ++block, packed += count * width) {
    if (is_whole(v, block, of_group * 2) && is_whole(v, block, of_group * 2 + width / WIDTH - 1)) {
      const weight_place place = place_of(v, group, first, block, v->taps, 0);
      for (size_t o = 0; o < width; o += WIDTH)
        unpack_block(weights + place.first + o * place.step, place.step, packed + o, width, copies, copy, v->kernel);
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      const weight_place place = place_of(v, group, first, block, v->taps + i / v->terms, i % v->terms);
      if (place.is_empty) continue;
      for (size_t o = 0; o < width && o < left; ++o) {
        float sum = packed[i * width + o];
        for (size_t c = 1; c < copies; ++c) sum += packed[i * width + o + c * copy];
        weights[place.first + o * place.step] = sum;
      }
    }
  }
}
