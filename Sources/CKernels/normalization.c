// Batch normalization: statistics over examples and positions, and what is computed from them.
//
// Either direction sums up and then writes; memory sets its time. A group of channels is therefore summed up and written by
// one thread, whose caches still hold a part of it, where there are groups enough; else threads share the examples, and meet
// in between.
//
// Accuracy comes before speed. Sums run in single precision over at most BLOCK numbers, and in double precision from there.
// Those of statistics are about a number near the mean, and blocks are joined as in T. Chan, G. Golub, R. LeVeque, "Updating
// Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979. So a mean or a variance is within 1e-5 of its
// value, and a gradient by scale or shift within 1e-5 of the sum of its absolute terms, of however many elements in whatever
// order they lie, with means of a thousand deviations as well; tests hold them to it.
#include "normalization.h"
#include "normalization_grid.h"

#include <math.h>
#include <string.h>

// MARK: Work

enum { SUMS = 3 };

typedef struct work work;
struct work {
  grid g;
  int tasks;
  // Sums of each part of the examples, [parts][tiles][SUMS][lanes], and of a whole channel, [SUMS][channels].
  int parts;
  double *partial, *total;
  void (*reduce)(const work *, size_t tile, size_t first, size_t last, double *sums);
  // Adds the sums of a lane to those of its channel.
  void (*add)(const work *, size_t channel, const double sums[SUMS]);
  // Makes of the sums of all channels those of all processes; there are processes where `joint` is not null.
  void (*join)(const work *);
  // Computes a channel's results from its sums.
  void (*finish)(const work *, size_t channel);
  void (*apply)(const work *, size_t tile, size_t first, size_t last);
  const float *x, *dy, *scale, *shift, *mean, *variance;
  float *result;  // the normalized values, or the gradient by the input
  float *new_mean, *new_variance, *scale_gradient, *shift_gradient;
  float *decline, *offset;  // of the gradient, [channels]
  float epsilon;
  float negative_slope;
  const ck_joint *joint;
};

static size_t unit_count(const work *w) { return w->g.c->examples * w->g.units; }
static size_t sums_stride(const grid *g) { return g->row < TILE ? g->row : TILE; }
static double *sums_of(const work *w, int part, size_t tile) {
  return w->partial + ((size_t)part * w->g.tiles + tile) * SUMS * sums_stride(&w->g);
}

static void gather(const work *w, size_t first, size_t last) {
  const size_t channels = w->g.c->channels, stride = sums_stride(&w->g);
  for (size_t tile = first; tile < last; ++tile)
    for (size_t lane = 0; lane < lanes_of(&w->g, tile); ++lane)
      if (is_first(&w->g, tile, lane))
        for (size_t i = 0; i < SUMS; ++i) w->total[i * channels + channel_of(&w->g, tile, lane)] = 0;
  for (int part = 0; part < w->parts; ++part)
    for (size_t tile = first; tile < last; ++tile) {
      const double *from = sums_of(w, part, tile);
      for (size_t lane = 0; lane < lanes_of(&w->g, tile); ++lane) {
        const size_t channel = channel_of(&w->g, tile, lane);
        const double sums[SUMS] = {from[lane], from[stride + lane], from[2 * stride + lane]};
        if (channel < channels) w->add(w, channel, sums);
      }
    }
}

static void finish(const work *w, size_t first, size_t last) {
  for (size_t tile = first; tile < last; ++tile)
    for (size_t lane = 0; lane < lanes_of(&w->g, tile); ++lane)
      if (is_first(&w->g, tile, lane)) w->finish(w, channel_of(&w->g, tile, lane));
}

static void whole_share(void *context, int task) {
  const work *w = context;
  const size_t tiles = w->g.tiles, last = tiles * ((size_t)task + 1) / (size_t)w->tasks;
  for (size_t tile = tiles * (size_t)task / (size_t)w->tasks; tile < last; ++tile) {
    if (w->reduce) {
      w->reduce(w, tile, 0, unit_count(w), sums_of(w, 0, tile));
      gather(w, tile, tile + 1);
      finish(w, tile, tile + 1);
    }
    if (w->apply) w->apply(w, tile, 0, unit_count(w));
  }
}

