"""Puts the same weights into ConvNet and other frameworks and compares what they make of them: `make parity`.

The other side draws the weights and writes them in its own form; ConvNet reads them. Four tables:

Logits: `convnet run` beside PyTorch (torchvision, timm) and Keras on the same pictures. A network passes where no
logit differs by more than a ten-thousandth of the largest, and the five largest are in the same order.
Running statistics, scales and shifts are random too, so that a wrong one shows. Networks with global or adaptive pooling
get pictures that are not square.

Gradients: `convnet gradients` beside PyTorch on the same weights and batch, without dropout, auxiliary classifiers with
their shares. A network passes where for every parameter's gradient g, and for every running mean and variance, the
difference |g - g'| is at most a thousandth of |g'| (Euclidean norms), g' being PyTorch's; the losses agree
likewise. The gradient by a bias that normalization cancels is zero but for rounding: where it is less than a
thousandth of the one by its layer's kernel, the difference is measured by that. At a kink, of ReLU or of a maximum,
a gradient is not one number: among millions of elements one within rounding of it passes on one side and not on the other,
which shows as some thousandths in all layers before it. What is wrong is wrong on every batch, so the least
difference of up to ten batches counts, and the table says how many it took.

Predictions: `convnet predict` of a file as torchvision publishes it, with random weights, on photographs made from a
seed, beside torchvision with its own `weights.transforms()`. A network passes where no probability differs by more than
a thousandth.

Trainings: fifty steps of momentum's method on Fashion-MNIST beside PyTorch, from the same weights, with the pictures in the order
that ConvNet's trainer takes them in, without augmentation or dropout. A network passes where no step's loss differs by
more than a thousandth.

The exit code is 1 where a network does not pass. Needs: a release build of ConvNet, `scripts/peers-environment`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy

from parity import predictions, safetensors, trainings
from parity.keras import Keras
from parity.networks import CIFARResNet20, LeNet5
from parity.pytorch import Torch, keep_off_kinks, timm, torchvision
from peers.peer import ROOT

LOGIT_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
BATCHES = 10
SQUARE, WIDE = (3, 224, 224), (3, 192, 256)


@dataclass(frozen=True)
class Network:
    """A row: a network that both sides know, with the shape of an input without its batch."""

    model: str
    source: str
    make: Callable[[], Torch | Keras]
    image: tuple[int, int, int] = SQUARE
    batch: int = 2

    def images(self, seed: int = 7) -> numpy.ndarray:
        generator = numpy.random.default_rng(seed)
        return generator.standard_normal((self.batch, *self.image), dtype="float32")


def of_torchvision(model: str, name: str, image: tuple[int, int, int] = SQUARE, batch: int = 2, **arguments: bool) -> Network:
    return Network(model, "torchvision", lambda: Torch(torchvision(name, **arguments)), image, batch)


def of_timm(model: str, name: str, image: tuple[int, int, int] = SQUARE) -> Network:
    return Network(model, f"timm {name}", lambda: Torch(timm(name)), image)


def of_keras(model: str, name: str, form: str, image: tuple[int, int, int] = SQUARE) -> Network:
    return Network(model, f"Keras {name}, {form}", lambda: Keras(name, form), image)


def built(model: str, make: Callable, image: tuple[int, int, int], batch: int) -> Network:
    return Network(model, "PyTorch", lambda: Torch(make), image, batch)


LOGITS = [
    built("lenet5", LeNet5, (1, 28, 28), 1),
    built("lenet5", LeNet5, (1, 28, 28), 7),
    built("resnet20", CIFARResNet20, (3, 32, 32), 4),
    of_torchvision("alexnet-torchvision", "alexnet"),
    of_torchvision("alexnet-torchvision", "alexnet", (3, 160, 192)),
    of_torchvision("vgg11", "vgg11"),
    of_torchvision("vgg11", "vgg11", WIDE),
    of_torchvision("vgg11", "vgg11", (3, 96, 300)),
    of_torchvision("vgg13", "vgg13"),
    of_torchvision("vgg16", "vgg16"),
    of_torchvision("vgg19", "vgg19"),
    of_torchvision("vgg11-bn", "vgg11_bn"),
    of_torchvision("vgg13-bn", "vgg13_bn"),
    of_torchvision("vgg16-bn", "vgg16_bn"),
    of_torchvision("vgg19-bn", "vgg19_bn"),
    of_torchvision("vgg11-bn", "vgg11_bn", WIDE),
    of_torchvision("googlenet-torchvision", "googlenet", init_weights=True),
    of_torchvision("inception-v3-torchvision", "inception_v3", (3, 299, 299), init_weights=True),
    of_torchvision("inception-v3-torchvision", "inception_v3", (3, 299, 331), init_weights=True),
    of_torchvision("resnet18-torchvision", "resnet18"),
    of_torchvision("resnet34-torchvision", "resnet34", WIDE),
    of_torchvision("resnet50-v1.5", "resnet50"),
    of_torchvision("resnet50-v1.5", "resnet50", WIDE),
    of_torchvision("resnet101-v1.5", "resnet101"),
    of_torchvision("resnet152-v1.5", "resnet152"),
    of_torchvision("mobilenet-v2", "mobilenet_v2"),
    of_torchvision("mobilenet-v2", "mobilenet_v2", WIDE),
    of_torchvision("mobilenet-v3-small", "mobilenet_v3_small"),
    of_torchvision("mobilenet-v3-large", "mobilenet_v3_large", WIDE),
    of_torchvision("efficientnet-b0", "efficientnet_b0"),
    of_torchvision("efficientnet-b0", "efficientnet_b0", WIDE),
    of_torchvision("convnext-tiny", "convnext_tiny"),
    of_torchvision("convnext-tiny", "convnext_tiny", WIDE),
    of_timm("resnet50-v1.5", "resnet50"),
    of_timm("vgg16", "vgg16"),
    of_timm("inception-v3-torchvision", "inception_v3", (3, 299, 299)),
    of_keras("resnet50-keras", "ResNet50", ".npz"),
    of_keras("resnet50-keras", "ResNet50", ".weights.h5"),
    of_keras("vgg16", "VGG16", ".h5"),
    of_keras("inception-v3-keras", "InceptionV3", ".keras", (3, 299, 299)),
    of_keras("inception-v3-keras", "InceptionV3", ".weights.h5", (3, 299, 299)),
]

GRADIENTS = [
    built("lenet5", LeNet5, (1, 28, 28), 8),
    built("resnet20", CIFARResNet20, (3, 32, 32), 16),
    of_torchvision("alexnet-torchvision", "alexnet", batch=4),
    of_torchvision("vgg11", "vgg11", batch=2),
    of_torchvision("vgg11-bn", "vgg11_bn", batch=2),
    of_torchvision("googlenet-torchvision", "googlenet", (3, 112, 112), init_weights=True),
    of_torchvision("inception-v3-torchvision", "inception_v3", (3, 299, 299), batch=4, init_weights=True),
    of_torchvision("resnet18-torchvision", "resnet18", batch=2),
    of_torchvision("resnet50-v1.5", "resnet50", batch=2),
    of_torchvision("mobilenet-v2", "mobilenet_v2", batch=4),
    of_torchvision("mobilenet-v3-small", "mobilenet_v3_small", batch=4),
    of_torchvision("efficientnet-b0", "efficientnet_b0", batch=4),
    of_torchvision("convnext-tiny", "convnext_tiny", batch=2),
]


def convnet(command: Path, *arguments: object) -> str:
    done = subprocess.run(
        [command, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def largest(logits: numpy.ndarray) -> numpy.ndarray:
    return numpy.argsort(-logits, axis=1, kind="stable")[:, :5]


def logit_difference(network: Network, command: Path, folder: Path) -> float:
    """The largest difference between the logits, relative to the largest logit."""
    other = network.make()
    images = network.images()
    expected = other.logits(images)
    source, result = folder / "x.npy", folder / "y.npy"
    numpy.save(source, images)
    weights = other.write_weights(folder)
    convnet(command, "run", network.model, "--weights", weights, "--input", source, "--output", result)
    actual = numpy.load(result)
    if actual.shape != expected.shape:
        raise RuntimeError(f"ConvNet gives shape {actual.shape}, the other side {expected.shape}")
    if not numpy.array_equal(largest(actual), largest(expected)):
        raise RuntimeError("the five largest logits are in another order")
    return finite(numpy.abs(actual - expected).max() / numpy.abs(expected).max())


def gradient_differences(
    network: Network, command: Path, folder: Path, seed: int
) -> Iterator[tuple[str, float]]:
    """The relative difference of the loss, and of every parameter's gradient and running statistic."""
    other = network.make()
    keep_off_kinks(other.module)
    images = network.images(seed)
    # As many classes as the smallest network has, so that each label is one.
    labels = (numpy.arange(network.batch) * 3 % 10).astype("int64")
    source, target, result = (folder / name for name in ("x.npy", "labels.npy", "g.safetensors"))
    numpy.save(source, images)
    numpy.save(target, labels)
    weights = other.write_weights(folder)
    loss, gradients, statistics = other.gradients(images, labels)
    printed = convnet(
        command, "gradients", network.model, "--weights", weights, "--input", source,
        "--labels", target, "--output", result, "--without-dropout", "--json",
    )  # fmt: skip
    actual, _ = safetensors.read(result)
    yield "the loss", finite(abs(json.loads(printed)["totalLoss"] - loss) / abs(loss))
    if actual.keys() != gradients.keys() | statistics.keys():
        raise RuntimeError(f"other parameters: {actual.keys() ^ (gradients.keys() | statistics.keys())}")
    for name, expected in (gradients | statistics).items():
        scale = numpy.linalg.norm(expected)
        kernel = gradients.get(name.removesuffix("bias") + "weight")
        if name.endswith(".bias") and kernel is not None and kernel.ndim > 1:
            scale = scale if scale > 1e-3 * numpy.linalg.norm(kernel) else numpy.linalg.norm(kernel)
        yield name, finite(numpy.linalg.norm(actual[name] - expected) / scale)


