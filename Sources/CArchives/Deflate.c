#include <limits.h>
#include <zlib.h>

#include "Internal.h"

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

ca_status ca_inflate(const uint8_t *bytes, size_t count, uint8_t *output, size_t size,
                     bool is_whole, char *message) {
  message[0] = 0;
  z_stream stream = {0};
  // Zip files hold bare deflate data, without zlib's header.
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return ca_fail(CA_OUT_OF_MEMORY, message, "out of memory");
  }
  size_t consumed = 0;
  size_t used = 0;
  // One byte beyond the size, where the data holds more than it says.
  uint8_t surplus;
  ca_status status = CA_OK;
  for (int result = Z_OK; status == CA_OK && result != Z_STREAM_END;) {
    const size_t input = smaller(count - consumed, UINT_MAX);
    const bool is_full = used == size;
    if (is_full && !is_whole) break;
    const size_t space = is_full ? 1 : smaller(size - used, UINT_MAX);
    stream.next_in = (Bytef *)(bytes + consumed);
    stream.avail_in = (uInt)input;
    stream.next_out = is_full ? &surplus : output + used;
    stream.avail_out = (uInt)space;
    result = inflate(&stream, Z_NO_FLUSH);
    const size_t taken = input - stream.avail_in;
    const size_t made = space - stream.avail_out;
    consumed += taken;
    if (is_full && made) {
      status = ca_fail(CA_CORRUPT, message, "the compressed data is longer than its stated size");
    } else if (result == Z_MEM_ERROR) {
      status = ca_fail(CA_OUT_OF_MEMORY, message, "out of memory");
    } else if (result != Z_STREAM_END && result != Z_OK && result != Z_BUF_ERROR) {
      status = ca_fail(CA_CORRUPT, message, stream.msg ? stream.msg : "not deflated data");
    } else if (result != Z_STREAM_END && !taken && !made) {
      status = ca_fail(CA_CORRUPT, message, "the compressed data is truncated");
    } else if (!is_full) {
      used += made;
    }
  }
  inflateEnd(&stream);
  if (status == CA_OK && used != size) {
    status = ca_fail(CA_CORRUPT, message, "the compressed data is shorter than its stated size");
  }
  return status;
}

uint32_t ca_checksum(const uint8_t *bytes, size_t count) {
  return (uint32_t)crc32_z(0, bytes, count);
}
