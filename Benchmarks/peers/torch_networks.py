"""The networks for PyTorch, under ConvNet's names, with random parameters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from peers.torchvision_models import models


def lenet5(classes: int) -> nn.Module:
    """As `convnet summary lenet5` shows it: hyperbolic tangents, average pooling."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, classes))


class ResidualPair(nn.Module):
    """Two 3x3 convolutions beside a shortcut without parameters (option A of the paper)."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.added = channels - inputs
        self.stride = 2 if self.added else 1
        self.conv1 = nn.Conv2d(inputs, channels, 3, self.stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.added:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.added))
        return F.relu(x + y)


def resnet20(classes: int) -> nn.Module:
    """He et al. 2015, section 4.2."""
    blocks: list[nn.Module] = []
    inputs = 16
    for channels in (16, 16, 16, 32, 32, 32, 64, 64, 64):
        blocks.append(ResidualPair(inputs, channels))
        inputs = channels
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), *blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


def network(name: str, classes: int, trains: bool) -> nn.Module:
    """A network in the given mode. Auxiliary classifiers are there where it trains. A name with the ending of a file is one of
    torchvision's own."""
    plain = {"weights": None, "num_classes": classes}
    # The initialization of those that take this argument runs for minutes and changes no speed.
    quick = {**plain, "init_weights": False}
    aided = {**quick, "aux_logits": trains}
    makers = {
        "lenet5": lambda: lenet5(classes),
        "resnet20": lambda: resnet20(classes),
        "alexnet-torchvision": lambda: models.alexnet(**plain),
        "vgg-d": lambda: models.vgg16(**quick),
        "googlenet-torchvision": lambda: models.googlenet(**aided),
        "inception-v3-torchvision": lambda: models.inception_v3(**aided),
        "resnet18-torchvision": lambda: models.resnet18(**plain),
        "resnet50-v1.5": lambda: models.resnet50(**plain),
        "mobilenet-v2": lambda: models.mobilenet_v2(**plain),
        "mobilenet-v3-large": lambda: models.mobilenet_v3_large(**plain),
        "efficientnet-b0": lambda: models.efficientnet_b0(**plain),
        "convnext-tiny": lambda: models.convnext_tiny(**plain),
    }
    if name.endswith(".onnx"):
        return models.get_model(name.removesuffix(".onnx"), **plain).train(trains)
    return makers[name]().train(trains)


def loss(outputs: torch.Tensor | tuple[torch.Tensor, ...], labels: torch.Tensor) -> torch.Tensor:
    """Cross-entropy; that of an auxiliary classifier counts 0.3, as in GoogLeNet's paper."""
    if isinstance(outputs, torch.Tensor):
        return F.cross_entropy(outputs, labels)
    main, *sides = outputs
    return F.cross_entropy(main, labels) + 0.3 * sum(F.cross_entropy(side, labels) for side in sides)
