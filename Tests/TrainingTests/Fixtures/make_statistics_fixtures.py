"""Writes statistics.json: the running statistics that PyTorch's batch normalization stores after some steps.

Needs Python 3.10 and PyTorch 2 (any build for the processor):

    pip install torch
    python make_statistics_fixtures.py

The batches are those of RunningStatisticsTests.swift: small numbers by a formula. PyTorch computes in double precision, so the
numbers are good to the nine digits that are written. Its `momentum` is the weight of the new value, and its running
variance divides by the elements less one.
"""

import json
import pathlib

import torch

EXAMPLES, CHANNELS, HEIGHT, WIDTH = 8, 3, 2, 2
SCALES, OFFSETS = (0.002, 0.5, 30.0), (0.0, 1.0, -100.0)
STEPS = (1, 2, 10, 100)


def batch(step):
    x = torch.empty(EXAMPLES, CHANNELS, HEIGHT, WIDTH, dtype=torch.float64)
    for n in range(EXAMPLES):
        for c in range(CHANNELS):
            for h in range(HEIGHT):
                for w in range(WIDTH):
                    number = (step * step * 7 + n * 11 + c * 5 + h * 3 + w * 23) % 17
                    x[n, c, h, w] = SCALES[c] * number + OFFSETS[c]
    return x


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.tolist()]


layer = torch.nn.BatchNorm2d(CHANNELS, momentum=0.01).double()
rows = []
for step in range(max(STEPS)):
    layer(batch(step))
    if step + 1 in STEPS:
        rows.append(
            {"steps": step + 1, "mean": numbers(layer.running_mean), "variance": numbers(layer.running_var)}
        )
pathlib.Path(__file__).with_name("statistics.json").write_text(json.dumps(rows, indent=1) + "\n")
