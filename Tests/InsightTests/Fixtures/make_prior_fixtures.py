"""Writes prior.safetensors: first steps of two small deep image priors in PyTorch, and scikit-image's likeness of pictures.

Run with PyTorch, safetensors and scikit-image installed: python make_prior_fixtures.py
"""

import os
import sys

import numpy as np
import torch
from safetensors.numpy import save_file

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "..", "Benchmarks"))
from prior_network import PriorNetwork  # noqa: E402

torch.manual_seed(1)
rng = np.random.default_rng(1)


def picture(height, width, channels=3):
    rows, columns = np.mgrid[:height, :width]
    planes = [128 + 90 * np.sin(rows * 0.3 + columns * 0.17 * (c + 1)) for c in range(channels)]
    return np.clip(np.stack(planes, -1) + rng.normal(0, 12, (height, width, channels)), 0, 255).astype(np.uint8)


def planes(image):
    return torch.from_numpy(image.astype(np.float32).transpose(2, 0, 1)[None] / np.float32(255))


def steps(height, width, **arguments):
    observed, guide = picture(height, width), picture(height, width)
    known = rng.random((height, width)) > 0.25
    network = PriorNetwork(inputs=3, **arguments)
    tensors = {
        "observed": observed.astype(np.float32) / 255, "guide": guide.astype(np.float32) / 255,
        "known": known.astype(np.float32),
    }
    for name, parameter, part in network.named():
        if parameter.dim() == 1 and "last" not in name:  # scales and shifts that are not one and zero
            with torch.no_grad():
                parameter[part] += 0.2 * torch.randn_like(parameter[part])
        tensors[f"parameter/{name}"] = parameter[part].detach().numpy().copy()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    target, mask = planes(observed), torch.from_numpy(known.astype(np.float32))[None, None]
    losses, average = [], None
    for _ in range(4):
        optimizer.zero_grad()
        output = network(planes(guide))
        loss = ((output - target) ** 2 * mask).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        output = output.detach()
        average = output if average is None else 0.5 * average + 0.5 * output
    tensors["losses"] = np.float32(losses)
    tensors["average"] = np.ascontiguousarray(average[0].numpy().transpose(1, 2, 0))
    return tensors


def likeness(channels):
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    a = picture(23, 31, channels)
    b = np.clip(a + rng.normal(0, 15, a.shape), 0, 255).astype(np.uint8)
    x, y = a / 255.0, b / 255.0
    values = [
        peak_signal_noise_ratio(x, y, data_range=1),
        structural_similarity(
            x, y, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=-1
        ),
    ]
    return {"a": x.astype(np.float32), "b": y.astype(np.float32), "values": np.float32(values)}


contents = {
    "joined": steps(16, 16, down=(16, 32), up=(16, 16), skip=(4, 4), mode="bilinear"),
    "plain": steps(16, 24, down=(6, 5), up=(7, 4), skip=(3, 0), mode="nearest"),
    "likeness/color": likeness(3),
    "likeness/grey": likeness(1),
}
save_file(
    {f"{group}/{name}": np.ascontiguousarray(tensor) for group, tensors in contents.items() for name, tensor in tensors.items()},
    os.path.join(here, "prior.safetensors"),
)
