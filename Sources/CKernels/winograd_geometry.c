// Which convolutions Winograd's algorithm computes here, and where their tiles lie.
#include "winograd.h"

winograd_view ck_winograd_view(const ck_winograd *w) {
  REQUIRE(ck_winograd_can_compute(w->kernel_height, w->kernel_width));
  REQUIRE(w->in_channels % WIDTH == 0 && w->out_channels % WIDTH == 0);
  // The paddings, those below and on the right too.
  REQUIRE(w->pad_top < w->kernel_height && w->out_height <= w->height + w->pad_top);
  REQUIRE(w->pad_left < w->kernel_width && w->out_width <= w->width + w->pad_left);
  REQUIRE(w->in_stride >= w->in_channels * w->height * w->width);
  REQUIRE(w->out_stride >= w->out_channels * w->out_height * w->out_width);
  winograd_view v = {.batch = w->batch,
                     .in_channels = w->in_channels,
                     .out_channels = w->out_channels,
                     .in_stride = w->in_stride,
                     .out_stride = w->out_stride,
                     .instructions = w->instructions};
  v.in_plane = w->height * w->width * WIDTH, v.out_plane = w->out_height * w->out_width * WIDTH;
  if (w->kernel_width > 1) {
    v.down = w->kernel_height, v.along = w->kernel_width;
    v.height = w->height, v.width = w->width, v.out_height = w->out_height, v.out_width = w->out_width;
    v.pad_top = w->pad_top, v.pad_left = w->pad_left;
    v.in_row = w->width * WIDTH, v.out_row = w->out_width * WIDTH;
    v.in_column = v.out_column = WIDTH;
  } else {
    v.down = w->kernel_width, v.along = w->kernel_height;
    v.height = w->width, v.width = w->height, v.out_height = w->out_width, v.out_width = w->out_height;
    v.pad_top = w->pad_left, v.pad_left = w->pad_top;
    v.in_row = v.out_row = WIDTH;
    v.in_column = w->width * WIDTH, v.out_column = w->out_width * WIDTH;
  }
  v.points = span_of(v.down) * span_of(v.along);
  v.tiles_along = ceiling(v.out_width, tile_of(v.along));
  v.tiles_of_picture = ceiling(v.out_height, tile_of(v.down)) * v.tiles_along;
  return v;
}

size_t ck_winograd_groups(const winograd_view *w, size_t tasks, winograd_cost cost) {
  const size_t tiles = w->tiles_of_picture * w->batch, pairs = ceiling(w->out_channels, PAIR);
  size_t best = 1;
  double least = cost(w, ceiling(tiles, tasks), pairs * PAIR);
  for (size_t groups = 2; groups <= tasks && groups <= pairs; ++groups) {
    if (tasks % groups) continue;
    const double estimate = cost(w, ceiling(tiles, tasks / groups), ceiling(pairs, groups) * PAIR);
    if (estimate < least) best = groups, least = estimate;
  }
  return best;
}

bool ck_winograd_can_compute(size_t kernel_height, size_t kernel_width) {
  switch (WINDOW(kernel_width > 1 ? kernel_height : kernel_width, kernel_width > 1 ? kernel_width : kernel_height)) {
#define KNOWN(down, along) case WINDOW(down, along):
    FOR_EACH_WINDOW(KNOWN)
    return true;
    default: return false;
  }
}

size_t ck_winograd_multiply_adds(const ck_winograd *w) {
  const winograd_view view = ck_winograd_view(w);
  return view.batch * view.tiles_of_picture * view.points * view.in_channels * view.out_channels;
}

ck_winograd ck_winograd_transposed(const ck_winograd *w) {
  ck_winograd result = *w;
  result.in_channels = w->out_channels, result.out_channels = w->in_channels;
  result.height = w->out_height, result.width = w->out_width;
  result.out_height = w->height, result.out_width = w->width;
  result.pad_top = w->kernel_height - 1 - w->pad_top, result.pad_left = w->kernel_width - 1 - w->pad_left;
  result.in_stride = w->out_stride, result.out_stride = w->in_stride;
  return result;
}
