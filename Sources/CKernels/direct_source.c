// What direct convolutions read. Where every tap meets the picture, that is the picture where it lies. Else a task copies the
// rows that it works on, a line a row, with the padding, and columns that are a step apart side by side.
#include "direct.h"
#include "vector.h"

#include <string.h>

// The rows and columns that taps reach, from that of unit (0, 0) on.
typedef struct {
  ptrdiff_t low_row, high_row, low_column, high_column;
} reach;

static reach reach_of(const direct_view *v) {
  reach r = {PTRDIFF_MAX, PTRDIFF_MIN, PTRDIFF_MAX, PTRDIFF_MIN};
  for (size_t t = 0; t < v->tap_count; ++t) {
    const direct_tap *tap = &v->taps[t];
    if (tap->row < r.low_row) r.low_row = tap->row;
    if (tap->row > r.high_row) r.high_row = tap->row;
    if (tap->column < r.low_column) r.low_column = tap->column;
    if (tap->column > r.high_column) r.high_column = tap->column;
  }
  return v->tap_count ? r : (reach){0};
}

static void read_in_place(const direct_view *v, direct_source *s) {
  for (size_t t = 0; t < v->tap_count; ++t)
    s->taps[t] = (size_t)(v->taps[t].row * (ptrdiff_t)v->source_width + v->taps[t].column) * WIDTH;
  s->row = v->row_step * v->source_width * WIDTH;
  s->block = v->source_height * v->source_width * WIDTH;
  s->is_flat = v->phase_count == 1 && v->row_step == 1 && v->source_width == v->width;
}

static void read_copied(const direct_view *v, direct_source *s, const reach *r) {
  s->low_row = r->low_row, s->low_column = r->low_column;
  const size_t rows = (size_t)(r->high_row - r->low_row), columns = (size_t)(r->high_column - r->low_column);
  s->row_lines = rows ? v->row_step : 1, s->more_lines = rows;
  if (v->is_plain) {
    s->line = (v->unit_columns - 1) * v->step + v->terms;
  } else {
    s->remainder = v->unit_columns + columns / v->column_step;
    s->line = (columns ? v->column_step : 1) * s->remainder * WIDTH;
  }
  for (size_t t = 0; t < v->tap_count; ++t) {
    const size_t row = (size_t)(v->taps[t].row - r->low_row);
    const size_t column = v->is_plain ? 0 : (size_t)(v->taps[t].column - r->low_column);
    s->taps[t] = row * s->line + (column % v->column_step * s->remainder + column / v->column_step) * WIDTH;
  }
  s->row = s->row_lines * s->line;
  s->is_flat = v->phase_count == 1 && !v->is_plain && !rows && !columns;
}

direct_source ck_direct_source(const direct_view *v) {
  direct_source s = {0};
  const reach r = reach_of(v);
  const ptrdiff_t last_row = (ptrdiff_t)((v->unit_rows - 1) * v->row_step) + r.high_row;
  const ptrdiff_t last_column = (ptrdiff_t)((v->unit_columns - 1) * v->column_step) + r.high_column;
  s.is_copied = v->is_plain || v->column_step > 1 || r.low_row < 0 || r.low_column < 0 ||
                last_row >= (ptrdiff_t)v->source_height || last_column >= (ptrdiff_t)v->source_width;
  if (s.is_copied)
    read_copied(v, &s, &r);
  else
    read_in_place(v, &s);
  return s;
}

void ck_direct_set_chunk(const direct_view *v, direct_source *s, size_t rows) {
  s->chunk = rows;
  if (!s->is_copied) return;
  // It may begin and end within pictures.
  const size_t pictures = ceiling(rows - 1, v->unit_rows) + 1;
  s->block = (rows * s->row_lines + pictures * (s->more_lines + 1)) * s->line;
}

size_t ck_direct_copied_floats(const direct_view *v, const direct_source *s) {
  return s->is_copied ? rounded(v->in_blocks * s->block + WIDTH) : 0;
}

// MARK: Copies

// Positions 0 ..< count of which position i is column i * step + first of the picture's, `columns` in number.
INLINE void copy_positions(float *to, const float *row, size_t columns, size_t step, ptrdiff_t first, size_t count) {
  size_t i = 0;
  for (; i < count && first + (ptrdiff_t)(i * step) < 0; ++i) STORE(to + i * WIDTH, (lanes){0});
  const float *from = row + (first + (ptrdiff_t)(i * step)) * WIDTH;
  for (; i < count && first + (ptrdiff_t)(i * step) < (ptrdiff_t)columns; ++i, from += step * WIDTH)
    STORE(to + i * WIDTH, LOAD(from));
  for (; i < count; ++i) STORE(to + i * WIDTH, (lanes){0});
}

