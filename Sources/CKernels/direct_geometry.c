// Which convolutions our direct kernels compute, and which terms each result has.
#include "direct.h"

// Steps of positions for which there is code, in plain order.
static bool has_plain_step(size_t step) { return step == 1 || step == 2 || step == 3 || step == 6 || step == 12; }

bool ck_direct_is_plain(const ck_direct *d) {
  return d->groups == 1 && (d->in_channels == 1 || d->in_channels == 3) && d->dilation_along == 1 &&
         has_plain_step(d->stride_along * d->in_channels);
}

bool ck_direct_can_compute(const ck_direct *d, bool transposes) {
  if (d->kernel_height > MOST_KERNEL_TAPS || d->kernel_width > MOST_KERNEL_TAPS) return false;
  if (d->kernel_height * d->kernel_width > MOST_KERNEL_TAPS) return false;
  if (d->groups > 1 && (d->in_channels / d->groups % WIDTH || d->out_channels / d->groups % WIDTH)) return false;
  return !transposes || (d->stride_down <= MOST_PHASES && d->stride_along <= MOST_PHASES &&
                         d->stride_down * d->stride_along <= MOST_PHASES);
}

// The taps of a phase, row by row: those of rows and columns that are whole steps away.
static void add_phase(direct_view *v, const ck_direct *d, size_t row, size_t column) {
  direct_phase phase = {.first_row = row, .first_column = column, .first_tap = v->tap_count};
  phase.rows = row < v->height ? ceiling(v->height - row, v->y_row_step) : 0;
  phase.columns = column < v->width ? ceiling(v->width - column, v->y_column_step) : 0;
  for (size_t m = 0; m < d->kernel_height; ++m)
    for (size_t n = 0; n < d->kernel_width; ++n) {
      ptrdiff_t down = (ptrdiff_t)(m * d->dilation_down) - (ptrdiff_t)d->pad_top;
      ptrdiff_t along = (ptrdiff_t)(n * d->dilation_along) - (ptrdiff_t)d->pad_left;
      if (v->transposes) {
        down = (ptrdiff_t)row - down, along = (ptrdiff_t)column - along;
        if (down % (ptrdiff_t)d->stride_down || along % (ptrdiff_t)d->stride_along) continue;
        down /= (ptrdiff_t)d->stride_down, along /= (ptrdiff_t)d->stride_along;
      }
      // Without blocks a tap is a row of the kernel.
      if (v->is_plain && n > 0) continue;
      v->taps[v->tap_count++] = (direct_tap){down, along, m * d->kernel_width + n};
    }
  phase.tap_count = v->tap_count - phase.first_tap;
  v->phases[v->phase_count++] = phase;
}

direct_view ck_direct_view(const ck_direct *d, bool transposes) {
  REQUIRE(ck_direct_can_compute(d, transposes));
  direct_view v = {.batch = d->batch, .groups = d->groups, .transposes = transposes, .instructions = d->instructions};
  const size_t in = d->in_channels / d->groups, out = d->out_channels / d->groups;
  v.row_step = v.column_step = v.y_row_step = v.y_column_step = 1;
  if (transposes) {
    v.in_channels = out, v.out_channels = in;
    v.source_height = d->out_height, v.source_width = d->out_width, v.height = d->height, v.width = d->width;
    v.source_stride = d->out_stride, v.y_stride = d->in_stride;
    v.y_row_step = d->stride_down, v.y_column_step = d->stride_along;
  } else {
    v.in_channels = in, v.out_channels = out;
    v.source_height = d->height, v.source_width = d->width, v.height = d->out_height, v.width = d->out_width;
    v.source_stride = d->in_stride, v.y_stride = d->out_stride;
    v.row_step = d->stride_down, v.column_step = d->stride_along;
    v.is_plain = ck_direct_is_plain(d), v.is_interleaved = d->is_interleaved;
  }
  v.in_blocks = v.is_plain ? 1 : ceiling(v.in_channels, WIDTH), v.out_blocks = ceiling(v.out_channels, WIDTH);
  v.pairs = ceiling(v.out_blocks, 2);
  v.kernel = d->kernel_height * d->kernel_width;
  v.terms = v.is_plain ? d->kernel_width * in : WIDTH;
  v.step = v.is_plain ? v.column_step * in : WIDTH;
  for (size_t row = 0; row < v.y_row_step; ++row)
    for (size_t column = 0; column < v.y_column_step; ++column) add_phase(&v, d, row, column);
  v.unit_rows = v.phases[0].rows, v.unit_columns = v.phases[0].columns;
  return v;
}
