#pragma once

#include <string.h>

#include "CImages.h"

static inline ci_status ci_fail(ci_status status, char *message, const char *text) {
  strncpy(message, text, CI_MESSAGE_SIZE - 1);
  message[CI_MESSAGE_SIZE - 1] = 0;
  return status;
}

ci_status ci_png_info(const uint8_t *bytes, size_t count, ci_info *info, char *message);
ci_status ci_png_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                        char *message);
ci_status ci_jpeg_info(const uint8_t *bytes, size_t count, ci_info *info, char *message);
ci_status ci_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                         char *message);
