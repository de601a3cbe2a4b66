// Pictures and their gradients at the points of evaluation, for Winograd's algorithm. Vectors hold 16 channels.
#include "winograd.h"
#include "vector.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

INLINE void input_tile(float *v, size_t point, const float *x, size_t row) {
  lanes columns[SPAN][SPAN], values[SPAN];
  UNROLLED for (size_t j = 0; j < SPAN; ++j) {
    UNROLLED for (size_t i = 0; i < SPAN; ++i) values[i] = LOAD(x + i * row + j * WIDTH);
    transform_input(&columns[0][j], SPAN, values, 1);
  }
  UNROLLED for (size_t i = 0; i < SPAN; ++i) {
    transform_input(values, 1, columns[i], 1);
    UNROLLED for (size_t j = 0; j < SPAN; ++j) STORE(v + (i * SPAN + j) * point, values[j]);
  }
}

VECTORISED void ck_winograd_transform_inputs(const ck_winograd *w, float *v, size_t point, const float *x,
                                             size_t block, size_t first, size_t count) {
  const size_t row = w->width * WIDTH, plane = w->height * row;
  float border[SPAN * SPAN * WIDTH];
  for (size_t t = first; t < first + count; ++t, v += WIDTH) {
    const tile_place place = place_of(w, t);
    const float *picture = x + place.picture * w->in_stride + block * plane;
    // In the picture's coordinates; above or left of it these are huge.
    const size_t top = place.top - w->pad_top, left = place.left - w->pad_left;
    if (place.top >= w->pad_top && place.left >= w->pad_left && top + SPAN <= w->height && left + SPAN <= w->width) {
      const float *from = picture + top * row + left * WIDTH;
      UNROLLED for (size_t i = 0; i < SPAN; ++i)
        UNROLLED for (size_t j = 0; j < TILE; ++j) __builtin_prefetch(from + i * row + (SPAN + TILE + j) * WIDTH);
      input_tile(v, point, from, row);
      continue;
    }
    UNROLLED for (size_t i = 0; i < SPAN; ++i)
      UNROLLED for (size_t j = 0; j < SPAN; ++j)
        STORE(border + (i * SPAN + j) * WIDTH, top + i < w->height && left + j < w->width
                                                   ? LOAD(picture + (top + i) * row + (left + j) * WIDTH)
                                                   : (lanes){0});
    input_tile(v, point, border, SPAN * WIDTH);
  }
}

INLINE void gradient_tile(float *v, size_t point, const float *d, size_t row, lanes *bias_gradient) {
  lanes columns[SPAN][TILE], values[SPAN];
  UNROLLED for (size_t j = 0; j < TILE; ++j) {
    UNROLLED for (size_t i = 0; i < TILE; ++i) values[i] = LOAD(d + i * row + j * WIDTH);
    *bias_gradient += (values[0] + values[1]) + (values[2] + values[3]);
    transform_output_gradient(&columns[0][j], TILE, values, 1);
  }
  UNROLLED for (size_t i = 0; i < SPAN; ++i) {
    transform_output_gradient(values, 1, columns[i], 1);
    UNROLLED for (size_t j = 0; j < SPAN; ++j) STORE(v + (i * SPAN + j) * point, values[j]);
  }
}

VECTORISED void ck_winograd_transform_gradients(const ck_winograd *w, float *v, size_t point, float *bias_gradient,
                                                const float *d, size_t block, size_t first, size_t count) {
  const size_t row = w->out_width * WIDTH, plane = w->out_height * row;
  lanes sum = LOAD(bias_gradient);
  float border[TILE * TILE * WIDTH];
  for (size_t t = first; t < first + count; ++t, v += WIDTH) {
    const tile_place place = place_of(w, t);
    const float *from = d + place.picture * w->out_stride + block * plane + place.top * row + place.left * WIDTH;
    if (place.top + TILE <= w->out_height && place.left + TILE <= w->out_width) {
      UNROLLED for (size_t i = 0; i < TILE; ++i)
        UNROLLED for (size_t j = 0; j < TILE; ++j) __builtin_prefetch(from + i * row + (2 * TILE + j) * WIDTH);
      gradient_tile(v, point, from, row, &sum);
      continue;
    }
    UNROLLED for (size_t i = 0; i < TILE; ++i)
      UNROLLED for (size_t j = 0; j < TILE; ++j)
        STORE(border + (i * TILE + j) * WIDTH, place.top + i < w->out_height && place.left + j < w->out_width
                                                   ? LOAD(from + i * row + j * WIDTH)
                                                   : (lanes){0});
    gradient_tile(v, point, border, TILE * WIDTH, &sum);
  }
  STORE(bias_gradient, sum);
}

