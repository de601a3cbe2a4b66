"""Writes `orientations.json`: small pictures that state how they stand in all the ways that files do, and Pillow's reading.

Needs numpy and Pillow 13 or later. Run it in this directory.
"""

import base64
import io
import json
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

warnings.simplefilter("ignore")
ORIENTATION = 0x0112
BYTE, ASCII, SHORT, LONG, RATIONAL, SIGNED_BYTE, UNDEFINED, SIGNED_SHORT, SIGNED_LONG = range(1, 10)
SIGNED_RATIONAL, FLOAT, DOUBLE, DIRECTORY, LONG8 = 10, 11, 12, 13, 16
FORMATS = {BYTE: "B", ASCII: "B", SHORT: "H", LONG: "L", RATIONAL: "LL", SIGNED_BYTE: "b", UNDEFINED: "B"}
FORMATS |= {SIGNED_SHORT: "h", SIGNED_LONG: "l", SIGNED_RATIONAL: "ll", FLOAT: "f", DOUBLE: "d", DIRECTORY: "L", LONG8: "Q"}

# Six different shades, far enough apart for JPEG.
pixels = np.array([[0, 60, 120], [180, 220, 255]], np.uint8).repeat(8, 0).repeat(8, 1)
picture = Image.fromarray(pixels)


def saved(format, **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


JPEG = saved("JPEG", quality=90)
PNG = saved("PNG")
WEBP = saved("WEBP", lossless=True)


def field(order, tag, kind, values, count=None, offset=None):
    """A field of a directory, and what lies outside of it."""
    values = values if isinstance(values, (list, tuple)) else [values]
    form = FORMATS.get(kind, "H")
    data = b"".join(
        struct.pack(order + form, *values[i : i + len(form)]) for i in range(0, len(values), len(form))
    )
    count = len(values) // len(form) if count is None else count
    return [tag, kind, count, data, offset]


def tiff(order, fields, beginning=None, at=8, next=0, extra=b""):
    """A directory at an offset; values that do not fit into it stand behind it, or where they are said to."""
    beginning = {"<": b"II*\0", ">": b"MM\0*"}[order] if beginning is None else beginning
    body = struct.pack(order + "H", len(fields))
    outside = b""
    place = at + 2 + 12 * len(fields) + 4
    for tag, kind, count, data, offset in fields:
        body += struct.pack(order + "HHL", tag, kind, count)
        if len(data) <= 4:
            body += data.ljust(4, b"\0")
        else:
            body += struct.pack(order + "L", place + len(outside) if offset is None else offset)
            outside += data
    body += struct.pack(order + "L", next)
    return beginning + struct.pack(order + "L", at) + bytes(at - 8) + body + outside + extra


def simple(value=6, kind=SHORT, order="<"):
    return tiff(order, [field(order, ORIENTATION, kind, value)])


INTRODUCTION = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg_segments():
    """The parts of the plain file: markers with their data, then the scan."""
    parts, at = [], 2
    while JPEG[at + 1] != 0xDA:
        (length,) = struct.unpack(">H", JPEG[at + 2 : at + 4])
        parts.append(JPEG[at : at + 2 + length])
        at += 2 + length
    return parts, JPEG[at:]


def jpeg(*segments, place=1, tail=b""):
    """`segments` in front of the marker of that number; the first is JFIF's."""
    parts, scan = jpeg_segments()
    return b"\xff\xd8" + b"".join(parts[:place]) + b"".join(segments) + b"".join(parts[place:]) + scan + tail


def chunk(kind, data, crc=None):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) if crc is None else crc)


def png(*chunks, late=False):
    """Chunks behind the header, or behind the pixels."""
    place = len(PNG) - 12 if late else 33
    return PNG[:place] + b"".join(chunks) + PNG[place:]


def raw_profile(data, name=b"exif"):
    text = data.hex()
    lines = "\n".join(text[i : i + 72] for i in range(0, len(text), 72))
    return b"\n" + name + b"\n%8d\n" % len(data) + lines.encode() + b"\n"


