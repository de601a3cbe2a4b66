"""Writes small pictures in many encodings, their pixels as decoded by Pillow, and Pillow's resized versions.

Needs numpy and Pillow 13 or later. Run it in this directory.
"""

import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

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


def write_png(name, depth, color, rows, extra=b"", interlace=0):
    """Writes what Pillow cannot: `rows` are the bytes of each (pass's) row."""
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
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
def save_expected(name, opened):
    expected(name, np.asarray(opened.convert("RGB") if opened.mode in ("CMYK", "P") else opened))


picture = Image.fromarray(rgb)
picture.save("baseline.jpg", quality=90)
picture.save("progressive.jpg", quality=85, progressive=True)
picture.save("full-chroma.jpg", quality=90, subsampling=0)
picture.save("half-chroma.jpg", quality=90, subsampling=1)
picture.save("restart.jpg", quality=90, restart_marker_blocks=1)
Image.fromarray(grey).save("grey.jpg", quality=90)
picture.convert("CMYK").save("cmyk.jpg", quality=95)
# The same bytes, read as luminance, two channels of color and black.
bytes_of_cmyk = bytearray(open("cmyk.jpg", "rb").read())
bytes_of_cmyk[bytes_of_cmyk.index(b"Adobe") + 11] = 2
open("ycck.jpg", "wb").write(bytes_of_cmyk)
for name in ["baseline", "progressive", "full-chroma", "half-chroma", "restart", "grey", "cmyk", "ycck"]:
    save_expected(name, Image.open(f"{name}.jpg"))

# A photograph's size and texture, decoded whole; its file is the largest here.
y, x = np.mgrid[0:97, 0:131]
waves = np.stack([np.sin(x / 7 + y / 11), np.cos(x / 5 - y / 9), np.sin(x * y / 300)], axis=2)
texture = np.clip(128 + 90 * waves + rng.normal(0, 12, waves.shape), 0, 255).astype(np.uint8)
Image.fromarray(texture).save("photograph.jpg", quality=80)
save_expected("photograph", Image.open("photograph.jpg"))

# Exif's eight orientations, as the picture must stand. One expected picture serves all of them: the stored pixels are
# turned so that upright they are the same, but lossless formats only keep that exactly.
turns = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: a.transpose(1, 0, 2)[::-1],
    7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda a: a.transpose(1, 0, 2)[:, ::-1],
}
for orientation, turn in turns.items():
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(turn(rgb)))
    stored.save(f"orientation{orientation}.png", exif=exif)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(f"orientation{orientation}.png")))
    assert (upright == rgb).all(), orientation
exif = Image.Exif()
exif[0x0112] = 6
picture.save("orientation.jpg", quality=90, exif=exif)
expected("orientation", np.asarray(ImageOps.exif_transpose(Image.open("orientation.jpg"))))
picture.save("orientation.webp", lossless=True, exif=exif)
expected("orientation-webp", np.asarray(ImageOps.exif_transpose(Image.open("orientation.webp"))))

# WebP.
picture.save("lossless.webp", lossless=True)
picture.save("lossy.webp", quality=80)
Image.fromarray(rgba).save("alpha.webp", lossless=True, exact=True)
picture.save("animation.webp", lossless=True, save_all=True, append_images=[picture.rotate(180)])
for name in ["lossless", "lossy", "alpha"]:
    expected(f"{name}-webp", np.asarray(Image.open(f"{name}.webp")))

# Conversion to grey, and resizing.
expected("luminance", np.asarray(picture.convert("L")))
filters = {
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
sizes = [(7, 5), (23, 11), (10, 19), (40, 31), (1, 1), (64, 3), (22, 7)]
for name, kind in filters.items():
    for size in sizes:
        resized = picture.resize(size, kind)
        expected(f"resized-{name}-{size[1]}x{size[0]}", np.asarray(resized))
    expected(f"resized-{name}-part", np.asarray(picture.resize((9, 12), kind, box=(2.25, 1.5, 20.75, 17))))
    expected(f"resized-{name}-alpha", np.asarray(Image.fromarray(rgba).resize((9, 12), kind)))
    channels = [Image.fromarray(rgb[..., c].astype(np.float32)).resize((31, 11), kind) for c in range(3)]
    expected(f"resized-{name}-float", np.stack([np.asarray(c) for c in channels], axis=2))
