#include <stdlib.h>

#include "Internal.h"
#include "TIFFSource.h"

// MARK: What a picture is made of

// Samples of a pixel that are looked at, and those that a file may have.
enum { MOST_COLORS = 4, MOST_SAMPLES = 16 };

typedef struct {
  uint32_t width, height;
  uint16_t bits, samples, photometric, compression, planar, orientation;
  // Samples that are colors, and the place of alpha behind them; 0 where there is none.
  uint16_t colors, alpha;
  int is_premultiplied;
  // The library converts it, which no other way can: colors at a lower resolution than luminance.
  int is_converted;
} layout;

static ci_status unsupported(char *message, const char *what, unsigned value) {
  snprintf(message, CI_MESSAGE_SIZE, what, value);
  return CI_UNSUPPORTED;
}

static ci_status find_colors(TIFF *tiff, layout *form, char *message) {
  switch (form->photometric) {
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_PALETTE: form->colors = 1; break;
    case PHOTOMETRIC_RGB: form->colors = 3; break;
    case PHOTOMETRIC_SEPARATED: form->colors = 4; break;
    case PHOTOMETRIC_YCBCR:
      form->colors = 3;
      if (form->compression == COMPRESSION_JPEG) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      } else {
        form->is_converted = 1;
      }
      break;
    case 32803:
    case 34892: return unsupported(message, "the raw data of a camera (photometric interpretation %u)", form->photometric);
    default: return unsupported(message, "TIFF with photometric interpretation %u", form->photometric);
  }
  if (form->samples < form->colors) return ci_fail(CI_CORRUPT, message, "a pixel has too few samples for its colors");
  uint16_t extra_count = 0, *extras = NULL;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extras);
  if (form->samples == form->colors || form->photometric == PHOTOMETRIC_SEPARATED) return CI_OK;
  // A fourth sample beside three colors is alpha where nothing is said of it.
  const uint16_t kind = extra_count > 0 ? extras[0] : form->colors == 3 ? EXTRASAMPLE_UNASSALPHA : EXTRASAMPLE_UNSPECIFIED;
  if (kind == EXTRASAMPLE_ASSOCALPHA || kind == EXTRASAMPLE_UNASSALPHA) form->alpha = form->colors;
  form->is_premultiplied = kind == EXTRASAMPLE_ASSOCALPHA;
  return CI_OK;
}

// Only what cannot ask for memory beyond the picture's: others, of which some are hardly used, are refused by name.
static ci_status check_compression(uint16_t compression, char *message) {
  switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE: break;
    case COMPRESSION_OJPEG: return unsupported(message, "TIFF with JPEG of the old kind (compression %u)", compression);
    case 34925: return unsupported(message, "TIFF compressed by LZMA (compression %u)", compression);
    case 50000: return unsupported(message, "TIFF compressed by Zstandard (compression %u)", compression);
    case 50001: return unsupported(message, "TIFF compressed by WebP (compression %u)", compression);
    default: return unsupported(message, "TIFF with compression %u", compression);
  }
  return TIFFIsCODECConfigured(compression) ? CI_OK
                                            : unsupported(message, "TIFF with compression %u, which libtiff was built without",
                                                          compression);
}

