#include <stdlib.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include "Internal.h"

static uint32_t orientation_of(const uint8_t *bytes, size_t count) {
  // Only the extended format has room for Exif data.
  if (count < 16 || memcmp(bytes + 12, "VP8X", 4) != 0) return 1;
  const WebPData data = {bytes, count};
  WebPDemuxer *demuxer = WebPDemux(&data);
  if (!demuxer) return 1;
  uint32_t orientation = 1;
  WebPChunkIterator chunk;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
    orientation = ci_exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  WebPDemuxDelete(demuxer);
  return orientation;
}

static ci_status explain(VP8StatusCode code, char *message) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
    case VP8_STATUS_NOT_ENOUGH_DATA:
    case VP8_STATUS_SUSPENDED: return ci_fail(CI_CORRUPT, message, "the file is truncated");
    case VP8_STATUS_UNSUPPORTED_FEATURE: return ci_fail(CI_CORRUPT, message, "a feature that is not supported");
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
  return CI_OK;
}

static ci_status first_of_animation(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity,
                                    char *message) {
  WebPAnimDecoderOptions options;
  if (!WebPAnimDecoderOptionsInit(&options)) return ci_fail(CI_CORRUPT, message, "another version of libwebp");
  options.color_mode = MODE_RGBA;
  const WebPData data = {bytes, count};
  WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, &options);
  if (!decoder) return ci_fail(CI_CORRUPT, message, "the animation is damaged");
  uint8_t *canvas;
  int time;
  WebPAnimInfo info;
  const int found = WebPAnimDecoderGetInfo(decoder, &info) &&
                    (size_t)info.canvas_width * info.canvas_height * 4 == capacity &&
                    WebPAnimDecoderGetNext(decoder, &canvas, &time);
  if (found) memcpy(pixels, canvas, capacity);
  WebPAnimDecoderDelete(decoder);
  return found ? CI_OK : ci_fail(CI_CORRUPT, message, "the animation is damaged");
}

ci_status ci_webp_read(const uint8_t *bytes, size_t count, const ci_info *info, uint8_t *pixels, size_t capacity,
                       char *message) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config)) return ci_fail(CI_CORRUPT, message, "another version of libwebp");
  const VP8StatusCode found = WebPGetFeatures(bytes, count, &config.input);
  if (found != VP8_STATUS_OK) return explain(found, message);
  if (config.input.has_animation) return first_of_animation(bytes, count, pixels, capacity, message);
  config.output.colorspace = info->channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = (int)(info->width * info->channels);
  config.output.u.RGBA.size = capacity;
  const VP8StatusCode code = WebPDecode(bytes, count, &config);
  WebPFreeDecBuffer(&config.output);
  return code == VP8_STATUS_OK ? CI_OK : explain(code, message);
}
