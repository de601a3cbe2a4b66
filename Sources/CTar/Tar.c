#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

#include "CTar.h"

struct ct_archive {
  struct archive *reader;
};

static ct_status fail(ct_status status, char *message, const char *text) {
  strncpy(message, text, CT_MESSAGE_SIZE - 1);
  message[CT_MESSAGE_SIZE - 1] = 0;
  return status;
}

static ct_status fail_with_error(struct archive *reader, char *message) {
  if (archive_errno(reader) == ENOMEM) return fail(CT_OUT_OF_MEMORY, message, "out of memory");
  const char *text = archive_error_string(reader);
  return fail(CT_CORRUPT, message, text ? text : "not a tar file");
}

// The library converts names to the locale of the calling thread, and loses what that cannot write.
// A program that has not called setlocale is in one of ASCII only.
static locale_t utf8_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void) {
  static const char *const names[] = {"C.UTF-8", "en_US.UTF-8", "UTF-8"};
  for (size_t i = 0; i < sizeof names / sizeof *names && !utf8_locale; i++) {
    utf8_locale = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);
  }
}

static locale_t enter_locale(void) {
  pthread_once(&locale_once, make_locale);
  return utf8_locale ? uselocale(utf8_locale) : (locale_t)0;
}

static void leave_locale(locale_t old) {
  if (old) uselocale(old);
}

ct_status ct_open(const uint8_t *bytes, size_t count, ct_archive **archive, char *message) {
  message[0] = 0;
  ct_archive *opened = malloc(sizeof *opened);
  struct archive *reader = archive_read_new();
  if (!opened || !reader) {
    free(opened);
    if (reader) archive_read_free(reader);
    return fail(CT_OUT_OF_MEMORY, message, "out of memory");
  }
  archive_read_support_format_tar(reader);
  // Left to choose, the library undoes gzip in gzip in gzip, each of which may be a thousand times as large.
  if (count > 1 && bytes[0] == 0x1F && bytes[1] == 0x8B) archive_read_append_filter(reader, ARCHIVE_FILTER_GZIP);
  const locale_t old = enter_locale();
  const int result = archive_read_open_memory(reader, bytes, count);
  leave_locale(old);
  if (result != ARCHIVE_OK) {
    const ct_status status = fail_with_error(reader, message);
    archive_read_free(reader);
    free(opened);
    return status;
  }
  opened->reader = reader;
  *archive = opened;
  return CT_OK;
}

static ct_status next_file(ct_archive *archive, const char **path, uint64_t *size, char *message) {
  for (;;) {
    struct archive_entry *entry;
    const int result = archive_read_next_header(archive->reader, &entry);
    if (result == ARCHIVE_EOF) return CT_END;
    // A warning leaves an entry that can be used.
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
      return fail_with_error(archive->reader, message);
    }
    if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry)) continue;
    const char *name = archive_entry_pathname(entry);
    if (!name) name = archive_entry_pathname_utf8(entry);
    if (!name) return fail(CT_CORRUPT, message, "a file's name cannot be read");
    const int64_t length = archive_entry_size(entry);
    if (length < 0) return fail(CT_CORRUPT, message, "a file's size is negative");
    *path = name;
    *size = (uint64_t)length;
    return CT_OK;
  }
}

ct_status ct_next(ct_archive *archive, const char **path, uint64_t *size, char *message) {
  message[0] = 0;
  const locale_t old = enter_locale();
  const ct_status status = next_file(archive, path, size, message);
  leave_locale(old);
  return status;
}

ct_status ct_read(ct_archive *archive, const uint8_t **block, size_t *count, uint64_t *offset,
                  char *message) {
  message[0] = 0;
  const void *bytes;
  la_int64_t start;
  const int result = archive_read_data_block(archive->reader, &bytes, count, &start);
  if (result == ARCHIVE_EOF) return CT_END;
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
    return fail_with_error(archive->reader, message);
  }
  *block = bytes;
  *offset = (uint64_t)start;
  return CT_OK;
}

void ct_close(ct_archive *archive) {
  archive_read_free(archive->reader);
  free(archive);
}
