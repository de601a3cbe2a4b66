// The only door to libarchive: reads tar files, plain or compressed by gzip, that lie in memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef enum {
  CT_OK = 0,
  // There is no further file, or no further block of one.
  CT_END,
  // The bytes are not a tar file, or are damaged. The message says why.
  CT_CORRUPT,
  CT_OUT_OF_MEMORY,
} ct_status;

enum { CT_MESSAGE_SIZE = 256 };

typedef struct ct_archive ct_archive;

// Opens a tar file. `bytes` must stay until `ct_close`, which every opened archive needs.
// `message` has room for CT_MESSAGE_SIZE bytes, here and below.
ct_status ct_open(const uint8_t *bytes, size_t count, ct_archive **archive, char *message);

// Goes on to the next regular file: folders, links and devices are passed over.
// `path` is UTF-8 where the archive says so, and lives until the next call.
ct_status ct_next(ct_archive *archive, const char **path, uint64_t *size, char *message);

// Lends the next block of the file, which begins at `offset` of its contents. In an archive that is
// not compressed a block lies within `bytes` and is the whole file, unless that is sparse.
ct_status ct_read(ct_archive *archive, const uint8_t **block, size_t *count, uint64_t *offset,
                  char *message);

void ct_close(ct_archive *archive);
