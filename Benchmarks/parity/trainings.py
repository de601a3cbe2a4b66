"""Whole training runs: the same weights and the same pictures in the same order, nothing random, step by step.

Trainings of networks with ReLU and batch normalization are chaotic: what rounding makes of one element at a kink grows from step
to step, the more the higher the rate is. So PyTorch is compared with itself as well, with its pictures channels-last, which
changes only the order of sums; ResNet-20 has a rate at which that stays below the tolerance.
"""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

from fashion import FashionMNIST
from parity import safetensors
from parity.networks import CIFARResNet20, LeNet5

#: A step's loss may differ by so much, in nats.
TOLERANCE = 1e-3
STEPS = 50


@dataclass(frozen=True)
class Training:
    """A network of both sides, and the numbers of momentum's method."""

    model: str
    make: Callable[[], nn.Module]
    rate: float
    batch: int = 64
    momentum: float = 0.9
    decay: float = 0.0005


ROWS = [
    Training("lenet5", LeNet5, rate=0.05),
    Training("resnet20", lambda: CIFARResNet20(channels=1), rate=0.0005, batch=32, decay=0.0001),
]


@dataclass(frozen=True)
class Comparison:
    """The largest difference of a step's loss: ConvNet's, and that of PyTorch with pictures channels-last."""

    difference: float
    itself: float
    first: float
    last: float


def compare(row: Training, jobs: Path, folder: Path) -> Comparison:
    torch.manual_seed(42)
    module = row.make()
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    weights = folder / "w.safetensors"
    state = {name: value.numpy() for name, value in module.state_dict().items() if value.is_floating_point()}
    safetensors.write(state, weights)
    job = {
        "model": row.model, "weights": str(weights), "data": "fashion-mnist",
        "batch": row.batch, "steps": STEPS, "rate": row.rate, "momentum": row.momentum, "decay": row.decay,
        "seed": 3, "threads": torch.get_num_threads(), "isExact": False,
    }  # fmt: skip
    done = subprocess.run([jobs], input=json.dumps(job) + "\n", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    answer = json.loads(done.stdout)
    actual = numpy.array(answer["losses"])
    other = copy.deepcopy(module).to(memory_format=torch.channels_last)
    expected = losses(module, row, answer["order"])
    if actual.shape != expected.shape:
        raise RuntimeError(f"ConvNet took {len(actual)} steps, the other side {len(expected)}")
    itself = numpy.abs(losses(other, row, answer["order"]) - expected).max()
    return Comparison(
        float(numpy.abs(actual - expected).max()), float(itself), float(expected[0]), float(expected[-1]))


def losses(module: nn.Module, row: Training, order: list[list[int]]) -> numpy.ndarray:
    """Of each step in PyTorch. Its form of momentum equals the lecture's while the rate stays the same."""
    pictures, labels = FashionMNIST().train
    optimizer = torch.optim.SGD(module.parameters(), row.rate, momentum=row.momentum, weight_decay=row.decay)
    module.train()
    found = []
    for places in order:
        optimizer.zero_grad()
        loss = functional.cross_entropy(module(pictures[places]), labels[places])
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return numpy.array(found)
