#include <errno.h>
#include <stdlib.h>

#include "Internal.h"

// An archive in memory, as a source of libzip. It notes where the library reads, which tells where an entry's bytes lie:
// libzip has no function that says so.
typedef struct {
  const uint8_t *bytes;
  uint64_t count;
  uint64_t position;
  uint64_t last_read;
  zip_error_t error;
} memory;

static zip_int64_t memory_source(void *state, void *data, zip_uint64_t length,
                                 zip_source_cmd_t command) {
  memory *self = state;
  switch (command) {
    case ZIP_SOURCE_OPEN:
      self->position = 0;
      return 0;
    case ZIP_SOURCE_READ: {
      const uint64_t rest = self->count - self->position;
      if (length > rest) length = rest;
      if (length) memcpy(data, self->bytes + self->position, length);
      self->last_read = self->position;
      self->position += length;
      return (zip_int64_t)length;
    }
    case ZIP_SOURCE_SEEK: {
      const zip_int64_t place =
          zip_source_seek_compute_offset(self->position, self->count, data, length, &self->error);
      if (place < 0) return -1;
      self->position = (uint64_t)place;
      return 0;
    }
    case ZIP_SOURCE_TELL:
      return (zip_int64_t)self->position;
    case ZIP_SOURCE_STAT: {
      zip_stat_t *status = data;
      zip_stat_init(status);
      status->size = self->count;
      status->valid |= ZIP_STAT_SIZE;
      return sizeof *status;
    }
    case ZIP_SOURCE_ERROR:
      return zip_error_to_data(&self->error, data, length);
    case ZIP_SOURCE_SUPPORTS:
      return ZIP_SOURCE_SUPPORTS_SEEKABLE;
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
      return 0;
    default:
      zip_error_set(&self->error, ZIP_ER_OPNOTSUPP, 0);
      return -1;
  }
}

static ca_status read_entry(zip_t *archive, zip_uint64_t index, memory *memory, ca_entry *entry,
                            char *message) {
  zip_stat_t status;
  const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_CRC |
                              ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(archive, index, 0, &status) != 0) {
    return ca_fail_zip(CA_CORRUPT, message, zip_get_error(archive));
  }
  if ((status.valid & needed) != needed) {
    return ca_fail(CA_CORRUPT, message, "an entry has no size");
  }
  *entry = (ca_entry){.method = status.comp_method,
                      .is_encrypted = status.encryption_method != ZIP_EM_NONE,
                      .checksum = status.crc,
                      .compressed_size = status.comp_size,
                      .size = status.size};
  entry->name = strdup(status.name);
  if (!entry->name) return ca_fail(CA_OUT_OF_MEMORY, message, "out of memory");
  if (entry->compressed_size == 0) return CA_OK;
  zip_file_t *file = zip_fopen_index(archive, index, ZIP_FL_COMPRESSED);
  if (!file) return ca_fail_zip(CA_CORRUPT, message, zip_get_error(archive));
  uint8_t first;
  ca_status result = CA_OK;
  if (zip_fread(file, &first, 1) != 1) {
    result = ca_fail(CA_CORRUPT, message, "an entry lies beyond the end");
  }
  entry->offset = memory->last_read;
  zip_fclose(file);
  return result;
}

ca_status ca_read_table(const uint8_t *bytes, size_t count, ca_table *table, char *message) {
  message[0] = 0;
  *table = (ca_table){0};
  memory memory = {.bytes = bytes, .count = count};
  zip_error_init(&memory.error);
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_function_create(memory_source, &memory, &error);
  if (!source) return ca_fail_zip(CA_OUT_OF_MEMORY, message, &error);
  zip_t *archive = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (!archive) {
    zip_source_free(source);
    const ca_status status = ca_fail_zip(CA_CORRUPT, message, &error);
    zip_error_fini(&error);
    return status;
  }
  const zip_int64_t entries = zip_get_num_entries(archive, 0);
  ca_status status = CA_OK;
  table->entries = calloc(entries > 0 ? (size_t)entries : 1, sizeof *table->entries);
  if (!table->entries) status = ca_fail(CA_OUT_OF_MEMORY, message, "out of memory");
  for (zip_int64_t index = 0; status == CA_OK && index < entries; index++) {
    status = read_entry(archive, (zip_uint64_t)index, &memory, &table->entries[index], message);
    // The name of an entry that failed is freed with the others.
    table->count = (size_t)index + 1;
  }
  int length = 0;
  const char *comment = zip_get_archive_comment(archive, &length, ZIP_FL_ENC_RAW);
  if (status == CA_OK && comment && length > 0) {
    table->comment = strndup(comment, (size_t)length);
    if (!table->comment) status = ca_fail(CA_OUT_OF_MEMORY, message, "out of memory");
  }
  zip_discard(archive);
  if (status != CA_OK) ca_free_table(table);
  return status;
}

void ca_free_table(ca_table *table) {
  for (size_t index = 0; index < table->count; index++) free((char *)table->entries[index].name);
  free(table->entries);
  free(table->comment);
  *table = (ca_table){0};
}