def webp(*chunks, flags=0x08, first=False, extended=True):
    image = WEBP[12:]
    parts = b"".join(k + struct.pack("<I", len(d)) + d + b"\0" * (len(d) % 2) for k, d in chunks)
    header = struct.pack("<B3x", flags) + (23).to_bytes(3, "little") + (15).to_bytes(3, "little")
    body = b"WEBP"
    if extended:
        body += b"VP8X" + struct.pack("<I", 10) + header
    body += parts + image if first else image + parts
    return b"RIFF" + struct.pack("<I", len(body)) + body


def attribute(value):
    return b'<x:xmpmeta><rdf:Description tiff:Make="x" tiff:Orientation="%d"/></x:xmpmeta>' % value


def element(value):
    return b"<x:xmpmeta><tiff:Orientation>%d</tiff:Orientation></x:xmpmeta>" % value


cases = {}


def exif(name, data, containers=("jpeg",)):
    """Exif data in files of these formats."""
    if "jpeg" in containers:
        cases[f"JPEG, {name}"] = jpeg(segment(0xE1, INTRODUCTION + data))
    if "png" in containers:
        cases[f"PNG, {name}"] = png(chunk(b"eXIf", data))
    if "webp" in containers:
        cases[f"WebP, {name}"] = webp((b"EXIF", data))


everywhere = ("jpeg", "png", "webp")
for order, order_name in [("<", "little-endian"), (">", "big-endian")]:
    for kind in [SHORT, LONG, SIGNED_BYTE, SIGNED_SHORT, SIGNED_LONG, FLOAT, DOUBLE, DIRECTORY, LONG8]:
        exif(f"{order_name}, type {kind}", simple(6, kind, order), everywhere if kind in (SHORT, LONG) else ("png",))
    for kind in [BYTE, ASCII, UNDEFINED, 0, 14, 15, 17, 18]:
        exif(f"{order_name}, type {kind}, which is no number", simple(6, kind, order), ("png",))
    exif(f"{order_name}, a quotient", simple([12, 2], RATIONAL, order), ("png",))
    exif(f"{order_name}, a quotient of negative numbers", simple([-12, -2], SIGNED_RATIONAL, order), ("png",))
    exif(f"{order_name}, a quotient between numbers", simple([13, 2], RATIONAL, order), ("png",))
    exif(f"{order_name}, a quotient by zero", simple([6, 0], RATIONAL, order), ("png",))
    two = [field(order, ORIENTATION, SHORT, [3, 8])]
    exif(f"{order_name}, two values", tiff(order, two), ("png",))
    exif(f"{order_name}, three values outside", tiff(order, [field(order, ORIENTATION, SHORT, [8, 3, 6])]), everywhere)
    exif(f"{order_name}, two long values outside", tiff(order, [field(order, ORIENTATION, LONG, [3, 6])]), ("png",))
    make = field(order, 0x010F, ASCII, list(b"a camera's maker\0"))
    exif(f"{order_name}, behind a text", tiff(order, [make, field(order, ORIENTATION, SHORT, 5)]), everywhere)
    exif(f"{order_name}, before smaller tags", tiff(order, [field(order, ORIENTATION, SHORT, 5), make]), ("png",))
    far = field(order, 0x010F, ASCII, list(b"somewhere else"), offset=1 << 20)
    exif(f"{order_name}, behind a value beyond the end", tiff(order, [far, field(order, ORIENTATION, SHORT, 5)]), ("png",))
    exif(f"{order_name}, before a value beyond the end", tiff(order, [field(order, ORIENTATION, SHORT, 5), far]), ("png",))
    wide = field(order, 0x010F, ASCII, list(b"too long"), count=1 << 31)
    exif(f"{order_name}, behind a value larger than the file", tiff(order, [wide, field(order, ORIENTATION, SHORT, 5)]), ("png",))
    exif(f"{order_name}, a directory further behind", tiff(order, [field(order, ORIENTATION, SHORT, 7)], at=40), everywhere)
    # Behind one another: what is no value, and what is one of no use.
    for first, name in [
        (field(order, ORIENTATION, SHORT, 6, count=0), "no value"),
        (field(order, ORIENTATION, 99, 6), "an unknown type"),
        (field(order, ORIENTATION, BYTE, 6), "a byte"),
        (field(order, ORIENTATION, SHORT, 3), "another value"),
    ]:
        exif(f"{order_name}, twice, first {name}", tiff(order, [first, field(order, ORIENTATION, SHORT, 6)]), ("png",))
    second = tiff(order, [], next=14)[8:] + tiff(order, [field(order, ORIENTATION, SHORT, 6)], at=8)[8:]
    exif(f"{order_name}, in the second directory only", tiff(order, [])[:8] + second, ("png",))
