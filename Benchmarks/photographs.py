"""Makes photographs that are none: smooth noise on several scales with edges and grain, as JPEG files.

The same seed makes the same pixels, so every run measures the same work. 500 x 400 pixels at quality 87 give
files of 30 to 60 KB, as ImageNet's are.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 400, 500


def photograph(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    canvas = np.zeros((HEIGHT, WIDTH, 3))
    # Clouds: noise of few points, enlarged. Coarse ones are strong and colourful, fine ones weak and nearly grey.
    for points, strength in [(3, 60), (7, 40), (20, 22), (60, 12), (160, 7)]:
        shape = (points, points * WIDTH // HEIGHT + 1)
        grey = rng.normal(0, 1, shape)[..., None]
        colours = rng.normal(0, 1, (*shape, 3))
        noise = (grey + colours * (0.8 if points < 20 else 0.2)) * strength
        for channel in range(3):
            layer = Image.fromarray(noise[..., channel].astype(np.float32))
            canvas[..., channel] += np.asarray(layer.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    # Things: half planes and discs with sharp edges.
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    for _ in range(rng.integers(4, 9)):
        row, column = rng.uniform(0, HEIGHT), rng.uniform(0, WIDTH)
        if rng.random() < 0.5:
            inside = (y - row) ** 2 + (x - column) ** 2 < rng.uniform(20, 110) ** 2
        else:
            angle = rng.uniform(0, 2 * np.pi)
            distance = np.cos(angle) * (y - row) + np.sin(angle) * (x - column)
            inside = (distance > 0) & (distance < rng.uniform(10, 120))
        canvas[inside] += rng.normal(0, 45, 3)
    grain = rng.normal(0, 4, (HEIGHT, WIDTH, 1))
    return Image.fromarray(np.clip(canvas + 118 + grain, 0, 255).astype(np.uint8))


def write_photographs(folder: Path, count: int, classes: int = 10) -> list[Path]:
    """Writes what is missing of `count` photographs, one subfolder a class."""
    paths = []
    for index in range(count):
        path = folder / f"class{index % classes}" / f"{index:04}.jpg"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp")
            photograph(index).save(temporary, "JPEG", quality=87)
            temporary.replace(path)
        paths.append(path)
    return paths
