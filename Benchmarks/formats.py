"""Passes weights between ConvNet, PyTorch and NumPy in every format, and compares: part of `make parity`.

For every network of torchvision that ConvNet has, with random weights:

- `torch.save` writes a checkpoint, as trainings do it; `convnet run` must give for it the same bytes as for the same
  weights in safetensors;
- for the smaller ones, `convnet convert` writes `.pth`, which `torch.load(weights_only=True)` must open, and `.npz`, stored and deflated, for
  NumPy, in float32, float16 and bfloat16; every tensor must be, bit for bit, what PyTorch's own conversion gives.

The exit code is 1 where one is not. Needs: a release build of ConvNet, `scripts/peers-environment`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import torch

from peers.peer import ROOT
from peers.torchvision_models import models

# ConvNet's name, torchvision's, and the side of the picture.
NETWORKS = [
    ("alexnet-torchvision", "alexnet", 224),
    ("vgg11", "vgg11", 224),
    ("vgg13", "vgg13", 224),
    ("vgg16", "vgg16", 224),
    ("vgg19", "vgg19", 224),
    ("vgg11-bn", "vgg11_bn", 224),
    ("vgg13-bn", "vgg13_bn", 224),
    ("vgg16-bn", "vgg16_bn", 224),
    ("vgg19-bn", "vgg19_bn", 224),
    ("googlenet-torchvision", "googlenet", 224),
    ("inception-v3-torchvision", "inception_v3", 299),
    ("resnet18-torchvision", "resnet18", 224),
    ("resnet34-torchvision", "resnet34", 224),
    ("resnet50-v1.5", "resnet50", 224),
    ("resnet101-v1.5", "resnet101", 224),
    ("resnet152-v1.5", "resnet152", 224),
    ("mobilenet-v2", "mobilenet_v2", 224),
    ("mobilenet-v3-small", "mobilenet_v3_small", 224),
    ("mobilenet-v3-large", "mobilenet_v3_large", 224),
    ("efficientnet-b0", "efficientnet_b0", 224),
    ("convnext-tiny", "convnext_tiny", 224),
]

# Numbers up to which a network's weights are converted: the files of the larger ones would only take time.
CONVERTED_LIMIT = 30_000_000

ELEMENT_TYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


class Mismatch(Exception):
    """What differs."""


def convnet(command: Path, *arguments: object) -> None:
    done = subprocess.run(
        [command, *map(str, arguments), "--quiet"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Mismatch(done.stderr.strip())


def require_equal(name: str, actual: torch.Tensor, expected: torch.Tensor) -> None:
    # By bytes: -0 is not 0, and a NaN is itself.
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        raise Mismatch(f"{name} is {actual.dtype} {actual.shape}, not {expected.dtype} {expected.shape}")
    if not torch.equal(actual.reshape(-1).view(torch.uint8), expected.reshape(-1).view(torch.uint8)):
        raise Mismatch(f"{name} has other values")


def converted(state: dict[str, torch.Tensor], kind: torch.dtype) -> dict[str, torch.Tensor]:
    return {
        name: value.to(kind) if value.is_floating_point() else value for name, value in state.items()
    }


def compare_run(row: str, side: int, state: dict[str, torch.Tensor], command: Path, folder: Path) -> None:
    """`.pth` as a training writes it beside `.safetensors`, by the logits."""
    checkpoint, plain, source = (folder / name for name in ("w.pth", "w.safetensors", "x.npy"))
    torch.save(
        {"epoch": 1, "state_dict": {f"module.{name}": value for name, value in state.items()}},
        checkpoint,
    )
    numpy.save(source, numpy.random.default_rng(7).standard_normal((1, 3, side, side), "float32"))
    convnet(command, "convert", checkpoint, plain)
    results = []
    for weights in (checkpoint, plain):
        result = folder / "y.npy"
        convnet(command, "run", row, "--weights", weights, "--input", source, "--output", result)
        results.append(numpy.load(result))
    if not numpy.array_equal(*results):
        raise Mismatch("the logits for .pth are not those for .safetensors")


def compare_convert(state: dict[str, torch.Tensor], command: Path, folder: Path) -> None:
    """What ConvNet writes, read by PyTorch and NumPy."""
    checkpoint = folder / "w.pth"
    for element_type, kind in ELEMENT_TYPES.items():
        expected = converted(state, kind)
        target = folder / "out.pth"
        convnet(command, "convert", checkpoint, target, "--element-type", element_type)
        actual = torch.load(target, weights_only=True)
        if list(actual) != list(expected):
            raise Mismatch("other names, or another order")
        for name, value in expected.items():
            require_equal(name, actual[name], value)
    expected = converted(state, torch.float16)
    for option in ([], ["--deflate"]):
        target = folder / "out.npz"
        convnet(command, "convert", checkpoint, target, "--element-type", "float16", *option)
        with numpy.load(target) as arrays:
            for name, value in expected.items():
                require_equal(name, torch.from_numpy(arrays[name]), value)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", help="the rows to compare; all where none is given")
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    arguments = parser.parse_args()
    command = arguments.convnet.resolve()
    if not command.exists():
        parser.error(f"{command} does not exist: run `make build` first")

    has_failed = False
    print(f"\n{'formats':<26}  result")
    for row, name, side in NETWORKS:
        if arguments.models and row not in arguments.models:
            continue
        torch.manual_seed(42)
        extra = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        state = getattr(models, name)(weights=None, **extra).state_dict()
        with tempfile.TemporaryDirectory(prefix="convnet-formats-") as folder:
            try:
                compare_run(row, side, state, command, Path(folder))
                if sum(value.numel() for value in state.values()) <= CONVERTED_LIMIT:
                    compare_convert(state, command, Path(folder))
                print(f"{row:<26}  equal", flush=True)
            except Mismatch as failure:
                print(f"{row:<26}  {failure}", flush=True)
                has_failed = True
    return 1 if has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