static size_t share_begin_of(const work *w, int task) {
  return unit_count(w) * (size_t)task / (size_t)w->tasks;
}

static void reduce_share(void *context, int task) {
  const work *w = context;
  const size_t first = share_begin_of(w, task), last = share_begin_of(w, task + 1);
  for (size_t tile = 0; tile < w->g.tiles; ++tile) w->reduce(w, tile, first, last, sums_of(w, task, tile));
}

static void apply_share(void *context, int task) {
  const work *w = context;
  const size_t first = share_begin_of(w, task), last = share_begin_of(w, task + 1);
  for (size_t tile = w->g.tiles; tile-- > 0;) w->apply(w, tile, first, last);
}

static void run(work *w, float *scratch, int tasks) {
  const size_t tiles = w->g.tiles, count = w->g.c->examples * w->g.c->runs * w->g.c->length;
  // A task has more to do than its barrier costs.
  const size_t most = count / 8192 + 1;
  w->tasks = (size_t)tasks < most ? tasks : (int)most;
  w->total = (double *)scratch;
  w->partial = w->total + SUMS * w->g.c->channels;
  w->decline = (float *)(w->partial + (size_t)tasks * tiles * SUMS * sums_stride(&w->g));
  w->offset = w->decline + w->g.c->channels;
  // Processes meet once for all channels.
  if (!w->joint && tiles_are_apart(&w->g) && (tiles % (size_t)w->tasks == 0 || tiles >= 8 * (size_t)w->tasks)) {
    w->parts = 1;
    ck_parallel(w->tasks, whole_share, w);
    return;
  }
  w->parts = w->tasks;
  if (w->reduce) {
    ck_parallel(w->tasks, reduce_share, w);
    gather(w, 0, tiles);
    if (w->joint) w->join(w);
    finish(w, 0, tiles);
  }
  if (w->apply) ck_parallel(w->tasks, apply_share, w);
}

size_t ck_normalization_scratch(const ck_channels *c, int tasks) {
  const grid g = grid_of(c);
  const size_t doubles = SUMS * (c->channels + (size_t)tasks * g.tiles * sums_stride(&g));
  return doubles * (sizeof(double) / sizeof(float)) + 2 * c->channels;
}

// Numbers of each channel, lane by lane; zero where a lane only fills up a block, so that it stays zero.
static void spread(const grid *g, size_t tile, float *to, const float *from) {
  for (size_t lane = 0; lane < lanes_of(g, tile); ++lane) {
    const size_t channel = channel_of(g, tile, lane);
    to[lane] = channel < g->c->channels ? from[channel] : 0;
  }
}

static double inverse_deviation(const work *w, size_t channel) {
  return 1 / sqrt((double)w->variance[channel] + (double)w->epsilon);
}

static void get_factors(const work *w, size_t tile, factors *f) {
  f->negative_slope = w->negative_slope;
  spread(&w->g, tile, f->mean, w->mean);
  if (w->shift) spread(&w->g, tile, f->shift, w->shift);
  for (size_t lane = 0; lane < lanes_of(&w->g, tile); ++lane) {
    const size_t channel = channel_of(&w->g, tile, lane);
    f->slope[lane] =
        channel < w->g.c->channels ? (float)((double)w->scale[channel] * inverse_deviation(w, channel)) : 0;
  }
}

// Writes the result, or the gradient by the input where there is one by the result.
static void apply(const work *w, size_t tile, size_t first, size_t last) {
  const grid *g = &w->g;
  const size_t columns = lanes_of(g, tile) / WIDTH;
  const bool is_gradient = w->dy != NULL;
  factors f;
  get_factors(w, tile, &f);
  if (is_gradient) {
    spread(g, tile, f.decline, w->decline);
    spread(g, tile, f.offset, w->offset);
  }
  // The last example first: it was read last, and may be near.
  for (size_t end = last; end > first;) {
    const size_t example = (end - 1) / g->units;
    piece pieces[2];
    const int count = pieces_of(g, tile, first, last, example, pieces);
    const ptrdiff_t ahead = ahead_of(g, tile, example, example * g->units <= first, false);
    for (int i = 0; i < count; ++i) {
      const size_t place = pieces[i].place, rest = pieces[i].rest;
      const float *x = w->x + place, *dy = is_gradient ? w->dy + place : NULL;
      float rest_x[TILE] = {0}, rest_dy[TILE] = {0};
      if (rest) {
        memcpy(rest_x, x, rest * sizeof *x);
        if (is_gradient) memcpy(rest_dy, dy, rest * sizeof *dy);
      }
      float *to = rest ? rest_x : w->result + place;
      const size_t row = rest ? TILE : g->row, rows = rest ? 1 : pieces[i].rows;
      if (is_gradient)
        ck_normalize_gradient(to, rest ? rest_x : x, rest ? rest_dy : dy, &f, row, rows, rest ? 0 : ahead, columns);
      else
        ck_normalize(to, rest ? rest_x : x, &f, row, rows, rest ? 0 : ahead, columns);
      if (rest) memcpy(w->result + place, rest_x, rest * sizeof *x);
    }
    end = example * g->units;
  }
}

