#include <gif_lib.h>
#include <stdlib.h>

#include "Internal.h"

typedef struct {
  const uint8_t *next;
  size_t left;
} source;

static int provide(GifFileType *file, GifByteType *target, int count) {
  source *from = file->UserData;
  const size_t taken = (size_t)count < from->left ? (size_t)count : from->left;
  memcpy(target, from->next, taken);
  from->next += taken;
  from->left -= taken;
  return (int)taken;
}

static ci_status explain(int code, char *message) {
  switch (code) {
    case D_GIF_ERR_NOT_ENOUGH_MEM: return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
    case D_GIF_ERR_READ_FAILED:
    case D_GIF_ERR_EOF_TOO_SOON: return ci_fail(CI_CORRUPT, message, "the file is truncated");
    default: {
      const char *text = GifErrorString(code);
      return ci_fail(CI_CORRUPT, message, text ? text : "the bit stream is not valid");
    }
  }
}

// A file that is open at its first picture.
typedef struct {
  source bytes;
  GifFileType *file;
  // -1 where every pixel is opaque.
  int transparent_index;
} picture;

static void close_picture(picture *opened) {
  int ignored;
  if (opened->file) DGifCloseFile(opened->file, &ignored);
}

// Nothing of the library's grows with the picture: pixels are asked for row by row.
static ci_status open_picture(const uint8_t *bytes, size_t count, picture *opened, char *message) {
  int code = 0;
  *opened = (picture){.bytes = {bytes, count}, .transparent_index = -1};
  opened->file = DGifOpen(&opened->bytes, provide, &code);
  if (!opened->file) return explain(code, message);
  for (;;) {
    GifRecordType kind;
    if (DGifGetRecordType(opened->file, &kind) != GIF_OK) return explain(opened->file->Error, message);
    if (kind == IMAGE_DESC_RECORD_TYPE) {
      return DGifGetImageDesc(opened->file) == GIF_OK ? CI_OK : explain(opened->file->Error, message);
    }
    if (kind == TERMINATE_RECORD_TYPE) return ci_fail(CI_CORRUPT, message, "there is no picture in it");
    if (kind != EXTENSION_RECORD_TYPE) continue;
    int label;
    GifByteType *block;
    if (DGifGetExtension(opened->file, &label, &block) != GIF_OK) return explain(opened->file->Error, message);
    while (block) {
      if (label == GRAPHICS_EXT_FUNC_CODE && block[0] >= 4) opened->transparent_index = block[1] & 1 ? block[4] : -1;
      if (DGifGetExtensionNext(opened->file, &block) != GIF_OK) return explain(opened->file->Error, message);
    }
  }
}

// A picture that is larger than its canvas makes that larger.
static uint32_t extent(int canvas, int start, int length) {
  return (uint32_t)(start + length > canvas ? start + length : canvas);
}

ci_status ci_gif_open(const uint8_t *bytes, size_t count, ci_info *info, char *message) {
  picture opened;
  const ci_status status = open_picture(bytes, count, &opened, message);
  if (status == CI_OK) {
    const GifImageDesc *frame = &opened.file->Image;
    info->width = info->full_width = extent(opened.file->SWidth, frame->Left, frame->Width);
    info->height = info->full_height = extent(opened.file->SHeight, frame->Top, frame->Height);
    info->channels = opened.transparent_index < 0 ? 3 : 4;
    info->least_bytes = ci_plausible_bytes(info->width, info->height);
  }
  close_picture(&opened);
  return status;
}

// The colors of all 256 indices, four bytes each. What is not in the table is black; without one, indices are greys.
static void fill_colors(const picture *opened, uint8_t *colors) {
  const ColorMapObject *map = opened->file->Image.ColorMap ? opened->file->Image.ColorMap : opened->file->SColorMap;
  for (int index = 0; index < 256; index++) {
    uint8_t *color = colors + 4 * index;
    color[0] = color[1] = color[2] = map ? 0 : (uint8_t)index;
    color[3] = index == opened->transparent_index ? 0 : 255;
    if (!map || index >= map->ColorCount) continue;
    color[0] = map->Colors[index].Red;
    color[1] = map->Colors[index].Green;
    color[2] = map->Colors[index].Blue;
  }
}

static void draw(const uint8_t *indices, size_t count, const uint8_t *colors, size_t channels, uint8_t *target) {
  // Sizes that the compiler knows: the canvas of a small file may be large.
  if (channels == 4) {
    for (size_t i = 0; i < count; i++) memcpy(target + 4 * i, colors + 4 * indices[i], 4);
  } else {
    for (size_t i = 0; i < count; i++) memcpy(target + 3 * i, colors + 4 * indices[i], 3);
  }
}

static ci_status read_rows(picture *opened, const ci_info *info, const uint8_t *colors, uint8_t *row, uint8_t *pixels,
                           char *message) {
  const GifImageDesc *frame = &opened->file->Image;
  const size_t channels = info->channels, stride = info->width * channels;
  // Around the picture lies what is transparent, or else the first color.
  memset(row, opened->transparent_index < 0 ? 0 : opened->transparent_index, info->width);
  draw(row, info->width, colors, channels, pixels);
  for (size_t y = 1; y < info->height; y++) memcpy(pixels + y * stride, pixels, stride);
  static const int starts[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  uint8_t *const first = pixels + (size_t)frame->Top * stride + (size_t)frame->Left * channels;
  for (int pass = 0; pass < (frame->Interlace ? 4 : 1); pass++) {
    const int start = frame->Interlace ? starts[pass] : 0, step = frame->Interlace ? steps[pass] : 1;
    for (int y = start; y < frame->Height; y += step) {
      if (DGifGetLine(opened->file, row, frame->Width) != GIF_OK) return explain(opened->file->Error, message);
      draw(row, (size_t)frame->Width, colors, channels, first + (size_t)y * stride);
    }
  }
  return CI_OK;
}

ci_status ci_gif_read(const uint8_t *bytes, size_t count, const ci_info *info, uint8_t *pixels, size_t capacity,
                      char *message) {
  if (capacity != (size_t)info->width * info->channels * info->height) {
    return ci_fail(CI_CORRUPT, message, "the memory provided has another size than the picture");
  }
  picture opened;
  ci_status status = open_picture(bytes, count, &opened, message);
  if (status == CI_OK) {
    uint8_t colors[4 * 256];
    fill_colors(&opened, colors);
    uint8_t *row = malloc(info->width);
    status = row ? read_rows(&opened, info, colors, row, pixels, message)
                 : ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
    free(row);
  }
  close_picture(&opened);
  return status;
}
