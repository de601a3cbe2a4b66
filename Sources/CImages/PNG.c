#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#include "Internal.h"

// What must survive a long jump out of the library lies here, not in locals.
typedef struct {
  png_structp png;
  png_infop info;
  png_bytepp rows;
  const uint8_t *next;
  size_t left;
  char *message;
} reader;

static void fail(png_structp png, png_const_charp text) {
  reader *state = png_get_error_ptr(png);
  ci_fail(CI_CORRUPT, state->message, text);
  longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void provide(png_structp png, png_bytep target, size_t count) {
  reader *state = png_get_io_ptr(png);
  if (count > state->left) png_error(png, "the file is truncated");
  memcpy(target, state->next, count);
  state->next += count;
  state->left -= count;
}

static int begin(reader *state, const uint8_t *bytes, size_t count, char *message) {
  *state = (reader){.next = bytes, .left = count, .message = message};
  state->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, state, fail, ignore);
  if (!state->png) return 0;
  state->info = png_create_info_struct(state->png);
  return state->info != NULL;
}

static void end(reader *state) {
  free(state->rows);
  png_destroy_read_struct(&state->png, &state->info, NULL);
}

// Reads the header and asks for eight bits a channel, whatever the file has. May jump.
static void read_header(reader *state, size_t count) {
  png_structp png = state->png;
  // The caller checks the number of pixels; metadata may not swell.
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
  png_set_chunk_malloc_max(png, 1 << 24);
  png_set_read_fn(png, state, provide);
  png_read_info(png, state->info);
  // Deflate cannot shrink by more than a factor of 1032.
  const double stored = (double)png_get_rowbytes(png, state->info) *
                        png_get_image_height(png, state->info);
  if (stored > 1100.0 * (double)count) png_error(png, "the file is too short for its dimensions");
  png_set_expand(png);
  png_set_scale_16(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, state->info);
}

ci_status ci_png_info(const uint8_t *bytes, size_t count, ci_info *info, char *message) {
  reader state;
  if (!begin(&state, bytes, count, message)) {
    end(&state);
    return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  }
  if (setjmp(png_jmpbuf(state.png))) {
    end(&state);
    return CI_CORRUPT;
  }
  read_header(&state, count);
  info->format = CI_PNG;
  info->width = png_get_image_width(state.png, state.info);
  info->height = png_get_image_height(state.png, state.info);
  info->channels = png_get_channels(state.png, state.info);
  end(&state);
  return CI_OK;
}

ci_status ci_png_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                        char *message) {
  reader state;
  if (!begin(&state, bytes, count, message)) {
    end(&state);
    return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  }
  if (setjmp(png_jmpbuf(state.png))) {
    end(&state);
    return CI_CORRUPT;
  }
  read_header(&state, count);
  const size_t height = png_get_image_height(state.png, state.info);
  const size_t row_bytes = png_get_rowbytes(state.png, state.info);
  if (row_bytes == 0 || capacity / row_bytes != height || capacity % row_bytes != 0) {
    png_error(state.png, "the memory provided has another size than the picture");
  }
  state.rows = malloc(height * sizeof *state.rows);
  if (!state.rows) {
    end(&state);
    return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  }
  for (size_t row = 0; row < height; row++) state.rows[row] = pixels + row * row_bytes;
  png_read_image(state.png, state.rows);
  png_read_end(state.png, NULL);
  end(&state);
  return CI_OK;
}

static int describe(png_image *image, uint32_t width, uint32_t height, uint32_t channels) {
  *image = (png_image){.version = PNG_IMAGE_VERSION, .width = width, .height = height};
  switch (channels) {
    case 1: image->format = PNG_FORMAT_GRAY; return 1;
    case 3: image->format = PNG_FORMAT_RGB; return 1;
    case 4: image->format = PNG_FORMAT_RGBA; return 1;
  }
  return 0;
}

size_t ci_png_size_bound(uint32_t width, uint32_t height, uint32_t channels) {
  png_image image;
  const uint64_t limit = UINT64_C(1) << 31;
  if (width == 0 || height == 0 || (uint64_t)width * channels >= limit || height >= limit ||
      (uint64_t)width * channels * height >= limit || !describe(&image, width, height, channels)) {
    return 0;
  }
  return PNG_IMAGE_PNG_SIZE_MAX(image);
}

ci_status ci_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                        uint8_t *output, size_t capacity, size_t *written, char *message) {
  png_image image;
  message[0] = 0;
  if (!describe(&image, width, height, channels)) {
    return ci_fail(CI_CORRUPT, message, "1, 3 or 4 channels can be encoded");
  }
  png_alloc_size_t size = capacity;
  if (!png_image_write_to_memory(&image, output, &size, 0, pixels, 0, NULL)) {
    return ci_fail(CI_CORRUPT, message, image.message);
  }
  *written = size;
  return CI_OK;
}
