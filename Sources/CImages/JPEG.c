// jpeglib.h uses FILE and size_t without declaring them.
#include <stdio.h>

#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>

#include "Internal.h"

// A picture of more scans is made to waste time: the standard's tools write about ten. A scan of a few bytes may go through all
// blocks of 8x8 values; all scans together may visit this number, and each block twelve times beside it, where the standard's
// tools need six.
enum { SCAN_LIMIT = 500, FREE_VISITS = 1 << 24, VISITS_OF_A_BLOCK = 12 };

// Serves picture after picture, with the library's state kept.
struct ci_jpeg_reader {
  struct jpeg_decompress_struct decoder;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf escape;
  char *message;
  ci_status status;
  int accepts_damage;
  // Of the picture that is open: the last scan that is counted, and the blocks of it and those before.
  int scan;
  uint64_t visits;
};

static void escape(ci_jpeg_reader *reader, ci_status status, const char *text) {
  reader->status = ci_fail(status, reader->message, text);
  longjmp(reader->escape, 1);
}

// The kind of a JPEG that is whole, but which the library does not decode: `text` is made to say it, 0 where it is not that.
static int is_not_decoded(const struct jpeg_error_mgr *errors, char *text, size_t capacity) {
  const int value = errors->msg_parm.i[0];
  switch (errors->msg_code) {
    case JERR_BAD_PRECISION:
      // The standard has 8 and 12 bits, without loss up to 16.
      if (value < 2 || value > 16) return 0;
      snprintf(text, capacity, "JPEG of %d bits a sample", value);
      return 1;
    case JERR_SOF_UNSUPPORTED:
      // Of each four processes the last is the one without loss; those from the fifth on are hierarchical.
      snprintf(text, capacity, "%s JPEG",
               (value & 3) == 3 ? "lossless" : value == 0xC8 ? "extended" : "hierarchical");
      return 1;
    case JERR_UNKNOWN_MARKER:
      // The start of a frame of that.
      if (value != 0xF7) return 0;
      snprintf(text, capacity, "JPEG-LS");
      return 1;
    case JERR_ARITH_NOTIMPL: snprintf(text, capacity, "JPEG with arithmetic coding"); return 1;
    case JERR_CONVERSION_NOTIMPL: snprintf(text, capacity, "JPEG of such color components"); return 1;
    case JERR_CCIR601_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL: snprintf(text, capacity, "JPEG with such sampling factors"); return 1;
    default: return 0;
  }
}

static void fail(j_common_ptr common) {
  char text[JMSG_LENGTH_MAX];
  if (is_not_decoded(common->err, text, sizeof text)) escape(common->client_data, CI_UNSUPPORTED, text);
  common->err->format_message(common, text);
  escape(common->client_data, common->err->msg_code == JERR_OUT_OF_MEMORY ? CI_OUT_OF_MEMORY : CI_CORRUPT, text);
}

// The library fills what damage has taken with grey and goes on. Here it is an error unless the caller asked for that.
// What leaves all pixels in place, as bytes too many between the parts, is let pass.
static void warn(j_common_ptr common, int level) {
  ci_jpeg_reader *reader = common->client_data;
  if (level >= 0 || reader->accepts_damage) return;
  switch (common->err->msg_code) {
    case JWRN_JPEG_EOF: escape(reader, CI_CORRUPT, "the file is truncated"); break;
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC: fail(common); break;
    default: break;
  }
}

static uint64_t blocks_of(const jpeg_component_info *component) {
  return (uint64_t)component->width_in_blocks * component->height_in_blocks;
}

static void count_scans(j_common_ptr common) {
  j_decompress_ptr decoder = (j_decompress_ptr)common;
  ci_jpeg_reader *reader = common->client_data;
  if (decoder->input_scan_number == reader->scan) return;
  reader->scan = decoder->input_scan_number;
  if (reader->scan > SCAN_LIMIT) escape(reader, CI_CORRUPT, "more than 500 scans");
  for (int i = 0; i < decoder->comps_in_scan; i++) reader->visits += blocks_of(decoder->cur_comp_info[i]);
  uint64_t blocks = 0;
  for (int i = 0; i < decoder->num_components; i++) blocks += blocks_of(&decoder->comp_info[i]);
  if (reader->visits > FREE_VISITS + VISITS_OF_A_BLOCK * blocks) {
    escape(reader, CI_CORRUPT, "more scans than a picture of these dimensions may have");
  }
}

ci_jpeg_reader *ci_jpeg_create(void) {
  ci_jpeg_reader *reader = calloc(1, sizeof *reader);
  if (!reader) return NULL;
  char message[CI_MESSAGE_SIZE];
  reader->message = message;
  reader->decoder.err = jpeg_std_error(&reader->errors);
  reader->decoder.client_data = reader;
  reader->errors.error_exit = fail;
  reader->errors.emit_message = warn;
  if (setjmp(reader->escape)) {
    jpeg_destroy_decompress(&reader->decoder);
    free(reader);
    return NULL;
  }
  // Clears all of the structure but the errors and the data.
  jpeg_create_decompress(&reader->decoder);
  reader->progress.progress_monitor = count_scans;
  reader->decoder.progress = &reader->progress;
  return reader;
}