def finite(gap: float) -> float:
    """A result that is not a number compares false, and must fail."""
    return float(gap) if numpy.isfinite(gap) else float("inf")


def compare_logits(networks: list[Network], command: Path) -> bool:
    print(f"{'logits':<26}  {'beside':<18}  {'input':<11}  {'difference':>10}")
    passed = True
    for network in networks:
        row = f"{network.model:<26}  {network.source:<18}  {describe(network):<11}"
        with tempfile.TemporaryDirectory(prefix="convnet-parity-") as folder:
            try:
                gap = logit_difference(network, command, Path(folder))
                note = "" if gap <= LOGIT_TOLERANCE else f"  MORE THAN {LOGIT_TOLERANCE:g}"
                print(f"{row}  {gap:>10.1e}{note}", flush=True)
                passed &= gap <= LOGIT_TOLERANCE
            except RuntimeError as failure:
                print(f"{row}  {failure}", flush=True)
                passed = False
    return passed


def compare_gradients(networks: list[Network], command: Path, every: bool) -> bool:
    print(f"\n{'gradients':<26}  {'beside':<18}  {'input':<11}  {'difference':>10}  batches  largest of")
    passed = True
    for network in networks:
        row = f"{network.model:<26}  {network.source:<18}  {describe(network):<11}"
        least: dict[str, float] = {}
        try:
            for batch in range(1, BATCHES + 1):
                with tempfile.TemporaryDirectory(prefix="convnet-parity-") as folder:
                    for name, gap in gradient_differences(network, command, Path(folder), batch):
                        least[name] = min(gap, least.get(name, gap))
                if max(least.values()) <= GRADIENT_TOLERANCE:
                    break
        except RuntimeError as failure:
            print(f"{row}  {failure}", flush=True)
            passed = False
            continue
        (name, gap), *others = sorted(least.items(), key=lambda item: -item[1])
        note = "" if gap <= GRADIENT_TOLERANCE else f"  MORE THAN {GRADIENT_TOLERANCE:g}"
        print(f"{row}  {gap:>10.1e}  {batch:>7}  {name}{note}", flush=True)
        for name, other in others if every else []:
            print(f"{'':<59}  {other:>10.1e}  {'':>7}  {name}")
        passed &= gap <= GRADIENT_TOLERANCE
    return passed