static ci_status find_layout(TIFF *tiff, layout *form, char *message) {
  *form = (layout){.orientation = 1};
  uint16_t format = SAMPLEFORMAT_UINT;
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &form->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &form->height)) {
    return ci_fail(CI_CORRUPT, message, "the file does not say how large its picture is");
  }
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &form->bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &form->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &form->planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &form->compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetField(tiff, TIFFTAG_ORIENTATION, &form->orientation);
  // Where nothing is said, as of Pillow: white is zero.
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &form->photometric);
  uint16_t version_length = 0;
  void *version = NULL;
  if (TIFFGetField(tiff, TIFFTAG_DNGVERSION, &version_length, &version) || TIFFGetField(tiff, TIFFTAG_DNGVERSION, &version)) {
    return unsupported(message, "the raw data of a camera (DNG)", 0);
  }
  const ci_status status = check_compression(form->compression, message);
  if (status != CI_OK) return status;
  if (format == SAMPLEFORMAT_IEEEFP) return unsupported(message, "TIFF of floating-point numbers (%u bits)", form->bits);
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) {
    return unsupported(message, "TIFF with sample format %u", format);
  }
  if (form->samples == 0 || form->samples > MOST_SAMPLES) {
    return unsupported(message, "TIFF with %u samples a pixel", form->samples);
  }
  const int is_narrow = form->bits == 1 || form->bits == 2 || form->bits == 4;
  if (!is_narrow && form->bits != 8 && form->bits != 16) {
    return unsupported(message, "TIFF with %u bits a sample", form->bits);
  }
  if (form->photometric == PHOTOMETRIC_PALETTE && form->bits > 8) {
    return unsupported(message, "TIFF with a palette for %u bits", form->bits);
  }
  return find_colors(tiff, form, message);
}

static ci_status open_layout(ci_tiff_source *from, TIFF **tiff, layout *form) {
  *tiff = ci_tiff_open_source(from);
  if (!*tiff) {
    return from->message[0] ? CI_CORRUPT : ci_fail(CI_CORRUPT, from->message, "the header is not valid");
  }
  // What was noted so far ended nothing.
  from->message[0] = 0;
  return find_layout(*tiff, form, from->message);
}

static uint32_t channels_of(const layout *form) {
  if (form->is_converted) return 3;
  if (form->alpha) return 4;
  return form->photometric == PHOTOMETRIC_MINISWHITE || form->photometric == PHOTOMETRIC_MINISBLACK ? 1 : 3;
}

ci_status ci_tiff_open(const uint8_t *bytes, size_t count, ci_info *info, char *message) {
  ci_tiff_source from = {bytes, count, 0, message};
  TIFF *tiff;
  layout form;
  const ci_status status = open_layout(&from, &tiff, &form);
  if (status == CI_OK) {
    info->width = info->full_width = form.width;
    info->height = info->full_height = form.height;
    info->channels = channels_of(&form);
    info->orientation = form.orientation >= 1 && form.orientation <= 8 ? form.orientation : 1;
    const uint64_t row_bits = (uint64_t)form.width * form.samples * form.bits;
    info->least_bytes = form.compression == COMPRESSION_NONE && !form.is_converted
                            ? (row_bits / 8 < UINT32_MAX ? row_bits / 8 * form.height : UINT64_MAX)
                            : ci_plausible_bytes(form.width, form.height);
  }
  if (tiff) TIFFClose(tiff);
  return status;
}

// MARK: Pixels

// Eight bits of a sample: palette indices as they are, others with white at 255, rounded.
static uint8_t sample(const uint8_t *row, size_t index, const layout *form) {
  switch (form->bits) {
    case 8: return row[index];
    case 16: {
      uint16_t value;
      memcpy(&value, row + 2 * index, sizeof value);
      return (uint8_t)(((uint32_t)value * 255 + 32767) / 65535);
    }
    default: {
      const unsigned per_byte = 8 / form->bits, mask = (1u << form->bits) - 1;
      const unsigned shift = (unsigned)(per_byte - 1 - index % per_byte) * form->bits;
      const unsigned value = row[index / per_byte] >> shift & mask;
      return (uint8_t)(form->photometric == PHOTOMETRIC_PALETTE ? value : value * 255 / mask);
    }
  }
}

// What `write_pixel` needs of the file.
typedef struct {
  layout form;
  uint32_t channels;
  uint8_t colors[3 * 256];
} conversion;

