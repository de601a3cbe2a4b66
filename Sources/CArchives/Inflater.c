#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "Internal.h"

struct ca_inflater {
  z_stream stream;
  ca_wrapping wrapping;
  // What the stream has not been given.
  const uint8_t *next;
  size_t rest;
  bool is_done;
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

ca_inflater *ca_inflater_create(const uint8_t *bytes, size_t count, ca_wrapping wrapping) {
  ca_inflater *inflater = calloc(1, sizeof *inflater);
  if (!inflater) return NULL;
  inflater->wrapping = wrapping;
  inflater->next = bytes;
  inflater->rest = count;
  // Negative: deflate data alone. 16 asks for gzip's header and checksum.
  if (inflateInit2(&inflater->stream, wrapping == CA_GZIP ? MAX_WBITS + 16 : -MAX_WBITS) != Z_OK) {
    free(inflater);
    return NULL;
  }
  return inflater;
}

ca_status ca_inflater_read(ca_inflater *inflater, uint8_t *output, size_t size, size_t *written, char *message) {
  message[0] = 0;
  *written = 0;
  z_stream *stream = &inflater->stream;
  while (*written < size && !inflater->is_done) {
    const size_t input = smaller(inflater->rest, UINT_MAX);
    const size_t space = smaller(size - *written, UINT_MAX);
    stream->next_in = (Bytef *)inflater->next;
    stream->avail_in = (uInt)input;
    stream->next_out = output + *written;
    stream->avail_out = (uInt)space;
    const int result = inflate(stream, Z_NO_FLUSH);
    const size_t taken = input - stream->avail_in;
    const size_t made = space - stream->avail_out;
    inflater->next += taken;
    inflater->rest -= taken;
    *written += made;
    if (result == Z_STREAM_END) {
      if (inflater->wrapping == CA_DEFLATE || inflater->rest == 0) {
        inflater->is_done = true;
      } else if (inflateReset(stream) != Z_OK) {  // the next member
        return ca_fail(CA_OUT_OF_MEMORY, message, "out of memory");
      }
    } else if (result == Z_MEM_ERROR) {
      return ca_fail(CA_OUT_OF_MEMORY, message, "out of memory");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      return ca_fail(CA_CORRUPT, message, stream->msg ? stream->msg : "not deflated data");
    } else if (!taken && !made) {
      return ca_fail(CA_CORRUPT, message, "the compressed data is truncated");
    }
  }
  return CA_OK;
}

void ca_inflater_destroy(ca_inflater *inflater) {
  if (!inflater) return;
  inflateEnd(&inflater->stream);
  free(inflater);
}

uint32_t ca_checksum(const uint8_t *bytes, size_t count) {
  return (uint32_t)crc32_z(0, bytes, count);
}
