#include <errno.h>
#include <unistd.h>

#include "Internal.h"

enum {
  ALIGNMENT = 64,
  // Bytes of a local header before the name, and of an extra field before its contents.
  LOCAL_HEADER = 30,
  FIELD_HEADER = 4,
  // The field in which PyTorch keeps the bytes that align an entry.
  PADDING_FIELD = 0x4246,
  // Entries from this size on have larger headers.
  LARGE = 0xFFFFFFFF,
  LARGE_FIELD = 20,
  // The first day of 1980, so that equal contents give equal bytes.
  DATE = 0x21,
};

// An open file, as a source of libzip.
typedef struct {
  int descriptor;
  uint64_t position;
  // Where the file ends so far: it is also written again before that, and back at the end.
  uint64_t size;
  zip_error_t error;
  int code;
} output;

static zip_int64_t output_source(void *state, void *data, zip_uint64_t length,
                                 zip_source_cmd_t command) {
  output *self = state;
  switch (command) {
    case ZIP_SOURCE_STAT: {
      // No archive is there yet.
      zip_error_set(&self->error, ZIP_ER_READ, ENOENT);
      return -1;
    }
    case ZIP_SOURCE_BEGIN_WRITE:
      self->position = 0;
      self->size = 0;
      return 0;
    case ZIP_SOURCE_WRITE: {
      size_t written = 0;
      while (written < length) {
        const ssize_t count = pwrite(self->descriptor, (const uint8_t *)data + written,
                                     length - written, (off_t)(self->position + written));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
          self->code = errno;
          zip_error_set(&self->error, ZIP_ER_WRITE, errno);
          return -1;
        }
        written += (size_t)count;
      }
      self->position += length;
      if (self->position > self->size) self->size = self->position;
      return (zip_int64_t)length;
    }
    case ZIP_SOURCE_SEEK_WRITE: {
      const zip_int64_t place = zip_source_seek_compute_offset(self->position, self->size, data,
                                                               length, &self->error);
      if (place < 0) return -1;
      self->position = (uint64_t)place;
      return 0;
    }
    case ZIP_SOURCE_TELL_WRITE:
      return (zip_int64_t)self->position;
    case ZIP_SOURCE_ERROR:
      return zip_error_to_data(&self->error, data, length);
    case ZIP_SOURCE_SUPPORTS:
      return ZIP_SOURCE_SUPPORTS_WRITABLE;
    case ZIP_SOURCE_COMMIT_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_FREE:
      return 0;
    default:
      zip_error_set(&self->error, ZIP_ER_OPNOTSUPP, 0);
      return -1;
  }
}

// Adds an entry, and returns false where the archive has the error. `offset` is where its local header begins; it becomes
// that of the next.
static bool add(zip_t *archive, const ca_item *item, bool deflates, uint64_t *offset) {
  const zip_buffer_fragment_t pieces[2] = {
      {.data = (zip_uint8_t *)item->head, .length = item->head_count},
      {.data = (zip_uint8_t *)item->body, .length = item->body_count},
  };
  const size_t first = item->head_count ? 0 : 1;
  const size_t last = item->body_count ? 2 : 1;
  zip_source_t *source = first < last
                             ? zip_source_buffer_fragment(archive, pieces + first, last - first, 0)
                             : zip_source_buffer(archive, NULL, 0, 0);
  if (!source) return false;
  const zip_int64_t index = zip_file_add(archive, item->name, source, 0);
  if (index < 0) {
    zip_source_free(source);
    return false;
  }
  const zip_uint64_t entry = (zip_uint64_t)index;
  if (zip_file_set_dostime(archive, entry, 0, DATE, 0) != 0) return false;
  if (deflates) return zip_set_file_compression(archive, entry, ZIP_CM_DEFLATE, 0) == 0;
  if (zip_set_file_compression(archive, entry, ZIP_CM_STORE, 0) != 0) return false;
  const uint64_t size = (uint64_t)item->head_count + item->body_count;
  uint64_t start = *offset + LOCAL_HEADER + strlen(item->name) + FIELD_HEADER;
  if (size >= LARGE) start += LARGE_FIELD;
  const zip_uint8_t padding[ALIGNMENT] = {0};
  const uint64_t count = (ALIGNMENT - start % ALIGNMENT) % ALIGNMENT;
  *offset = start + count + size;
  return zip_file_extra_field_set(archive, entry, PADDING_FIELD, ZIP_EXTRA_FIELD_NEW, padding,
                                  (zip_uint16_t)count, ZIP_FL_LOCAL) == 0;
}

typedef struct {
  ca_progress function;
  void *context;
} progress_state;

static void tell(zip_t *archive, double share, void *context) {
  (void)archive;
  const progress_state *state = context;
  state->function(share, state->context);
}

ca_status ca_write(int descriptor, const ca_item *items, size_t count, bool deflates, const char *comment,
                   ca_progress progress, void *context, char *message) {
  message[0] = 0;
  output output = {.descriptor = descriptor};
  zip_error_init(&output.error);
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_function_create(output_source, &output, &error);
  if (!source) return ca_fail_zip(CA_OUT_OF_MEMORY, message, &error);
  zip_t *archive = zip_open_from_source(source, ZIP_CREATE, &error);
  if (!archive) {
    zip_source_free(source);
    const ca_status status = ca_fail_zip(CA_UNWRITABLE, message, &error);
    zip_error_fini(&error);
    return status;
  }
  uint64_t offset = 0;
  bool is_good = true;
  for (size_t index = 0; is_good && index < count; index++) {
    is_good = add(archive, &items[index], deflates, &offset);
  }
  if (is_good && comment) {
    is_good = zip_set_archive_comment(archive, comment, (zip_uint16_t)strlen(comment)) == 0;
  }
  progress_state state = {.function = progress, .context = context};
  if (is_good && progress) {
    is_good = zip_register_progress_callback_with_state(archive, 0.01, tell, NULL, &state) == 0;
  }
  if (is_good && zip_close(archive) == 0) return CA_OK;
  ca_status status = ca_fail_zip(CA_UNWRITABLE, message, zip_get_error(archive));
  if (output.code) status = ca_fail(CA_UNWRITABLE, message, strerror(output.code));
  zip_discard(archive);
  return status;
}