// `values` are the colors and, behind them, alpha.
static void write_pixel(const conversion *how, const uint8_t *values, uint8_t *target) {
  switch (how->form.photometric) {
    case PHOTOMETRIC_PALETTE: memcpy(target, how->colors + 3 * values[0], 3); break;
    case PHOTOMETRIC_SEPARATED: {
      // As Pillow does it: ink is subtracted from what black leaves.
      const unsigned rest = 255u - values[3];
      for (int color = 0; color < 3; color++) {
        const unsigned ink = values[color] * rest + 128;
        target[color] = (uint8_t)(rest - ((ink + (ink >> 8)) >> 8));
      }
      break;
    }
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_MINISBLACK: {
      const uint8_t grey = how->form.photometric == PHOTOMETRIC_MINISWHITE ? 255 - values[0] : values[0];
      memset(target, grey, how->channels == 4 ? 3 : 1);
      break;
    }
    default: memcpy(target, values, 3);
  }
  if (how->form.alpha) target[3] = values[how->form.alpha];
}

static int fill_colors(TIFF *tiff, conversion *how) {
  uint16_t *maps[3];
  if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &maps[0], &maps[1], &maps[2])) return 0;
  for (size_t index = 0; index < (size_t)1 << how->form.bits; index++) {
    for (size_t color = 0; color < 3; color++) how->colors[3 * index + color] = (uint8_t)(maps[color][index] >> 8);
  }
  return 1;
}

// A strip or tile of the file: rows of `width` pixels, of which some lie in the picture.
typedef struct {
  uint32_t x, y, width, height;
  tmsize_t row_bytes;
} unit;

// Converts a unit of all samples.
static void place_whole(const conversion *how, const unit *part, const uint8_t *buffer, uint8_t *pixels) {
  const layout *form = &how->form;
  const uint32_t right = form->width - part->x < part->width ? form->width - part->x : part->width;
  const uint32_t bottom = form->height - part->y < part->height ? form->height - part->y : part->height;
  const size_t looked_at = form->colors + (form->alpha ? 1u : 0u);
  for (uint32_t y = 0; y < bottom; y++) {
    const uint8_t *row = buffer + (size_t)y * (size_t)part->row_bytes;
    uint8_t *target = pixels + ((size_t)(part->y + y) * form->width + part->x) * how->channels;
    for (uint32_t x = 0; x < right; x++) {
      uint8_t values[MOST_COLORS + 1];
      for (size_t i = 0; i < looked_at; i++) values[i] = sample(row, (size_t)x * form->samples + i, form);
      write_pixel(how, values, target + (size_t)x * how->channels);
    }
  }
}

// Keeps a unit of one sample until the others are there.
static void place_plane(const conversion *how, const unit *part, const uint8_t *buffer, size_t plane, uint8_t *planes) {
  const layout *form = &how->form;
  const size_t looked_at = form->colors + (form->alpha ? 1u : 0u);
  const uint32_t right = form->width - part->x < part->width ? form->width - part->x : part->width;
  const uint32_t bottom = form->height - part->y < part->height ? form->height - part->y : part->height;
  for (uint32_t y = 0; y < bottom; y++) {
    const uint8_t *row = buffer + (size_t)y * (size_t)part->row_bytes;
    uint8_t *target = planes + ((size_t)(part->y + y) * form->width + part->x) * looked_at + plane;
    for (uint32_t x = 0; x < right; x++) target[x * looked_at] = sample(row, x, form);
  }
}

static ci_status read_units(TIFF *tiff, const conversion *how, uint8_t *buffer, tmsize_t size, uint8_t *planes, uint8_t *pixels) {
  const layout *form = &how->form;
  const int is_tiled = TIFFIsTiled(tiff);
  unit part = {.width = form->width};
  if (is_tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &part.width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &part.height);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &part.height);
    if (part.height > form->height) part.height = form->height;
  }
  part.row_bytes = is_tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
  if (part.width == 0 || part.height == 0 || part.row_bytes <= 0) return CI_CORRUPT;
  const size_t count = planes ? form->colors + (form->alpha ? 1u : 0u) : 1;
  for (size_t plane = 0; plane < count; plane++) {
    for (part.y = 0; part.y < form->height; part.y += part.height) {
      for (part.x = 0; part.x < form->width; part.x += part.width) {
        const uint32_t rows = is_tiled || form->height - part.y > part.height ? part.height : form->height - part.y;
        const tmsize_t wanted = part.row_bytes * (tmsize_t)rows;
        if (wanted > size) return CI_CORRUPT;
        const tmsize_t got =
            is_tiled
                ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, part.x, part.y, 0, (uint16_t)plane), buffer, size)
                : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, part.y, (uint16_t)plane), buffer, wanted);
        if (got < wanted) return CI_CORRUPT;
        if (planes) place_plane(how, &part, buffer, plane, planes);
        else place_whole(how, &part, buffer, pixels);
      }
    }
  }
  return CI_OK;
}

