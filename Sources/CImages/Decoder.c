#include <stdlib.h>

#include "Internal.h"

struct ci_decoder {
  ci_jpeg_reader *jpeg;
  ci_png_reader *png;
  const uint8_t *bytes;
  size_t count;
  // Of the picture that is open; its format is 0 where none is.
  ci_info info;
};

ci_decoder *ci_decoder_create(void) { return calloc(1, sizeof(ci_decoder)); }

void ci_decoder_destroy(ci_decoder *decoder) {
  if (!decoder) return;
  ci_jpeg_destroy(decoder->jpeg);
  ci_png_destroy(decoder->png);
  free(decoder);
}

static ci_format format_of(const uint8_t *bytes, size_t count) {
  static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  static const uint8_t jpeg[3] = {0xFF, 0xD8, 0xFF};
  if (count >= sizeof png && memcmp(bytes, png, sizeof png) == 0) return CI_PNG;
  if (count >= sizeof jpeg && memcmp(bytes, jpeg, sizeof jpeg) == 0) return CI_JPEG;
  if (count >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) return CI_WEBP;
  if (count >= 6 && (memcmp(bytes, "GIF87a", 6) == 0 || memcmp(bytes, "GIF89a", 6) == 0)) return CI_GIF;
  if (count >= 8 && (memcmp(bytes, "II*", 4) == 0 || memcmp(bytes, "MM\0*", 4) == 0 || memcmp(bytes, "II+", 4) == 0 ||
                     memcmp(bytes, "MM\0+", 4) == 0)) {
    return CI_TIFF;
  }
  return 0;
}

static void close_reader(ci_decoder *decoder) {
  switch (decoder->info.format) {
    case CI_JPEG: ci_jpeg_close(decoder->jpeg); break;
    case CI_PNG: ci_png_close(decoder->png); break;
    case CI_WEBP:
    case CI_GIF:
    case CI_TIFF: break;
  }
  decoder->info.format = 0;
}

ci_status ci_decoder_open(ci_decoder *decoder, const uint8_t *bytes, size_t count, const ci_options *options,
                          ci_info *info, char *message) {
  message[0] = 0;
  close_reader(decoder);
  decoder->bytes = bytes;
  decoder->count = count;
  ci_info found = {.format = format_of(bytes, count), .orientation = 1};
  ci_status status = CI_UNKNOWN_FORMAT;
  switch (found.format) {
    case CI_JPEG:
      if (!decoder->jpeg) decoder->jpeg = ci_jpeg_create();
      if (!decoder->jpeg) return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
      status = ci_jpeg_open(decoder->jpeg, bytes, count, options, &found, message);
      break;
    case CI_PNG:
      if (!decoder->png) decoder->png = ci_png_create();
      if (!decoder->png) return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
      status = ci_png_open(decoder->png, bytes, count, &found, message);
      break;
    case CI_WEBP: status = ci_webp_open(bytes, count, &found, message); break;
    case CI_GIF: status = ci_gif_open(bytes, count, &found, message); break;
    case CI_TIFF: status = ci_tiff_open(bytes, count, &found, message); break;
  }
  decoder->info = found;
  if (status != CI_OK) close_reader(decoder);
  *info = found;
  return status;
}

void ci_decoder_shrink(ci_decoder *decoder, uint32_t minimum_extent, ci_info *info) {
  if (decoder->info.format == CI_JPEG) ci_jpeg_shrink(decoder->jpeg, minimum_extent, info);
}

ci_status ci_decoder_read(ci_decoder *decoder, const ci_region *region, uint8_t *pixels, size_t capacity,
                          char *message) {
  message[0] = 0;
  ci_status status = ci_fail(CI_CORRUPT, message, "no picture is open");
  switch (decoder->info.format) {
    case CI_JPEG: status = ci_jpeg_read(decoder->jpeg, region, pixels, capacity, message); break;
    case CI_PNG: status = ci_png_read(decoder->png, pixels, capacity, message); break;
    case CI_WEBP:
      status = ci_webp_read(decoder->bytes, decoder->count, &decoder->info, pixels, capacity, message);
      break;
    case CI_GIF:
      status = ci_gif_read(decoder->bytes, decoder->count, &decoder->info, pixels, capacity, message);
      break;
    case CI_TIFF:
      status = ci_tiff_read(decoder->bytes, decoder->count, &decoder->info, pixels, capacity, message);
      break;
  }
  close_reader(decoder);
  return status;
}

void ci_decoder_close(ci_decoder *decoder) {
  if (decoder) close_reader(decoder);
}

void ci_free(void *memory) { free(memory); }
