#pragma once

#include <stdio.h>
#include <string.h>

#include "CImages.h"

static inline ci_status ci_fail(ci_status status, char *message, const char *text) {
  strncpy(message, text, CI_MESSAGE_SIZE - 1);
  message[CI_MESSAGE_SIZE - 1] = 0;
  return status;
}

// The reader of one format. `open` reads the header, `read` the pixels; what lies between them is freed by `close`, which
// may be called at any time, and also after a failure.
typedef struct ci_jpeg_reader ci_jpeg_reader;
ci_jpeg_reader *ci_jpeg_create(void);
void ci_jpeg_destroy(ci_jpeg_reader *reader);
ci_status ci_jpeg_open(ci_jpeg_reader *reader, const uint8_t *bytes, size_t count, const ci_options *options,
                       ci_info *info, char *message);
void ci_jpeg_shrink(ci_jpeg_reader *reader, uint32_t minimum_extent, ci_info *info);
ci_status ci_jpeg_read(ci_jpeg_reader *reader, const ci_region *region, uint8_t *pixels, size_t capacity,
                       char *message);
void ci_jpeg_close(ci_jpeg_reader *reader);

typedef struct ci_png_reader ci_png_reader;
ci_png_reader *ci_png_create(void);
void ci_png_destroy(ci_png_reader *reader);
ci_status ci_png_open(ci_png_reader *reader, const uint8_t *bytes, size_t count, ci_info *info, char *message);
ci_status ci_png_read(ci_png_reader *reader, uint8_t *pixels, size_t capacity, char *message);
void ci_png_close(ci_png_reader *reader);

// Keeps nothing between the calls but the caller's bytes.
ci_status ci_webp_open(const uint8_t *bytes, size_t count, ci_info *info, char *message);
ci_status ci_webp_read(const uint8_t *bytes, size_t count, const ci_info *info, uint8_t *pixels, size_t capacity,
                       char *message);

// The first picture, on its canvas. Keeps nothing either.
ci_status ci_gif_open(const uint8_t *bytes, size_t count, ci_info *info, char *message);
ci_status ci_gif_read(const uint8_t *bytes, size_t count, const ci_info *info, uint8_t *pixels, size_t capacity,
                      char *message);

// The first page. Keeps nothing either.
ci_status ci_tiff_open(const uint8_t *bytes, size_t count, ci_info *info, char *message);
ci_status ci_tiff_read(const uint8_t *bytes, size_t count, const ci_info *info, uint8_t *pixels, size_t capacity,
                       char *message);

// The metadata of a file that say how its picture stands; NULL where it has none.
typedef struct {
  // With or without the six bytes that introduce it.
  const uint8_t *exif;
  size_t exif_count;
  const uint8_t *xmp;
  size_t xmp_count;
} ci_metadata;

// 1 to 8 as Exif counts, as Pillow reads it: Exif's first directory decides, XMP where that has no such field; 1 where nothing is
// said.
uint32_t ci_orientation(const ci_metadata *metadata);
// Of the chunks of a PNG file, wherever they stand.
ci_status ci_png_orientation(const uint8_t *bytes, size_t count, uint32_t *orientation);

// Bytes that a file of so many pixels has at least, where the format itself sets no bound: up to 16 million pixels none, and one
// for each 1,024 pixels above. Only pictures of nearly one color shrink further.
static inline uint64_t ci_plausible_bytes(uint32_t width, uint32_t height) {
  const uint64_t pixels = (uint64_t)width * height;
  const uint64_t free_pixels = UINT64_C(1) << 24;
  return pixels > free_pixels ? (pixels - free_pixels) / 1024 : 0;
}
