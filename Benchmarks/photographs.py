"""Makes photographs that are none: smooth noise on many scales, edges, and grain.

The same seed makes the same pixels, so every run measures the same work.
"""

from __future__ import annotations

from pathlib import Path

import numpy
from PIL import Image


def photograph(generator: numpy.random.Generator, height: int, width: int) -> numpy.ndarray:
    picture = numpy.zeros((height, width, 3), numpy.float32)
    scale = 4
    while scale < max(height, width):
        noise = generator.normal(0, 1, (height // scale + 2, width // scale + 2, 3)).astype(numpy.float32)
        for channel in range(3):
            layer = Image.fromarray(noise[..., channel]).resize((width, height), Image.Resampling.BICUBIC)
            picture[..., channel] += numpy.asarray(layer) * scale ** 0.7
        scale *= 2
    picture = (picture - picture.min()) / max(float(numpy.ptp(picture)), 1e-6) * 255
    y, x = numpy.mgrid[0:height, 0:width]
    for _ in range(12):
        top, left = generator.integers(0, height), generator.integers(0, width)
        radius = generator.integers(2, max(height, width) // 6 + 3)
        picture[(y - top) ** 2 + (x - left) ** 2 < radius**2] = generator.integers(0, 256, 3)
    picture += generator.normal(0, 4, picture.shape)
    return numpy.clip(picture, 0, 255).astype(numpy.uint8)


def write_photographs(folder: Path, count: int, classes: int = 10, quality: int = 92) -> list[Path]:
    """Writes what is missing of `count` JPEG files of 500 x 400 pixels, one subfolder a class."""
    paths = []
    for index in range(count):
        path = folder / f"class{index % classes}" / f"{index:04}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp")
            pixels = photograph(numpy.random.default_rng(index), 400, 500)
            Image.fromarray(pixels).save(temporary, "JPEG", quality=quality)
            temporary.replace(path)
        paths.append(path)
    return paths