for value in [*range(10), 256 * 6, 0x60000]:
    exif(f"the value {value}", simple(value, LONG, ">"), ("png",))
exif("half a value", simple(6.5, FLOAT), ("png",))
exif("a negative value", simple(-6, SIGNED_SHORT), ("png",))
exif("not a number", simple(float("nan"), DOUBLE), ("png",))
for beginning, order in [(b"MM*\0", ">"), (b"II\0*", "<"), (b"MM\0+", ">"), (b"II+\0", "<"), (b"XX*\0", "<"), (b"II**", "<")]:
    exif(f"beginning with {beginning!r}", tiff(order, [field(order, ORIENTATION, SHORT, 6)], beginning), ("png",))
for length in [0, 4, 8, 9, 12, 20, 21, 22, 23, 24]:
    exif(f"cut off after {length} bytes", simple()[:length])
exif("introduced twice", INTRODUCTION + simple(), everywhere)
cases["WebP, not introduced"] = webp((b"EXIF", simple(8)))
exif("introduced three times", INTRODUCTION * 2 + simple(), ("jpeg", "webp"))

# Where the data stand in a JPEG file.
app1 = segment(0xE1, INTRODUCTION + simple(6))
other = segment(0xED, b"Photoshop 3.0\0") + segment(0xFE, b"a comment") + segment(0xE2, b"ICC_PROFILE\0\1\1")
cases["JPEG, first of all"] = jpeg(app1, place=0)
cases["JPEG, behind other segments"] = jpeg(other, app1)
for place in [2, 3, 4, 5, len(jpeg_segments()[0])]:
    cases[f"JPEG, behind {place} parts"] = jpeg(app1, place=place)
cases["JPEG, behind the picture"] = jpeg(tail=app1)
cases["JPEG, in another segment"] = jpeg(segment(0xE2, INTRODUCTION + simple(6)))
cases["JPEG, introduced otherwise"] = jpeg(segment(0xE1, b"Exif\0\1" + simple(6)))
cases["JPEG, two, the first says nothing"] = jpeg(segment(0xE1, INTRODUCTION + tiff("<", [])), app1)
cases["JPEG, two that differ"] = jpeg(app1, segment(0xE1, INTRODUCTION + simple(3)))
long_text = field(">", 0x010F, ASCII, [65] * 5000)
split = tiff(">", [long_text, field(">", ORIENTATION, SHORT, 8)], at=300)
cases["JPEG, split into two"] = jpeg(segment(0xE1, INTRODUCTION + split[:200]), segment(0xE1, INTRODUCTION + split[200:]))
cases["JPEG, split into three, with others between"] = jpeg(
    segment(0xE1, INTRODUCTION + split[:305]), other, segment(0xE1, INTRODUCTION + split[305:320]),
    segment(0xE1, XMP + attribute(3)), segment(0xE1, INTRODUCTION + split[320:]))
cases["JPEG, XMP only"] = jpeg(segment(0xE1, XMP + attribute(6)))
cases["JPEG, XMP as an element"] = jpeg(segment(0xE1, XMP + element(8)))
cases["JPEG, XMP before Exif"] = jpeg(segment(0xE1, XMP + attribute(3)), app1)
cases["JPEG, XMP behind Exif that says nothing"] = jpeg(segment(0xE1, INTRODUCTION + tiff("<", [])), segment(0xE1, XMP + attribute(3)))
cases["JPEG, XMP behind Exif of a wrong type"] = jpeg(segment(0xE1, INTRODUCTION + simple(6, BYTE)), segment(0xE1, XMP + attribute(3)))
cases["JPEG, two XMP"] = jpeg(segment(0xE1, XMP + attribute(3)), segment(0xE1, XMP + attribute(6)))
cases["JPEG, XMP of a value that is none"] = jpeg(segment(0xE1, XMP + attribute(9) + attribute(6)))
cases["JPEG, XMP in other quotes"] = jpeg(segment(0xE1, XMP + b"tiff:Orientation='6' tiff:Orientation=\"x\" tiff:Orientation"))

