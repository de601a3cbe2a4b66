#include "Internal.h"

// Reads the one field of Exif data that is wanted here, as Pillow does. libexif takes it only where it is typed as the
// standard says, which not every program's files are, and gives up whole directories where memory is out.

enum { ORIENTATION_TAG = 0x0112 };

typedef struct {
  const uint8_t *bytes;
  size_t count;
  int is_big_endian;
} tiff;

static int contains(const tiff *file, uint64_t offset, uint64_t count) {
  return offset <= file->count && count <= file->count - offset;
}

// Of up to eight bytes, which lie in the data.
static uint64_t integer(const tiff *file, size_t offset, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; i++) {
    value = value << 8 | file->bytes[offset + (file->is_big_endian ? i : size - 1 - i)];
  }
  return value;
}

// TIFF's types, some of them of its later versions.
enum { SHORT = 3, LONG = 4, RATIONAL = 5, SIGNED_BYTE = 6, SIGNED_SHORT = 8, SIGNED_LONG = 9, SIGNED_RATIONAL = 10,
       FLOAT = 11, DOUBLE = 12, DIRECTORY = 13, LONG8 = 16 };

static size_t size_of_type(uint64_t type) {
  static const uint8_t sizes[17] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8};
  return type < sizeof sizes ? sizes[type] : 0;
}

static double number(const tiff *file, size_t offset, uint64_t type) {
  const uint64_t bits = integer(file, offset, size_of_type(type));
  switch (type) {
    case SHORT:
    case LONG:
    case DIRECTORY:
    case LONG8: return (double)bits;
    case SIGNED_BYTE: return (int8_t)bits;
    case SIGNED_SHORT: return (int16_t)bits;
    case SIGNED_LONG: return (int32_t)bits;
    case RATIONAL:
    case SIGNED_RATIONAL: {
      const uint32_t numerator = (uint32_t)integer(file, offset, 4);
      const uint32_t denominator = (uint32_t)integer(file, offset + 4, 4);
      if (denominator == 0) return 0;
      return type == RATIONAL ? (double)numerator / denominator
                              : (double)(int32_t)numerator / (int32_t)denominator;
    }
    case FLOAT: {
      const uint32_t single_bits = (uint32_t)bits;
      float value;
      memcpy(&value, &single_bits, sizeof value);
      return value;
    }
    case DOUBLE: {
      double value;
      memcpy(&value, &bits, sizeof value);
      return value;
    }
    // Bytes and text are no number.
    default: return 0;
  }
}

// Whether the directory has the field; `orientation` is 1 where its value is none of the eight.
static int find_orientation(const tiff *file, uint32_t *orientation) {
  const uint64_t directory = integer(file, 4, 4);
  if (!contains(file, directory, 2)) return 0;
  const uint64_t fields = integer(file, directory, 2);
  uint64_t outlying_bytes = 0;
  uint8_t is_read[1 << 13] = {0};
  for (uint64_t index = 0; index < fields; index++) {
    const uint64_t field = directory + 2 + 12 * index;
    if (!contains(file, field, 12)) return 0;
    const uint64_t tag = integer(file, field, 2);
    const uint64_t type = integer(file, field + 2, 2);
    const uint64_t size = size_of_type(type) * integer(file, field + 4, 4);
    // Of fields with the same tag the first counts that has a value.
    if (size == 0 || (is_read[tag / 8] >> tag % 8 & 1)) continue;
    uint64_t place = field + 8;
    if (size > 4) {
      place = integer(file, field + 8, 4);
      outlying_bytes += size;
      if (outlying_bytes > file->count) continue;
      // What follows a value that is not there is not to be trusted.
      if (!contains(file, place, size)) return 0;
    }
    is_read[tag / 8] |= (uint8_t)(1 << tag % 8);
    if (tag != ORIENTATION_TAG) continue;
    const double value = number(file, place, type);
    *orientation = 1;
    for (uint32_t candidate = 2; candidate <= 8; candidate++) {
      if (value == candidate) *orientation = candidate;
    }
    return 1;
  }
  return 0;
}

static int exif_orientation(const uint8_t *bytes, size_t count, uint32_t *orientation) {
  static const uint8_t introduction[6] = {'E', 'x', 'i', 'f', 0, 0};
  for (int times = 0; times < 2; times++) {
    if (count < sizeof introduction || memcmp(bytes, introduction, sizeof introduction) != 0) break;
    bytes += sizeof introduction;
    count -= sizeof introduction;
  }
  if (count < 8) return 0;
  const tiff file = {bytes, count, bytes[0] == 'M'};
  // Some programs write 42 in the other order, or 43, which is BigTIFF's, by mistake.
  static const char *const beginnings[] = {"MM\0*", "MM*\0", "MM\0+", "II*\0", "II\0*"};
  for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
    if (memcmp(bytes, beginnings[i], 4) == 0) return find_orientation(&file, orientation);
  }
  return 0;
}

// `tiff:Orientation="6"`, or an element of that name.
static uint32_t xmp_orientation(const uint8_t *bytes, size_t count) {
  static const char name[] = "tiff:Orientation";
  const size_t length = sizeof name - 1;
  const uint8_t *const end = bytes + count;
  for (const uint8_t *at = bytes; (at = memchr(at, 't', (size_t)(end - at))) != NULL; at++) {
    if ((size_t)(end - at) < length + 2) break;
    if (memcmp(at, name, length) != 0) continue;
    const uint8_t *next = at + length;
    if (*next == '>') {
      next += 1;
    } else if (end - next >= 3 && next[0] == '=' && next[1] == '"') {
      next += 2;
    } else {
      continue;
    }
    if (*next >= '0' && *next <= '9') return *next >= '1' && *next <= '8' ? *next - (uint32_t)'0' : 1;
  }
  return 1;
}

uint32_t ci_orientation(const ci_metadata *metadata) {
  uint32_t orientation = 1;
  if (metadata->exif && exif_orientation(metadata->exif, metadata->exif_count, &orientation)) return orientation;
  return metadata->xmp ? xmp_orientation(metadata->xmp, metadata->xmp_count) : 1;
}
