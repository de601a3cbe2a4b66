// Weights at the points of evaluation, for Winograd's algorithm, in the order in which the products use them.
#include "winograd.h"
#include "vector.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

enum { CACHED_BYTES = 16 << 20 };

typedef struct {
  winograd_view w;
  float *u;
  const float *weights;
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
INLINE void pack_channels(const pack_work *p, size_t pair, size_t blocks, size_t first, size_t last, size_t down,
                          size_t along) {
  const size_t in = p->w.in_channels, out = p->w.out_channels, kernel = down * along;
  const size_t lane_step = p->transposes ? kernel : kernel * in, point = weights_point(in, blocks == 2);
  const size_t height = span_of(down), width = span_of(along);
  for (size_t block = 0; block < blocks; ++block)
    for (size_t channel = first; channel < last; ++channel) {
      const size_t o = pair * PAIR + block * WIDTH;
      const float *from = p->weights + (p->transposes ? channel * out + o : o * in + channel) * kernel;
      float taps[MOST_KERNEL * WIDTH];
      for (size_t lane = 0; lane < WIDTH; ++lane)
        for (size_t tap = 0; tap < kernel; ++tap)
          taps[tap * WIDTH + lane] = from[lane * lane_step + (p->transposes ? kernel - 1 - tap : tap)];
      lanes rows[MOST_SPAN * MOST_TAPS], values[MOST_SPAN];
      UNROLLED for (size_t j = 0; j < along; ++j)
        transform_weights(rows + j, along, (const lanes *)taps + j, along, down);
      float *to = p->u + pair * weights_pair(p->w.points, in) + (channel * blocks + block) * WIDTH;
      UNROLLED for (size_t i = 0; i < height; ++i) {
        transform_weights(values, 1, rows + i * along, 1, along);
        UNROLLED for (size_t j = 0; j < width; ++j)
          store_weights(to + (i * width + j) * point, &values[j], p->passes_caches);
      }
    }
}

VECTORISED(static, void, pack_rows, (const pack_work *p, size_t pair, size_t blocks, size_t first, size_t last),
           (p, pair, blocks, first, last)) {
  switch (WINDOW(p->w.down, p->w.along)) {
#define CHANNELS(down, along) \
  case WINDOW(down, along): pack_channels(p, pair, blocks, first, last, down, along); break;
    FOR_EACH_WINDOW(CHANNELS)
  }
}

static void pack_share(void *context, int task) {
  const pack_work *p = context;
  const size_t out_blocks = p->w.out_channels / WIDTH;
  // In blocks of 16 input channels, so that what a task reads and writes lies together.
  const size_t of_pair = p->w.in_channels / WIDTH, all = ceiling(out_blocks, 2) * of_pair, tasks = p->tasks;
  for (size_t at = all * (size_t)task / tasks; at < all * (size_t)(task + 1) / tasks; ++at) {
    const size_t pair = at / of_pair, first = at % of_pair * WIDTH;
    pack_rows(p, pair, out_blocks - pair * 2 < 2 ? 1 : 2, first, first + WIDTH);
  }
#if defined(__x86_64__)
  _mm_sfence();  // what passed the caches is not ordered otherwise
#endif
}

size_t ck_winograd_weights_size(const ck_winograd *w) {
  const winograd_view view = ck_winograd_view(w);
  return weights_count(view.points, view.in_channels, view.out_channels / WIDTH);
}

void ck_winograd_pack(const ck_winograd *w, float *packed, const float *weights, bool transposes, int tasks) {
  pack_work p = {ck_winograd_view(w), packed, weights, transposes, false, (size_t)tasks};
  p.passes_caches = ck_winograd_weights_size(w) * sizeof *packed > CACHED_BYTES && (uintptr_t)packed % 64 == 0;
  ck_parallel(tasks, pack_share, &p);
}