// MARK: Forward

static void reduce_moments(const work *w, size_t tile, size_t first, size_t last, double *sums) {
  const grid *g = &w->g;
  const size_t lanes = lanes_of(g, tile), stride = sums_stride(g);
  moments m;
  memset(&m, 0, sizeof m);
  for (size_t example = first / g->units; example * g->units < last; ++example) {
    piece pieces[2];
    const int count = pieces_of(g, tile, first, last, example, pieces);
    const ptrdiff_t ahead = ahead_of(g, tile, example, (example + 1) * g->units >= last, true);
    for (int i = 0; i < count; ++i) {
      const float *x = w->x + pieces[i].place;
      if (m.units + m.block_units == 0) {
        // Any number of the channel is a beginning.
        const float *begin = g->rows ? w->x + place_of(g, tile, example, 0) : x;
        memcpy(m.shift, begin, (g->rows ? lanes : pieces[i].rest) * sizeof *begin);
      }
      for (size_t lane = 0; lane < pieces[i].rest; ++lane) {
        const float difference = x[lane] - m.shift[lane];
        m.block_sum[lane] += difference;
        m.block_squares[lane] += difference * difference;
        m.block_rest[lane] += 1;
      }
      for (size_t left = pieces[i].rest ? 1 : pieces[i].rows; left > 0;) {
        // No longer than what its shift is the mean of, from which its own mean may be far.
        const size_t limit = m.units < 1 ? 1 : m.units < BLOCK ? m.units : BLOCK;
        const size_t room = limit - m.block_units, rows = left < room ? left : room;
        if (pieces[i].rows) ck_add_moments(&m, x, g->row, rows, ahead, lanes / WIDTH);
        m.block_rows += pieces[i].rows ? rows : 0;
        m.block_units += rows;
        left -= rows;
        x += rows * g->row;
        if (rows == room) ck_end_moments(&m, lanes);
      }
    }
  }
  ck_end_moments(&m, lanes);
  memcpy(sums, m.mean, lanes * sizeof *sums);
  memcpy(sums + stride, m.squares, lanes * sizeof *sums);
  memcpy(sums + 2 * stride, m.count, lanes * sizeof *sums);
}

static void add_moments_of_lane(const work *w, size_t channel, const double sums[SUMS]) {
  const size_t channels = w->g.c->channels;
  if (sums[2] == 0) return;
  double *mean = w->total + channel, *squares = mean + channels, *count = squares + channels;
  const double together = *count + sums[2], part = sums[2] / together, difference = sums[0] - *mean;
  *squares += sums[1] + difference * difference * *count * part;
  *mean += difference * part;
  *count = together;
}

// First the mean of all, then the squares about it.
static void join_moments(const work *w) {
  const size_t channels = w->g.c->channels;
  double *mean = w->total, *squares = mean + channels, *count = squares + channels;
  // The sums of the parts were needed up to here; there is room for a number of each channel in one of them.
  double *sums = w->partial, *counts = sums + channels;
  const bool counts_nowhere = w->joint->share == 0;
  for (size_t c = 0; c < channels; ++c) {
    if (counts_nowhere) squares[c] = count[c] = 0;
    sums[c] = mean[c] * count[c];
    counts[c] = count[c];
  }
  w->joint->sum(w->joint->context, sums, 2 * channels);
  for (size_t c = 0; c < channels; ++c) {
    const double whole = sums[c] / counts[c], difference = mean[c] - whole;
    squares[c] += difference * difference * count[c];
    mean[c] = whole;
    count[c] = counts[c];
  }
  w->joint->sum(w->joint->context, squares, channels);
}

