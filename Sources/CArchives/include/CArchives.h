// The only door to libzip, and to what inflates in zlib. Archives are read from memory: ask for the
// table of the entries, then take the bytes of an entry where they lie. No function keeps state.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  CA_OK = 0,
  // The bytes are not what their beginning promises. The message says why.
  CA_CORRUPT,
  CA_OUT_OF_MEMORY,
  // The file could not be written; the message is the system's.
  CA_UNWRITABLE,
} ca_status;

enum { CA_MESSAGE_SIZE = 256 };

typedef enum { CA_STORED = 0, CA_DEFLATED = 8 } ca_method;

typedef struct {
  // Valid as long as the table.
  const char *name;
  // As the archive numbers them, CA_STORED and CA_DEFLATED among them.
  uint32_t method;
  bool is_encrypted;
  uint32_t checksum;
  // Where the (compressed) bytes begin. The caller checks that they lie within the archive.
  uint64_t offset;
  uint64_t compressed_size;
  uint64_t size;
} ca_entry;

typedef struct {
  size_t count;
  ca_entry *entries;
  // The archive's comment, ended by a zero; NULL where there is none.
  char *comment;
} ca_table;

// Reads the names and places of all entries. The caller frees the table with `ca_free_table`. `message` has room for
// CA_MESSAGE_SIZE bytes.
ca_status ca_read_table(const uint8_t *bytes, size_t count, ca_table *table, char *message);
void ca_free_table(ca_table *table);

// How deflated bytes lie: alone, as in zip files, or in the members of a gzip file, one after the other.
typedef enum { CA_DEFLATE, CA_GZIP } ca_wrapping;

// Inflates bytes piece by piece. They must stay where they are until the end. NULL where memory is out.
typedef struct ca_inflater ca_inflater;
ca_inflater *ca_inflater_create(const uint8_t *bytes, size_t count, ca_wrapping wrapping);
// Writes the next `size` bytes, or fewer where there are no more. The last checksum of a gzip file is compared when more is asked
// for than there is.
ca_status ca_inflater_read(ca_inflater *inflater, uint8_t *output, size_t size, size_t *written, char *message);
void ca_inflater_destroy(ca_inflater *inflater);

// CRC-32, as zip files have it.
uint32_t ca_checksum(const uint8_t *bytes, size_t count);

// What `ca_write` puts into an archive: two pieces of memory, one after the other. The second begins at a multiple of
// `alignment` bytes of the file, where it is stored and the first piece keeps to that.
typedef struct {
  const char *name;
  const uint8_t *head;
  size_t head_count;
  const uint8_t *body;
  size_t body_count;
} ca_item;

// Told now and then which share, 0 to 1, is written.
typedef void (*ca_progress)(double share, void *context);

// Writes a whole archive to an open file, from its beginning. Equal items give equal bytes. `comment`, ASCII text, becomes the
// archive's own, which readers of its entries do not see; NULL for none.
ca_status ca_write(int descriptor, const ca_item *items, size_t count, bool deflates, const char *comment,
                   ca_progress progress, void *context, char *message);
