"""Measures how fast training pictures are made ready, beside torchvision: part of `make benchmark-peers`.

A folder of 300 JPEG files of 500 x 400 pixels (see photographs.py) becomes batches: decoded, shorter side resized
to 256, a random window of 224 x 224, mirrored at random, normalized, in float32. Every side has two workers and
batches of 30, so that nobody waits for an uneven rest. Sides run in turn, each time in a new process; the table has
medians over the rounds of the median over the epochs. The exit code is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BATCH, WORKERS = 30, 2
#: ConvNet must be so many times as fast.
PEERS = {"torchvision, Pillow": 1.5, "torchvision, decode_jpeg and v2": 1.2}


def torchvision_rates(side: str, folder: Path, epochs: int) -> list[float]:
    """Images a second of each epoch, after one that is not counted."""
    import torch
    from torchvision import datasets, io
    from torchvision.transforms import v2

    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    geometry = [v2.Resize(256, antialias=True), v2.RandomCrop(224), v2.RandomHorizontalFlip()]
    if side == "torchvision, Pillow":
        # The classic path: geometry on Pillow's pictures, which is faster than on tensors of them.
        transform = v2.Compose(
            [*geometry, v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, deviation)]
        )
        dataset = datasets.ImageFolder(folder, transform=transform)
    else:
        transform = v2.Compose(
            [*geometry, v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, deviation)]
        )

        def load(path: str):
            return io.decode_jpeg(io.read_file(path), mode=io.ImageReadMode.RGB)

        dataset = datasets.ImageFolder(folder, transform=transform, loader=load)
    torch.set_num_threads(1)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True
    )
    rates = []
    for epoch in range(epochs + 1):
        started = time.perf_counter()
        images = sum(len(batch) for batch, _ in loader)
        if epoch > 0:
            rates.append(images / (time.perf_counter() - started))
    return rates


def convnet_rates(convnet: Path, folder: Path, epochs: int) -> list[float]:
    steps = [{"shorterSide": {"from": 256, "to": 256}}, "randomCrop", "horizontalReflection"]
    output = subprocess.run(
        [str(convnet), "dataset", "benchmark", str(folder), "--augment", json.dumps(steps),
         "--normalize", "imagenet", "--input", "224x224", "--batch-size", str(BATCH),
         "--workers", str(WORKERS), "--epochs", str(epochs), "--json"],
        check=True, capture_output=True, text=True,
    ).stdout
    return json.loads(output)["epochs"]


def measure(side: str, arguments: argparse.Namespace) -> float:
    if side == "ConvNet":
        return statistics.median(convnet_rates(arguments.convnet, arguments.folder, arguments.epochs))
    output = subprocess.run(
        [sys.executable, __file__, "--side", side, "--folder", str(arguments.folder),
         "--epochs", str(arguments.epochs)],
        check=True, capture_output=True, text=True,
    ).stdout
    return statistics.median(json.loads(output))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build/release/convnet")
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/peers/photographs")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(torchvision_rates(arguments.side, arguments.folder, arguments.epochs)))
        return 0
    if not arguments.convnet.exists():
        parser.error(f"{arguments.convnet} does not exist: run `make build` first")

    from photographs import write_photographs

    paths = write_photographs(arguments.folder, arguments.count)
    size = statistics.mean(path.stat().st_size for path in paths)
    print(f"{len(paths)} files of {size / 1000:.0f} KB on average, {WORKERS} workers, "
          f"load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    rates: dict[str, list[float]] = {side: [] for side in ["ConvNet", *PEERS]}
    for turn in range(arguments.rounds):
        for side, values in rates.items():
            values.append(measure(side, arguments))
            print(f"round {turn + 1}, {side}: {values[-1]:,.0f} images/s", file=sys.stderr)

    print("| loading 300 photographs | images/s | ConvNet is so many times as fast | goal |")
    print("|---|---|---|---|")
    print(f"| ConvNet | {statistics.median(rates['ConvNet']):,.0f} | | |")
    is_fast = True
    for side, goal in PEERS.items():
        ratio = statistics.median(ours / theirs for ours, theirs in zip(rates["ConvNet"], rates[side]))
        is_fast = is_fast and ratio >= goal
        print(f"| {side} | {statistics.median(rates[side]):,.0f} | {ratio:.2f} | {goal} |")
    return 0 if is_fast else 1


if __name__ == "__main__":
    sys.exit(main())
