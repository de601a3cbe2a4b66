"""Reads the events of a training with TensorBoard's own reader, and compares: part of `make parity`.

A small network is trained on pictures that are made here, stopped and resumed. `EventAccumulator` must find

- the scalars of `metrics.jsonl`, of every line of a step and of an epoch, at its step;
- histograms of the weights and gradients of every kernel after each epoch, those of the last epoch's weights with the least, the
  greatest, the number and the sums that NumPy finds in the model file, and with as many elements in each interval;
- pictures of the first batch, once, which Pillow reads.

The exit code is 1 where one differs. Needs: a build of ConvNet, and the packages that the Makefile names for this.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from parity.safetensors import read

ROOT = Path(__file__).resolve().parent.parent
# The key of a line, and the tag of the same number.
STEP_TAGS = {
    "loss": "step/loss",
    "learningRate": "step/learning rate",
    "gradientNorm": "step/gradient norm",
}
EPOCH_TAGS = {
    "trainingLoss": "loss/training",
    "trainingTop1": "accuracy/training",
    "learningRate": "learning rate",
    "validationLoss": "loss/validation",
    "validationTop1": "accuracy/validation",
}


class Mismatch(Exception):
    """What differs."""


def require(is_so: bool, text: str) -> None:
    if not is_so:
        raise Mismatch(text)


def write_pictures(folder: Path) -> None:
    generator = numpy.random.default_rng(5)
    for label, mean in (("dark", 60), ("light", 180)):
        (folder / label).mkdir(parents=True)
        for index in range(40):
            pixels = generator.normal(mean, 30, (16, 16, 3)).clip(0, 255).astype("uint8")
            Image.fromarray(pixels).save(folder / label / f"{index}.png")


def train(command: Path, folder: Path, epochs: int, *more: str) -> None:
    arguments = ["train", "--output", "run", "--epochs", str(epochs), "--quiet", *more]
    done = subprocess.run(
        [command, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    require(done.returncode == 0, done.stderr.strip())


def compare_scalars(events: EventAccumulator, lines: list[dict]) -> int:
    count = 0
    for kind, tags in (("step", STEP_TAGS), ("epoch", EPOCH_TAGS)):
        own = [line for line in lines if line["kind"] == kind]
        for key, tag in tags.items():
            found = [(scalar.step, scalar.value) for scalar in events.Scalars(tag)]
            expected = [(line["step"], float(numpy.float32(line[key]))) for line in own]
            require(found == expected, f"{tag} is {found}, the lines have {expected}")
            count += len(found)
    return count


def compare_histograms(events: EventAccumulator, epochs: list[dict], model: Path) -> int:
    tensors, _ = read(model)
    kernels = [name for name, value in tensors.items() if value.ndim >= 2]
    tags = events.Tags()["histograms"]
    expected = sorted(f"{kind}/{name}" for name in kernels for kind in ("weights", "gradients"))
    require(sorted(tags) == expected, f"histograms are {sorted(tags)}, not {expected}")
    for tag in tags:
        steps = [event.step for event in events.Histograms(tag)]
        require(steps == [line["step"] for line in epochs], f"{tag} has the steps {steps}")
    for name in kernels:
        last = events.Histograms(f"weights/{name}")[-1].histogram_value
        values = tensors[name].astype("float64").ravel()
        for what, own, other in (
            ("least", last.min, values.min()),
            ("greatest", last.max, values.max()),
            ("number", last.num, values.size),
            ("sum", last.sum, values.sum()),
            ("sum of squares", last.sum_squares, (values**2).sum()),
        ):
            require(
                math.isclose(own, other, rel_tol=1e-6, abs_tol=1e-6), f"the {what} of {name} is {own}, not {other}"
            )
        require(sum(last.bucket) == values.size, f"intervals of {name} have {sum(last.bucket)}")
        edges = [last.min, *last.bucket_limit]
        counts, _ = numpy.histogram(values, bins=edges)
        # Values at an edge may lie on either side of it.
        require(abs(counts - last.bucket).max() <= 2, f"intervals of {name} have other elements")
    return len(tags)


def compare_pictures(events: EventAccumulator) -> int:
    tags = events.Tags()["images"]
    require(len(tags) == 8, f"pictures are {tags}")
    for tag in tags:
        found = events.Images(tag)
        require([image.step for image in found] == [1], f"{tag} was written {len(found)} times")
        picture = Image.open(io.BytesIO(found[0].encoded_image_string))
        size = (found[0].width, found[0].height)
        require(picture.size == size == (16, 16), f"{tag} is of {picture.size}")
    return len(tags)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    command = parser.parse_args().convnet.resolve()
    if not command.exists():
        parser.error(f"{command} does not exist: run `make build` first")
    with tempfile.TemporaryDirectory(prefix="convnet-events-") as name:
        folder = Path(name)
        write_pictures(folder / "pictures")
        try:
            begin = ("--model", "resnet20", "--input", "16x16", "--batch-size", "8")
            train(command, folder, 2, *begin, "--data", "pictures", "--augment", "cifar")
            train(command, folder, 3, "--resume")
            text = (folder / "run" / "metrics.jsonl").read_text()
            lines = [json.loads(line) for line in text.splitlines()]
            events = EventAccumulator(
                str(folder / "run"), size_guidance={"scalars": 0, "histograms": 0, "images": 0}
            )
            events.Reload()
            scalars = compare_scalars(events, lines)
            epochs = [line for line in lines if line["kind"] == "epoch"]
            histograms = compare_histograms(events, epochs, folder / "run" / "model.safetensors")
            pictures = compare_pictures(events)
        except Mismatch as failure:
            print(f"TensorBoard reads otherwise: {failure}")
            return 1
    print(f"TensorBoard reads {scalars} scalars, {histograms} histograms of each epoch, {pictures} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
