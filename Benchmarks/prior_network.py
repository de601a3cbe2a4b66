"""The deep image prior's encoder-decoder in PyTorch, as its paper describes it, with the names that ConvNet gives parameters.

D. Ulyanov, A. Vedaldi, V. Lempitsky, "Deep Image Prior", 2018. Convolutions that a normalization follows have no bias, which
it would take away; joined branches lie in ConvNet's order, what comes from below first.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional


def unit(inputs, channels, kernel, stride=1):
    """A convolution with a reflected border, normalized and rectified."""
    layers = [nn.ReflectionPad2d(kernel // 2)] if kernel > 1 else []
    layers += [nn.Conv2d(inputs, channels, kernel, stride, bias=False), nn.BatchNorm2d(channels), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers)


class Scale(nn.Module):
    """A scale and all that are coarser."""

    def __init__(self, inputs, down, up, skip, down_kernel, up_kernel, mode):
        super().__init__()
        self.down1 = unit(inputs, down[0], down_kernel, 2)
        self.down2 = unit(down[0], down[0], down_kernel)
        self.deeper = (
            Scale(down[0], down[1:], up[1:], skip[1:], down_kernel, up_kernel, mode) if len(down) > 1 else None
        )
        below = up[1] if len(down) > 1 else down[0]
        self.mode = mode
        self.across = unit(inputs, skip[0], 1) if skip[0] else None
        self.joined = nn.BatchNorm2d(below + skip[0])
        self.below = below
        self.up1 = unit(below + skip[0], up[0], up_kernel)
        self.up2 = unit(up[0], up[0], 1)

    def forward(self, x):
        y = self.down2(self.down1(x))
        if self.deeper is not None:
            y = self.deeper(y)
        y = functional.interpolate(
            y, scale_factor=2, mode=self.mode, **({"align_corners": False} if self.mode == "bilinear" else {})
        )
        if self.across is not None:
            y = torch.cat([y, self.across(x)], 1)
        return self.up2(self.up1(self.joined(y)))

    def named(self, prefix):
        """The parameters by ConvNet's names; of the normalization of what is joined a part each."""
        for name in ["down1", "down2", "across", "up1", "up2"]:
            block = getattr(self, name)
            if block is None:
                continue
            yield f"{prefix}{name}.conv.weight", block[-3].weight, slice(None)
            yield f"{prefix}{name}.bn.weight", block[-2].weight, slice(None)
            yield f"{prefix}{name}.bn.bias", block[-2].bias, slice(None)
        for part in ["weight", "bias"]:
            whole = getattr(self.joined, part)
            yield f"{prefix}joined.{part}", whole, slice(0, self.below)
            if self.across is not None:
                yield f"{prefix}joined.across.{part}", whole, slice(self.below, None)


class PriorNetwork(nn.Module):
    """The whole: the scales, and a 1x1 convolution with a sigmoid."""

    def __init__(self, inputs=32, outputs=3, down=(128,) * 5, up=None, skip=(4,) * 5, down_kernel=3, up_kernel=3,
                 mode="bilinear"):
        super().__init__()
        up = up or down
        self.scales = Scale(inputs, list(down), list(up), list(skip), down_kernel, up_kernel, mode)
        self.last = nn.Conv2d(up[0], outputs, 1)

    def forward(self, x):
        return torch.sigmoid(self.last(self.scales(x)))

    def named(self):
        """(name, parameter, part of its first axis) of every parameter."""
        scale, prefix, number = self.scales, "", 1
        while scale is not None:
            prefix += f"scale{number}."
            yield from scale.named(prefix)
            scale, number = scale.deeper, number + 1
        yield "last.weight", self.last.weight, slice(None)
        yield "last.bias", self.last.bias, slice(None)

    def load(self, tensors, of="parameter/"):
        """Takes values by ConvNet's names; idle channels, which are zeros, are left out."""
        with torch.no_grad():
            for name, parameter, part in self.named():
                values = torch.as_tensor(np.asarray(tensors[of + name]))
                target = parameter[part]
                target.copy_(values[:, : target.shape[1]] if values.dim() == 4 else values)


def philox(counters, key):
    """Philox4x32-10 of many counters [n, 4], as in Sources/Tensors/RandomNumbers.swift."""
    c = [counters[:, i].astype(np.uint64) for i in range(4)]
    k = [np.uint64(key[0]), np.uint64(key[1])]
    mask = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        first, second = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        c = [
            (second >> np.uint64(32)) ^ c[1] ^ k[0], second & mask,
            (first >> np.uint64(32)) ^ c[3] ^ k[1], first & mask,
        ]
        k = [(k[0] + np.uint64(0x9E3779B9)) & mask, (k[1] + np.uint64(0xBB67AE85)) & mask]
    return np.stack(c, 1).astype(np.uint32)


def input_noise(channels, height, width, seed):
    """The input that ConvNet draws: uniform from 0 to 0.1."""
    count = channels * height * width
    blocks = (count + 3) // 4
    counters = np.zeros((blocks, 4), np.uint32)
    counters[:, 0] = np.arange(blocks)
    counters[:, 3] = 6  # RandomPurpose.input
    words = philox(counters, (seed & 0xFFFFFFFF, seed >> 32)).reshape(-1)[:count]
    numbers = np.float32(0.1) * ((words >> 8).astype(np.float32) * np.float32(2.0**-24))
    return numbers.reshape(1, channels, height, width)
