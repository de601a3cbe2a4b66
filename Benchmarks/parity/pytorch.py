"""PyTorch's side: torchvision's and timm's networks, their logits and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

from parity import safetensors

# torchvision trains with these shares of the losses of auxiliary classifiers, by the number of outputs.
SIDE_WEIGHTS = {3: 0.3, 2: 0.4}


def torchvision(name: str, **arguments: bool) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        from peers.torchvision_models import models

        return getattr(models, name)(weights=None, **arguments)

    return make


def timm(name: str) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        import peers.torchvision_models  # noqa: F401, what makes timm's import of torchvision work
        import timm as library

        return library.create_model(name, pretrained=False)

    return make


def randomize_normalization(module: nn.Module) -> None:
    """As after a training: statistics and scales that are not those of the beginning."""
    for name, parameter in module.named_parameters():
        # It begins at 1e-6, which would hide the branches.
        if name.endswith("layer_scale"):
            nn.init.uniform_(parameter, 0.1, 0.5)
    for layer in module.modules():
        if isinstance(layer, nn.LayerNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)


def keep_off_kinks(module: nn.Module) -> None:
    """Shifts every normalized channel by two and a half of its deviations, to and fro.

    At the kink of ReLU the gradient is not one number: an element within rounding of zero passes in one framework
    and not in the other, and a few such among millions show as more than a thousandth. So half of the channels are
    made nearly all positive, half nearly all negative; much further, and gradients would vanish.
    """
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            sign = 1 - 2 * (torch.arange(layer.num_features) % 2)
            with torch.no_grad():
                layer.bias.copy_(2.5 * sign * layer.weight)


class Torch:
    """A network of PyTorch's with random weights."""

    def __init__(self, make: Callable[[], nn.Module]) -> None:
        torch.manual_seed(42)
        self.module = make()
        randomize_normalization(self.module)

    def write_weights(self, folder: Path) -> Path:
        path = folder / "w.safetensors"
        safetensors.write(
            {
                name: value.detach().numpy()
                for name, value in self.module.state_dict().items()
                if value.is_floating_point()
            },
            path,
        )
        return path

    def logits(self, images: numpy.ndarray) -> numpy.ndarray:
        self.module.eval()
        with torch.inference_mode():
            return self.module(torch.from_numpy(images)).numpy()

    def gradients(
        self, images: numpy.ndarray, labels: numpy.ndarray
    ) -> tuple[float, dict[str, numpy.ndarray], dict[str, numpy.ndarray]]:
        """The total loss of one step, the gradients, and the running statistics after it.

        Everything passes dropout: the masks of two frameworks cannot be the same.
        """
        from torchvision.ops import StochasticDepth

        self.module.train()
        for layer in self.module.modules():
            if isinstance(layer, (nn.Dropout, StochasticDepth)):
                layer.p = 0
        outputs = self.module(torch.from_numpy(images))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        losses = [functional.cross_entropy(output, torch.from_numpy(labels)) for output in outputs]
        loss = losses[0] + SIDE_WEIGHTS.get(len(outputs), 0) * sum(losses[1:])
        loss.backward()
        gradients = {
            name: parameter.grad.numpy() for name, parameter in self.module.named_parameters()
        }
        statistics = {
            name: value.numpy()
            for name, value in self.module.named_buffers()
            if name.endswith(("running_mean", "running_var"))
        }
        return loss.item(), gradients, statistics
