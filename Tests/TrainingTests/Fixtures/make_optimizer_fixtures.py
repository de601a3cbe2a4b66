"""Writes optimizers.json: parameters after 20 steps by PyTorch's optimizers and by Keras's RMSprop and Adam.

Needs Python 3.10, PyTorch 2 and Keras 3 (any backend):

    pip install torch keras
    python make_optimizer_fixtures.py

The gradients are those of OptimizerFixtureTests.swift: small numbers by a formula, the same for every optimizer. PyTorch
computes in double precision. The learning rate is halved after the tenth step, so that forms of momentum differ.
"""

import json
import os
import pathlib

import torch

os.environ.setdefault("KERAS_BACKEND", "torch")
COUNT, STEPS, RATE = 5, 20, 0.05
BEGINNING = [0.5, -1.0, 2.0, 0.03, -0.25]


def gradient(step, place):
    return ((step * 7 + place * 5) % 11 - 5) / 8 * (10.0 ** (place - 2))


def rate(step):
    return RATE if step < STEPS // 2 else RATE / 2


def by_torch(make):
    weights = torch.nn.Parameter(torch.tensor(BEGINNING, dtype=torch.float64))
    optimizer = make([weights])
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        weights.grad = torch.tensor([gradient(step, place) for place in range(COUNT)], dtype=torch.float64)
        optimizer.step()
    return weights.tolist()


def by_keras(make):
    import keras

    weights = keras.Variable(BEGINNING, dtype="float64")
    optimizer = make(keras.optimizers)
    optimizer.build([weights])
    for step in range(STEPS):
        optimizer.learning_rate = rate(step)
        slope = keras.ops.convert_to_tensor([gradient(step, place) for place in range(COUNT)], dtype="float64")
        optimizer.apply([slope], [weights])
    return [float(value) for value in keras.ops.convert_to_numpy(weights.value)]


optim = torch.optim
rows = {
    "torch sgd": by_torch(lambda p: optim.SGD(p, RATE, momentum=0.9, weight_decay=0.01)),
    "torch nesterov": by_torch(lambda p: optim.SGD(p, RATE, momentum=0.9, weight_decay=0.01, nesterov=True)),
    "torch rmsprop": by_torch(lambda p: optim.RMSprop(p, RATE, alpha=0.95, eps=1e-3, weight_decay=0.01)),
    "torch rmsprop, momentum": by_torch(lambda p: optim.RMSprop(p, RATE, alpha=0.95, eps=1e-3, momentum=0.8)),
    "torch rmsprop, centered": by_torch(
        lambda p: optim.RMSprop(p, RATE, alpha=0.95, eps=1e-3, momentum=0.8, centered=True)
    ),
    "torch adam": by_torch(lambda p: optim.OwnAdam(p, RATE, weight_decay=0.01)),
    "torch adamw": by_torch(lambda p: optim.AdamW(p, RATE, weight_decay=0.1)),
    "keras sgd": by_keras(lambda o: o.SGD(RATE, momentum=0.9)),
    "keras nesterov": by_keras(lambda o: o.SGD(RATE, momentum=0.9, nesterov=True)),
    "keras rmsprop": by_keras(lambda o: o.RMSprop(RATE, rho=0.9, epsilon=1.0)),
    "keras rmsprop, momentum": by_keras(lambda o: o.RMSprop(RATE, rho=0.9, epsilon=1.0, momentum=0.9)),
    "keras rmsprop, centered": by_keras(lambda o: o.RMSprop(RATE, rho=0.9, epsilon=1e-3, momentum=0.9, centered=True)),
    "keras adam": by_keras(lambda o: o.OwnAdam(RATE, epsilon=1e-3)),
}
rows = {name: [float(f"{value:.9g}") for value in values] for name, values in rows.items()}
pathlib.Path(__file__).with_name("optimizers.json").write_text(json.dumps(rows, indent=1) + "\n")
