// Where the channels of a tensor lie: the grid of tiles that normalization goes through.
#ifndef CONVNET_NORMALIZATION_GRID_H
#define CONVNET_NORMALIZATION_GRID_H

#include "normalization.h"

// A run is rows of vectors, so long that a lane is of the same channel in every row. Rows are cut into tiles.
typedef struct {
  const ck_channels *c;
  // Floats of a row; whole rows of a run, and floats beyond them; rows, an unfinished one included.
  size_t row, rows, rest, units;
  size_t tiles_a_run, tiles;
} grid;

static grid grid_of(const ck_channels *c) {
  REQUIRE(c->period > 0 && c->length % c->period == 0);
  size_t divisor = c->period, other = WIDTH;
  while (other) {
    const size_t remainder = divisor % other;
    divisor = other;
    other = remainder;
  }
  grid g = {.c = c, .row = c->period / divisor * WIDTH};
  g.rows = c->length / g.row;
  g.rest = c->length % g.row;
  g.units = g.rows + (g.rest > 0);
  g.tiles_a_run = (g.row + TILE - 1) / TILE;
  g.tiles = g.tiles_a_run * c->runs;
  return g;
}

static size_t first_lane(const grid *g, size_t tile) { return tile % g->tiles_a_run * TILE; }

static size_t lanes_of(const grid *g, size_t tile) {
  const size_t left = g->row - first_lane(g, tile);
  return left < TILE ? left : TILE;
}

// The channel of a lane; at least `channels` where it only fills up a block.
static size_t channel_of(const grid *g, size_t tile, size_t lane) {
  return tile / g->tiles_a_run * g->c->period + (first_lane(g, tile) + lane) % g->c->period;
}

// Whether a lane is the first of its channel.
static bool is_first(const grid *g, size_t tile, size_t lane) {
  return first_lane(g, tile) + lane < g->c->period && channel_of(g, tile, lane) < g->c->channels;
}

// Whether no two tiles have lanes of one channel.
static bool tiles_are_apart(const grid *g) { return g->tiles_a_run == 1 || g->row == g->c->period; }

static size_t place_of(const grid *g, size_t tile, size_t example, size_t row) {
  return example * g->c->example_stride + tile / g->tiles_a_run * g->c->run_stride + first_lane(g, tile) + row * g->row;
}

// Rows of a tile that lie in equal distances, or what is left of one row.
typedef struct {
  size_t place, rows, rest;
} piece;

// The pieces of the units first ..< last of a tile, counted through all examples, that lie in one example.
static int pieces_of(const grid *g, size_t tile, size_t first, size_t last, size_t example, piece pieces[2]) {
  const size_t begin = example * g->units;
  const size_t from = first > begin ? first - begin : 0, to = last - begin < g->units ? last - begin : g->units;
  const size_t whole = to < g->rows ? to : g->rows, lead = first_lane(g, tile);
  int count = 0;
  if (whole > from) pieces[count++] = (piece){place_of(g, tile, example, from), whole - from, 0};
  if (to > g->rows && g->rest > lead) {
    const size_t rest = g->rest - lead;
    pieces[count++] = (piece){place_of(g, tile, example, g->rows), 0, rest < TILE ? rest : TILE};
  }
  return count;
}

// Where the next piece lies after one of an example, while the examples are gone through upwards or downwards: the processor
// knows only of pieces that are long.
static ptrdiff_t ahead_of(const grid *g, size_t tile, size_t example, bool is_last, bool upwards) {
  enum { LONG = 1 << 13, STEP = 64 * WIDTH };
  if (g->c->length > LONG) return STEP;
  if (!is_last) return upwards ? (ptrdiff_t)g->c->example_stride : -(ptrdiff_t)g->c->example_stride;
  if (upwards || tile + 1 == g->tiles) return 0;
  return (ptrdiff_t)place_of(g, tile + 1, 0, 0) - (ptrdiff_t)place_of(g, tile, example, 0);
}

#endif
