"""Makes what torchvision and Pillow prepare of a photograph, for `PreprocessingGeometryTests`.

Needs torch, torchvision, numpy and Pillow. The positions are read from pictures whose pixels say where they are.
"""

import json
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageOps

if "+cpu" in torch.__version__:
    # torchvision's compiled part may be for another build of PyTorch; nothing here needs it.
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchvision import transforms  # noqa: E402

FOLDER = Path(__file__).parent
FILTERS = {"bilinear": transforms.InterpolationMode.BILINEAR, "bicubic": transforms.InterpolationMode.BICUBIC}


def coordinates(height: int, width: int) -> Image.Image:
    y, x = numpy.mgrid[0:height, 0:width]
    return Image.fromarray(numpy.stack([y % 256, x % 256, y // 256 * 16 + x // 256], 2).astype("uint8"))


def corner(picture: Image.Image) -> list[int]:
    red, green, blue = picture.getpixel((0, 0))
    return [blue // 16 * 256 + red, blue % 16 * 256 + green]


def main() -> None:
    photograph = Image.fromarray(numpy.load(FOLDER / "photograph.npy"))
    width, height = photograph.size
    side = min(height, width) * 5 // 8
    for name, mode in FILTERS.items():
        for crop in (side, side - 7):
            prepared = transforms.Compose(
                [transforms.Resize(side, interpolation=mode), transforms.CenterCrop(crop)])(photograph)
            numpy.save(FOLDER / f"prepared-{name}-{side}-{crop}.npy", numpy.asarray(prepared))
    for rows, columns in ((20, 20), (17, 30)):
        padded = ImageOps.pad(photograph, (columns, rows), Image.Resampling.BILINEAR, (10, 20, 30))
        numpy.save(FOLDER / f"padded-{rows}x{columns}.npy", numpy.asarray(padded))

    positions = []
    for height, width, side, crop in [
        (383, 383, 383, 224), (381, 381, 381, 224), (384, 384, 384, 224), (256, 341, 256, 224), (500, 375, 256, 224),
        (333, 500, 256, 224), (500, 333, 257, 224), (299, 1024, 342, 299), (1024, 299, 342, 299), (31, 32, 36, 28),
        (7, 100, 8, 7), (3, 2, 5, 4), (100, 101, 240, 223),
    ]:
        resized = transforms.Resize(side)(Image.new("RGB", (width, height)))
        columns, rows = resized.size
        positions.append(
            {"height": height, "width": width, "side": side, "crop": crop, "resized": [rows, columns],
             "corner": corner(transforms.CenterCrop(crop)(coordinates(rows, columns)))})
    (FOLDER / "positions.json").write_text(json.dumps(positions) + "\n")


if __name__ == "__main__":
    main()
