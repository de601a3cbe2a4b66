"""Networks of the lecture that torchvision lacks, under ConvNet's names."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class LeNet5(nn.Module):
    """Flattens channels last, as ConvNet does for pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense1 = nn.Linear(400, 120)
        self.dense2 = nn.Linear(120, 84)
        self.dense3 = nn.Linear(84, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.avg_pool2d(self.conv1(x).tanh(), 2)
        x = functional.avg_pool2d(self.conv2(x).tanh(), 2)
        x = x.permute(0, 2, 3, 1).flatten(1)
        return self.dense3(self.dense2(self.dense1(x).tanh()).tanh())


class LectureBatchNorm(nn.BatchNorm2d):
    """With the lecture's constants; its moving average takes the variance divided by m."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-3, momentum=0.01)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        with torch.no_grad():
            variance, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        return functional.batch_norm(x, None, None, self.weight, self.bias, True, 0, self.eps)


class CIFARBlock(nn.Module):
    """Two 3x3 convolutions around which the input goes, with zeros for the channels it lacks."""

    def __init__(self, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, padding=1, bias=False)
        self.bn1 = LectureBatchNorm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = LectureBatchNorm(channels)
        self.stride, self.missing = stride, channels - inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        x = x[:, :, :: self.stride, :: self.stride]
        return (y + functional.pad(x, (0, 0, 0, 0, 0, self.missing))).relu()


class CIFARResNet20(nn.Module):
    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = LectureBatchNorm(16)
        self.layer1 = self.stage(16, 16, 1)
        self.layer2 = self.stage(16, 32, 2)
        self.layer3 = self.stage(32, 64, 2)
        self.fc = nn.Linear(64, 10)

    @staticmethod
    def stage(inputs: int, channels: int, stride: int) -> nn.Sequential:
        return nn.Sequential(
            CIFARBlock(inputs, channels, stride),
            CIFARBlock(channels, channels, 1),
            CIFARBlock(channels, channels, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)).relu())))
        return self.fc(x.mean(dim=(2, 3)))
