#include <stdlib.h>
#include <zlib.h>

#include "Internal.h"

// The library is told to pass over all that does not make pixels; what says how a picture stands is sought here, in front of the
// pixels or behind them, and nothing else is inflated.

// What a text is inflated to at most.
enum { TEXT_LIMIT = 1 << 20 };

typedef enum { PLAIN, COMPRESSED, INTERNATIONAL } text_kind;

// A text whose name is one of those that are wanted.
typedef struct {
  const uint8_t *bytes;
  size_t count;
  text_kind kind;
} text;

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int is_named(const uint8_t *bytes, size_t count, const char *name) {
  const size_t length = strlen(name) + 1;
  return count >= length && memcmp(bytes, name, length) == 0;
}

static void take(text *target, const char *name, const uint8_t *bytes, size_t count, text_kind kind) {
  if (!is_named(bytes, count, name)) return;
  const size_t length = strlen(name) + 1;
  *target = (text){bytes + length, count - length, kind};
}

// Moves past a string that a zero ends.
static int skip_string(text *source) {
  const uint8_t *end = memchr(source->bytes, 0, source->count);
  if (!end) return 0;
  source->count -= (size_t)(end + 1 - source->bytes);
  source->bytes = end + 1;
  return 1;
}

// What the text says, inflated into `memory` where it is compressed, which the caller frees. Without count where it is damaged or
// too long.
static ci_status unpack(text *source, uint8_t **memory) {
  int is_compressed = source->kind == COMPRESSED;
  text found = *source;
  *source = (text){0};
  if (found.kind == INTERNATIONAL) {
    if (found.count < 2 || found.bytes[1] != 0) return CI_OK;
    is_compressed = found.bytes[0] != 0;
    found.bytes += 2;
    found.count -= 2;
    // The language, and the name in it.
    if (!skip_string(&found) || !skip_string(&found)) return CI_OK;
  } else if (is_compressed) {
    if (found.count < 1 || found.bytes[0] != 0) return CI_OK;
    found.bytes++;
    found.count--;
  }
  if (!is_compressed) {
    *source = found;
    return CI_OK;
  }
  *memory = malloc(TEXT_LIMIT);
  if (!*memory) return CI_OUT_OF_MEMORY;
  uLongf count = TEXT_LIMIT;
  const int result = uncompress(*memory, &count, found.bytes, found.count);
  if (result == Z_MEM_ERROR) return CI_OUT_OF_MEMORY;
  if (result == Z_OK) *source = (text){*memory, count, PLAIN};
  return CI_OK;
}

static int digit_of(uint8_t letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// ImageMagick's way: an empty line, a name, a count, and the bytes as hexadecimal digits. The caller frees `memory`.
static ci_status read_profile(text profile, uint8_t **memory, ci_metadata *metadata) {
  const uint8_t *at = profile.bytes;
  const uint8_t *const end = at + profile.count;
  for (int line = 0; line < 3; line++) {
    at = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    if (!at) return CI_OK;
    at++;
  }
  *memory = malloc((size_t)(end - at) / 2 + 1);
  if (!*memory) return CI_OUT_OF_MEMORY;
  size_t digits = 0;
  for (; at < end; at++) {
    const int digit = digit_of(*at);
    if (digit < 0) {
      if (*at == '\n' || *at == ' ' || *at == '\r' || *at == '\t') continue;
      return CI_OK;
    }
    uint8_t *byte = *memory + digits / 2;
    *byte = (uint8_t)(digits % 2 == 0 ? digit << 4 : *byte | digit);
    digits++;
  }
  if (digits % 2 != 0) return CI_OK;
  metadata->exif = *memory;
  metadata->exif_count = digits / 2;
  return CI_OK;
}

ci_status ci_png_orientation(const uint8_t *bytes, size_t count, uint32_t *orientation) {
  ci_metadata metadata = {0};
  text profile = {0};
  text xmp = {0};
  size_t offset = 8;
  while (count - offset >= 12) {
    const uint8_t *chunk = bytes + offset;
    const size_t length = big_endian(chunk);
    if (length > count - offset - 12) break;
    const uint8_t *kind = chunk + 4;
    const uint8_t *data = chunk + 8;
    offset += 12 + length;
    if (memcmp(kind, "IEND", 4) == 0) break;
    const int is_exif = memcmp(kind, "eXIf", 4) == 0;
    const int is_plain = memcmp(kind, "tEXt", 4) == 0;
    const int is_compressed = memcmp(kind, "zTXt", 4) == 0;
    if (!is_exif && !is_plain && !is_compressed && memcmp(kind, "iTXt", 4) != 0) continue;
    if (crc32(0, kind, (uInt)length + 4) != big_endian(data + length)) continue;
    // Of several, the last counts.
    if (is_exif) {
      metadata.exif = data;
      metadata.exif_count = length;
    } else {
      const text_kind text_kind = is_plain ? PLAIN : is_compressed ? COMPRESSED : INTERNATIONAL;
      take(&profile, "Raw profile type exif", data, length, text_kind);
      take(&xmp, "XML:com.adobe.xmp", data, length, text_kind);
    }
  }
  uint8_t *inflated_profile = NULL;
  uint8_t *exif = NULL;
  uint8_t *inflated_xmp = NULL;
  ci_status status = CI_OK;
  if (!metadata.exif && profile.bytes) {
    status = unpack(&profile, &inflated_profile);
    if (status == CI_OK && profile.bytes) status = read_profile(profile, &exif, &metadata);
  }
  if (status == CI_OK && xmp.bytes) {
    status = unpack(&xmp, &inflated_xmp);
    metadata.xmp = xmp.bytes;
    metadata.xmp_count = xmp.count;
  }
  if (status == CI_OK) *orientation = ci_orientation(&metadata);
  free(inflated_profile);
  free(exif);
  free(inflated_xmp);
  return status;
}

uint32_t ci_png_checksum(const uint8_t *bytes, size_t count) { return (uint32_t)crc32_z(0, bytes, count); }