static void finish_moments(const work *w, size_t channel) {
  const size_t channels = w->g.c->channels;
  w->new_mean[channel] = (float)w->total[channel];
  w->new_variance[channel] = (float)(w->total[channels + channel] / w->total[2 * channels + channel]);
}

void ck_normalization(const ck_channels *channels, float *y, const float *x, const float *scale, const float *shift,
                      float *mean, float *variance, float epsilon, float negative_slope, float *scratch, int tasks,
                      const ck_joint *joint) {
  work w = {.g = grid_of(channels), .x = x, .result = y, .scale = scale, .shift = shift, .epsilon = epsilon,
            .negative_slope = negative_slope, .mean = mean, .variance = variance, .new_mean = mean, .new_variance = variance,
            .reduce = reduce_moments, .add = add_moments_of_lane, .join = join_moments, .finish = finish_moments,
            .apply = apply, .joint = joint};
  run(&w, scratch, tasks);
}

void ck_normalization_by(const ck_channels *channels, float *y, const float *x, const float *scale, const float *shift,
                         const float *mean, const float *variance, float epsilon, float negative_slope, int tasks) {
  work w = {.g = grid_of(channels), .x = x, .result = y, .scale = scale, .shift = shift, .epsilon = epsilon,
            .negative_slope = negative_slope, .mean = mean, .variance = variance, .apply = apply};
  run(&w, NULL, tasks);
}

// MARK: Gradient

static void reduce_gradients(const work *w, size_t tile, size_t first, size_t last, double *sums) {
  const grid *g = &w->g;
  const size_t lanes = lanes_of(g, tile), stride = sums_stride(g);
  factors f;
  get_factors(w, tile, &f);
  gradient_sums s;
  memset(&s, 0, sizeof s);
  for (size_t example = first / g->units; example * g->units < last; ++example) {
    piece pieces[2];
    const int count = pieces_of(g, tile, first, last, example, pieces);
    const ptrdiff_t ahead = ahead_of(g, tile, example, (example + 1) * g->units >= last, true);
    for (int i = 0; i < count; ++i) {
      const float *x = w->x + pieces[i].place, *dy = w->dy + pieces[i].place;
      // What is beyond the end of a row counts as a mean that has no gradient.
      float rest_x[TILE], rest_dy[TILE] = {0};
      if (pieces[i].rest) {
        memcpy(rest_x, f.mean, sizeof rest_x);
        memcpy(rest_x, x, pieces[i].rest * sizeof *x);
        memcpy(rest_dy, dy, pieces[i].rest * sizeof *dy);
        x = rest_x;
        dy = rest_dy;
      }
      for (size_t left = pieces[i].rest ? 1 : pieces[i].rows; left > 0;) {
        const size_t room = BLOCK - s.block_rows, rows = left < room ? left : room;
        ck_add_gradients(&s, x, dy, &f, g->row, rows, ahead, lanes / WIDTH);
        s.block_rows += rows;
        left -= rows;
        x += rows * g->row;
        dy += rows * g->row;
        if (rows == room) ck_end_gradients(&s, lanes);
      }
    }
  }
  ck_end_gradients(&s, lanes);
  memcpy(sums, s.gradients, lanes * sizeof *sums);
  memcpy(sums + stride, s.products, lanes * sizeof *sums);
  memcpy(sums + 2 * stride, s.differences, lanes * sizeof *sums);
}

static void add_gradients_of_lane(const work *w, size_t channel, const double sums[SUMS]) {
  for (size_t i = 0; i < SUMS; ++i) w->total[i * w->g.c->channels + channel] += sums[i];
}

// Gradients are of the mean over a process's own samples, of which the whole batch's has its share; differences are not.
static void join_gradients(const work *w) {
  const size_t channels = w->g.c->channels;
  for (size_t i = 0; i < SUMS * channels; ++i)
    w->total[i] *= i < 2 * channels ? w->joint->share : w->joint->share > 0;
  w->joint->sum(w->joint->context, w->total, SUMS * channels);
}

