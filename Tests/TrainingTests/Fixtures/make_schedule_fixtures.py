"""Writes schedules.json: the rates of 20 steps, or epochs, by PyTorch's schedulers.

Needs Python 3.10 and PyTorch 2 (any build for the processor):

    pip install torch
    python make_schedule_fixtures.py

The measures that the plateau goes by are those of ScheduleFixtureTests.swift.
"""

import json
import pathlib
import warnings

import torch
from torch.optim import lr_scheduler as schedulers

warnings.filterwarnings("ignore")
COUNT, RATE = 20, 0.1
MEASURES = [5, 4, 4, 4, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1]


def rates(make, measured=False):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], RATE)
    scheduler = make(optimizer)
    values = []
    for count in range(COUNT):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(*([MEASURES[count]] if measured else []))
    return [float(f"{value:.9g}") for value in values]


def warmed_up(optimizer):
    return schedulers.ChainedScheduler(
        [schedulers.LinearLR(optimizer, 0.1, 1.0, 5), schedulers.CosineAnnealingLR(optimizer, 19)]
    )


rows = {
    "StepLR": rates(lambda o: schedulers.StepLR(o, 8, 0.96)),
    "MultiStepLR": rates(lambda o: schedulers.MultiStepLR(o, [3, 11], 0.1)),
    "ExponentialLR": rates(lambda o: schedulers.ExponentialLR(o, 0.94)),
    "CosineAnnealingLR": rates(lambda o: schedulers.CosineAnnealingLR(o, 19, 0.002)),
    "PolynomialLR": rates(lambda o: schedulers.PolynomialLR(o, 15, 2.0)),
    "OneCycleLR": rates(lambda o: schedulers.OneCycleLR(o, RATE, total_steps=21, cycle_momentum=False)),
    "LinearLR, then CosineAnnealingLR": rates(warmed_up),
    "ReduceLROnPlateau": rates(
        lambda o: schedulers.ReduceLROnPlateau(
            o, factor=0.5, patience=1, threshold=0, cooldown=2, min_lr=0.02, eps=0
        ),
        measured=True,
    ),
}
pathlib.Path(__file__).with_name("schedules.json").write_text(json.dumps(rows, indent=1) + "\n")
