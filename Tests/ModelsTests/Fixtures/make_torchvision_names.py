"""Writes torchvision-names.json: for every network that torchvision has too, what its parameters are called.

Of each model: how many tensors its state has (counters of batches left out), how many learned numbers, and the
64-bit FNV-1a hash of the lines "name 64x3x7x7", sorted by name. With the name of a model as argument, prints those
lines instead, to find what differs.

Needs: pip install torch torchvision.
"""

import json
import sys
from pathlib import Path

import torch
import torchvision.models as models

# ConvNet's name, torchvision's constructor, its arguments.
MODELS = {
    "alexnet-torchvision": (models.alexnet, {}),
    "vgg-a": (models.vgg11, {}),
    "vgg-b": (models.vgg13, {}),
    "vgg-d": (models.vgg16, {}),
    "vgg-e": (models.vgg19, {}),
    "vgg11-bn": (models.vgg11_bn, {}),
    "vgg13-bn": (models.vgg13_bn, {}),
    "vgg16-bn": (models.vgg16_bn, {}),
    "vgg19-bn": (models.vgg19_bn, {}),
    "googlenet-torchvision": (models.googlenet, {"aux_logits": True, "init_weights": False}),
    "inception-v3-torchvision": (models.inception_v3, {"aux_logits": True, "init_weights": False}),
    "resnet18": (models.resnet18, {}),
    "resnet34": (models.resnet34, {}),
    "resnet50": (models.resnet50, {}),
    "resnet101": (models.resnet101, {}),
    "resnet152": (models.resnet152, {}),
    "resnet18-torchvision": (models.resnet18, {}),
    "resnet34-torchvision": (models.resnet34, {}),
    "resnet50-v1.5": (models.resnet50, {}),
    "resnet101-v1.5": (models.resnet101, {}),
    "resnet152-v1.5": (models.resnet152, {}),
    "mobilenet-v2": (models.mobilenet_v2, {}),
    "mobilenet-v3-small": (models.mobilenet_v3_small, {}),
    "mobilenet-v3-large": (models.mobilenet_v3_large, {}),
    "efficientnet-b0": (models.efficientnet_b0, {}),
    "convnext-tiny": (models.convnext_tiny, {}),
}


def lines(name: str) -> tuple[list[str], int]:
    make, arguments = MODELS[name]
    with torch.device("meta"):
        model = make(weights=None, **arguments)
    state = {key: value for key, value in model.state_dict().items() if value.is_floating_point()}
    listed = sorted(f"{key} {'x'.join(map(str, value.shape))}" for key, value in state.items())
    return listed, sum(parameter.numel() for parameter in model.parameters())


def fnv(text: str) -> str:
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def main() -> None:
    if len(sys.argv) > 1:
        print("\n".join(lines(sys.argv[1])[0]))
        return
    rows = []
    for name in MODELS:
        listed, parameters = lines(name)
        row = {"tensors": len(listed), "parameters": parameters, "hash": fnv("\n".join(listed))}
        rows.append(f'  "{name}": {json.dumps(row)}')
    path = Path(__file__).with_name("torchvision-names.json")
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
