// jpeglib.h uses FILE and size_t without declaring them.
#include <stdio.h>

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>

#include "Internal.h"

typedef struct {
  struct jpeg_compress_struct encoder;
  struct jpeg_error_mgr errors;
  // The library's own destination forgets, when memory runs out, which buffer it has freed.
  struct jpeg_destination_mgr destination;
  jmp_buf escape;
  char *message;
  ci_status status;
  uint8_t *memory;
  size_t capacity;
} writer;

static void fail_writing(j_common_ptr common) {
  writer *state = common->client_data;
  char text[JMSG_LENGTH_MAX];
  common->err->format_message(common, text);
  const ci_status status = common->err->msg_code == JERR_OUT_OF_MEMORY ? CI_OUT_OF_MEMORY : CI_CORRUPT;
  state->status = ci_fail(status, state->message, text);
  longjmp(state->escape, 1);
}

static void ignore(j_common_ptr common, int level) {
  (void)common;
  (void)level;
}

// Doubles the memory; called before the first byte, and when it is full.
static void grow(j_compress_ptr encoder) {
  writer *state = encoder->client_data;
  const size_t used = state->capacity;
  const size_t capacity = used ? 2 * used : 1 << 14;
  uint8_t *memory = realloc(state->memory, capacity);
  if (!memory) {
    state->status = ci_fail(CI_OUT_OF_MEMORY, state->message, "out of memory");
    longjmp(state->escape, 1);
  }
  state->memory = memory;
  state->capacity = capacity;
  state->destination.next_output_byte = memory + used;
  state->destination.free_in_buffer = capacity - used;
}

static boolean grow_when_full(j_compress_ptr encoder) {
  grow(encoder);
  return TRUE;
}

static void finish(j_compress_ptr encoder) { (void)encoder; }

// May jump.
static void write_jpeg(writer *state, const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                       int quality, int halves_chroma) {
  j_compress_ptr encoder = &state->encoder;
  jpeg_create_compress(encoder);
  state->destination = (struct jpeg_destination_mgr){
      .init_destination = grow, .empty_output_buffer = grow_when_full, .term_destination = finish};
  encoder->dest = &state->destination;
  encoder->image_width = width;
  encoder->image_height = height;
  encoder->input_components = (int)channels;
  encoder->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(encoder);
  jpeg_set_quality(encoder, quality, TRUE);
  encoder->optimize_coding = TRUE;
  if (channels == 3 && !halves_chroma) {
    encoder->comp_info[0].h_samp_factor = 1;
    encoder->comp_info[0].v_samp_factor = 1;
  }
  jpeg_start_compress(encoder, TRUE);
  while (encoder->next_scanline < height) {
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)encoder->next_scanline * width * channels);
    jpeg_write_scanlines(encoder, &row, 1);
  }
  jpeg_finish_compress(encoder);
}

ci_status ci_encode_jpeg(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, int quality,
                         int halves_chroma, uint8_t **output, size_t *written, char *message) {
  message[0] = 0;
  if ((channels != 1 && channels != 3) || width == 0 || height == 0 || width > JPEG_MAX_DIMENSION ||
      height > JPEG_MAX_DIMENSION) {
    return ci_fail(CI_TOO_LARGE, message, "the format holds 1 or 3 channels of up to 65,500 pixels each way");
  }
  // What it holds outlives a long jump, unlike locals.
  writer *state = calloc(1, sizeof *state);
  if (!state) return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  state->message = message;
  state->encoder.err = jpeg_std_error(&state->errors);
  state->encoder.client_data = state;
  state->errors.error_exit = fail_writing;
  state->errors.emit_message = ignore;
  if (setjmp(state->escape) == 0) {
    write_jpeg(state, pixels, width, height, channels, quality, halves_chroma);
    *output = state->memory;
    *written = state->capacity - state->destination.free_in_buffer;
    state->memory = NULL;
  }
  const ci_status status = state->status;
  jpeg_destroy_compress(&state->encoder);
  free(state->memory);
  free(state);
  return status;
}