// By the library, to red, green, blue and alpha.
static ci_status read_converted(TIFF *tiff, const layout *form, uint8_t *pixels, char *message) {
  const size_t count = (size_t)form->width * form->height;
  uint32_t *raster = malloc(count * sizeof *raster);
  if (!raster) return ci_fail(CI_OUT_OF_MEMORY, message, "out of memory");
  // Asked for as it is stored: it is turned later.
  const int orientation = form->orientation >= 1 && form->orientation <= 8 ? form->orientation : ORIENTATION_TOPLEFT;
  const int is_read = TIFFReadRGBAImageOriented(tiff, form->width, form->height, raster, orientation, 1);
  for (size_t i = 0; is_read && i < count; i++) {
    pixels[3 * i] = (uint8_t)TIFFGetR(raster[i]);
    pixels[3 * i + 1] = (uint8_t)TIFFGetG(raster[i]);
    pixels[3 * i + 2] = (uint8_t)TIFFGetB(raster[i]);
  }
  free(raster);
  return is_read ? CI_OK : CI_CORRUPT;
}

static ci_status read_pixels(TIFF *tiff, conversion *how, uint8_t *pixels, char *message) {
  const layout *form = &how->form;
  const uint64_t count = (uint64_t)form->width * form->height;
  if (form->photometric == PHOTOMETRIC_PALETTE && !fill_colors(tiff, how)) {
    return ci_fail(CI_CORRUPT, message, "the palette is missing");
  }
  const uint64_t size = TIFFIsTiled(tiff) ? TIFFTileSize64(tiff) : TIFFStripSize64(tiff);
  // A tile may reach beyond a small picture, but not for ever.
  if (size == 0 || size / form->samples / 2 > 4 * count + (1 << 20)) {
    return ci_fail(CI_CORRUPT, message, "a part of the picture is larger than the whole");
  }
  if (form->is_converted) return read_converted(tiff, form, pixels, message);
  const int is_planar = form->planar == PLANARCONFIG_SEPARATE && form->samples > 1;
  const size_t looked_at = form->colors + (form->alpha ? 1u : 0u);
  uint8_t *buffer = malloc((size_t)size), *planes = is_planar ? malloc((size_t)count * looked_at) : NULL;
  ci_status status = CI_OUT_OF_MEMORY;
  if (buffer && (planes || !is_planar)) {
    status = read_units(tiff, how, buffer, (tmsize_t)size, planes, pixels);
    for (uint64_t i = 0; status == CI_OK && planes && i < count; i++) {
      write_pixel(how, planes + i * looked_at, pixels + i * how->channels);
    }
  } else {
    ci_fail(status, message, "out of memory");
  }
  free(buffer);
  free(planes);
  if (status == CI_OK && form->is_premultiplied) ci_unpremultiply(pixels, (size_t)count);
  return status;
}

ci_status ci_tiff_read(const uint8_t *bytes, size_t count, const ci_info *info, uint8_t *pixels, size_t capacity,
                       char *message) {
  if (capacity != (size_t)info->width * info->channels * info->height) {
    return ci_fail(CI_CORRUPT, message, "the memory provided has another size than the picture");
  }
  ci_tiff_source from = {bytes, count, 0, message};
  TIFF *tiff;
  conversion how = {.channels = info->channels};
  ci_status status = open_layout(&from, &tiff, &how.form);
  if (status == CI_OK) status = read_pixels(tiff, &how, pixels, message);
  if (status == CI_CORRUPT && !message[0]) ci_fail(status, message, "the pixels are damaged or end early");
  if (tiff) TIFFClose(tiff);
  return status;
}