void ci_jpeg_destroy(ci_jpeg_reader *reader) {
  if (!reader) return;
  jpeg_destroy_decompress(&reader->decoder);
  free(reader);
}

void ci_jpeg_close(ci_jpeg_reader *reader) { jpeg_abort_decompress(&reader->decoder); }

// A segment of metadata, without its marker and length.
typedef struct {
  const uint8_t *bytes;
  size_t count;
} segment;

// The next segment of metadata behind the offset, which moves on; 0 where pixels begin. The library would keep such segments in
// a list that it goes through for each.
static int next_metadata(const uint8_t *bytes, size_t count, size_t *offset, segment *found) {
  while (*offset < count) {
    const uint8_t *at = memchr(bytes + *offset, 0xFF, count - *offset);
    if (!at) return 0;
    *offset = (size_t)(at - bytes) + 1;
    while (*offset < count && bytes[*offset] == 0xFF) ++*offset;
    if (*offset >= count) return 0;
    const int marker = bytes[(*offset)++];
    // Without contents: escaped bytes, restarts, the beginning.
    if (marker <= 0x01 || (marker >= JPEG_RST0 && marker <= 0xD8)) continue;
    enum { START_OF_SCAN = 0xDA };
    if (marker == JPEG_EOI || marker == START_OF_SCAN || count - *offset < 2) return 0;
    const size_t length = (size_t)bytes[*offset] << 8 | bytes[*offset + 1];
    if (length < 2 || length > count - *offset) return 0;
    *found = (segment){bytes + *offset + 2, length - 2};
    *offset += length;
    if (marker == JPEG_APP0 + 1) return 1;
  }
  return 0;
}

static int begins_with(const segment *segment, const char *text, size_t count) {
  return segment->count >= count && memcmp(segment->bytes, text, count) == 0;
}

// Exif data longer than a segment are continued in the next ones, each introduced again.
static ci_status find_orientation(const uint8_t *bytes, size_t count, uint32_t *orientation) {
  static const char exif[] = "Exif\0";
  static const char xmp[] = "http://ns.adobe.com/xap/1.0/";
  ci_metadata metadata = {0};
  size_t exif_count = sizeof exif;
  int exif_segments = 0;
  segment found;
  for (size_t offset = 2; next_metadata(bytes, count, &offset, &found);) {
    if (begins_with(&found, exif, sizeof exif)) {
      exif_count += found.count - sizeof exif;
      exif_segments++;
      metadata.exif = found.bytes;
      metadata.exif_count = found.count;
    } else if (begins_with(&found, xmp, sizeof xmp)) {
      metadata.xmp = found.bytes + sizeof xmp;
      metadata.xmp_count = found.count - sizeof xmp;
    }
  }
  uint8_t *joined = NULL;
  if (exif_segments > 1) {
    joined = malloc(exif_count);
    if (!joined) return CI_OUT_OF_MEMORY;
    metadata.exif = joined;
    metadata.exif_count = exif_count;
    memcpy(joined, exif, sizeof exif);
    uint8_t *next = joined + sizeof exif;
    for (size_t offset = 2; next_metadata(bytes, count, &offset, &found);) {
      if (!begins_with(&found, exif, sizeof exif)) continue;
      memcpy(next, found.bytes + sizeof exif, found.count - sizeof exif);
      next += found.count - sizeof exif;
    }
  }
  *orientation = ci_orientation(&metadata);
  free(joined);
  return CI_OK;
}

ci_status ci_jpeg_open(ci_jpeg_reader *reader, const uint8_t *bytes, size_t count, const ci_options *options,
                       ci_info *info, char *message) {
  j_decompress_ptr decoder = &reader->decoder;
  reader->message = message;
  reader->accepts_damage = options->accepts_damage;
  reader->scan = 0;
  reader->visits = 0;
  if (setjmp(reader->escape)) return reader->status;
  jpeg_mem_src(decoder, bytes, count);
  jpeg_read_header(decoder, TRUE);
  if (decoder->data_precision != BITS_IN_JSAMPLE) {
    // Newer versions of the library decode it by other functions.
    decoder->err->msg_code = JERR_BAD_PRECISION;
    decoder->err->msg_parm.i[0] = decoder->data_precision;
    fail((j_common_ptr)decoder);
  }
  switch (decoder->jpeg_color_space) {
    case JCS_GRAYSCALE: decoder->out_color_space = JCS_GRAYSCALE; break;
    case JCS_CMYK:
    case JCS_YCCK: decoder->out_color_space = JCS_CMYK; break;
    default: decoder->out_color_space = JCS_RGB;
  }
  jpeg_calc_output_dimensions(decoder);
  info->width = decoder->output_width;
  info->height = decoder->output_height;
  info->full_width = decoder->image_width;
  info->full_height = decoder->image_height;
  info->channels = decoder->out_color_space == JCS_GRAYSCALE ? 1 : 3;
  // Every eighth pixel each way takes a bit at least, except in arithmetic coding; half of that, to be safe.
  info->least_bytes = decoder->arith_code ? ci_plausible_bytes(info->full_width, info->full_height)
                                          : (uint64_t)info->full_width * info->full_height / 1024;
  if (find_orientation(bytes, count, &info->orientation) != CI_OK) {
    return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  }
  return CI_OK;
}

