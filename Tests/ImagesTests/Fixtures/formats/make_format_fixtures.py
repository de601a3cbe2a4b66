"""Writes small GIF, BMP and TIFF pictures in many encodings, and their pixels as Pillow reads them.

Needs numpy and Pillow 12 or later. Run it in this directory. What Pillow cannot write is written here by hand; 16 bits a sample
become eight by rounding, as in PNG files, and not as Pillow cuts them.
"""

import struct

import numpy as np
from PIL import Image, ImageOps, features

rng = np.random.default_rng(11)
height, width = 13, 21
y, x = np.mgrid[0:height, 0:width]
rgb = np.clip(np.stack([x * 12, y * 19, (x + y) * 7], axis=2) + rng.integers(-20, 21, (height, width, 3)), 0, 255)
rgb = rgb.astype(np.uint8)
alpha = np.clip(x * 14, 0, 255).astype(np.uint8)
rgba = np.dstack([rgb, alpha])
grey = rgb[..., 1]
picture = Image.fromarray(rgb)
bits = Image.fromarray(grey).convert("1")
index = picture.quantize(16)
names = []


def expect(file, pixels=None):
    """Saves what Pillow says the pixels are, or what they must be."""
    if pixels is None:
        opened = Image.open(file)
        opened.load()
        if opened.mode in ("P", "PA"):
            opened = opened.convert("RGBA" if "transparency" in opened.info or opened.mode == "PA" else "RGB")
        elif opened.mode in ("1", "LA"):
            opened = opened.convert("L" if opened.mode == "1" else "RGBA")
        elif opened.mode == "CMYK":
            opened = opened.convert("RGB")
        pixels = np.asarray(opened)
    np.save(file.replace(".", "-") + ".npy", pixels if pixels.ndim == 3 else pixels[..., None])
    names.append(file)


