#pragma once

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

// The orientation that Exif data states (with or without its six bytes of introduction): 1 to 8, and 1 where it states
// none.
uint32_t ci_exif_orientation(const uint8_t *bytes, size_t count);
