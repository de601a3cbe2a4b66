"""Puts the same weights into ConvNet and PyTorch and compares the outputs: `make parity`.

PyTorch draws the weights and writes them as safetensors; ConvNet reads them with `convnet run --weights` and
gives its logits for the same input. A network passes where no logit differs by more than a ten-thousandth of
the largest. The exit code is 1 where one does not.

Needs: a release build of ConvNet, `pip install torch numpy`.
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


NETWORKS = [Network("lenet5", LeNet5, (1, 28, 28))]


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


def difference(network: Network, command: Path, batch: int, folder: Path) -> float:
    """The largest difference between the logits, relative to the largest logit."""
    torch.manual_seed(42)
    module = network.make().eval()
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
    # A logit that is not a number compares false, and must fail.
    gap = numpy.abs(actual - expected).max() / numpy.abs(expected).max()
    return float(gap) if numpy.isfinite(gap) else float("inf")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    arguments = parser.parse_args()
    command = arguments.convnet.resolve()
    if not command.exists():
        parser.error(f"{command} does not exist: run `make build` first")

    has_failed = False
    print(f"{'network':<16}  {'batch':>5}  {'difference':>10}")
    for network in NETWORKS:
        for batch in (1, 7):
            with tempfile.TemporaryDirectory(prefix="convnet-parity-") as folder:
                try:
                    gap = difference(network, command, batch, Path(folder))
                    note = "" if gap <= TOLERANCE else f"  MORE THAN {TOLERANCE:g}"
                    print(f"{network.model:<16}  {batch:>5}  {gap:>10.1e}{note}")
                    has_failed |= gap > TOLERANCE
                except RuntimeError as failure:
                    print(f"{network.model:<16}  {batch:>5}  {failure}")
                    has_failed = True
    return 1 if has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