def rounded(values):
    return ((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


# GIF.
index.save("interlaced.gif", interlace=1)
index.save("plain.gif", interlace=0)
index.save("transparent.gif", transparency=3, interlace=0)
Image.fromarray(grey).save("grey.gif")
picture.quantize(2).save("two.gif", interlace=0)
frames = [index, picture.rotate(180).quantize(16)]
frames[0].save("animation.gif", save_all=True, append_images=frames[1:], duration=50)
for name in ["interlaced", "plain", "transparent", "grey", "two", "animation"]:
    expect(f"{name}.gif")


def moved(name, canvas, left, top, source):
    """The same file with another canvas and another place of its picture."""
    data = bytearray(open(source, "rb").read())
    data[6:10] = struct.pack("<HH", *canvas)
    place = 13 + (3 << (data[10] & 7) + 1)
    while data[place] == 0x21:
        place += 2
        while data[place]:
            place += data[place] + 1
        place += 1
    assert data[place] == 0x2C
    data[place + 1 : place + 5] = struct.pack("<HH", left, top)
    open(name, "wb").write(data)
    expect(name)


moved("smaller.gif", (30, 20), 4, 3, "plain.gif")
moved("smaller-transparent.gif", (30, 20), 4, 3, "transparent.gif")
moved("larger.gif", (15, 20), 2, 1, "plain.gif")


# BMP.
def write_bmp(name, depth, rows, compression=0, palette=b"", masks=b"", size=40, top_down=False, data=None, colors=0):
    if data is None:
        padded = [row + b"\0" * (-len(row) % 4) for row in rows]
        data = b"".join(padded if top_down else padded[::-1])
    if size == 12:
        header = struct.pack("<IHHHH", 12, width, height, 1, depth)
    else:
        rest = (masks if size > 40 else b"").ljust(size - 40, b"\0")
        header = struct.pack("<IiiHHIIiiII", size, width, -height if top_down else height, 1, depth, compression,
                             len(data), 2835, 2835, colors, 0) + rest
    if size == 40:
        header += masks
    offset = 14 + len(header) + len(palette)
    open(name, "wb").write(b"BM" + struct.pack("<IHHI", offset + len(data), 0, 0, offset) + header + palette + data)


picture.save("rgb.bmp")
index.save("palette8.bmp")
Image.fromarray(grey).save("grey.bmp")
bits.save("bits.bmp")
Image.fromarray(rgba).save("alpha.bmp")
for name in ["rgb", "palette8", "grey", "bits", "alpha"]:
    expect(f"{name}.bmp")
indices = np.asarray(index)
colors = np.array(index.getpalette()[:48], np.uint8).reshape(16, 3)
palette = b"".join(bytes([b, g, r, 0]) for r, g, b in colors)
core_palette = b"".join(bytes([b, g, r]) for r, g, b in colors)
nibbles = np.pad(indices, ((0, 0), (0, 1)))
nibble_rows = [(row[::2] << 4 | row[1::2]).astype(np.uint8).tobytes() for row in nibbles]
write_bmp("palette4.bmp", 4, nibble_rows, palette=palette)
write_bmp("top-down.bmp", 4, nibble_rows, palette=palette, top_down=True)
write_bmp("few-colors.bmp", 8, [row.tobytes() for row in indices], palette=palette[:40], colors=10)
two = [np.packbits(row).tobytes() for row in np.asarray(bits)]
write_bmp("two-colors.bmp", 1, two, palette=bytes([10, 200, 30, 0, 90, 20, 250, 0]))
write_bmp("core.bmp", 4, nibble_rows, palette=core_palette, size=12)
bgr = rgb[..., ::-1]
write_bmp("core24.bmp", 24, [row.tobytes() for row in bgr], size=12)
bgrx = np.dstack([bgr, rng.integers(0, 256, (height, width, 1)).astype(np.uint8)])
write_bmp("rgbx.bmp", 32, [row.tobytes() for row in bgrx])
wide = (rgb.astype(np.uint16) >> 3) @ np.array([1 << 10, 1 << 5, 1], np.uint16)
write_bmp("rgb555.bmp", 16, [row.astype("<u2").tobytes() for row in wide])
r, g, b = [rgb[..., i].astype(np.uint16) for i in range(3)]
write_bmp("rgb565.bmp", 16, [row.astype("<u2").tobytes() for row in (r >> 3 << 11 | g >> 2 << 5 | b >> 3)], 3,
          masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
write_bmp("masks.bmp", 32, [row.tobytes() for row in np.dstack([np.zeros_like(alpha), bgr])], 3,
          masks=struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00))
write_bmp("version4.bmp", 32, [row.tobytes() for row in rgba[..., [2, 1, 0, 3]]], 3,
          masks=struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000), size=108)


def encoded(depth):
    """Runs, literal pixels, a step to the right and up, and a row that ends early."""
    out = bytearray()
    for number, row in enumerate(indices[::-1]):
        place = 0
        if number == 4:
            out += bytes([0, 2, 3, 1]) + bytes([5, 0x22 if depth == 4 else 2]) + b"\0\0"
            continue
        if number == 5:
            continue
        while place < width:
            run = 1
            while place + run < width and row[place + run] == row[place]:
                run += 1
            if run >= 2 or width - place < 3:
                out += bytes([run, row[place] * 17 if depth == 4 else row[place]])
                place += run
                continue
            count = min(width - place, 7)
            literal = row[place : place + count]
            if depth == 4:
                literal = np.pad(literal, (0, count % 2))
                literal = literal[::2] << 4 | literal[1::2]
            out += bytes([0, count]) + literal.astype(np.uint8).tobytes()
            out += b"\0" * (len(literal) % 2)
            place += count
        out += b"\0\0"
    return bytes(out + b"\0\1")


write_bmp("rle8.bmp", 8, None, 1, palette=palette, data=encoded(8), colors=16)
write_bmp("rle4.bmp", 4, None, 2, palette=palette, data=encoded(4), colors=16)
for name in ["palette4", "top-down", "few-colors", "two-colors", "core", "core24", "rgbx", "rgb555", "rgb565", "masks",
             "version4", "rle8", "rle4"]:
    expect(f"{name}.bmp")

# TIFF.
picture.save("rgb.tiff")
picture.save("lzw.tiff", compression="tiff_lzw", tiffinfo={317: 2})
picture.save("deflate.tiff", compression="tiff_adobe_deflate")
picture.save("packbits.tiff", compression="packbits")
picture.save("jpeg.tiff", compression="jpeg", quality=90)
picture.convert("YCbCr").save("ycbcr-jpeg.tiff", compression="jpeg", quality=90)
Image.fromarray(grey).save("grey.tiff")
Image.fromarray(np.asarray(Image.fromarray(rgba).convert("LA"))).save("grey-alpha.tiff")
bits.save("bits.tiff")
bits.save("fax4.tiff", compression="group4")
bits.save("fax3.tiff", compression="group3")
index.save("palette.tiff")
Image.fromarray(rgba).save("alpha.tiff")
picture.convert("CMYK").save("cmyk.tiff")
for name in ["rgb", "lzw", "deflate", "packbits", "jpeg", "ycbcr-jpeg", "grey", "grey-alpha", "bits", "fax4", "fax3", "palette",
             "alpha", "cmyk"]:
    expect(f"{name}.tiff")
exif = Image.Exif()
for orientation in [3, 6, 8]:
    exif[0x0112] = orientation
    picture.save(f"orientation{orientation}.tiff", exif=exif)
    opened = Image.open(f"orientation{orientation}.tiff")
    opened.load()
    expect(f"orientation{orientation}.tiff", np.asarray(ImageOps.exif_transpose(opened)))


def write_tiff(name, parts, depths, photometric, order="<", tile=None, planar=1, rows=None, extra=None, size=None, more=()):
    """`parts` are the strips or tiles, in their order in the file."""
    w, h = size or (width, height)
    fields = [(256, 4, [w]), (257, 4, [h]), (258, 3, depths), (259, 3, [1]), (262, 3, [photometric]),
              (277, 3, [len(depths)]), (284, 3, [planar])]
    offsets, data = [], b""
    for part in parts:
        offsets.append(8 + len(data))
        data += part + b"\0" * (len(part) % 2)
    counts = [len(part) for part in parts]
    if tile:
        fields += [(322, 4, [tile[1]]), (323, 4, [tile[0]]), (324, 4, offsets), (325, 4, counts)]
    else:
        fields += [(273, 4, offsets), (278, 4, [rows or h]), (279, 4, counts)]
    if extra is not None:
        fields.append((338, 3, [extra]))
    fields = sorted(fields + list(more))
    start = 8 + len(data)
    place = start + 2 + 12 * len(fields) + 4
    directory, beyond = struct.pack(order + "H", len(fields)), b""
    for tag, kind, values in fields:
        value = b"".join(struct.pack(order + {3: "H", 4: "I"}[kind], v) for v in values)
        if len(value) > 4:
            directory += struct.pack(order + "HHII", tag, kind, len(values), place + len(beyond))
            beyond += value + b"\0" * (len(value) % 2)
        else:
            directory += struct.pack(order + "HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, start)
    open(name, "wb").write(header + data + directory + b"\0\0\0\0" + beyond)


def tiles(pixels, tile):
    h, w = pixels.shape[:2]
    for top in range(0, h, tile[0]):
        for left in range(0, w, tile[1]):
            part = pixels[top : top + tile[0], left : left + tile[1]]
            pad = [(0, tile[0] - part.shape[0]), (0, tile[1] - part.shape[1])] + [(0, 0)] * (pixels.ndim - 2)
            yield np.pad(part, pad).tobytes()


write_tiff("tiles.tiff", list(tiles(rgb, (16, 16))), [8, 8, 8], 2, tile=(16, 16))
expect("tiles.tiff", rgb)
write_tiff("tiled-planes.tiff", [t for c in range(3) for t in tiles(rgb[..., c], (16, 16))], [8, 8, 8], 2, tile=(16, 16), planar=2)
expect("tiled-planes.tiff", rgb)
write_tiff("planes.tiff", [rgb[top : top + 5, :, c].tobytes() for c in range(3) for top in range(0, height, 5)], [8, 8, 8], 2,
           planar=2, rows=5)
expect("planes.tiff", rgb)
assert (np.asarray(Image.open("planes.tiff")) == rgb).all()
strips = [rgb[top : top + 4].tobytes() for top in range(0, height, 4)]
write_tiff("strips.tiff", strips, [8, 8, 8], 2, order=">", rows=4)
expect("strips.tiff")
write_tiff("white-is-zero.tiff", [(255 - grey).tobytes()], [8], 0)
expect("white-is-zero.tiff")
low = (grey >> 4).astype(np.uint8)
low_rows = np.pad(low, ((0, 0), (0, 1)))
write_tiff("grey4.tiff", [(low_rows[:, ::2] << 4 | low_rows[:, 1::2]).tobytes()], [4], 1)
expect("grey4.tiff")
deep = rgb.astype(np.uint16) << 8 | rng.integers(0, 256, rgb.shape).astype(np.uint16)
for order, name in [("<", "rgb16.tiff"), (">", "rgb16-big.tiff")]:
    write_tiff(name, [deep.astype(order + "u2").tobytes()], [16] * 3, 2, order=order)
    expect(name, rounded(deep))
write_tiff("grey16.tiff", [deep[..., 0].astype("<u2").tobytes()], [16], 1)
expect("grey16.tiff", rounded(deep[..., 0]))
product = (rgb.astype(np.uint16) * alpha[..., None] // 255).astype(np.uint8)
write_tiff("premultiplied.tiff", [np.dstack([product, alpha]).tobytes()], [8] * 4, 2, extra=1)
expect("premultiplied.tiff", np.asarray(Image.open("premultiplied.tiff").convert("RGBA")))
write_tiff("unspecified.tiff", [rgba.tobytes()], [8] * 4, 2, extra=0)
expect("unspecified.tiff", np.asarray(Image.open("unspecified.tiff").convert("RGB")))
print(len(names), "pictures")
