"""Puts the same weights into ConvNet and PyTorch and compares the outputs: `make parity`.

PyTorch draws the weights and writes them as safetensors; ConvNet reads them with `convnet run --weights` and
gives its logits for the same input. A network passes where no logit differs by more than a ten-thousandth of
the largest. The exit code is 1 where one does not.

Running statistics, scales and shifts are random too, so that a wrong one shows. Networks with global pooling get
pictures that are not square. The order of the five largest logits must agree as well.

Needs: a release build of ConvNet, `pip install torch torchvision numpy`.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from torch import nn

from peers.peer import ROOT
from peers.torchvision_models import models

TOLERANCE = 1e-4


class LeNet5(nn.Module):
    """Under ConvNet's names. It flattens channels last, as ConvNet does for pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense1 = nn.Linear(400, 120)
        self.dense2 = nn.Linear(120, 84)
        self.dense3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.avg_pool2d(self.conv1(x).tanh(), 2)
        x = nn.functional.avg_pool2d(self.conv2(x).tanh(), 2)
        x = x.permute(0, 2, 3, 1).flatten(1)
        return self.dense3(self.dense2(self.dense1(x).tanh()).tanh())


@dataclass(frozen=True)
class Network:
    """A row: a network that both sides know, with the shape of an input without its batch."""

    model: str
    make: Callable[[], nn.Module]
    image: tuple[int, int, int]
    batches: tuple[int, ...] = (2,)

    @property
    def name(self) -> str:
        return f"{self.model} {'x'.join(map(str, self.image[1:]))}"


def torchvision(make: Callable[..., nn.Module], **arguments: bool) -> Callable[[], nn.Module]:
    return lambda: make(weights=None, **arguments)


SQUARE, WIDE = (3, 224, 224), (3, 192, 256)

NETWORKS = [
    Network("lenet5", LeNet5, (1, 28, 28), batches=(1, 7)),
    Network("alexnet-torchvision", torchvision(models.alexnet), SQUARE),
    Network("vgg11", torchvision(models.vgg11), SQUARE),
    Network("vgg13", torchvision(models.vgg13), SQUARE),
    Network("vgg16", torchvision(models.vgg16), SQUARE),
    Network("vgg19", torchvision(models.vgg19), SQUARE),
    Network("vgg11-bn", torchvision(models.vgg11_bn), SQUARE),
    Network("vgg13-bn", torchvision(models.vgg13_bn), SQUARE),
    Network("vgg16-bn", torchvision(models.vgg16_bn), SQUARE),
    Network("vgg19-bn", torchvision(models.vgg19_bn), SQUARE),
    Network("googlenet-torchvision", torchvision(models.googlenet, init_weights=True), SQUARE),
    Network("inception-v3-torchvision", torchvision(models.inception_v3, init_weights=True), (3, 299, 299)),
    Network("inception-v3-torchvision", torchvision(models.inception_v3, init_weights=True), (3, 299, 331)),
    Network("resnet18-torchvision", torchvision(models.resnet18), SQUARE),
    Network("resnet34-torchvision", torchvision(models.resnet34), WIDE),
    Network("resnet50-v1.5", torchvision(models.resnet50), SQUARE),
    Network("resnet50-v1.5", torchvision(models.resnet50), WIDE),
    Network("resnet101-v1.5", torchvision(models.resnet101), SQUARE),
    Network("resnet152-v1.5", torchvision(models.resnet152), SQUARE),
]


def randomize_normalization(module: nn.Module) -> None:
    """As after a training: statistics and scales that are not those of the beginning."""
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)


def write_safetensors(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """The format is an eight-byte length, a JSON table of types, shapes and offsets, and the bytes."""
    header: dict[str, dict] = {}
    parts: list[bytes] = []
    offset = 0
    for name, tensor in tensors.items():
        data = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {
            "dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(data)],
        }
        offset += len(data)
        parts.append(data)
    table = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(table)) + table + b"".join(parts))


def largest(logits: numpy.ndarray) -> numpy.ndarray:
    return numpy.argsort(-logits, axis=1, kind="stable")[:, :5]


def difference(network: Network, command: Path, batch: int, folder: Path) -> float:
    """The largest difference between the logits, relative to the largest logit."""
    torch.manual_seed(42)
    module = network.make().eval()
    randomize_normalization(module)
    images = torch.randn(batch, *network.image)
    with torch.inference_mode():
        expected = module(images).numpy()
    weights, source, result = (folder / name for name in ("w.safetensors", "x.npy", "y.npy"))
    write_safetensors(
        {name: value for name, value in module.state_dict().items() if value.is_floating_point()},
        weights)
    numpy.save(source, images.numpy())
    done = subprocess.run(
        [command, "run", network.model, "--weights", weights, "--input", source, "--output", result],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    actual = numpy.load(result)
    if actual.shape != expected.shape:
        raise RuntimeError(f"ConvNet gives shape {actual.shape}, PyTorch {expected.shape}")
    if not numpy.array_equal(largest(actual), largest(expected)):
        raise RuntimeError("the five largest logits are in another order")
    # A logit that is not a number compares false, and must fail.
    gap = numpy.abs(actual - expected).max() / numpy.abs(expected).max()
    return float(gap) if numpy.isfinite(gap) else float("inf")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", help="the rows to compare; all where none is given")
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    arguments = parser.parse_args()
    command = arguments.convnet.resolve()
    if not command.exists():
        parser.error(f"{command} does not exist: run `make build` first")

    has_failed = False
    print(f"{'network':<32}  {'batch':>5}  {'difference':>10}")
    for network in NETWORKS:
        if arguments.models and network.model not in arguments.models:
            continue
        for batch in network.batches:
            with tempfile.TemporaryDirectory(prefix="convnet-parity-") as folder:
                try:
                    gap = difference(network, command, batch, Path(folder))
                    note = "" if gap <= TOLERANCE else f"  MORE THAN {TOLERANCE:g}"
                    print(f"{network.name:<32}  {batch:>5}  {gap:>10.1e}{note}")
                    has_failed |= gap > TOLERANCE
                except RuntimeError as failure:
                    print(f"{network.name:<32}  {batch:>5}  {failure}")
                    has_failed = True
    return 1 if has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
