// Padding and upsampling of pictures in blocks of 16 channels, and their gradients: each row of a result is a combination of a
// few rows of the source, each of its positions one of a few positions of that.
#include "lanes.h"
#include "vector.h"

#include <string.h>

typedef struct {
  const ck_block_combination *c;
  float *y;
  const float *x;
  float *scratch;
  int tasks;
} combining;

// The combination of source rows that a result row is made of; the source itself where it is one row as it is.
INLINE const float *combined_row(const ck_combination *down, size_t row, const float *x, size_t count, float *line) {
  const size_t begin = (size_t)down->starts[row], end = (size_t)down->starts[row + 1];
  if (end == begin) return NULL;
  const float *first = x + (size_t)down->sources[begin] * count;
  if (end == begin + 1 && down->weights[begin] == 1) return first;
  const float share = down->weights[begin];
  for (size_t i = 0; i < count; i += WIDTH) STORE(line + i, share * LOAD(first + i));
  for (size_t k = begin + 1; k < end; ++k) {
    const float *from = x + (size_t)down->sources[k] * count;
    const float weight = down->weights[k];
    for (size_t i = 0; i < count; i += WIDTH) STORE(line + i, LOAD(line + i) + weight * LOAD(from + i));
  }
  return line;
}

INLINE void combine_columns(const ck_combination *along, float *y, const float *line) {
  for (size_t j = 0; j < along->results; ++j, y += WIDTH) {
    const size_t begin = (size_t)along->starts[j], end = (size_t)along->starts[j + 1];
    lanes sum = {0};
    if (end == begin + 1 && along->weights[begin] == 1)
      sum = LOAD(line + (size_t)along->sources[begin] * WIDTH);
    else
      for (size_t k = begin; k < end; ++k) sum += along->weights[k] * LOAD(line + (size_t)along->sources[k] * WIDTH);
    STORE(y, sum);
  }
}

VECTORISED(static, void, combine_row, (const combining *w, size_t example, size_t block, size_t row, float *line),
           (w, example, block, row, line)) {
  const ck_block_combination *c = w->c;
  const size_t count = c->along.extent * WIDTH;
  const float *x = w->x + example * c->x_example + block * c->down.extent * count;
  float *y = w->y + example * c->y_example + (block * c->down.results + row) * c->along.results * WIDTH;
  const float *from = combined_row(&c->down, row, x, count, line);
  if (!from) {
    memset(y, 0, c->along.results * WIDTH * sizeof *y);
    return;
  }
  combine_columns(&c->along, y, from);
  const size_t channels = c->channels - block * WIDTH;
  if (channels >= WIDTH) return;
  for (size_t j = 0; j < c->along.results; ++j) memset(y + j * WIDTH + channels, 0, (WIDTH - channels) * sizeof *y);
}

static void combine_share(void *context, int task) {
  const combining *w = context;
  const ck_block_combination *c = w->c;
  const size_t blocks = (c->channels + WIDTH - 1) / WIDTH, rows = c->examples * blocks * c->down.results;
  float *line = w->scratch + (size_t)task * c->along.extent * WIDTH;
  const size_t end = rows * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t at = rows * (size_t)task / (size_t)w->tasks; at < end; ++at)
    combine_row(w, at / c->down.results / blocks, at / c->down.results % blocks, at % c->down.results, line);
}

void ck_combine_blocks(const ck_block_combination *c, float *y, const float *x, float *scratch, int tasks) {
  REQUIRE(c->channels > 0 && tasks > 0);
  combining work = {c, y, x, scratch, tasks};
  ck_parallel(tasks, combine_share, &work);
}
