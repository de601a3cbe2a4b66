#ifndef CONVNET_TIFF_SOURCE_H
#define CONVNET_TIFF_SOURCE_H

#include <stdint.h>
#include <tiffio.h>

// A file in memory, as the library reads it, and where it says what is wrong.
typedef struct {
  const uint8_t *bytes;
  uint64_t count, place;
  char *message;
} ci_tiff_source;

// NULL where the header is not valid; the source outlives what is returned.
TIFF *ci_tiff_open_source(ci_tiff_source *from);

#endif
