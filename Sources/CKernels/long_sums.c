// Sums of more terms than single precision bears: the library's, of a part of the batch at a time, added in double precision.
#include "long_sums.h"
#include "lanes.h"
#include "shares.h"
#include "vector.h"

#include <string.h>

VECTORISED(extern, void, ck_flush_sums, (double *restrict totals, float *restrict sums, size_t count), (totals, sums, count)) {
  for (size_t i = 0; i < count; ++i) {
    totals[i] += (double)sums[i];
    sums[i] = 0;
  }
}

// MARK: Parts

// A line of a tile: the positions of a row, of one block of channels of one example.
static void copy_line(const ck_tile *t, size_t line) {
  const size_t row = line % t->rows, block = line / t->rows % t->blocks, example = line / t->rows / t->blocks;
  float *to = t->to + example * t->to_example + block * t->to_block + row * t->to_row;
  const ptrdiff_t i = t->row + (ptrdiff_t)row, length = (ptrdiff_t)t->columns;
  ptrdiff_t left = (ptrdiff_t)t->first_column - t->column, right = (ptrdiff_t)t->last_column - t->column;
  left = left < 0 ? 0 : left < length ? left : length;
  right = right > length ? length : right;
  if (example < t->first_example || i < (ptrdiff_t)t->first_row || i >= (ptrdiff_t)t->last_row || right <= left) {
    memset(to, 0, t->columns * t->lanes * sizeof *to);
    return;
  }
  const float *from = t->from + example * t->from_example + block * t->from_block + (size_t)i * t->from_row;
  const size_t first = (size_t)left * t->lanes, last = (size_t)right * t->lanes;
  memset(to, 0, first * sizeof *to);
  memcpy(to + first, from + (size_t)(t->column + left) * t->lanes, (last - first) * sizeof *to);
  memset(to + last, 0, (t->columns * t->lanes - last) * sizeof *to);
}

VECTORISED(static, void, add_sums, (double *restrict totals, const float *restrict sums, size_t first, size_t last, bool begins),
           (totals, sums, first, last, begins)) {
  if (begins) {
    for (size_t i = first; i < last; ++i) totals[i] = (double)sums[i];
  } else {
    for (size_t i = first; i < last; ++i) totals[i] += (double)sums[i];
  }
}

VECTORISED(static, void, end_sums, (float *restrict sums, const double *restrict totals, size_t first, size_t last),
           (sums, totals, first, last)) {
  for (size_t i = first; i < last; ++i) sums[i] = (float)(totals[i] + (double)sums[i]);
}

typedef struct {
  const ck_part *part;
  int tasks;
} part_work;

static void part_share(void *context, int task) {
  const part_work *work = context;
  const ck_part *p = work->part;
  const size_t first = share_begin(p->count, task, work->tasks), last = share_begin(p->count, task + 1, work->tasks);
  if (p->stage == CK_LAST_PART) {
    end_sums(p->sums, p->totals, first, last);
    return;
  }
  if (p->stage != CK_FIRST_PART) add_sums(p->totals, p->sums, first, last, p->stage == CK_SECOND_PART);
  for (int i = 0; i < 2; ++i) {
    const ck_tile *t = p->tiles + i;
    const size_t lines = t->examples * t->blocks * t->rows;
    const size_t end = lines * ((size_t)task + 1) / (size_t)work->tasks;
    for (size_t line = lines * (size_t)task / (size_t)work->tasks; line < end; ++line) copy_line(t, line);
  }
}

void ck_next_part(const ck_part *part, int tasks) {
  part_work work = {part, tasks};
  ck_parallel(tasks, part_share, &work);
}
