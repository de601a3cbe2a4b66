"""What `convnet predict` says of photographs, beside torchvision with its own `weights.transforms()`."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from PIL import Image
from torch import nn

from parity.pytorch import randomize_normalization
from peers.torchvision_models import models
from photographs import photograph

TOLERANCE = 1e-3
EXTENTS = [(400, 500), (500, 333), (383, 383), (260, 901), (97, 131)]


@dataclass(frozen=True)
class Published:
    """Weights of torchvision's, by the names of their network and of what they are called there, and options of ours."""

    network: str
    weights: str
    options: tuple[str, ...] = ()

    @property
    def transforms(self) -> nn.Module:
        return models.get_weight(self.weights).transforms()

    @property
    def categories(self) -> list[str]:
        return models.get_weight(self.weights).meta["categories"]

    def module(self) -> nn.Module:
        torch.manual_seed(42)
        # As torchvision builds them where it has their weights.
        flips = {"transform_input": True, "init_weights": True} if self.network in ("googlenet", "inception_v3") else {}
        module = getattr(models, self.network)(weights=None, **flips)
        randomize_normalization(module)
        return module.eval()


ROWS = [
    Published("resnet18", "ResNet18_Weights.IMAGENET1K_V1"),
    Published("resnet50", "ResNet50_Weights.IMAGENET1K_V1"),
    Published("resnet50", "ResNet50_Weights.IMAGENET1K_V2", ("--preset", "imagenet", "--resize", "232")),
    Published("vgg11", "VGG11_Weights.IMAGENET1K_V1"),
    Published("googlenet", "GoogLeNet_Weights.IMAGENET1K_V1"),
    Published("inception_v3", "Inception_V3_Weights.IMAGENET1K_V1"),
    Published("mobilenet_v2", "MobileNet_V2_Weights.IMAGENET1K_V1"),
    Published("mobilenet_v2", "MobileNet_V2_Weights.IMAGENET1K_V2", ("--preset", "imagenet", "--resize", "232")),
    Published("mobilenet_v3_small", "MobileNet_V3_Small_Weights.IMAGENET1K_V1"),
    Published("mobilenet_v3_large", "MobileNet_V3_Large_Weights.IMAGENET1K_V1"),
    Published("efficientnet_b0", "EfficientNet_B0_Weights.IMAGENET1K_V1"),
    Published("convnext_tiny", "ConvNeXt_Tiny_Weights.IMAGENET1K_V1"),
]


def sharpen(module: nn.Module, pictures: torch.Tensor) -> None:
    """Scales the last layer, so that probabilities are not all alike."""
    last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
    with torch.inference_mode():
        logits = module(pictures)
        last.weight *= 4 / logits.std(dim=1).mean()
        last.bias *= 0


def compare(row: Published, command: Path, folder: Path) -> tuple[float, float]:
    """The largest difference of a probability, and the largest probability."""
    pictures, paths = [], []
    for index, (height, width) in enumerate(EXTENTS):
        path = folder / f"{index}.jpg"
        Image.fromarray(photograph(numpy.random.default_rng(index), height, width)).save(path, "JPEG", quality=92)
        pictures.append(row.transforms(Image.open(path).convert("RGB")))
        paths.append(path)
    module, batch = row.module(), torch.stack(pictures)
    sharpen(module, batch)
    with torch.inference_mode():
        expected = module(batch).softmax(dim=1).numpy()
    weights = folder / "weights.pth"
    torch.save(module.state_dict(), weights)
    done = subprocess.run(
        [command, "predict", weights, *paths, "--json", "--top", "1000", *row.options],
        capture_output=True, text=True, check=False)  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    actual = numpy.zeros_like(expected)
    for place, answer in enumerate(json.loads(done.stdout)):
        for prediction in answer["predictions"]:
            actual[place, prediction["index"]] = prediction["probability"]
            name = row.categories[prediction["index"]]
            if prediction["label"] != name:
                raise RuntimeError(f"class {prediction['index']} is {prediction['label']}, torchvision's is {name}")
    return float(numpy.abs(actual - expected).max()), float(expected.max())
