"""Cuts windows out of scikit-image's photographs, one class a photograph: data that first layers learn edges from.

    python Benchmarks/patches.py --output patches
    convnet train --model resnet18 --input 64x64 --data patches --split 0.1 --output patches-run ...
    convnet visualize filters patches-run/model.safetensors --gabor --output filters.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy
from PIL import Image
from skimage import data

PHOTOGRAPHS = [
    "astronaut", "chelsea", "coffee", "camera", "brick", "grass", "gravel", "rocket", "coins", "moon",
]


def windows(photograph: numpy.ndarray, generator: numpy.random.Generator, count: int, side: int):
    """Square windows of one to two and a half times the side, anywhere, brought to the side."""
    height, width = photograph.shape[:2]
    for _ in range(count):
        extent = int(generator.integers(side, 5 * side // 2 + 1))
        top = int(generator.integers(0, height - extent + 1))
        left = int(generator.integers(0, width - extent + 1))
        window = photograph[top : top + extent, left : left + extent]
        yield Image.fromarray(window).resize((side, side), Image.Resampling.LANCZOS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300, help="windows of each photograph")
    parser.add_argument("--side", type=int, default=64, help="height and width of a window")
    options = parser.parse_args()
    generator = numpy.random.default_rng(1)
    for name in PHOTOGRAPHS:
        photograph = numpy.asarray(getattr(data, name)())
        if photograph.ndim == 2:
            photograph = numpy.repeat(photograph[..., None], 3, 2)
        folder = options.output / name
        folder.mkdir(parents=True, exist_ok=True)
        for index, window in enumerate(windows(photograph[..., :3], generator, options.count, options.side)):
            window.save(folder / f"{index:03}.png")


if __name__ == "__main__":
    main()
