"""Makes the corners of torchvision's ten crops, for `ViewsTests`. Needs torch, torchvision, numpy and Pillow.

The positions are read from a picture whose pixels say where they are: of each crop the row and the column of the first
pixel, and of the last of that row.
"""

import json
from pathlib import Path

import numpy
import torch
from PIL import Image

if "+cpu" in torch.__version__:
    # torchvision's compiled part may be for another build of PyTorch; nothing here needs it.
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchvision import transforms  # noqa: E402


def place(picture: Image.Image, x: int) -> list[int]:
    red, green, blue = picture.getpixel((x, 0))
    return [blue // 16 * 256 + red, blue % 16 * 256 + green]


def main() -> None:
    rows = []
    for height, width, crop in [(256, 256, 224), (255, 257, 224), (383, 300, 224), (31, 40, 28), (28, 29, 28), (9, 9, 9)]:
        y, x = numpy.mgrid[0:height, 0:width]
        picture = Image.fromarray(numpy.stack([y % 256, x % 256, y // 256 * 16 + x // 256], 2).astype("uint8"))
        crops = transforms.TenCrop(crop)(picture)
        rows.append(
            {"height": height, "width": width, "crop": crop,
             "crops": [place(one, 0) + place(one, crop - 1)[1:] for one in crops]})
    Path(__file__).with_name("ten-crops.json").write_text(json.dumps(rows) + "\n")


if __name__ == "__main__":
    main()