// The mean is known to single precision only: what it lacks is the mean of the differences from it, and is taken off the
// products.
static void finish_gradients(const work *w, size_t channel) {
  const size_t channels = w->g.c->channels;
  const double count = (double)(w->g.c->examples * (w->g.c->length / w->g.c->period));
  const double inverse = inverse_deviation(w, channel), slope = (double)w->scale[channel] * inverse;
  // Of several processes the sums are of all, and the gradient by the input of this one's mean.
  const double whole = w->joint ? count / w->joint->share : count;
  const double gradients = w->total[channel], lacking = w->total[2 * channels + channel] / whole;
  const double products = w->total[channels + channel] - lacking * gradients;
  const double decline = -slope * inverse * inverse * products / count;
  w->shift_gradient[channel] = (float)gradients;
  w->scale_gradient[channel] = (float)(products * inverse);
  w->decline[channel] = (float)decline;
  w->offset[channel] = (float)(-slope * gradients / count - decline * lacking);
}

void ck_normalization_gradient(const ck_channels *channels, float *dx, float *scale_gradient, float *shift_gradient,
                               const float *x, const float *dy, const float *mean, const float *variance,
                               const float *scale, const float *shift, float epsilon, float negative_slope, float *scratch,
                               int tasks, const ck_joint *joint) {
  work w = {.g = grid_of(channels), .x = x, .dy = dy, .result = dx, .scale = scale, .shift = shift, .epsilon = epsilon,
            .negative_slope = negative_slope, .mean = mean, .variance = variance, .scale_gradient = scale_gradient,
            .shift_gradient = shift_gradient, .reduce = reduce_gradients, .add = add_gradients_of_lane,
            .join = join_gradients, .finish = finish_gradients, .apply = apply, .joint = joint};
  run(&w, scratch, tasks);
}

// MARK: Sums of channels

static void reduce_channels(const work *w, size_t tile, size_t first, size_t last, double *sums) {
  const grid *g = &w->g;
  const size_t lanes = lanes_of(g, tile);
  channel_sums s;
  memset(&s, 0, sizeof s);
  for (size_t example = first / g->units; example * g->units < last; ++example) {
    piece pieces[2];
    const int count = pieces_of(g, tile, first, last, example, pieces);
    const ptrdiff_t ahead = ahead_of(g, tile, example, (example + 1) * g->units >= last, true);
    for (int i = 0; i < count; ++i) {
      const float *x = w->x + pieces[i].place;
      float rest[TILE] = {0};
      if (pieces[i].rest) x = memcpy(rest, x, pieces[i].rest * sizeof *x);
      for (size_t left = pieces[i].rest ? 1 : pieces[i].rows; left > 0;) {
        const size_t room = BLOCK - s.block_rows, rows = left < room ? left : room;
        ck_add_channels(&s, x, g->row, rows, pieces[i].rest ? 0 : ahead, lanes / WIDTH);
        s.block_rows += rows;
        left -= rows;
        x += rows * g->row;
        if (rows == room) ck_end_channels(&s, lanes);
      }
    }
  }
  ck_end_channels(&s, lanes);
  memset(sums, 0, SUMS * sums_stride(g) * sizeof *sums);
  memcpy(sums, s.sums, lanes * sizeof *sums);
}

static void finish_channels(const work *w, size_t channel) { w->shift_gradient[channel] = (float)w->total[channel]; }

void ck_channel_sums(const ck_channels *channels, float *sums, const float *x, float *scratch, int tasks) {
  work w = {.g = grid_of(channels), .x = x, .shift_gradient = sums, .reduce = reduce_channels,
            .add = add_gradients_of_lane, .finish = finish_channels};
  run(&w, scratch, tasks);
}

void ck_clear_filling(const ck_channels *channels, float *y) {
  const size_t used = channels->channels - (channels->runs - 1) * channels->period;
  if (used >= channels->period) return;
  for (size_t n = 0; n < channels->examples; ++n) {
    float *last = y + n * channels->example_stride + (channels->runs - 1) * channels->run_stride;
    for (size_t i = 0; i < channels->length; i += channels->period)
      memset(last + i + used, 0, (channels->period - used) * sizeof *last);
  }
}
