// Resizing of pictures of floating-point values of any number of channels: rows first, then columns.
#include "Internal.h"
#include "Vector.h"

static inline __attribute__((always_inline)) void along(float *restrict target, const float *restrict source,
                                                        const ci_float_axis *axis, size_t channels) {
  for (size_t x = 0; x < axis->count; x++) {
    const float *weights = axis->weights + x * axis->taps;
    const float *from = source + (size_t)axis->starts[x] * channels;
    for (size_t channel = 0; channel < channels; channel++) {
      float sum = 0;
      for (size_t tap = 0; tap < axis->taps; tap++) sum += weights[tap] * from[tap * channels + channel];
      target[x * channels + channel] = sum;
    }
  }
}

VECTORISED static void resample_row(float *target, const float *source, const ci_float_axis *axis, size_t channels) {
  switch (channels) {
    case 1: along(target, source, axis, 1); break;
    case 3: along(target, source, axis, 3); break;
    case 4: along(target, source, axis, 4); break;
    default: along(target, source, axis, channels);
  }
}

VECTORISED static void add_weighted(float *restrict target, const float *restrict row, float weight, size_t count) {
  for (size_t i = 0; i < count; i++) target[i] += weight * row[i];
}

void ci_resize_float(const float *source, size_t height, size_t width, size_t channels, const ci_float_axis *vertical,
                     const ci_float_axis *horizontal, float *scratch, float *target) {
  const float *rows = source;
  const size_t columns = horizontal ? horizontal->count : width;
  if (horizontal) {
    float *resampled = vertical ? scratch : target;
    for (size_t y = 0; y < height; y++)
      resample_row(resampled + y * columns * channels, source + y * width * channels, horizontal, channels);
    rows = resampled;
  }
  const size_t count = columns * channels;
  if (vertical) {
    for (size_t y = 0; y < vertical->count; y++) {
      float *to = target + y * count;
      memset(to, 0, count * sizeof *to);
      for (size_t tap = 0; tap < vertical->taps; tap++)
        add_weighted(to, rows + ((size_t)vertical->starts[y] + tap) * count, vertical->weights[y * vertical->taps + tap],
                     count);
    }
  } else if (!horizontal) {
    memcpy(target, source, height * count * sizeof *target);
  }
}
