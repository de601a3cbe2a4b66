"""Cuts the photographs that scikit-image and scikit-learn bring into pieces: a class each, to train on from the left, to test on from the right.

Pieces are grey and of one mean and contrast, so that neither color nor brightness tells the class; of other sides than the network's input,
and not square, so that protocols of several views have something to look at. The same arguments make the same files.

    pip install scikit-image scikit-learn
    python Benchmarks/pieces.py runs/data/pieces
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

import numpy
from PIL import Image

PICTURES = {
    "skimage": [
        "astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png", "gravel.png",
        "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg",
    ],
    "sklearn": ["china.jpg", "flower.jpg"],
}  # fmt: skip
FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}
SIDES = (56, 112)


def pieces(picture: numpy.ndarray, generator: numpy.random.Generator, count: int) -> list[Image.Image]:
    height, width = picture.shape
    made = []
    while len(made) < count:
        rows, columns = (min(int(generator.integers(*SIDES)), side) for side in (height, width))
        top, left = generator.integers(0, height - rows + 1), generator.integers(0, width - columns + 1)
        piece = picture[top : top + rows, left : left + columns]
        piece = (piece - piece.mean()) / max(float(piece.std()), 4.0)
        piece += generator.normal(0, 0.3, piece.shape)
        made.append(Image.fromarray(numpy.clip(128 + 48 * piece, 0, 255).astype(numpy.uint8)))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--train", type=int, default=120, help="pieces of a class")
    parser.add_argument("--test", type=int, default=60)
    arguments = parser.parse_args()
    for package, names in PICTURES.items():
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit(f"error: {package} is not installed")
        for name in names:
            path = Path(spec.submodule_search_locations[0]) / FOLDERS[package] / name
            picture = Image.open(path).convert("L")
            # About alike in size, so that a piece shows about as much of each.
            scale = 400 / min(picture.size)
            picture = picture.resize([round(side * scale) for side in picture.size], Image.Resampling.BICUBIC)
            pixels = numpy.asarray(picture, numpy.float32)
            half = pixels.shape[1] * 3 // 5
            for part, own, count in (("train", pixels[:, :half], arguments.train), ("val", pixels[:, half:], arguments.test)):
                folder = arguments.output / part / path.stem
                folder.mkdir(parents=True, exist_ok=True)
                generator = numpy.random.default_rng([len(name), sum(name.encode()), part == "val"])
                for index, piece in enumerate(pieces(own, generator, count)):
                    piece.save(folder / f"{index:03}.png")


if __name__ == "__main__":
    main()
