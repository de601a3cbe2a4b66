"""Writes small pictures in many encodings, their pixels as decoded by Pillow, and Pillow's resized versions.

Needs numpy and Pillow. Run it in this directory.
"""

import struct
import zlib

import numpy as np
from PIL import Image

rng = np.random.default_rng(7)
height, width = 19, 23
y, x = np.mgrid[0:height, 0:width]
smooth = np.stack([x * 11, y * 13, (x + y) * 6], axis=2)
noise = rng.integers(-20, 21, smooth.shape)
rgb = np.clip(smooth + noise, 0, 255).astype(np.uint8)
alpha = np.clip(x * 12, 0, 255).astype(np.uint8)[..., None]
grey = rgb[..., 1]


def expected(name, pixels):
    np.save(f"{name}.npy", pixels if pixels.ndim == 3 else pixels[..., None])


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def write_png(name, depth, colour, rows, extra=b"", interlace=0):
    """Writes what Pillow cannot: `rows` are the bytes of each (pass's) row."""
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    with open(f"{name}.png", "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra)
        file.write(chunk(b"IDAT", data) + chunk(b"IEND", b""))


# PNG: what is stored, and what eight bits a channel of it are.
Image.fromarray(rgb).save("rgb8.png")
expected("rgb8", rgb)
Image.fromarray(grey).save("grey8.png")
expected("grey8", grey)
rgba = np.concatenate([rgb, alpha], axis=2)
Image.fromarray(rgba).save("rgba8.png")
expected("rgba8", rgba)
Image.fromarray(np.concatenate([grey[..., None], alpha], axis=2)).save("grey-alpha8.png")
expected("grey-alpha8", np.concatenate([grey[..., None]] * 3 + [alpha], axis=2))
for bits in [1, 2, 4]:
    levels = (grey >> (8 - bits)).astype(np.uint8)
    weights = 1 << np.arange(bits - 1, -1, -1)
    rows = [
        np.packbits(((row[:, None] & weights) > 0).astype(np.uint8).ravel()).tobytes()
        for row in levels
    ]
    write_png(f"grey{bits}", bits, 0, rows)
    expected(f"grey{bits}", levels * (255 // (2**bits - 1)))
wide = (rgb.astype(np.uint16) << 8) | rng.integers(0, 256, rgb.shape).astype(np.uint16)
write_png("rgb16", 16, 2, [row.astype(">u2").tobytes() for row in wide])
expected("rgb16", ((wide.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
wide_grey = wide[..., 0]
write_png("grey16", 16, 0, [row.astype(">u2").tobytes() for row in wide_grey])
expected("grey16", ((wide_grey.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))
palette = Image.fromarray(rgb).quantize(16)
palette.save("palette4.png")
expected("palette4", np.asarray(palette.convert("RGB")))
palette.save("palette4-transparent.png", transparency=3)
expected("palette4-transparent", np.asarray(Image.open("palette4-transparent.png").convert("RGBA")))
passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
rows = [
    rgb[row, left::across].tobytes()
    for left, top, across, down in passes
    for row in range(top, height, down)
    if left < width
]
write_png("interlaced", 8, 2, rows, interlace=1)
expected("interlaced", rgb)

# JPEG.
picture = Image.fromarray(rgb)
picture.save("baseline.jpg", quality=90)
picture.save("progressive.jpg", quality=85, progressive=True)
picture.save("full-chroma.jpg", quality=90, subsampling=0)
picture.save("restart.jpg", quality=90, restart_marker_blocks=1)
Image.fromarray(grey).save("grey.jpg", quality=90)
picture.convert("CMYK").save("cmyk.jpg", quality=95)
for name in ["baseline", "progressive", "full-chroma", "restart", "grey", "cmyk"]:
    opened = Image.open(f"{name}.jpg")
    expected(name, np.asarray(opened.convert("RGB") if opened.mode == "CMYK" else opened))

# Conversion to grey, and resizing.
expected("luminance", np.asarray(picture.convert("L")))
filters = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
for name, kind in filters.items():
    for size in [(7, 5), (23, 11), (10, 19), (40, 31), (1, 1), (64, 3)]:
        # Rows first, as Pillow up to 12 does; later versions choose the order by the extents.
        resized = picture.resize((size[0], height), kind).resize(size, kind)
        expected(f"resized-{name}-{size[1]}x{size[0]}", np.asarray(resized))
