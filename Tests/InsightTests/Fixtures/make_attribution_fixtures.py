"""Makes attributions.safetensors: a small network's weights, a picture, and what PyTorch makes of them by autograd.

Run with torch, numpy and safetensors: python make_attribution_fixtures.py
"""

import os

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)

network = nn.Sequential()
network.add_module("conv1", nn.Conv2d(3, 6, 3, padding=1))
network.add_module("relu1", nn.ReLU())
network.add_module("pool1", nn.MaxPool2d(2))
network.add_module("conv2", nn.Conv2d(6, 8, 3, padding=1, bias=False))
network.add_module("bn2", nn.BatchNorm2d(8))
network.add_module("relu2", nn.ReLU())
network.add_module("pool", nn.AdaptiveAvgPool2d(1))
network.add_module("flatten", nn.Flatten())
network.add_module("fc", nn.Linear(8, 4))
with torch.no_grad():
    network.bn2.weight.uniform_(0.5, 1.5)
    network.bn2.bias.normal_(std=0.3)
    network.bn2.running_mean.normal_(std=0.2)
    network.bn2.running_var.uniform_(0.05, 0.3)
    for parameter in network.parameters():
        parameter.copy_(parameter.float().double())
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.copy_(buffer.float().double())
network.eval()

picture = torch.rand(1, 3, 12, 10).float().double() * 2 - 1
baseline = torch.full_like(picture, 0.1).float().double()
layer = "relu2"


def through(x, guided=False):
    """The scores, and the layer's values; with `guided`, rectifiers pass positive gradients alone."""
    kept = None
    for name, module in network.named_children():
        x = module(x)
        if guided and isinstance(module, nn.ReLU):
            x.register_hook(lambda gradient: gradient.clamp(min=0))
        if name == layer:
            kept = x
            if not guided:
                kept.retain_grad()
    return x, kept


results = {"picture": picture.permute(0, 2, 3, 1), "baseline": baseline.permute(0, 2, 3, 1)}
results["scores"] = network(picture).detach()
for index in range(4):
    x = picture.clone().requires_grad_()
    scores, kept = through(x)
    scores[0, index].backward()
    results[f"gradient.{index}"] = x.grad[0]
    slope, values = kept.grad[0], kept.detach()[0]
    results[f"gradcam.{index}"] = (slope.mean((1, 2), keepdim=True) * values).sum(0).clamp(min=0)
    denominator = 2 * slope**2 + values.sum((1, 2), keepdim=True) * slope**3
    alpha = torch.where(denominator != 0, slope**2 / torch.where(denominator == 0, 1, denominator), 0)
    weights = (alpha * slope.clamp(min=0)).sum((1, 2), keepdim=True)
    results[f"gradcam++.{index}"] = (weights * values).sum(0).clamp(min=0)

    x = picture.clone().requires_grad_()
    through(x, guided=True)[0][0, index].backward()
    results[f"guided.{index}"] = x.grad[0]

    nodes, node_weights = np.polynomial.legendre.leggauss(30)
    total = torch.zeros_like(picture)
    for node, weight in zip((nodes + 1) / 2, node_weights / 2):
        x = (baseline + node * (picture - baseline)).requires_grad_()
        network(x)[0, index].backward()
        total += weight * x.grad
    results[f"integrated.{index}"] = ((picture - baseline) * total)[0]

weights = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
tensors = {f"weights.{name}": value for name, value in weights.items()} | results
save_file(
    {name: value.detach().float().contiguous() for name, value in tensors.items()},
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "attributions.safetensors"),
)
