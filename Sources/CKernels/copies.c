// Copies between layouts. Axes along which both sides go on alike become one; then the innermost of the result, and that of the
// source, are the columns and rows of a matrix, which is transposed in squares of vectors where they differ.
#include "shares.h"
#include "transpose.h"
#include "vector.h"

#include <string.h>

typedef struct {
  size_t extent, to, from;
} axis;

typedef struct {
  float *to;
  const float *from;
  int outer_rank;
  axis outer[CK_RANK], row, column;
  size_t chunk, chunks, units;  // rows of a unit of work, and how many units there are
  int tasks;
} copying;

// Axes of more than one element, by decreasing distance in the result, neighbours that go on alike as one.
static int ordered_axes(axis *axes, const ck_copy *copy) {
  int rank = 0;
  for (int a = 0; a < copy->rank; ++a) {
    if (copy->extents[a] == 1) continue;
    const axis next = {copy->extents[a], copy->to[a], copy->from[a]};
    int at = rank++;
    for (; at > 0 && axes[at - 1].to < next.to; --at) axes[at] = axes[at - 1];
    axes[at] = next;
  }
  int joined = 0;
  for (int a = 0; a < rank; ++a) {
    axis *last = joined ? &axes[joined - 1] : NULL;
    if (last && last->to == axes[a].to * axes[a].extent && last->from == axes[a].from * axes[a].extent)
      *last = (axis){last->extent * axes[a].extent, axes[a].to, axes[a].from};
    else
      axes[joined++] = axes[a];
  }
  return joined;
}

static copying plan(const ck_copy *copy, int tasks) {
  axis axes[CK_RANK];
  int rank = ordered_axes(axes, copy);
  copying c = {.row = {1, 0, 0}, .column = rank ? axes[--rank] : (axis){1, 1, 1}};
  if (rank) {
    // What is a vector here and a column there is transposed; else rows are copied as they are.
    int row = rank - 1;
    if (c.column.from != 1)
      for (int a = 0; a < rank; ++a)
        if (axes[a].from < axes[row].from) row = a;
    c.row = axes[row];
    for (int a = 0; a < rank; ++a)
      if (a != row) c.outer[c.outer_rank++] = axes[a];
  }
  size_t outer = 1;
  for (int a = 0; a < c.outer_rank; ++a) outer *= c.outer[a].extent;
  const size_t count = outer * c.row.extent * c.column.extent;
  c.tasks = count < 8192 ? 1 : tasks;
  c.chunk = c.row.extent;
  while (outer * ((c.row.extent + c.chunk - 1) / c.chunk) < (size_t)c.tasks && c.chunk > WIDTH) c.chunk = rounded(c.chunk / 2);
  c.chunks = (c.row.extent + c.chunk - 1) / c.chunk;
  c.units = outer * c.chunks;
  return c;
}

static void copy_each(float *to, const float *from, size_t rows, size_t columns, const axis *row, const axis *column) {
  for (size_t r = 0; r < rows; ++r)
    for (size_t i = 0; i < columns; ++i)
      to[r * row->to + i * column->to] = from[r * row->from + i * column->from];
}

VECTORISED(static, void, copy_vectors, (float *to, const float *from, size_t rows, size_t to_row, size_t from_row),
           (to, from, rows, to_row, from_row)) {
  for (size_t r = 0; r < rows; ++r) STORE(to + r * to_row, LOAD(from + r * from_row));
}

// Columns lie side by side in the result, rows in the source.
VECTORISED(static, void, copy_transposed, (float *to, const float *from, size_t rows, size_t columns, size_t to_row,
           size_t from_column), (to, from, rows, columns, to_row, from_column)) {
  const axis row = {rows, to_row, 1}, column = {columns, 1, from_column};
  for (size_t i = 0; i < columns; i += WIDTH) {
    const size_t width = columns - i < WIDTH ? columns - i : WIDTH;
    size_t r = 0;
    for (; width == WIDTH && r + WIDTH <= rows; r += WIDTH) {
      lanes values[WIDTH];
      UNROLLED for (size_t k = 0; k < WIDTH; ++k) values[k] = LOAD(from + (i + k) * from_column + r);
      transpose(values);
      UNROLLED for (size_t k = 0; k < WIDTH; ++k) STORE(to + (r + k) * to_row + i, values[k]);
    }
    copy_each(to + r * to_row + i, from + i * from_column + r, rows - r, width, &row, &column);
  }
}

static void copy_rows(const copying *c, float *to, const float *from, size_t rows) {
  const size_t columns = c->column.extent;
  if (c->column.to == 1 && c->column.from == 1) {
    if (columns == WIDTH)
      copy_vectors(to, from, rows, c->row.to, c->row.from);
    else
      for (size_t r = 0; r < rows; ++r) memcpy(to + r * c->row.to, from + r * c->row.from, columns * sizeof *to);
  } else if (c->column.to == 1 && c->row.from == 1) {
    copy_transposed(to, from, rows, columns, c->row.to, c->column.from);
  } else {
    copy_each(to, from, rows, columns, &c->row, &c->column);
  }
}

static void copy_share(void *context, int task) {
  const copying *c = context;
  if (c->units == 1) {
    // All of it is one row.
    const size_t first = share_begin(c->column.extent, task, c->tasks);
    copying part = *c;
    part.column.extent = share_begin(c->column.extent, task + 1, c->tasks) - first;
    if (part.column.extent)
      copy_rows(&part, c->to + first * c->column.to, c->from + first * c->column.from, c->row.extent);
    return;
  }
  const size_t end = c->units * ((size_t)task + 1) / (size_t)c->tasks;
  for (size_t unit = c->units * (size_t)task / (size_t)c->tasks; unit < end; ++unit) {
    const size_t first = unit % c->chunks * c->chunk, left = c->row.extent - first;
    size_t rest = unit / c->chunks, to = first * c->row.to, from = first * c->row.from;
    for (int a = c->outer_rank - 1; a >= 0; --a) {
      const size_t position = rest % c->outer[a].extent;
      rest /= c->outer[a].extent;
      to += position * c->outer[a].to, from += position * c->outer[a].from;
    }
    copy_rows(c, c->to + to, c->from + from, left < c->chunk ? left : c->chunk);
  }
}

void ck_copy_elements(const ck_copy *copy, float *to, const float *from, int tasks) {
  REQUIRE(copy->rank <= CK_RANK && tasks > 0);
  for (int a = 0; a < copy->rank; ++a)
    if (!copy->extents[a]) return;
  copying c = plan(copy, tasks);
  c.to = to, c.from = from;
  ck_parallel(c.tasks, copy_share, &c);
}
