// Pictures and their gradients at the points of evaluation, for Winograd's algorithm. Vectors hold 16 channels. The taps of
// the kernel are constants of each function's body, so that the vectors of a tile's row stay in registers.
#include "winograd.h"
#include "vector.h"

// MARK: Inputs

// The second half, of the columns at their points.
INLINE void store_points(float *v, size_t point, const lanes *columns, size_t down, size_t along) {
  lanes values[MOST_SPAN];
  const size_t height = span_of(down), width = span_of(along);
  UNROLLED for (size_t i = 0; i < height; ++i) {
    transform_input(values, 1, columns + i * width, 1, along);
    UNROLLED for (size_t j = 0; j < width; ++j) STORE(v + (i * width + j) * point, values[j]);
  }
}

INLINE void input_tile(float *v, size_t point, const float *x, size_t row, size_t column, size_t down, size_t along) {
  lanes columns[MOST_POINTS], values[MOST_SPAN];
  const size_t height = span_of(down), width = span_of(along);
  UNROLLED for (size_t j = 0; j < width; ++j) {
    UNROLLED for (size_t i = 0; i < height; ++i) values[i] = LOAD(x + i * row + j * column);
    transform_input(columns + j, width, values, 1, down);
  }
  store_points(v, point, columns, down, along);
}

// A tile that hangs over the picture: rows outside are read as zeros that lie elsewhere, columns outside are zero at all points.
INLINE void border_tile(const winograd_view *w, float *v, size_t point, const float *picture, size_t top, size_t left,
                        size_t down, size_t along) {
  static const float zeros[WIDTH];
  lanes columns[MOST_POINTS], values[MOST_SPAN];
  const float *lines[MOST_SPAN];
  size_t steps[MOST_SPAN];
  const size_t height = span_of(down), width = span_of(along);
  UNROLLED for (size_t i = 0; i < height; ++i) {
    const bool is_inside = top + i < w->height;
    lines[i] = is_inside ? picture + (top + i) * w->in_row : zeros;
    steps[i] = is_inside ? w->in_column : 0;
  }
  UNROLLED for (size_t j = 0; j < width; ++j) {
    if (left + j < w->width) {
      UNROLLED for (size_t i = 0; i < height; ++i) values[i] = LOAD(lines[i] + (left + j) * steps[i]);
      transform_input(columns + j, width, values, 1, down);
    } else {
      UNROLLED for (size_t i = 0; i < height; ++i) columns[i * width + j] = (lanes){0};
    }
  }
  store_points(v, point, columns, down, along);
}

INLINE void transform_inputs(const winograd_view *w, float *v, size_t point, const float *x, size_t block, size_t first,
                             size_t count, size_t down, size_t along) {
  const size_t row = w->in_row, column = w->in_column, height = span_of(down), width = span_of(along);
  for (size_t t = first; t < first + count; ++t, v += WIDTH) {
    const tile_place place = place_of(w, t, down, along);
    const float *picture = x + place.picture * w->in_stride + block * w->in_plane;
    // In the picture's coordinates; above or left of it these are huge.
    const size_t top = place.top - w->pad_top, left = place.left - w->pad_left;
    if (place.top < w->pad_top || place.left < w->pad_left || top + height > w->height || left + width > w->width) {
      border_tile(w, v, point, picture, top, left, down, along);
      continue;
    }
    const float *from = picture + top * row + left * column;
    UNROLLED for (size_t i = 0; i < height; ++i)
      UNROLLED for (size_t j = 0; j < TILE; ++j) __builtin_prefetch(from + i * row + (width + TILE + j) * column);
    input_tile(v, point, from, row, column, down, along);
  }
}

VECTORISED(extern, void, ck_winograd_transform_inputs, (const winograd_view *w, float *v, size_t point, const float *x,
           size_t block, size_t first, size_t count), (w, v, point, x, block, first, count)) {
  switch (WINDOW(w->down, w->along)) {
#define INPUTS(down, along) \
  case WINDOW(down, along): transform_inputs(w, v, point, x, block, first, count, down, along); break;
    FOR_EACH_WINDOW(INPUTS)
  }
}

// MARK: Gradients

INLINE void gradient_tile(float *v, size_t point, const float *d, size_t row, size_t column, lanes *bias_gradient,
                          size_t down, size_t along) {
  lanes columns[MOST_SPAN * TILE], values[MOST_SPAN];
  const size_t width = tile_of(along);
  lanes sum = {0};
  UNROLLED for (size_t j = 0; j < width; ++j) {
    UNROLLED for (size_t i = 0; i < tile_of(down); ++i) {
      values[i] = LOAD(d + i * row + j * column);
      sum += values[i];
    }
    transform_output_gradient(columns + j, width, values, 1, down);
  }
  *bias_gradient += sum;
  UNROLLED for (size_t i = 0; i < span_of(down); ++i) {
    transform_output_gradient(values, 1, columns + i * width, 1, along);
    UNROLLED for (size_t j = 0; j < span_of(along); ++j) STORE(v + (i * span_of(along) + j) * point, values[j]);
  }
}

INLINE void transform_gradients(const winograd_view *w, float *v, size_t point, double *bias_gradient, const float *d,
                                size_t block, size_t first, size_t count, size_t down, size_t along) {
  const size_t row = w->out_row, column = w->out_column, height = tile_of(down), width = tile_of(along);
  lanes sum = {0};
  float border[TILE * TILE * WIDTH];
  for (size_t t = first; t < first + count; ++t, v += WIDTH) {
    const tile_place place = place_of(w, t, down, along);
    const float *from =
        d + place.picture * w->out_stride + block * w->out_plane + place.top * row + place.left * column;
    if (place.top + height <= w->out_height && place.left + width <= w->out_width) {
      UNROLLED for (size_t i = 0; i < height; ++i)
        UNROLLED for (size_t j = 0; j < width; ++j) __builtin_prefetch(from + i * row + (2 * width + j) * column);
      gradient_tile(v, point, from, row, column, &sum, down, along);
      continue;
    }
    UNROLLED for (size_t i = 0; i < height; ++i)
      UNROLLED for (size_t j = 0; j < width; ++j)
        STORE(border + (i * width + j) * WIDTH, place.top + i < w->out_height && place.left + j < w->out_width
                                                    ? LOAD(from + i * row + j * column)
                                                    : (lanes){0});
    gradient_tile(v, point, border, width * WIDTH, WIDTH, &sum, down, along);
  }
  for (size_t lane = 0; lane < WIDTH; ++lane) bias_gradient[lane] += (double)sum[lane];
}

VECTORISED(extern, void, ck_winograd_transform_gradients, (const winograd_view *w, float *v, size_t point, double *bias_gradient,
           const float *d, size_t block, size_t first, size_t count), (w, v, point, bias_gradient, d, block, first, count)) {
  switch (WINDOW(w->down, w->along)) {
#define GRADIENTS(down, along) \
  case WINDOW(down, along): transform_gradients(w, v, point, bias_gradient, d, block, first, count, down, along); break;
    FOR_EACH_WINDOW(GRADIENTS)
  }
}
