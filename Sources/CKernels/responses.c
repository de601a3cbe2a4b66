// Local response normalization: each element is divided by a power of the sum of squares of its neighbours, which are channels of
// its position, or positions of its channel. With d = bias + alpha times that sum,
//
//     y = x d^-beta,    dx[i] = dy[i] d[i]^-beta - 2 alpha beta x[i] sum over neighbours j of dy[j] x[j] d[j]^(-beta - 1)
#include "pixels.h"
#include "vector.h"

#include <math.h>

typedef struct {
  const ck_response *r;
  const ck_pixels *p;
  size_t planes, height, width;
  float *y;
  const float *x, *dy;
  float *scratch;
  int tasks;
} response_work;

// d <- d^-beta. Powers of quarters, as published networks have them, are made of roots.
INLINE void raise(lanes *d, float beta) {
  if (beta == 0.75f) {
    const lanes root = __builtin_elementwise_sqrt(*d);
    *d = 1 / (root * __builtin_elementwise_sqrt(root));
  } else if (beta == 0.5f) {
    *d = 1 / __builtin_elementwise_sqrt(*d);
  } else if (beta == 1) {
    *d = 1 / *d;
  } else {
    for (size_t i = 0; i < WIDTH; ++i) (*d)[i] = powf((*d)[i], -beta);
  }
}

// MARK: Across channels

// Floats from a line of channels, before and behind which are zeros for neighbours that there are not, to the next.
static size_t line_of(const ck_pixels *p, const ck_response *r) { return rounded(p->channels) + rounded(r->size) + WIDTH; }

size_t ck_response_scratch(const ck_pixels *p, const ck_response *r) { return 3 * line_of(p, r); }

INLINE void read_channels(const ck_pixels *p, lanes *to, const float *from, size_t channels) {
  if (p->is_filled || channels == WIDTH) {
    *to = LOAD(from);
  } else {
    float some[WIDTH];
    load_some(some, from, channels);
    *to = LOAD(some);
  }
}

INLINE void write_channels(const ck_pixels *p, float *to, const lanes *value, size_t channels) {
  if (p->is_filled || channels == WIDTH) {
    STORE(to, *value);
  } else {
    float some[WIDTH];
    STORE(some, *value);
    memcpy(to, some, channels * sizeof *to);
  }
}

INLINE void sum_neighbours(lanes *sum, const float *line, size_t size) {
  lanes total = LOAD(line);
  for (size_t j = 1; j < size; ++j) total += LOAD(line + j);
  *sum = total;
}

// The channels of a position, from `x` to `y`. Lines begin with zeros for the neighbours before the first channel.
VECTORISED(static, void, respond, (const response_work *w, float *y, const float *x, const float *dy, float *squares),
           (w, y, x, dy, squares)) {
  const ck_pixels *p = w->p;
  const ck_response *r = w->r;
  const size_t blocks = pixel_blocks(p), half = r->size / 2, line = line_of(p, r);
  float *powers = squares + line, *products = powers + line;
  for (size_t b = 0; b < blocks; ++b) {
    lanes value;
    read_channels(p, &value, x + b * p->block, block_channels(p, b));
    STORE(squares + half + b * WIDTH, value * value);
  }
  for (size_t b = 0; b < blocks; ++b) {
    const size_t channels = block_channels(p, b);
    lanes value, sum;
    read_channels(p, &value, x + b * p->block, channels);
    sum_neighbours(&sum, squares + b * WIDTH, r->size);
    lanes d = r->bias + r->alpha * sum, power = d;
    raise(&power, r->beta);
    if (!dy) {
      const lanes result = value * power;
      write_channels(p, y + b * p->block, &result, channels);
      continue;
    }
    lanes gradient;
    read_channels(p, &gradient, dy + b * p->block, channels);
    STORE(powers + b * WIDTH, power);
    STORE(products + half + b * WIDTH, gradient * value * power / d);
  }
  for (size_t b = 0; dy && b < blocks; ++b) {
    const size_t channels = block_channels(p, b);
    lanes value, gradient, sum;
    read_channels(p, &value, x + b * p->block, channels);
    read_channels(p, &gradient, dy + b * p->block, channels);
    sum_neighbours(&sum, products + b * WIDTH, r->size);
    const lanes result = gradient * LOAD(powers + b * WIDTH) - 2 * r->alpha * r->beta * value * sum;
    write_channels(p, y + b * p->block, &result, channels);
  }
}

