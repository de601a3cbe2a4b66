"""Writes networks of the zoo as ONNX files, and compares what runtimes make of them with what ConvNet does: part of `make parity`.

Of each network with random parameters, running statistics among them, `convnet convert` writes the file. `onnx.checker` must be
content with it, shapes inferred and all; ONNX Runtime and OpenVINO must give the logits that `convnet run` gives, of a batch of
two and of one of three: no logit may differ by more than a ten-thousandth of the largest. Files that are given pixels, written
with `--with-preprocessing`, must make of them what `convnet run` makes of the numbers that NumPy makes of them.

The exit code is 1 where one does not pass. Needs: a release build of ConvNet, `scripts/peers-environment`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
import openvino

from peers.peer import ROOT

TOLERANCE = 1e-4

# Networks whose files are given pixels as well, and what is done to these: a preset, means, deviations, and the order of channels.
PREPROCESSED = {
    "lenet5": (None, (0,), (1,), slice(None)),
    "resnet20": ("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), slice(None)),
    "vgg-a": ("keras-caffe", (123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255), slice(None, None, -1)),
}


def call(*arguments: object) -> str:
    done = subprocess.run([*map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def gap(actual: numpy.ndarray, expected: numpy.ndarray) -> float:
    if actual.shape != expected.shape:
        raise RuntimeError(f"logits of shape {actual.shape}, ConvNet's are {expected.shape}")
    difference = numpy.abs(actual - expected).max() / numpy.abs(expected).max()
    return float(difference) if numpy.isfinite(difference) else float("inf")


def compare(name: str, command: Path, folder: Path) -> tuple[float, float]:
    """The largest differences of ONNX Runtime's and OpenVINO's logits, relative to the largest logit."""
    model, file, source, result = (folder / part for part in ("m.safetensors", "m.onnx", "x.npy", "y.npy"))
    call(command.parent / "TrainingJobs", "parameters", name, model)
    call(command, "convert", model, file, "--quiet")
    onnx.checker.check_model(file, full_check=True)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    shape = [extent for extent in session.get_inputs()[0].shape if isinstance(extent, int)]
    gaps = [0.0, 0.0]
    for batch in (2, 3):
        images = numpy.random.default_rng(batch).standard_normal((batch, *shape), "float32")
        numpy.save(source, images)
        call(command, "run", model, "--input", source, "--output", result, "--quiet")
        expected = numpy.load(result)
        theirs = (session.run(None, {session.get_inputs()[0].name: images})[0], compiled(images)[0])
        gaps = [max(old, gap(logits, expected)) for old, logits in zip(gaps, theirs)]
    return gaps[0], gaps[1]


def compare_pixels(name: str, command: Path, folder: Path) -> tuple[float, float]:
    """The same of the file that is given pixels."""
    preset, mean, deviation, order = PREPROCESSED[name]
    model, file, source, result = (folder / part for part in ("m.safetensors", "p.onnx", "x.npy", "y.npy"))
    call(command, "convert", model, file, "--with-preprocessing", "--quiet", *(["--preset", preset] if preset else []))
    onnx.checker.check_model(file, full_check=True)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    compiled = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    shape = [extent for extent in session.get_inputs()[0].shape if isinstance(extent, int)]
    pixels = numpy.random.default_rng(5).integers(0, 256, (2, *shape), "uint8")
    column = (-1, 1, 1)
    images = (pixels / 255 - numpy.reshape(mean, column)) / numpy.reshape(deviation, column)
    numpy.save(source, images[:, order].astype("float32"))
    call(command, "run", model, "--input", source, "--output", result, "--quiet")
    expected = numpy.load(result)
    theirs = (session.run(None, {session.get_inputs()[0].name: pixels})[0], compiled(pixels)[0])
    return gap(theirs[0], expected), gap(theirs[1], expected)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="*", help="the networks to compare; all where none is given")
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    arguments = parser.parse_args()
    command = arguments.convnet.resolve()
    if not command.exists():
        parser.error(f"{command} does not exist: run `make build` first")
    names = arguments.models or [row["name"] for row in json.loads(call(command, "models", "--json"))]
    passed = True
    print(f"\n{'written as ONNX':<26}  {'ONNX Runtime':>12}  {'OpenVINO':>12}")
    for name in names:
        with tempfile.TemporaryDirectory(prefix="convnet-exports-") as folder:
            try:
                gaps = compare(name, command, Path(folder))
                pixels = compare_pixels(name, command, Path(folder)) if name in PREPROCESSED else None
            except Exception as failure:  # noqa: BLE001, of four libraries
                print(f"{name:<26}  {failure}", flush=True)
                passed = False
                continue
        for title, gaps in ((name, gaps), (f"{name}, of pixels", pixels)):
            if gaps is None:
                continue
            note = "" if max(gaps) <= TOLERANCE else f"  MORE THAN {TOLERANCE:g}"
            print(f"{title:<26}  {gaps[0]:>12.1e}  {gaps[1]:>12.1e}{note}", flush=True)
            passed &= max(gaps) <= TOLERANCE
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
