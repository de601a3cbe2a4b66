#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "Internal.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

// The size that the last member says it has, as a first guess; no more than deflate can reach.
static size_t guess(const uint8_t *bytes, size_t count, size_t limit) {
  size_t size = 1 << 16;
  if (count >= 18) {
    const uint8_t *end = bytes + count - 4;
    size = (size_t)end[0] | (size_t)end[1] << 8 | (size_t)end[2] << 16 | (size_t)end[3] << 24;
    size = smaller(size, count * 1032);
  }
  size = smaller(size, limit);
  // One more, so that the end is seen without growing.
  return size + 1;
}

ci_status ci_gunzip_head(const uint8_t *bytes, size_t count, uint8_t *head, size_t capacity,
                         size_t *written, char *message) {
  message[0] = 0;
  *written = 0;
  z_stream stream = {0};
  if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) {
    return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  }
  stream.next_in = (Bytef *)bytes;
  stream.avail_in = (uInt)smaller(count, UINT_MAX);
  stream.next_out = head;
  stream.avail_out = (uInt)smaller(capacity, UINT_MAX);
  ci_status status = CI_OK;
  while (status == CI_OK && stream.avail_out && stream.avail_in) {
    const int result = inflate(&stream, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) {
      status = ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
    } else if (result == Z_STREAM_END) {
      // The next member.
      if (inflateReset(&stream) != Z_OK) status = ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
    } else if (result != Z_OK) {
      status = ci_fail(CI_CORRUPT, message, stream.msg ? stream.msg : "not gzip data");
    }
  }
  *written = smaller(capacity, UINT_MAX) - stream.avail_out;
  inflateEnd(&stream);
  return status;
}

ci_status ci_gunzip(const uint8_t *bytes, size_t count, size_t limit, uint8_t **output,
                    size_t *written, char *message) {
  message[0] = 0;
  z_stream stream = {0};
  // 16 asks for gzip's header and checksum.
  if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) {
    return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  }
  size_t capacity = guess(bytes, count, limit);
  size_t consumed = 0;
  size_t used = 0;
  ci_status status = CI_OK;
  uint8_t *memory = malloc(capacity);
  if (!memory) status = ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");

  while (status == CI_OK) {
    const size_t input = smaller(count - consumed, UINT_MAX);
    const size_t space = smaller(capacity - used, UINT_MAX);
    stream.next_in = (Bytef *)(bytes + consumed);
    stream.avail_in = (uInt)input;
    stream.next_out = memory + used;
    stream.avail_out = (uInt)space;
    const int result = inflate(&stream, Z_NO_FLUSH);
    consumed += input - stream.avail_in;
    used += space - stream.avail_out;

    if (result == Z_STREAM_END) {
      if (used > limit) {
        status = ci_fail(CI_TOO_LARGE, message, "the contents exceed the limit");
        break;
      }
      if (consumed == count) break;
      if (inflateReset(&stream) != Z_OK) {
        status = ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
      }
      continue;
    }
    if (result == Z_MEM_ERROR) {
      status = ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      status = ci_fail(CI_CORRUPT, message, stream.msg ? stream.msg : "not gzip data");
    } else if (used > limit) {
      status = ci_fail(CI_TOO_LARGE, message, "the contents exceed the limit");
    } else if (used == capacity) {
      const size_t larger = smaller(capacity, limit) * 2 + 64;
      uint8_t *moved = realloc(memory, larger);
      if (!moved) {
        status = ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
      } else {
        memory = moved;
        capacity = larger;
      }
    } else if (consumed == count) {
      status = ci_fail(CI_CORRUPT, message, "the compressed data is truncated");
    }
  }
  inflateEnd(&stream);
  if (status != CI_OK) {
    free(memory);
    return status;
  }
  *output = memory;
  *written = used;
  return CI_OK;
}
