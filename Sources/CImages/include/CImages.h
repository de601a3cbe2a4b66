// The only door to libpng, libjpeg-turbo, libwebp, giflib, libtiff, and the kernels of resizing. Pictures are decoded into
// memory that the caller owns: open, check the size, provide the memory, read.
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
  // Not damaged, but of a kind that is not read here. The message names it.
  CI_UNSUPPORTED,
} ci_status;

enum { CI_MESSAGE_SIZE = 256 };

typedef enum { CI_PNG = 1, CI_JPEG = 2, CI_WEBP = 3, CI_GIF = 4, CI_TIFF = 5 } ci_format;

typedef struct {
  ci_format format;
  // Of the decoded picture as it is stored, before it is turned.
  uint32_t width;
  uint32_t height;
  // 1 grey, 3 RGB, 4 RGB and alpha.
  uint32_t channels;
  // Before it is scaled down while it is decoded.
  uint32_t full_width;
  uint32_t full_height;
  // As Exif counts: 1 upright, to 8.
  uint32_t orientation;
  // Bytes that no whole file of these extents falls below.
  uint64_t least_bytes;
} ci_info;

typedef struct {
  // Whether pixels that damage of a JPEG file has taken may be replaced by what the library makes up.
  int accepts_damage;
} ci_options;

// A part of the decoded picture as it is stored.
typedef struct {
  uint32_t x, y, width, height;
} ci_region;

// Decodes one picture after another, and keeps what the libraries can use again. NULL where memory is out.
typedef struct ci_decoder ci_decoder;
ci_decoder *ci_decoder_create(void);
void ci_decoder_destroy(ci_decoder *decoder);

// Reads the header only. `message` has room for CI_MESSAGE_SIZE bytes. `bytes` must stay in place until the picture is read
// or closed.
ci_status ci_decoder_open(ci_decoder *decoder, const uint8_t *bytes, size_t count, const ci_options *options,
                          ci_info *info, char *message);

// Has an open JPEG picture scaled down while it is decoded, as far as its shorter side keeps so many pixels, and puts the
// extents into `info`. Others stay as they are.
void ci_decoder_shrink(ci_decoder *decoder, uint32_t minimum_extent, ci_info *info);

// Decodes the open picture into `pixels`, eight bits a channel, interleaved, rows from the top without gaps. `capacity` is
// width * height * channels, and of the region where there is one, which only JPEG takes.
ci_status ci_decoder_read(ci_decoder *decoder, const ci_region *region, uint8_t *pixels, size_t capacity,
                          char *message);

// Forgets the open picture, if there is one.
void ci_decoder_close(ci_decoder *decoder);

// Bytes that are enough for `ci_encode_png`, 0 where the picture is too large for the format.
size_t ci_png_size_bound(uint32_t width, uint32_t height, uint32_t channels);

// Encodes 1, 3 or 4 channels of eight bits.
ci_status ci_encode_png(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                        uint8_t *output, size_t capacity, size_t *written, char *message);

// The checksum that ends a chunk of a PNG file, of its kind and its data.
uint32_t ci_png_checksum(const uint8_t *bytes, size_t count);

// Encodes 1 or 3 channels with a quality from 1 to 100 into memory that the caller frees with `ci_free`. The two channels of
// color may be halved each way.
ci_status ci_encode_jpeg(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels, int quality,
                         int halves_chroma, uint8_t **output, size_t *written, char *message);

void ci_free(void *memory);

enum { CI_WEIGHT_BITS = 22 };

// How every position of one axis of a resized picture weighs positions of the original.
typedef struct {
  // Positions of the resized picture.
  size_t count;
  // Weights a position, at least 1. `starts[i] + taps` is at most the original's extent.
  size_t taps;
  // The first position of the original that is weighed; never falling.
  const int32_t *starts;
  // `count * taps` weights, in multiples of 2^-CI_WEIGHT_BITS; those of a position add up to 1, with a sum of magnitudes
  // below 2.
  const int32_t *weights;
} ci_axis;

typedef struct {
  // `height` rows of `width * channels` bytes, `stride` bytes apart. 1, 3 or 4 channels.
  const uint8_t *source;
  size_t height, width, channels, stride;
  // NULL for an axis that stays as it is.
  const ci_axis *vertical, *horizontal;
  // Which pass comes first where there are two; between them values are rounded to eight bits.
  int vertical_first;
  // Rows without gaps.
  uint8_t *target;
} ci_resizing;

// Bytes of scratch memory that `ci_resize` needs. Of a job, only `source` and `target` may still be missing.
size_t ci_resizing_scratch(const ci_resizing *job);
void ci_resize(const ci_resizing *job, uint8_t *scratch);

typedef struct {
  // As of `ci_axis`, with weights as they are.
  size_t count, taps;
  const int32_t *starts;
  const float *weights;
} ci_float_axis;

// Resizes `height` rows of `width * channels` values. `scratch` has room for `height` resized rows where both axes are
// resized; NULL for an axis that stays as it is.
void ci_resize_float(const float *source, size_t height, size_t width, size_t channels, const ci_float_axis *vertical,
                     const ci_float_axis *horizontal, float *scratch, float *target);

typedef struct {
  uint8_t red, green, blue;
} ci_color;

// `count` pixels with another number of channels (1, 3 or 4): colors become grey by their luminance, alpha is composited
// on the background where it is lost, and opaque where it is gained. The two memories do not overlap.
void ci_convert(const uint8_t *source, uint32_t from, uint8_t *target, uint32_t to, size_t count,
                ci_color background);

// Multiplies the colors of `count` pixels of four channels by their alpha, and back.
void ci_premultiply(uint8_t *pixels, size_t count);
void ci_unpremultiply(uint8_t *pixels, size_t count);

// The picture turned and mirrored so that one of Exif's orientation stands upright; from 5 on, height and width change
// places.
void ci_orient(const uint8_t *source, size_t height, size_t width, size_t channels, uint32_t orientation,
               uint8_t *target);
