#include "Internal.h"
#include "Vector.h"

static inline uint8_t luminance(unsigned red, unsigned green, unsigned blue) {
  return (uint8_t)((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16);
}

static inline uint8_t over(unsigned front, unsigned alpha, unsigned back) {
  return (uint8_t)((front * alpha + back * (255 - alpha) + 127) / 255);
}

VECTORISED static void grey_of_color(uint8_t *restrict target, const uint8_t *restrict source, size_t count) {
  for (size_t i = 0; i < count; i++) target[i] = luminance(source[3 * i], source[3 * i + 1], source[3 * i + 2]);
}

VECTORISED static void grey_of_alpha(uint8_t *restrict target, const uint8_t *restrict source, size_t count,
                                     ci_color back) {
  for (size_t i = 0; i < count; i++) {
    const unsigned alpha = source[4 * i + 3];
    target[i] = luminance(over(source[4 * i], alpha, back.red), over(source[4 * i + 1], alpha, back.green),
                          over(source[4 * i + 2], alpha, back.blue));
  }
}

VECTORISED static void color_of_grey(uint8_t *restrict target, const uint8_t *restrict source, size_t count) {
  for (size_t i = 0; i < count; i++) target[3 * i] = target[3 * i + 1] = target[3 * i + 2] = source[i];
}

VECTORISED static void color_of_alpha(uint8_t *restrict target, const uint8_t *restrict source, size_t count,
                                      ci_color back) {
  for (size_t i = 0; i < count; i++) {
    const unsigned alpha = source[4 * i + 3];
    target[3 * i] = over(source[4 * i], alpha, back.red);
    target[3 * i + 1] = over(source[4 * i + 1], alpha, back.green);
    target[3 * i + 2] = over(source[4 * i + 2], alpha, back.blue);
  }
}

VECTORISED static void alpha_of_grey(uint8_t *restrict target, const uint8_t *restrict source, size_t count) {
  for (size_t i = 0; i < count; i++) {
    target[4 * i] = target[4 * i + 1] = target[4 * i + 2] = source[i];
    target[4 * i + 3] = 255;
  }
}

VECTORISED static void alpha_of_color(uint8_t *restrict target, const uint8_t *restrict source, size_t count) {
  for (size_t i = 0; i < count; i++) {
    target[4 * i] = source[3 * i];
    target[4 * i + 1] = source[3 * i + 1];
    target[4 * i + 2] = source[3 * i + 2];
    target[4 * i + 3] = 255;
  }
}

void ci_convert(const uint8_t *source, uint32_t from, uint8_t *target, uint32_t to, size_t count,
                ci_color background) {
  if (from == to) {
    memcpy(target, source, count * from);
  } else if (to == 1) {
    if (from == 3) grey_of_color(target, source, count);
    else grey_of_alpha(target, source, count, background);
  } else if (to == 3) {
    if (from == 1) color_of_grey(target, source, count);
    else color_of_alpha(target, source, count, background);
  } else {
    if (from == 1) alpha_of_grey(target, source, count);
    else alpha_of_color(target, source, count);
  }
}

// As Pillow does before and after it resizes: colors times alpha, rounded, and divided again, cut.
VECTORISED void ci_premultiply(uint8_t *pixels, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const unsigned alpha = pixels[4 * i + 3];
    for (size_t channel = 0; channel < 3; channel++) {
      const unsigned product = pixels[4 * i + channel] * alpha + 128;
      pixels[4 * i + channel] = (uint8_t)((product + (product >> 8)) >> 8);
    }
  }
}

void ci_unpremultiply(uint8_t *pixels, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const unsigned alpha = pixels[4 * i + 3];
    if (alpha == 0 || alpha == 255) continue;
    for (size_t channel = 0; channel < 3; channel++) {
      const unsigned value = 255u * pixels[4 * i + channel] / alpha;
      pixels[4 * i + channel] = (uint8_t)(value < 255 ? value : 255);
    }
  }
}

static inline __attribute__((always_inline)) void turn(const uint8_t *first, ptrdiff_t row_step, ptrdiff_t column_step,
                                                       uint8_t *target, size_t height, size_t width, size_t channels) {
  // In squares, so that what is read across rows stays in the cache.
  enum { SIDE = 32 };
  for (size_t top = 0; top < height; top += SIDE) {
    for (size_t left = 0; left < width; left += SIDE) {
      const size_t bottom = top + SIDE < height ? top + SIDE : height;
      const size_t right = left + SIDE < width ? left + SIDE : width;
      for (size_t y = top; y < bottom; y++) {
        for (size_t x = left; x < right; x++) {
          const uint8_t *from = first + (ptrdiff_t)y * row_step + (ptrdiff_t)x * column_step;
          for (size_t channel = 0; channel < channels; channel++)
            target[(y * width + x) * channels + channel] = from[channel];
        }
      }
    }
  }
}

void ci_orient(const uint8_t *source, size_t height, size_t width, size_t channels, uint32_t orientation,
               uint8_t *target) {
  // Steps in the source for a step down and a step right in the target.
  const ptrdiff_t pixel = (ptrdiff_t)channels, row = pixel * (ptrdiff_t)width;
  const ptrdiff_t last_row = row * (ptrdiff_t)(height - 1), last_pixel = row - pixel;
  ptrdiff_t first = 0, down = row, right = pixel;
  switch (orientation) {
    case 2: first = last_pixel, right = -pixel; break;
    case 3: first = last_row + last_pixel, down = -row, right = -pixel; break;
    case 4: first = last_row, down = -row; break;
    case 5: down = pixel, right = row; break;
    case 6: first = last_row, down = pixel, right = -row; break;
    case 7: first = last_row + last_pixel, down = -pixel, right = -row; break;
    case 8: first = last_pixel, down = -pixel, right = row; break;
    default: break;
  }
  const size_t rows = orientation < 5 ? height : width, columns = orientation < 5 ? width : height;
  switch (channels) {
    case 1: turn(source + first, down, right, target, rows, columns, 1); break;
    case 3: turn(source + first, down, right, target, rows, columns, 3); break;
    default: turn(source + first, down, right, target, rows, columns, 4);
  }
}