void ci_jpeg_shrink(ci_jpeg_reader *reader, uint32_t minimum_extent, ci_info *info) {
  j_decompress_ptr decoder = &reader->decoder;
  const uint32_t shorter = info->full_width < info->full_height ? info->full_width : info->full_height;
  // The eighths that the library is quick at.
  for (unsigned eighths = 1; eighths < 8; eighths *= 2) {
    if ((uint64_t)shorter * eighths / 8 < minimum_extent) continue;
    decoder->scale_num = eighths;
    decoder->scale_denom = 8;
    // Cannot fail: it has succeeded with the full size.
    jpeg_calc_output_dimensions(decoder);
    info->width = decoder->output_width;
    info->height = decoder->output_height;
    return;
  }
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

// Rows and columns that are decoded for a region, and no others. May jump.
typedef struct {
  size_t top, bottom;
  // Of a decoded row, the first byte that is wanted.
  size_t skipped_bytes;
  int is_part;
} extract;

static extract begin(j_decompress_ptr decoder, const ci_region *region) {
  extract result = {.bottom = decoder->output_height};
  if (!region) return result;
  result.top = region->y;
  result.bottom = region->y + region->height;
  if (region->x == 0 && region->width == decoder->output_width) return result;
  result.is_part = 1;
  // Colors are interpolated from neighbours, so the region is decoded with a block more on either side.
  const JDIMENSION margin = (JDIMENSION)(DCTSIZE * decoder->max_h_samp_factor);
  JDIMENSION left = region->x > margin ? region->x - margin : 0;
  JDIMENSION width = region->x + region->width - left;
  width = decoder->output_width - left - width > margin ? width + margin : decoder->output_width - left;
  if (left > 0 || width < decoder->output_width) jpeg_crop_scanline(decoder, &left, &width);
  result.skipped_bytes = (region->x - left) * (size_t)decoder->output_components;
  return result;
}

ci_status ci_jpeg_read(ci_jpeg_reader *reader, const ci_region *region, uint8_t *pixels, size_t capacity,
                       char *message) {
  j_decompress_ptr decoder = &reader->decoder;
  reader->message = message;
  if (setjmp(reader->escape)) return reader->status;
  const size_t components = decoder->out_color_space == JCS_GRAYSCALE ? 1 : 3;
  const size_t width = region ? region->width : decoder->output_width;
  const size_t row_bytes = width * components;
  if (capacity != row_bytes * (region ? region->height : decoder->output_height)) {
    return ci_fail(CI_CORRUPT, message, "the memory provided has another size than the picture");
  }
  jpeg_start_decompress(decoder);
  const extract part = begin(decoder, region);
  const int is_cmyk = decoder->out_color_space == JCS_CMYK;
  // Freed with the picture.
  JSAMPARRAY row = NULL;
  if (is_cmyk || part.is_part) {
    row = decoder->mem->alloc_sarray((j_common_ptr)decoder, JPOOL_IMAGE,
                                     decoder->output_width * (JDIMENSION)decoder->output_components, 1);
  }
  if (part.top > 0) jpeg_skip_scanlines(decoder, (JDIMENSION)part.top);
  while (decoder->output_scanline < part.bottom) {
    const size_t line = decoder->output_scanline - part.top;
    uint8_t *target = pixels + line * row_bytes;
    if (row) {
      jpeg_read_scanlines(decoder, row, 1);
      const uint8_t *from = row[0] + part.skipped_bytes;
      if (is_cmyk) {
        write_rgb(from, target, width);
      } else {
        memcpy(target, from, row_bytes);
      }
    } else {
      enum { LINES = 8 };
      JSAMPROW targets[LINES];
      const size_t left = part.bottom - decoder->output_scanline;
      const size_t lines = left < LINES ? left : LINES;
      for (size_t index = 0; index < lines; index++) targets[index] = target + index * row_bytes;
      jpeg_read_scanlines(decoder, targets, (JDIMENSION)lines);
    }
  }
  // Damage behind the last row that is wanted is not looked for.
  if (part.bottom == decoder->output_height) jpeg_finish_decompress(decoder);
  return CI_OK;
}
