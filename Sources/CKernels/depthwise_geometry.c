// What depthwise convolutions compute of what.
#include "depthwise.h"

#include <stdlib.h>
#include <string.h>

// Floats of the lines of a whole picture, at most: half of the nearest cache, and of the next one where they are computed.
enum { MOST_COPIED = 6144, MOST_COMPUTED = 1 << 16 };

bool ck_depthwise_can_compute(const ck_direct *d, bool transposes) {
  if (d->groups != d->in_channels || d->groups != d->out_channels) return false;
  if (d->kernel_height > MOST_KERNEL_TAPS || d->kernel_width > MOST_KERNEL_TAPS) return false;
  if (d->kernel_height * d->kernel_width > MOST_KERNEL_TAPS) return false;
  return !transposes || (d->stride_down <= MOST_PHASES && d->stride_along <= MOST_PHASES &&
                         d->stride_down * d->stride_along <= MOST_PHASES);
}

// Of a gradient by the input, the last tap of the kernel is the uppermost and leftmost.
static depthwise_grid grid_of(const direct_view *v, const direct_phase *phase) {
  depthwise_grid grid = {0};
  if (!phase->tap_count) return grid;
  const direct_tap *taps = v->taps + phase->first_tap, *last = taps + phase->tap_count - 1;
  while (grid.columns < phase->tap_count && taps[grid.columns].row == taps[0].row) ++grid.columns;
  grid.rows = phase->tap_count / grid.columns;
  const direct_tap *lowest = v->transposes ? last : taps;
  grid.row = lowest->row, grid.column = lowest->column;
  if (grid.rows > 1) grid.row_step = (size_t)labs((long)(taps[grid.columns].row - taps[0].row));
  if (grid.columns > 1) grid.column_step = (size_t)labs((long)(taps[1].column - taps[0].column));
  return grid;
}

void ck_depthwise_set_view(depthwise_view *w, const ck_direct *d, bool transposes) {
  ck_direct block = *d;
  block.groups = 1, block.in_channels = block.out_channels = WIDTH;
  w->v = ck_direct_view(&block, transposes);
  w->blocks = ceiling(d->in_channels, WIDTH);
  const direct_view *v = &w->v;
  ptrdiff_t high_column = 0;
  w->low_row = w->high_row = w->low_column = 0;
  bool is_first = true;
  for (size_t f = 0; f < v->phase_count; ++f) {
    const depthwise_grid *grid = &w->grids[f];
    w->grids[f] = grid_of(v, &v->phases[f]);
    if (!grid->rows) continue;
    const ptrdiff_t last_row = grid->row + (ptrdiff_t)((grid->rows - 1) * grid->row_step);
    const ptrdiff_t last_column = grid->column + (ptrdiff_t)((grid->columns - 1) * grid->column_step);
    if (is_first || grid->row < w->low_row) w->low_row = grid->row;
    if (is_first || last_row > w->high_row) w->high_row = last_row;
    if (is_first || grid->column < w->low_column) w->low_column = grid->column;
    if (is_first || last_column > high_column) high_column = last_column;
    is_first = false;
    const ptrdiff_t step = (ptrdiff_t)v->row_step, height = (ptrdiff_t)v->source_height;
    const size_t above = grid->row < 0 ? ceiling((size_t)-grid->row, v->row_step) : 0;
    const size_t fitting = last_row < height ? (size_t)((height - 1 - last_row) / step) + 1 : 0;
    w->grids[f].inner = above, w->grids[f].inner_end = fitting;
  }
  const size_t positions = (v->unit_columns - 1) * v->column_step + (size_t)(high_column - w->low_column) + 1;
  w->line = positions * WIDTH;
  const size_t before = w->low_column < 0 ? (size_t)-w->low_column : 0;
  w->skipped = w->low_column > 0 ? (size_t)w->low_column : 0;
  w->zeros = before < positions ? before : positions;
  const size_t there = w->skipped < v->source_width ? v->source_width - w->skipped : 0;
  w->copied = there < positions - w->zeros ? there : positions - w->zeros;
  const depthwise_grid *only = w->grids;
  w->hangs_over = v->phase_count == 1 && v->column_step == 1 && v->source_width == v->width && only->column_step == 1 &&
                  (only->columns == 3 || only->columns == 5 || only->columns == 7) &&
                  only->column == -(ptrdiff_t)(only->columns / 2);
  const size_t needed = (size_t)(w->high_row - w->low_row) + 1;
  w->lines = v->source_height < needed || v->source_height * w->line <= MOST_COPIED ? v->source_height : needed;
  w->is_kept = true;
}

void ck_depthwise_choose_lines(depthwise_view *w, size_t most, bool is_computed) {
  // A group of columns must be at least as wide as what hangs over the edge.
  if (w->v.unit_columns > most && most / 2 < w->grids->columns / 2) w->hangs_over = false;
  w->is_kept = is_computed || !w->hangs_over;
  if (!is_computed) return;
  REQUIRE(w->skipped == 0);  // no column is computed that nobody reads
  if (w->hangs_over) {
    w->zeros = 0, w->low_column = 0, w->copied = w->v.source_width;
    w->line = w->copied * WIDTH;
  }
  if (w->v.source_height * w->line <= MOST_COMPUTED) w->lines = w->v.source_height;
}

void ck_depthwise_clear(const depthwise_view *w, float *lines) {
  const size_t after = w->zeros + w->copied, positions = w->line / WIDTH;
  for (size_t i = 0; i < w->lines; ++i, lines += w->line) {
    memset(lines, 0, w->zeros * WIDTH * sizeof *lines);
    memset(lines + after * WIDTH, 0, (positions - after) * WIDTH * sizeof *lines);
  }
}

size_t ck_depthwise_weights_size(const ck_direct *d, bool transposes) {
  (void)transposes;
  return ceiling(d->in_channels, WIDTH) * d->kernel_height * d->kernel_width * WIDTH;
}

// The taps of each phase from the uppermost and leftmost on.
void ck_depthwise_pack(const ck_direct *d, float *packed, const float *weights, bool transposes) {
  depthwise_view w;
  ck_depthwise_set_view(&w, d, transposes);
  for (size_t b = 0; b < w.blocks; ++b)
    for (size_t f = 0; f < w.v.phase_count; ++f) {
      const size_t first = w.v.phases[f].first_tap, count = w.v.phases[f].tap_count;
      for (size_t t = 0; t < count; ++t, packed += WIDTH) {
        const size_t place = w.v.taps[first + (transposes ? count - 1 - t : t)].place;
        for (size_t c = 0; c < WIDTH; ++c) {
          const size_t channel = b * WIDTH + c;
          packed[c] = channel < d->in_channels ? weights[channel * w.v.kernel + place] : 0;
        }
      }
    }
}

size_t ck_depthwise_scratch(const ck_direct *d, bool transposes, int tasks) {
  depthwise_view w;
  ck_depthwise_set_view(&w, d, transposes);
  return depthwise_line_floats(&w) * (size_t)tasks;
}
