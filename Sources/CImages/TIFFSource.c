// libtiff, reading from memory.
#include "TIFFSource.h"

#include "Internal.h"

static tmsize_t provide(thandle_t handle, void *target, tmsize_t count) {
  ci_tiff_source *from = handle;
  const uint64_t left = from->place < from->count ? from->count - from->place : 0;
  const uint64_t taken = (uint64_t)count < left ? (uint64_t)count : left;
  if (taken) memcpy(target, from->bytes + from->place, taken);
  from->place += taken;
  return (tmsize_t)taken;
}

static tmsize_t refuse(thandle_t handle, void *bytes, tmsize_t count) {
  (void)handle, (void)bytes, (void)count;
  return 0;
}

static toff_t seek(thandle_t handle, toff_t offset, int origin) {
  ci_tiff_source *from = handle;
  if (origin == SEEK_CUR) offset += from->place;
  if (origin == SEEK_END) offset += from->count;
  return from->place = offset;
}

static int keep_open(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of(thandle_t handle) { return ((ci_tiff_source *)handle)->count; }

static int map(thandle_t handle, void **base, toff_t *size) {
  ci_tiff_source *from = handle;
  *base = (void *)from->bytes;
  *size = from->count;
  return 1;
}

static void unmap(thandle_t handle, void *base, toff_t size) { (void)handle, (void)base, (void)size; }

// What the library may ask for at once, beside pixels: tables of a file that claims too much.
enum { LARGEST_ALLOCATION = 1 << 28 };

#if TIFFLIB_VERSION >= 20221213
static int note_error(TIFF *tiff, void *data, const char *module, const char *format, va_list values) {
  (void)tiff, (void)module;
  ci_tiff_source *from = data;
  // The first says most.
  if (!from->message[0]) vsnprintf(from->message, CI_MESSAGE_SIZE, format, values);
  return 1;
}

static int ignore(TIFF *tiff, void *data, const char *module, const char *format, va_list values) {
  (void)tiff, (void)data, (void)module, (void)format, (void)values;
  return 1;
}

TIFF *ci_tiff_open_source(ci_tiff_source *from) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!options) return NULL;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, LARGEST_ALLOCATION);
  TIFFOpenOptionsSetErrorHandlerExtR(options, note_error, from);
  TIFFOpenOptionsSetWarningHandlerExtR(options, ignore, NULL);
  TIFF *tiff = TIFFClientOpenExt("picture", "r", from, provide, refuse, seek, keep_open, size_of, map, unmap, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}
#else
#include <pthread.h>

// Before version 4.5 what is said goes to one place for the whole process: nowhere.
static void silence(void) {
  TIFFSetErrorHandler(NULL);
  TIFFSetWarningHandler(NULL);
}

TIFF *ci_tiff_open_source(ci_tiff_source *from) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, silence);
  return TIFFClientOpen("picture", "r", from, provide, refuse, seek, keep_open, size_of, map, unmap);
}
#endif
