"""Measures the time to 94 % on Fashion-MNIST beside PyTorch: `make benchmark-fast`.

Both sides train the network of the recipe `fast` by that recipe: the same layers, the same pictures in the same order, windows
and reflections drawn at random, Nesterov's momentum, one cycle of the rate, label smoothing. PyTorch is tried in each of its
ways (eager, channels-last, compiled) for some steps, and trains in the fastest. Then both train in turn; what counts are seconds of
training until a test after an epoch is at 94 %, tests and compilation not counted on PyTorch's side, compilation counted
on ours. With `--peer-epochs` PyTorch trains only so many of the epochs, and its time for all is taken to be in proportion.
The exit code is 1 where ours takes more than half of PyTorch's time.

Needs: a release build of ConvNet, `scripts/peers-environment`, a C++ compiler for `torch.compile`.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from fashion import FashionMNIST
from peers.peer import ROOT

WAYS = ["eager", "eager channels-last", "compile channels-last"]
GOAL = 0.94
TRIAL_STEPS = 40


class Unit(nn.Sequential):
    """A 3x3 convolution, batch normalization, ReLU."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels, eps=1e-3), nn.ReLU(inplace=True)
        )
        nn.init.kaiming_normal_(self[0].weight)


class Residual(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + super().forward(x)


def network() -> nn.Module:
    """As `convnet summary resnet-fast` shows it."""
    layers: list[nn.Module] = [Unit(1, 32)]
    for inputs, channels in ((32, 64), (64, 128)):
        layers += [
            nn.MaxPool2d(2), Unit(inputs, channels), Residual(Unit(channels, channels), Unit(channels, channels))
        ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


class Recipe:
    """The numbers of `convnet recipes fast --json`."""

    def __init__(self, command: Path) -> None:
        row = json.loads(subprocess.run([command, "recipes", "fast", "--json"], capture_output=True, check=True).stdout)
        if row["network"] != "resnet-fast":
            raise RuntimeError(f"the recipe is for {row['network']}, which is not written here")
        self.batch, self.epochs = row["batchSize"], row["epochs"]
        self.momentum, self.decay = row["momentum"], row["weightDecay"]
        self.smoothing = row["labelSmoothing"]
        settings = row["settings"]
        self.peak = float(settings["schedule.peak"])
        self.rise = float(settings["schedule.rise"])
        self.first = self.peak / float(settings["schedule.firstDivisor"])
        self.last = self.first / float(settings["schedule.lastDivisor"])
        steps = [list(step.items())[0] if isinstance(step, dict) else (step, {}) for step in row["augmentation"]]
        names = [name for name, _ in steps]
        if sorted(names) != ["horizontalReflection", "randomCrop"]:
            raise RuntimeError(f"the recipe augments by {names}, which is not written here")
        self.padding = dict(steps)["randomCrop"]["padding"]

    def rate(self, progress: float) -> float:
        """After a share of all epochs."""

        def between(start: float, end: float, part: float) -> float:
            return end + (start - end) * (1 + math.cos(math.pi * part)) / 2

        if progress < self.rise:
            return between(self.first, self.peak, progress / self.rise)
        return between(self.peak, self.last, (progress - self.rise) / (1 - self.rise))


class Training:
    """One training of PyTorch's in one of its ways."""

    def __init__(self, way: str, recipe: Recipe, data: FashionMNIST, seed: int) -> None:
        torch.manual_seed(seed)
        self.recipe = recipe
        self.layout = torch.channels_last if "channels-last" in way else torch.contiguous_format
        self.module = network().to(memory_format=self.layout)
        kernels = [p for p in self.module.parameters() if p.ndim > 1]
        others = [p for p in self.module.parameters() if p.ndim == 1]
        self.optimizer = torch.optim.SGD(
            [{"params": kernels, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0}],
            lr=recipe.first, momentum=recipe.momentum, nesterov=True, fused=True)  # fmt: skip
        self.pictures, self.labels = data.train
        # Padded once, so that a window is one gathering.
        self.padded = functional.pad(self.pictures[:, 0], (recipe.padding,) * 4)
        self.test = data.test

        def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return functional.cross_entropy(self.module(images), labels, label_smoothing=recipe.smoothing)

        self.loss_of = torch.compile(loss_of, dynamic=False) if way.startswith("compile") else loss_of

    def images(self, places: torch.Tensor) -> torch.Tensor:
        count, span = len(places), 2 * self.recipe.padding + 1
        rows = torch.randint(span, (count, 1)) + torch.arange(28)
        columns = torch.randint(span, (count, 1)) + torch.arange(28)
        mirrored = torch.rand(count, 1) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
        windows = self.padded[places[:, None, None], rows[:, :, None], columns[:, None, :]]
        return windows[:, None].contiguous(memory_format=self.layout)

    def step(self, places: torch.Tensor, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        self.loss_of(self.images(places), self.labels[places]).backward()
        self.optimizer.step()

    def accuracy(self) -> float:
        self.module.eval()
        pictures, labels = self.test
        with torch.inference_mode():
            right = sum(
                int((self.module(p.contiguous(memory_format=self.layout)).argmax(1) == l).sum())
                for p, l in zip(pictures.split(250), labels.split(250)))
        self.module.train()
        return right / len(labels)

    def warm_up(self, order: list[torch.Tensor]) -> float:
        """The rate in pictures a second, after the first steps, which compile. Both sizes of batches are seen."""
        for places in [order[0], order[-1], *order[:3]]:
            self.step(places, 0)
        start = time.perf_counter()
        for places in order[:TRIAL_STEPS]:
            self.step(places, 0)
        return sum(map(len, order[:TRIAL_STEPS])) / (time.perf_counter() - start)

    def forget(self) -> None:
        """What steps at a rate of zero leave: velocities, and the statistics of normalization."""
        self.optimizer.state.clear()
        for layer in self.module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.reset_running_stats()

    def run(self, order: list[torch.Tensor], epochs: int) -> Iterator[tuple[float, float]]:
        """The seconds of training and the test accuracy after each epoch, of the first ones."""
        per_epoch = len(order) // self.recipe.epochs
        seconds = 0.0
        for epoch in range(epochs):
            start = time.perf_counter()
            for number, places in enumerate(order[epoch * per_epoch : (epoch + 1) * per_epoch]):
                self.step(places, self.recipe.rate((epoch + number / per_epoch) / self.recipe.epochs))
            seconds += time.perf_counter() - start
            yield seconds, self.accuracy()


def order_of_pictures(jobs: Path, recipe: Recipe, seed: int) -> list[torch.Tensor]:
    """Those of every step, as ConvNet's trainer takes them."""
    count = math.ceil(60_000 / recipe.batch) * recipe.epochs
    job = {
        "model": "lenet5", "data": "fashion-mnist", "batch": recipe.batch, "steps": count, "rate": 0, "momentum": 0,
        "decay": 0, "seed": seed, "threads": 1, "isExact": False,
    }  # fmt: skip
    done = subprocess.run([jobs], input=json.dumps(job) + "\n", capture_output=True, text=True, check=True)
    return [torch.tensor(places) for places in json.loads(done.stdout)["order"]]


def ours(command: Path, seed: int, threads: int) -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory(prefix="convnet-fast-") as folder:
        done = subprocess.run(
            [command, "experiment", "time-to-94", "--seeds", str(seed), "--output", folder, "--threads", str(threads),
             "--json", "--quiet"], capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        lines = (Path(folder) / "epochs.csv").read_text().splitlines()
    names = lines[0].split(",")
    found, seconds = [], 0.0
    for line in lines[1:]:
        fields = dict(zip(names, line.split(",")))
        seconds += float(fields["seconds"])
        found.append((seconds, 1 - float(fields["test_error"])))
    return found


def until(goal: float, epochs: list[tuple[float, float]]) -> float | None:
    return next((seconds for seconds, accuracy in epochs if accuracy >= goal), None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer-epochs", type=int, help="of PyTorch's training; all where not given")
    parser.add_argument("--goal", type=float, default=GOAL)
    arguments = parser.parse_args()
    command = arguments.convnet.resolve()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    recipe, data = Recipe(command), FashionMNIST()
    peer_epochs = arguments.peer_epochs or recipe.epochs
    order = order_of_pictures(command.parent / "TrainingJobs", recipe, arguments.seed)

    rates = {}
    for way in WAYS:
        try:
            rates[way] = Training(way, recipe, data, arguments.seed).warm_up(order)
            print(f"PyTorch, {way}: {rates[way]:.0f} images/s in a trial", flush=True)
        except Exception as failure:  # noqa: BLE001, a way that does not work here is none
            print(f"PyTorch, {way}: {failure}", flush=True)
    best = max(rates, key=rates.__getitem__)

    results = {"ConvNet": ours(command, arguments.seed, arguments.threads)}
    training = Training(best, recipe, data, arguments.seed)
    # At a rate of zero: it compiles, and begins with the weights that it had.
    training.warm_up(order)
    training.forget()
    results[f"PyTorch, {best}"] = list(training.run(order, peer_epochs))
    times = []
    for name, epochs in results.items():
        seconds = until(arguments.goal, epochs)
        times.append((seconds, epochs[-1][0] / len(epochs)))
        reached = "not reached" if seconds is None else f"{seconds:.1f} s"
        print(
            f"{name:<32}  {arguments.goal:.0%}: {reached:>11}  {len(epochs)} epochs: {epochs[-1][0]:6.1f} s, "
            f"{60_000 * len(epochs) / epochs[-1][0]:6.0f} images/s, test accuracy {epochs[-1][1]:.2%}")
    ratio = times[1][1] / times[0][1]
    print(f"PyTorch takes {ratio:.2f} times as long for the same epochs")
    return 0 if ratio >= 2 and times[0][0] is not None else 1


if __name__ == "__main__":
    sys.exit(main())