static void across_share(void *context, int task) {
  const response_work *w = context;
  const ck_pixels *p = w->p;
  float *scratch = w->scratch + (size_t)task * ck_response_scratch(p, w->r);
  memset(scratch, 0, ck_response_scratch(p, w->r) * sizeof *scratch);
  const size_t units = p->examples * p->positions, end = units * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t unit = units * (size_t)task / (size_t)w->tasks; unit < end; ++unit) {
    const size_t at = unit / p->positions * p->example + unit % p->positions * p->position;
    respond(w, w->y + at, w->x + at, w->dy ? w->dy + at : NULL, scratch);
  }
}

void ck_response_across(const ck_pixels *p, const ck_response *r, float *y, const float *x, const float *dy, float *scratch,
                        int tasks) {
  response_work w = {.r = r, .p = p, .y = y, .x = x, .dy = dy, .scratch = scratch, .tasks = tasks};
  ck_parallel(tasks, across_share, &w);
}

// MARK: Within a channel

// sums <- of each element of a plane the sum over its neighbours, by way of sums down the columns.
static void sum_plane(const response_work *w, float *sums, float *line, const float *x, bool are_squared) {
  const size_t half = w->r->size / 2, height = w->height, width = w->width;
  for (size_t i = 0; i < height; ++i) {
    const size_t top = i > half ? i - half : 0, bottom = i + half < height ? i + half : height - 1;
    memset(line, 0, width * sizeof *line);
    for (size_t row = top; row <= bottom; ++row)
      for (size_t j = 0; j < width; ++j) line[j] += are_squared ? x[row * width + j] * x[row * width + j] : x[row * width + j];
    for (size_t j = 0; j < width; ++j) {
      const size_t left = j > half ? j - half : 0, right = j + half < width ? j + half : width - 1;
      float sum = 0;
      for (size_t k = left; k <= right; ++k) sum += line[k];
      sums[i * width + j] = sum;
    }
  }
}

size_t ck_response_within_scratch(size_t height, size_t width) { return rounded(3 * height * width + width); }

static void within_share(void *context, int task) {
  const response_work *w = context;
  const ck_response *r = w->r;
  const size_t count = w->height * w->width;
  float *sums = w->scratch + (size_t)task * ck_response_within_scratch(w->height, w->width);
  float *powers = sums + count, *products = powers + count, *line = products + count;
  const size_t end = w->planes * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t plane = w->planes * (size_t)task / (size_t)w->tasks; plane < end; ++plane) {
    const float *x = w->x + plane * count;
    float *y = w->y + plane * count;
    sum_plane(w, sums, line, x, true);
    for (size_t i = 0; i < count; ++i) powers[i] = powf(r->bias + r->alpha * sums[i], -r->beta);
    if (!w->dy) {
      for (size_t i = 0; i < count; ++i) y[i] = x[i] * powers[i];
      continue;
    }
    const float *dy = w->dy + plane * count;
    for (size_t i = 0; i < count; ++i) products[i] = dy[i] * x[i] * powers[i] / (r->bias + r->alpha * sums[i]);
    sum_plane(w, sums, line, products, false);
    for (size_t i = 0; i < count; ++i) y[i] = dy[i] * powers[i] - 2 * r->alpha * r->beta * x[i] * sums[i];
  }
}

void ck_response_within(size_t planes, size_t height, size_t width, const ck_response *r, float *y, const float *x,
                        const float *dy, float *scratch, int tasks) {
  response_work w = {.r = r, .planes = planes, .height = height, .width = width, .y = y, .x = x, .dy = dy,
                     .scratch = scratch, .tasks = tasks};
  ck_parallel(tasks, within_share, &w);
}
