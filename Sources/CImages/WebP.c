#include <stdlib.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "Internal.h"

static uint32_t little_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

// Goes through the chunks by itself: the library's way takes memory, and does not say when it is out. Only the extended format
// has room for metadata, which its header announces; the first chunk of a kind counts.
static uint32_t orientation_of(const uint8_t *bytes, size_t count) {
  if (count < 30 || memcmp(bytes + 12, "VP8X", 4) != 0) return 1;
  const uint8_t flags = bytes[20];
  const size_t end = little_endian(bytes + 4) < count - 8 ? little_endian(bytes + 4) + 8 : count;
  ci_metadata metadata = {0};
  size_t offset = 12;
  while (offset < end && end - offset >= 8) {
    const uint8_t *chunk = bytes + offset;
    const size_t length = little_endian(chunk + 4);
    if (length > end - offset - 8) break;
    if ((flags & EXIF_FLAG) && !metadata.exif && memcmp(chunk, "EXIF", 4) == 0) {
      metadata.exif = chunk + 8;
      metadata.exif_count = length;
    } else if ((flags & XMP_FLAG) && !metadata.xmp && memcmp(chunk, "XMP ", 4) == 0) {
      metadata.xmp = chunk + 8;
      metadata.xmp_count = length;
    }
    offset += 8 + length + length % 2;
  }
  return ci_orientation(&metadata);
}

static ci_status explain(VP8StatusCode code, char *message) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return ci_fail(CI_CORRUPT, message, "the file is truncated");
    case VP8_STATUS_UNSUPPORTED_FEATURE: return ci_fail(CI_UNSUPPORTED, message, "WebP of a newer kind");
    default: return ci_fail(CI_CORRUPT, message, "the bit stream is not valid");
  }
}

ci_status ci_webp_open(const uint8_t *bytes, size_t count, ci_info *info, char *message) {
  WebPBitstreamFeatures features;
  const VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
  if (code != VP8_STATUS_OK) return explain(code, message);
  // The first picture of an animation is drawn on a transparent canvas.
  info->channels = features.has_alpha || features.has_animation ? 4 : 3;
  info->width = info->full_width = (uint32_t)features.width;
  info->height = info->full_height = (uint32_t)features.height;
  info->orientation = orientation_of(bytes, count);
  // A surface of one color takes no bits at all.
  info->least_bytes = ci_plausible_bytes(info->width, info->height);
  return CI_OK;
}

static ci_status decode(const uint8_t *bytes, size_t count, uint32_t channels, uint8_t *pixels, size_t stride,
                        size_t capacity, char *message) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return ci_fail(CI_CORRUPT, message, "another version of libwebp");
  config.output.colorspace = channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = (int)stride;
  config.output.u.RGBA.size = capacity;
  const VP8StatusCode code = WebPDecode(bytes, count, &config);
  WebPFreeDecBuffer(&config.output);
  return code == VP8_STATUS_OK ? CI_OK : explain(code, message);
}

// Draws it on the transparent canvas.
static ci_status first_of_animation(const uint8_t *bytes, size_t count, const ci_info *info, uint8_t *pixels,
                                    size_t capacity, char *message) {
  const WebPData data = {bytes, count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  WebPIterator frame;
  ci_status status = ci_fail(CI_CORRUPT, message, "the animation is damaged");
  if (demuxer && WebPDemuxGetFrame(demuxer, 1, &frame)) {
    const size_t stride = (size_t)info->width * 4;
    const size_t offset = (size_t)frame.y_offset * stride + (size_t)frame.x_offset * 4;
    if (frame.x_offset + frame.width <= (int)info->width && frame.y_offset + frame.height <= (int)info->height) {
      message[0] = 0;
      memset(pixels, 0, capacity);
      status = decode(frame.fragment.bytes, frame.fragment.size, 4, pixels + offset, stride, capacity - offset,
                      message);
    }
    WebPDemuxReleaseIterator(&frame);
  }
  WebPDemuxDelete(demuxer);
  return status;
}

ci_status ci_webp_read(const uint8_t *bytes, size_t count, const ci_info *info, uint8_t *pixels, size_t capacity,
                       char *message) {
  const size_t stride = (size_t)info->width * info->channels;
  if (capacity != stride * info->height) {
    return ci_fail(CI_CORRUPT, message, "the memory provided has another size than the picture");
  }
  WebPBitstreamFeatures features;
  const VP8StatusCode found = WebPGetFeatures(bytes, count, &features);
  if (found != VP8_STATUS_OK) return explain(found, message);
  if (features.has_animation) return first_of_animation(bytes, count, info, pixels, capacity, message);
  return decode(bytes, count, info->channels, pixels, stride, capacity, message);
}
