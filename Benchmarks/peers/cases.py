"""What is measured, in suites, with the goals that ConvNet has set itself."""

from __future__ import annotations

from dataclasses import replace

from peers.convnet import ConvNet
from peers.onnx_runtime import ONNXRuntime
from peers.open_vino import OpenVINO
from peers.peer import Case, Peer
from peers.pytorch import PyTorch, PyTorchChannelsLast, PyTorchCompiled
from peers.tensorflow_keras import TensorFlow

#: A further framework is a file in this folder and a row here.
PEERS: list[Peer] = [
    PyTorch(), PyTorchChannelsLast(), PyTorchCompiled(), ONNXRuntime(), OpenVINO(), TensorFlow(),
]

BATCHES = (1, 2, 4, 8, 16, 32, 64)

#: Networks of torchvision's as PyTorch exports them: depthwise convolutions, small ones, many branches, and plain ones.
EXPORTED = (
    "mobilenet_v2.onnx", "mobilenet_v3_large.onnx", "efficientnet_b0.onnx", "convnext_tiny.onnx", "regnet_y_400mf.onnx",
    "shufflenet_v2_x1_0.onnx", "densenet121.onnx", "resnet50.onnx",
)

PLAIN = [
    *(
        Case("inference", model, "inference", batch, goal=2 if (model, batch) == ("vgg-d", 16) else 1.05)
        for model in (
            "alexnet-torchvision", "vgg-d", "googlenet-torchvision", "inception-v3-torchvision",
            "resnet18-torchvision", "resnet50-v1.5",
        )
        for batch in (1, 16)
    ),
    *(
        Case("mobile", model, "inference", batch, goal=1)
        for model in ("mobilenet-v2", "mobilenet-v3-large", "efficientnet-b0", "convnext-tiny")
        for batch in (1, 16)
    ),
    *(Case("exported", model, "inference", batch, goal=1) for model in EXPORTED for batch in (1, 16)),
    *(
        Case("exported start", model, mode, goal=1)
        for model in ("mobilenet_v2.onnx", "resnet50.onnx")
        for mode in ("start", "start memory")
    ),
    Case("training", "resnet18-torchvision", "training", 16, goal=1.5),
    Case("training", "resnet50-v1.5", "training", 16, goal=1.5),
    Case("training", "vgg-d", "training", 8, goal=1.5),
    Case("training", "googlenet-torchvision", "training", 16, goal=1.5),
    *(
        Case("small", model, mode, batch, goal=goal)
        for model, goal in (("lenet5", 3), ("resnet20", 2))
        for mode, batches in (("inference", (1, 64)), ("training", (16, 64)))
        for batch in batches
    ),
    Case("start", "resnet50-v1.5", "start", limit=0.35),
    Case("start", "resnet50-v1.5", "start memory", goal=3),
    Case("start", "lenet5", "start", goal=10),
    Case("memory", "resnet50-v1.5", "training memory", 32, goal=1 / 0.7),
    *(
        Case("scaling", model, mode, batch, threads)
        for model, mode in (("resnet50-v1.5", "inference"), ("resnet18-torchvision", "training"))
        for threads in (1, 2)
        for batch in BATCHES
    ),
]

#: Suites that are measured once more with all sides held to AVX2, the most that many processors have, and the goals of their cases.
PROCESSORS = {
    "inference": ("processors", 1.05), "training": ("processors, training", 1.4), "small": ("processors, small", 2),
}

CASES = PLAIN + [
    replace(case, suite=suite, goal=goal, instructions="avx2")
    for plain, (suite, goal) in PROCESSORS.items()
    for case in PLAIN
    if case.suite == plain
]

#: The geometric mean of a suite's ratios to the best peer must be this.
SUITE_GOALS = {"inference": 1.6, "training": 2, "exported": 1.3, "processors": 1.6, "processors, training": 2}

#: In the order of the table.
SUITES = list(dict.fromkeys(case.suite for case in CASES))

#: Scaling takes as long as all the others together, and the processors' suites as long as those that they repeat.
SUITES_OF_ALL = [suite for suite in SUITES if suite != "scaling" and not suite.startswith("processors")]


def selected_cases(suites: list[str], filters: list[str]) -> list[Case]:
    """Cases of the suites whose names contain every word of one of the filters."""
    return [
        case for case in CASES
        if case.suite in suites
        and (not filters or any(all(word in case.name for word in text.split()) for text in filters))
    ]


__all__ = ["CASES", "ConvNet", "PEERS", "SUITES", "SUITES_OF_ALL", "SUITE_GOALS", "selected_cases"]