// The same of a row of plain pictures, with the channels innermost in the end.
INLINE void copy_plain(float *to, const float *row, size_t plane, const bool is_interleaved, const size_t channels,
                       size_t columns, ptrdiff_t first, size_t count) {
  const size_t left = first < 0 ? (size_t)-first < count ? (size_t)-first : count : 0;
  const ptrdiff_t right = (ptrdiff_t)columns - first;
  size_t end = right < 0 ? 0 : (size_t)right < count ? (size_t)right : count;
  if (end < left) end = left;
  memset(to, 0, left * channels * sizeof *to);
  const size_t start = (size_t)((ptrdiff_t)left + first);
  if (is_interleaved)
    memcpy(to + left * channels, row + start * channels, (end - left) * channels * sizeof *to);
  else
    for (size_t j = 0; j < end - left; ++j)
      for (size_t c = 0; c < channels; ++c) to[(left + j) * channels + c] = row[c * plane + start + j];
  memset(to + end * channels, 0, (count - end) * channels * sizeof *to);
}

// `lines` lines of one block of channels from the picture's row `first` on, `step` rows apart.
VECTORISED(static, void, copy_lines, (const direct_view *v, const direct_source *s, float *to, const float *picture,
           ptrdiff_t first, size_t step, size_t lines), (v, s, to, picture, first, step, lines)) {
  for (size_t l = 0; l < lines; ++l, to += s->line) {
    const ptrdiff_t row = first + (ptrdiff_t)(l * step);
    if (row < 0 || row >= (ptrdiff_t)v->source_height) {
      memset(to, 0, s->line * sizeof *to);
    } else if (v->is_plain) {
      const size_t channels = v->in_channels, plane = v->source_height * v->source_width;
      const float *from = picture + (size_t)row * v->source_width * (v->is_interleaved ? channels : 1);
      if (channels == 1)
        copy_plain(to, from, plane, true, 1, v->source_width, s->low_column, s->line);
      else
        copy_plain(to, from, plane, v->is_interleaved, 3, v->source_width, s->low_column, s->line / 3);
    } else {
      const float *from = picture + (size_t)row * v->source_width * WIDTH;
      const size_t remainders = s->line / (s->remainder * WIDTH);
      for (size_t r = 0; r < remainders; ++r) {
        float *part = to + r * s->remainder * WIDTH;
        const ptrdiff_t column = s->low_column + (ptrdiff_t)r;
        if (v->column_step == 1)
          copy_positions(part, from, v->source_width, 1, column, s->remainder);
        else
          copy_positions(part, from, v->source_width, v->column_step, column, s->remainder);
      }
    }
  }
}

// MARK: Parts

// Where the channels of a group begin in a picture.
static const float *picture_of(const direct_view *v, const float *x, size_t group, size_t picture) {
  const size_t plane = v->source_height * v->source_width * (v->is_plain ? 1 : WIDTH);
  return x + picture * v->source_stride + group * v->in_blocks * plane;
}

static size_t lines_of(const direct_source *s, const direct_part *part) {
  return (part->last - part->first - 1) * s->row_lines + s->more_lines + 1;
}

direct_part ck_direct_part(const direct_view *v, const direct_source *s, const float *x, size_t group, const float **copied,
                           size_t first, size_t last) {
  const size_t rows = v->unit_rows, picture = first / rows, left = last - picture * rows;
  direct_part part = {.picture = picture, .first = first % rows, .last = left < rows ? left : rows};
  if (s->is_copied) {
    part.source = *copied;
    *copied += lines_of(s, &part) * s->line;
  } else {
    part.source = picture_of(v, x, group, picture) + part.first * s->row;
  }
  return part;
}

void ck_direct_copy(const direct_view *v, const direct_source *s, float *to, const float *x, size_t group, size_t first,
                    size_t last) {
  if (!s->is_copied) return;
  const size_t step = s->more_lines ? 1 : v->row_step, plane = v->source_height * v->source_width * WIDTH;
  const float *copied = to;
  while (first < last) {
    const direct_part part = ck_direct_part(v, s, x, group, &copied, first, last);
    const float *picture = picture_of(v, x, group, part.picture);
    const ptrdiff_t row = (ptrdiff_t)(part.first * v->row_step) + s->low_row;
    for (size_t block = 0; block < v->in_blocks; ++block)
      copy_lines(v, s, to + (part.source - to) + block * s->block, picture + block * plane, row, step, lines_of(s, &part));
    first += part.last - part.first;
  }
}
