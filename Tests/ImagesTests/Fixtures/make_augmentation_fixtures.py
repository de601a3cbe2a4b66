"""Writes a small picture and what torchvision and Pillow make of it: `augmentation.npy` has the picture and the
results one after the other, `augmentation.json` their names.

Needs numpy, Pillow, torch and torchvision. Run it in this directory.
"""

import json

import numpy as np
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op

rng = np.random.default_rng(11)
height, width = 26, 33
y, x = np.mgrid[0:height, 0:width]
smooth = np.stack([40 + x * 4, 30 + y * 6, 200 - (x + y) * 2], axis=2)
rgb = np.clip(smooth + rng.integers(-25, 26, smooth.shape), 0, 255).astype(np.uint8)
picture = Image.fromarray(rgb)


def trivial(name, magnitude):
    return _apply_op(picture, name, magnitude, InterpolationMode.NEAREST, None)


results = {
    "source": picture,
    "brightness 0.3": F.adjust_brightness(picture, 0.3),
    "brightness 1.7": F.adjust_brightness(picture, 1.7),
    "contrast 0.3": F.adjust_contrast(picture, 0.3),
    "contrast 1.7": F.adjust_contrast(picture, 1.7),
    "saturation 0.3": F.adjust_saturation(picture, 0.3),
    "saturation 1.7": F.adjust_saturation(picture, 1.7),
    "sharpness 0.3": F.adjust_sharpness(picture, 0.3),
    "sharpness 1.7": F.adjust_sharpness(picture, 1.7),
    "hue 0.2": F.adjust_hue(picture, 0.2),
    "hue -0.35": F.adjust_hue(picture, -0.35),
    "posterize 2": F.posterize(picture, 2),
    "posterize 5": F.posterize(picture, 5),
    "solarize 100": F.solarize(picture, 100),
    "autocontrast": F.autocontrast(picture),
    "equalize": F.equalize(picture),
    "rotate 37": F.rotate(picture, 37, InterpolationMode.BILINEAR),
    "rotate -20": F.rotate(picture, -20, InterpolationMode.BILINEAR),
    # The steps of TrivialAugment at two thirds of their strength, as its table has them.
    "trivial identity": trivial("Identity", 0),
    "trivial shearRows": trivial("ShearX", 0.66),
    "trivial shearColumns": trivial("ShearY", -0.66),
    "trivial shiftRows": trivial("TranslateX", 32 * 2 / 3),
    "trivial shiftColumns": trivial("TranslateY", -32 * 2 / 3),
    "trivial rotation": trivial("Rotate", -90 * 1.0),
    "trivial brightness": trivial("Brightness", 0.66),
    "trivial saturation": trivial("Color", -0.66),
    "trivial contrast": trivial("Contrast", 0.66),
    "trivial sharpness": trivial("Sharpness", -0.66),
    "trivial posterization": trivial("Posterize", 8 - 4),
    "trivial solarization": trivial("Solarize", 255 / 3),
    "trivial autocontrast": trivial("AutoContrast", 0),
    "trivial equalization": trivial("Equalize", 0),
}
assert all(result.size == picture.size for result in results.values())
np.save("augmentation.npy", np.stack([np.asarray(result) for result in results.values()]))
with open("augmentation.json", "w") as file:
    json.dump(list(results), file, indent=0)
    file.write("\n")
