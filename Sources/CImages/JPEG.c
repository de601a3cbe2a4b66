// jpeglib.h uses FILE and size_t without declaring them.
#include <stdio.h>

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>

#include "Internal.h"

// A picture of more scans is made to waste time: the standard's tools write about ten.
enum { SCAN_LIMIT = 500 };

typedef struct {
  struct jpeg_decompress_struct decoder;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf escape;
  char *message;
} reader;

static void fail(j_common_ptr common) {
  reader *state = common->client_data;
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  ci_fail(CI_CORRUPT, state->message, text);
  longjmp(state->escape, 1);
}

// The library would fill what a truncated file lacks with grey; here it is an error. Other damage
// that it can step over is let pass, as other decoders do.
static void warn(j_common_ptr common, int level) {
  reader *state = common->client_data;
  if (level < 0 && common->err->msg_code == JWRN_JPEG_EOF) {
    ci_fail(CI_CORRUPT, state->message, "the file is truncated");
    longjmp(state->escape, 1);
  }
}

static void count_scans(j_common_ptr common) {
  reader *state = common->client_data;
  if (((j_decompress_ptr)common)->input_scan_number > SCAN_LIMIT) {
    ci_fail(CI_CORRUPT, state->message, "more than 500 scans");
    longjmp(state->escape, 1);
  }
}

// Reads the header and chooses the colours of the output. May jump.
static void read_header(reader *state, const uint8_t *bytes, size_t count) {
  j_decompress_ptr decoder = &state->decoder;
  jpeg_create_decompress(decoder);
  state->progress.progress_monitor = count_scans;
  decoder->progress = &state->progress;
  jpeg_mem_src(decoder, bytes, count);
  jpeg_read_header(decoder, TRUE);
  switch (decoder->jpeg_color_space) {
    case JCS_GRAYSCALE: decoder->out_color_space = JCS_GRAYSCALE; break;
    case JCS_CMYK:
    case JCS_YCCK: decoder->out_color_space = JCS_CMYK; break;
    default: decoder->out_color_space = JCS_RGB;
  }
}

static void prepare(reader *state, char *message) {
  memset(state, 0, sizeof *state);
  state->message = message;
  state->decoder.err = jpeg_std_error(&state->errors);
  state->decoder.client_data = state;
  state->errors.error_exit = fail;
  state->errors.emit_message = warn;
}

ci_status ci_jpeg_info(const uint8_t *bytes, size_t count, ci_info *info, char *message) {
  reader state;
  prepare(&state, message);
  if (setjmp(state.escape)) {
    jpeg_destroy_decompress(&state.decoder);
    return CI_CORRUPT;
  }
  read_header(&state, bytes, count);
  info->format = CI_JPEG;
  info->width = state.decoder.image_width;
  info->height = state.decoder.image_height;
  info->channels = state.decoder.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  jpeg_destroy_decompress(&state.decoder);
  return CI_OK;
}

// `row` holds inverted CMYK, as Adobe writes it and as every CMYK picture in the wild has it: 255 is
// no ink.
static void write_rgb(const uint8_t *row, uint8_t *target, size_t width) {
  for (size_t pixel = 0; pixel < width; pixel++) {
    const unsigned black = row[4 * pixel + 3];
    for (size_t channel = 0; channel < 3; channel++) {
      // Rounded division by 255 without dividing.
      const unsigned ink = (255u - row[4 * pixel + channel]) * black + 128;
      target[3 * pixel + channel] = (uint8_t)(black - ((ink + (ink >> 8)) >> 8));
    }
  }
}

ci_status ci_jpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                         char *message) {
  reader state;
  prepare(&state, message);
  if (setjmp(state.escape)) {
    jpeg_destroy_decompress(&state.decoder);
    return CI_CORRUPT;
  }
  read_header(&state, bytes, count);
  j_decompress_ptr decoder = &state.decoder;
  jpeg_start_decompress(decoder);
  const size_t width = decoder->output_width;
  const int is_cmyk = decoder->out_color_space == JCS_CMYK;
  const size_t row_bytes = width * (is_cmyk ? 3 : (size_t)decoder->output_components);
  if (capacity != row_bytes * decoder->output_height) {
    jpeg_destroy_decompress(decoder);
    return ci_fail(CI_CORRUPT, message, "the memory provided has another size than the picture");
  }
  // Freed with the decoder.
  JSAMPARRAY inks = NULL;
  if (is_cmyk) {
    inks = decoder->mem->alloc_sarray((j_common_ptr)decoder, JPOOL_IMAGE,
                                      (JDIMENSION)(4 * width), 1);
  }
  while (decoder->output_scanline < decoder->output_height) {
    uint8_t *target = pixels + decoder->output_scanline * row_bytes;
    if (is_cmyk) {
      jpeg_read_scanlines(decoder, inks, 1);
      write_rgb(inks[0], target, width);
    } else {
      jpeg_read_scanlines(decoder, &target, 1);
    }
  }
  jpeg_finish_decompress(decoder);
  jpeg_destroy_decompress(decoder);
  return CI_OK;
}