# In a PNG file.
for late, where in [(False, "before"), (True, "behind")]:
    exif_chunk = chunk(b"eXIf", simple(6, LONG))
    cases[f"PNG, {where} the pixels"] = png(exif_chunk, late=late)
    cases[f"PNG, {where} the pixels, two"] = png(chunk(b"eXIf", simple(3)), exif_chunk, late=late)
    cases[f"PNG, {where} the pixels, introduced"] = png(chunk(b"eXIf", INTRODUCTION + simple(8)), late=late)
    profile = raw_profile(INTRODUCTION + simple(6, LONG, ">"))
    name = b"Raw profile type exif\0"
    cases[f"PNG, {where} the pixels, a raw profile"] = png(chunk(b"tEXt", name + profile), late=late)
    cases[f"PNG, {where} the pixels, a compressed raw profile"] = png(
        chunk(b"zTXt", name + b"\0" + zlib.compress(profile)), late=late)
    cases[f"PNG, {where} the pixels, a raw profile beside the chunk"] = png(
        chunk(b"eXIf", simple(8)), chunk(b"tEXt", name + profile), late=late)
    xmp = b"XML:com.adobe.xmp\0"
    cases[f"PNG, {where} the pixels, XMP"] = png(chunk(b"iTXt", xmp + b"\0\0\0\0" + attribute(6)), late=late)
    cases[f"PNG, {where} the pixels, compressed XMP"] = png(
        chunk(b"iTXt", xmp + b"\1\0en\0x\0" + zlib.compress(element(7))), late=late)
    cases[f"PNG, {where} the pixels, XMP beside Exif"] = png(
        chunk(b"iTXt", xmp + b"\0\0\0\0" + attribute(3)), chunk(b"eXIf", simple(5)), late=late)
cases["PNG, a raw profile in capital letters"] = png(chunk(b"tEXt", name + profile.upper()))
cases["PNG, a raw profile of odd length"] = png(chunk(b"tEXt", name + profile.rstrip() + b"0"))
cases["PNG, a raw profile that is none"] = png(chunk(b"tEXt", name + profile + b"what"))
cases["PNG, a raw profile without lines"] = png(chunk(b"tEXt", name + b"exif"))
cases["PNG, a text of another name"] = png(chunk(b"tEXt", b"Raw profile type iptc\0" + profile))
cases["PNG, XMP compressed by an unknown method"] = png(chunk(b"iTXt", xmp + b"\1\1\0\0" + zlib.compress(attribute(6))))

# In a WebP file.
value = (b"EXIF", INTRODUCTION + simple(6, LONG, ">"))
cases["WebP, behind the pixels"] = webp(value)
cases["WebP, before the pixels"] = webp(value, first=True)
cases["WebP, not announced"] = webp(value, flags=0)
cases["WebP, in the simple format"] = webp(value, extended=False)
cases["WebP, behind a chunk of odd length"] = webp((b"odd ", b"abc"), value)
cases["WebP, two"] = webp(value, (b"EXIF", simple(3)))
cases["WebP, XMP"] = webp((b"XMP ", attribute(8)), flags=0x04)
cases["WebP, XMP not announced"] = webp((b"XMP ", attribute(8)), flags=0x08)
cases["WebP, XMP beside Exif"] = webp((b"XMP ", attribute(8)), value, flags=0x0C)


def reading(data):
    """What `ImageOps.exif_transpose` turns by; where it fails the data say nothing."""
    image = Image.open(io.BytesIO(data))
    image.load()
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except (SyntaxError, ValueError, struct.error):
        return 1
    return next((turn for turn in range(2, 9) if value == turn), 1)


rows = [
    {"name": name, "orientation": reading(data), "file": base64.b64encode(data).decode()}
    for name, data in cases.items()
]
with open("orientations.json", "w") as file:
    json.dump(rows, file, indent=0)
    file.write("\n")
