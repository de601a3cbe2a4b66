#include <png.h>
#include <setjmp.h>
#include <stdlib.h>

#include "Internal.h"

// What must survive a long jump out of the library lies here, not in locals.
struct ci_png_reader {
  png_structp png;
  png_infop info;
  // How often the rows are gone through; more than once where the picture is interlaced.
  int passes;
  const uint8_t *next;
  size_t left;
  char *message;
  int is_out_of_memory;
};

// The library tells what it lacked by a text only.
static png_voidp allocate(png_structp png, png_alloc_size_t size) {
  void *memory = malloc(size);
  if (!memory) *(int *)png_get_mem_ptr(png) = 1;
  return memory;
}

static void release(png_structp png, png_voidp memory) {
  (void)png;
  free(memory);
}

static ci_status status_of(int is_out_of_memory, char *message) {
  return is_out_of_memory ? ci_fail(CI_OUT_OF_MEMORY, message, "out of memory") : CI_CORRUPT;
}

static void fail(png_structp png, png_const_charp text) {
  ci_png_reader *reader = png_get_error_ptr(png);
  ci_fail(CI_CORRUPT, reader->message, text);
  png_longjmp(png, 1);
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
  free(reader);
}

// Reads the header. May jump.
static void read_header(ci_png_reader *reader, ci_info *info) {
  png_structp png = reader->png;
  // The caller checks the number of pixels, before anything of their size is allocated.
  png_set_user_limits(png, 0x7FFFFFFF, 0x7FFFFFFF);
  // Of the rest only the palette and its transparency make pixels. Passed over, nothing of it is inflated or kept, so that its
  // size does not matter.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_chunk_malloc_max(png, 0);
  png_set_read_fn(png, reader, provide);
  png_read_info(png, reader->info);
  info->width = info->full_width = png_get_image_width(png, reader->info);
  info->height = info->full_height = png_get_image_height(png, reader->info);
  // Deflate cannot shrink by more than a factor of 1032. Each row has a byte that names its filter.
  info->least_bytes = ((uint64_t)png_get_rowbytes(png, reader->info) + 1) * info->height / 1032;
  const int color = png_get_color_type(png, reader->info);
  const int has_alpha = (color & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, reader->info, PNG_INFO_tRNS);
  info->channels = has_alpha ? 4 : color & PNG_COLOR_MASK_COLOR ? 3 : 1;
}

// Asks for eight bits a channel, whatever the file has, and allocates rows. May jump.
static void begin_reading(ci_png_reader *reader) {
  png_structp png = reader->png;
  png_set_expand(png);
  png_set_scale_16(png);
  const int color = png_get_color_type(png, reader->info);
  if (color == PNG_COLOR_TYPE_GRAY_ALPHA ||
      (color == PNG_COLOR_TYPE_GRAY && png_get_valid(png, reader->info, PNG_INFO_tRNS))) {
    png_set_gray_to_rgb(png);
  }
  reader->passes = png_set_interlace_handling(png);
  png_read_update_info(png, reader->info);
}

ci_status ci_png_open(ci_png_reader *reader, const uint8_t *bytes, size_t count, ci_info *info, char *message) {
  reader->next = bytes;
  reader->left = count;
  reader->message = message;
  reader->is_out_of_memory = 0;
  reader->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, reader, fail, ignore, &reader->is_out_of_memory,
                                         allocate, release);
  reader->info = reader->png ? png_create_info_struct(reader->png) : NULL;
  if (!reader->info) return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  if (setjmp(png_jmpbuf(reader->png))) return status_of(reader->is_out_of_memory, message);
  read_header(reader, info);
  const ci_status status = ci_png_orientation(bytes, count, &info->orientation);
  return status == CI_OK ? CI_OK : status_of(1, message);
}

ci_status ci_png_read(ci_png_reader *reader, uint8_t *pixels, size_t capacity, char *message) {
  reader->message = message;
  if (setjmp(png_jmpbuf(reader->png))) return status_of(reader->is_out_of_memory, message);
  begin_reading(reader);
  const size_t height = png_get_image_height(reader->png, reader->info);
  const size_t row_bytes = png_get_rowbytes(reader->png, reader->info);
  if (row_bytes == 0 || capacity / row_bytes != height || capacity % row_bytes != 0) {
    return ci_fail(CI_CORRUPT, message, "the memory provided has another size than the picture");
  }
  for (int pass = 0; pass < reader->passes; pass++) {
    for (size_t row = 0; row < height; row++) png_read_row(reader->png, pixels + row * row_bytes, NULL);
  }
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

// Outlives a long jump, unlike locals.
typedef struct {
  png_structp png;
  png_infop info;
  uint8_t *output;
  size_t left;
  char *message;
  int is_out_of_memory;
} png_writer;

static void fail_writing(png_structp png, png_const_charp text) {
  png_writer *writer = png_get_error_ptr(png);
  ci_fail(CI_CORRUPT, writer->message, text);
  png_longjmp(png, 1);
}

static void store(png_structp png, png_bytep bytes, size_t count) {
  png_writer *writer = png_get_io_ptr(png);
  if (count > writer->left) png_error(png, "the memory provided is too small");
  memcpy(writer->output, bytes, count);
  writer->output += count;
  writer->left -= count;
}

static void flush(png_structp png) { (void)png; }

static ci_status write_png(png_writer *writer, const uint8_t *pixels, uint32_t width, uint32_t height,
                           uint32_t channels) {
  writer->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, writer, fail_writing, ignore,
                                          &writer->is_out_of_memory, allocate, release);
  writer->info = writer->png ? png_create_info_struct(writer->png) : NULL;
  if (!writer->info) return status_of(1, writer->message);
  if (setjmp(png_jmpbuf(writer->png))) return status_of(writer->is_out_of_memory, writer->message);
  png_set_user_limits(writer->png, 0x7FFFFFFF, 0x7FFFFFFF);
  png_set_write_fn(writer->png, writer, store, flush);
  const int color = channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA;
  png_set_IHDR(writer->png, writer->info, width, height, 8, color, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB(writer->png, writer->info, PNG_sRGB_INTENT_PERCEPTUAL);
  png_write_info(writer->png, writer->info);
  const size_t row_bytes = (size_t)width * channels;
  for (size_t row = 0; row < height; row++) png_write_row(writer->png, pixels + row * row_bytes);
  png_write_end(writer->png, writer->info);
  return CI_OK;
}

ci_status ci_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                        uint8_t *output, size_t capacity, size_t *written, char *message) {
  message[0] = 0;
  if (channels != 1 && channels != 3 && channels != 4) {
    return ci_fail(CI_CORRUPT, message, "1, 3 or 4 channels can be encoded");
  }
  png_writer writer = {.output = output, .left = capacity, .message = message};
  const ci_status status = write_png(&writer, pixels, width, height, channels);
  png_destroy_write_struct(&writer.png, &writer.info);
  if (status == CI_OK) *written = capacity - writer.left;
  return status;
}
