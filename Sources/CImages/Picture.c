#include <stdlib.h>

#include "Internal.h"

static ci_format format_of(const uint8_t *bytes, size_t count) {
  static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  static const uint8_t jpeg[3] = {0xFF, 0xD8, 0xFF};
  if (count >= sizeof png && memcmp(bytes, png, sizeof png) == 0) return CI_PNG;
  if (count >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0) return CI_JPEG;
  return 0;
}

ci_status ci_read_info(const uint8_t *bytes, size_t count, ci_info *info, char *message) {
  message[0] = 0;
  switch (format_of(bytes, count)) {
    case CI_PNG: return ci_png_info(bytes, count, info, message);
    case CI_JPEG: return ci_jpeg_info(bytes, count, info, message);
  }
  return ci_fail(CI_UNKNOWN_FORMAT, message, "neither PNG nor JPEG");
}

ci_status ci_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                    char *message) {
  message[0] = 0;
  switch (format_of(bytes, count)) {
    case CI_PNG: return ci_png_decode(bytes, count, pixels, capacity, message);
    case CI_JPEG: return ci_jpeg_decode(bytes, count, pixels, capacity, message);
  }
  return ci_fail(CI_UNKNOWN_FORMAT, message, "neither PNG nor JPEG");
}

void ci_free(void *memory) { free(memory); }