def compare_predictions(names: list[str], command: Path) -> bool:
    print(f"\n{'predictions':<26}  {'beside':<38}  {'difference':>10}  largest")
    passed = True
    for row in predictions.ROWS:
        if names and row.network not in names:
            continue
        line = f"{row.network:<26}  {row.weights:<38}"
        with tempfile.TemporaryDirectory(prefix="convnet-parity-") as folder:
            try:
                gap, largest = predictions.compare(row, command, Path(folder))
            except RuntimeError as failure:
                print(f"{line}  {failure}", flush=True)
                passed = False
                continue
        note = "" if finite(gap) <= predictions.TOLERANCE else f"  MORE THAN {predictions.TOLERANCE:g}"
        print(f"{line}  {gap:>10.1e}  {largest:>7.3f}{note}", flush=True)
        passed &= finite(gap) <= predictions.TOLERANCE
    return passed


def compare_trainings(names: list[str], jobs: Path) -> bool:
    print(f"\n{'trainings':<26}  {'first loss':>10}  {'last loss':>10}  {'difference':>10}  PyTorch beside itself")
    passed = True
    for row in trainings.ROWS:
        if names and row.model not in names:
            continue
        with tempfile.TemporaryDirectory(prefix="convnet-parity-") as folder:
            try:
                found = trainings.compare(row, jobs, Path(folder))
            except RuntimeError as failure:
                print(f"{row.model:<26}  {failure}", flush=True)
                passed = False
                continue
        gap = finite(found.difference)
        note = "" if gap <= trainings.TOLERANCE else f"  MORE THAN {trainings.TOLERANCE:g}"
        print(
            f"{row.model:<26}  {found.first:>10.4f}  {found.last:>10.4f}  {gap:>10.1e}  {found.itself:>21.1e}{note}",
            flush=True)
        passed &= gap <= trainings.TOLERANCE
    return passed


def describe(network: Network) -> str:
    return f"{network.batch}x{'x'.join(map(str, network.image[1:]))}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", help="the rows to compare; all where none is given")
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    parser.add_argument("--only", choices=["logits", "gradients", "predictions", "trainings"], help="one of the four tables")
    parser.add_argument("--every", action="store_true", help="print every parameter's difference")
    arguments = parser.parse_args()
    command = arguments.convnet.resolve()
    if not command.exists():
        parser.error(f"{command} does not exist: run `make build` first")

    def chosen(networks: list[Network]) -> list[Network]:
        return [n for n in networks if not arguments.models or n.model in arguments.models]

    passed = True
    if arguments.only in (None, "logits"):
        passed &= compare_logits(chosen(LOGITS), command)
    if arguments.only in (None, "gradients"):
        passed &= compare_gradients(chosen(GRADIENTS), command, arguments.every)
    if arguments.only in (None, "predictions"):
        passed &= compare_predictions(arguments.models, command)
    if arguments.only in (None, "trainings"):
        passed &= compare_trainings(arguments.models, command.parent / "TrainingJobs")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