// MARK: Weights

enum { CACHED_BYTES = 16 << 20 };

typedef struct {
  float *u;
  const float *weights;
  size_t out_channels, in_channels;
  bool transposes;
  bool passes_caches;
  size_t tasks;
} pack_work;

// Past the caches where the weights would not stay in them: the lines need not be read before they are written.
INLINE void store_weights(float *to, const lanes *value, bool passes_caches) {
  typedef float aligned_lanes __attribute__((vector_size(64)));
  if (passes_caches)
    __builtin_nontemporal_store((aligned_lanes)*value, (aligned_lanes *)to);
  else
    STORE(to, *value);
}

// Input channels first ..< last of a pair of output blocks, or of a single one.
VECTORISED static void pack_rows(const pack_work *p, size_t pair, size_t blocks, size_t first, size_t last) {
  // The product's channels: of a transposed convolution, input and output change places and the kernel is turned.
  const size_t in = p->transposes ? p->out_channels : p->in_channels;
  const size_t out = p->transposes ? p->in_channels : p->out_channels;
  const size_t lane_step = p->transposes ? 9 : 9 * in, point = weights_point(in, blocks == 2);
  for (size_t block = 0; block < blocks; ++block)
    for (size_t channel = first; channel < last; ++channel) {
      const size_t o = pair * PAIR + block * WIDTH;
      const float *from = p->weights + (p->transposes ? channel * out + o : o * in + channel) * 9;
      float taps[9 * WIDTH];
      for (size_t lane = 0; lane < WIDTH; ++lane)
        for (size_t tap = 0; tap < 9; ++tap)
          taps[tap * WIDTH + lane] = from[lane * lane_step + (p->transposes ? 8 - tap : tap)];
      lanes rows[SPAN][3], values[SPAN];
      UNROLLED for (size_t j = 0; j < 3; ++j) transform_weights(&rows[0][j], 3, (const lanes *)taps + j, 3);
      float *to = p->u + pair * weights_pair(in) + (channel * blocks + block) * WIDTH;
      UNROLLED for (size_t i = 0; i < SPAN; ++i) {
        transform_weights(values, 1, rows[i], 1);
        UNROLLED for (size_t j = 0; j < SPAN; ++j) store_weights(to + (i * SPAN + j) * point, &values[j], p->passes_caches);
      }
    }
}

static void pack_share(void *context, int task) {
  const pack_work *p = context;
  const size_t in = p->transposes ? p->out_channels : p->in_channels;
  const size_t out_blocks = (p->transposes ? p->in_channels : p->out_channels) / WIDTH;
  // In blocks of 16 input channels, so that what a task reads and writes lies together.
  const size_t of_pair = in / WIDTH, all = ceiling(out_blocks, 2) * of_pair, tasks = p->tasks;
  for (size_t at = all * (size_t)task / tasks; at < all * (size_t)(task + 1) / tasks; ++at) {
    const size_t pair = at / of_pair, first = at % of_pair * WIDTH;
    pack_rows(p, pair, out_blocks - pair * 2 < 2 ? 1 : 2, first, first + WIDTH);
  }
#if defined(__x86_64__)
  _mm_sfence();  // what passed the caches is not ordered otherwise
#endif
}

size_t ck_winograd_weights_size(size_t out_channels, size_t in_channels) {
  return weights_count(in_channels, out_channels / WIDTH);
}

void ck_winograd_pack(float *packed, const float *weights, size_t out_channels, size_t in_channels, bool transposes,
                      int tasks) {
  const size_t size = transposes ? ck_winograd_weights_size(in_channels, out_channels)
                                 : ck_winograd_weights_size(out_channels, in_channels);
  pack_work p = {packed, weights, out_channels, in_channels, transposes, false, (size_t)tasks};
  p.passes_caches = size * sizeof *packed > CACHED_BYTES && (uintptr_t)packed % 64 == 0;
  ck_parallel(tasks, pack_share, &p);
}
