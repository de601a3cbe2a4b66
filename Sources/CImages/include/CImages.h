// The only door to libpng, libjpeg-turbo and zlib. Pictures are decoded into memory that the caller
// owns: ask for the size, check it, provide the memory, decode. No function keeps state.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum {
  CI_OK = 0,
  // The bytes are not what their beginning promises. The message says why.
  CI_CORRUPT,
  // No format that is known here.
  CI_UNKNOWN_FORMAT,
  // A dimension or the contents exceed the caller's limit.
  CI_TOO_LARGE,
  CI_OUT_OF_MEMORY,
} ci_status;

enum { CI_MESSAGE_SIZE = 256 };

typedef enum { CI_PNG = 1, CI_JPEG = 2 } ci_format;

typedef struct {
  ci_format format;
  uint32_t width;
  uint32_t height;
  // Of the decoded picture: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha.
  uint32_t channels;
} ci_info;

// Reads the header only. `message` has room for CI_MESSAGE_SIZE bytes.
ci_status ci_read_info(const uint8_t *bytes, size_t count, ci_info *info, char *message);

// Decodes into `pixels`, eight bits a channel, interleaved, rows from the top without gaps.
// `capacity` is width * height * channels of `ci_read_info`.
ci_status ci_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                    char *message);

// Bytes that are enough for `ci_encode_png`, 0 where the picture is too large for the format.
size_t ci_png_size_bound(uint32_t width, uint32_t height, uint32_t channels);

// Encodes 1, 3 or 4 channels of eight bits.
ci_status ci_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                        uint8_t *output, size_t capacity, size_t *written, char *message);

// Inflates every member of a gzip file into memory that the caller frees with `ci_free`.
// More than `limit` bytes are refused.
ci_status ci_gunzip(const uint8_t *bytes, size_t count, size_t limit, uint8_t **output,
                    size_t *written, char *message);

void ci_free(void *memory);
