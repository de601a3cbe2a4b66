#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#include "Internal.h"

// What must survive a long jump out of the library lies here, not in locals.
struct ci_png_reader {
  png_structp png;
  png_infop info;
  // Grows with the tallest picture.
  png_bytepp rows;
  size_t row_capacity;
  const uint8_t *next;
  size_t left;
  char *message;
};

static void fail(png_structp png, png_const_charp text) {
  ci_png_reader *reader = png_get_error_ptr(png);
  ci_fail(CI_CORRUPT, reader->message, text);
  longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void provide(png_structp png, png_bytep target, size_t count) {
  ci_png_reader *reader = png_get_io_ptr(png);
  if (count > reader->left) png_error(png, "the file is truncated");
  memcpy(target, reader->next, count);
  reader->next += count;
  reader->left -= count;
}

ci_png_reader *ci_png_create(void) { return calloc(1, sizeof(ci_png_reader)); }

void ci_png_close(ci_png_reader *reader) { png_destroy_read_struct(&reader->png, &reader->info, NULL); }

void ci_png_destroy(ci_png_reader *reader) {
  if (!reader) return;
  ci_png_close(reader);
  free(reader->rows);
  free(reader);
}

// Reads the header and asks for eight bits a channel, whatever the file has: 1, 3 or 4 channels. May jump.
static void read_header(ci_png_reader *reader, ci_info *info) {
  png_structp png = reader->png;
  // The caller checks the number of pixels; metadata may not swell.
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
  png_set_chunk_malloc_max(png, 1 << 24);
  png_set_read_fn(png, reader, provide);
  png_read_info(png, reader->info);
  // Deflate cannot shrink by more than a factor of 1032.
  info->least_bytes = (uint64_t)png_get_rowbytes(png, reader->info) / 1100 * png_get_image_height(png, reader->info);
  png_set_expand(png);
  png_set_scale_16(png);
  const int color = png_get_color_type(png, reader->info);
  if (color == PNG_COLOR_TYPE_GRAY_ALPHA ||
      (color == PNG_COLOR_TYPE_GRAY && png_get_valid(png, reader->info, PNG_INFO_tRNS))) {
    png_set_gray_to_rgb(png);
  }
  png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);
}

ci_status ci_png_open(ci_png_reader *reader, const uint8_t *bytes, size_t count, ci_info *info, char *message) {
  reader->next = bytes;
  reader->left = count;
  reader->message = message;
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, fail, ignore);
  reader->info = reader->png ? png_create_info_struct(reader->png) : NULL;
  if (!reader->info) return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  if (setjmp(png_jmpbuf(reader->png))) return CI_CORRUPT;
  read_header(reader, info);
  info->width = info->full_width = png_get_image_width(reader->png, reader->info);
  info->height = info->full_height = png_get_image_height(reader->png, reader->info);
  info->channels = png_get_channels(reader->png, reader->info);
#ifdef PNG_READ_eXIf_SUPPORTED
  png_bytep exif;
  png_uint_32 exif_count;
  if (png_get_eXIf_1(reader->png, reader->info, &exif_count, &exif)) {
    info->orientation = ci_exif_orientation(exif, exif_count);
  }
#endif
  return CI_OK;
}

ci_status ci_png_read(ci_png_reader *reader, uint8_t *pixels, size_t capacity, char *message) {
  reader->message = message;
  const size_t height = png_get_image_height(reader->png, reader->info);
  const size_t row_bytes = png_get_rowbytes(reader->png, reader->info);
  if (row_bytes == 0 || capacity / row_bytes != height || capacity % row_bytes != 0) {
    return ci_fail(CI_CORRUPT, message, "the memory provided has another size than the picture");
  }
  if (reader->row_capacity < height) {
    png_bytepp rows = realloc(reader->rows, height * sizeof *rows);
    if (!rows) return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
    reader->rows = rows;
    reader->row_capacity = height;
  }
  for (size_t row = 0; row < height; row++) reader->rows[row] = pixels + row * row_bytes;
  if (setjmp(png_jmpbuf(reader->png))) return CI_CORRUPT;
  png_read_image(reader->png, reader->rows);
  png_read_end(reader->png, NULL);
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
