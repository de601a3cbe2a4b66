#include <libexif/exif-data.h>
#include <stdlib.h>

#include "Internal.h"

// As a reader of damaged files meets it, the data may be anything. The library takes what it can read of it.
uint32_t ci_exif_orientation(const uint8_t *bytes, size_t count) {
  static const uint8_t introduction[6] = {'E', 'x', 'i', 'f', 0, 0};
  if (count > 0xFFFF) return 1;
  uint8_t *introduced = NULL;
  if (count < sizeof introduction || memcmp(bytes, introduction, sizeof introduction) != 0) {
    introduced = malloc(sizeof introduction + count);
    if (!introduced) return 1;
    memcpy(introduced, introduction, sizeof introduction);
    memcpy(introduced + sizeof introduction, bytes, count);
    bytes = introduced;
    count += sizeof introduction;
  }
  unsigned orientation = 1;
  ExifData *data = exif_data_new();
  if (data) {
    exif_data_unset_option(data, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
    exif_data_load_data(data, bytes, (unsigned)count);
    ExifEntry *entry = exif_content_get_entry(data->ifd[EXIF_IFD_0], EXIF_TAG_ORIENTATION);
    if (entry && entry->format == EXIF_FORMAT_SHORT && entry->components >= 1 && entry->size >= 2) {
      orientation = exif_get_short(entry->data, exif_data_get_byte_order(data));
    }
    exif_data_unref(data);
  }
  free(introduced);
  return orientation >= 1 && orientation <= 8 ? orientation : 1;
}
