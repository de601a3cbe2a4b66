"""Writes small PyTorch checkpoints and NumPy archives of several kinds, with the libraries themselves.

What a file must be read as stands in the safetensors file of the same stem, `all-types.safetensors` for those that
begin with `all-types`. Needs torch, numpy and safetensors. Run it in this directory.
"""

import argparse
import zipfile
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file
from torch import nn


def repack(source: str, target: str, compression: int, replaced: dict[str, bytes] | None = None) -> None:
    """The same entries in another archive, as a tool that knows nothing of PyTorch would pack them."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", compression) as new:
        for info in old.infolist():
            name = info.filename
            data = (replaced or {}).get(name.split("/", 1)[1], old.read(name))
            new.writestr(zipfile.ZipInfo(name), data, compression)


def dense(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}


# Every element type.
types = load_file("all-types.safetensors")
torch.save(types, "all-types.pth")
torch.save(types, "all-types-protocol4.pth", pickle_protocol=4)
torch.save(types, "all-types-protocol5.pth", pickle_protocol=5)
repack("all-types.pth", "all-types-deflated.pth", zipfile.ZIP_DEFLATED)
torch.serialization.set_crc32_options(False)
torch.save(types, "all-types-unchecked.pth")
torch.serialization.set_crc32_options(True)
arrays = {name: tensor.numpy() for name, tensor in types.items() if name != "bfloat16"}
numpy.savez("all-types.npz", **arrays)
numpy.savez_compressed("all-types-deflated.npz", **arrays)
numpy.savez(
    "all-types-foreign.npz",
    **{
        name: numpy.array(array, array.dtype.newbyteorder(">"), order="F")
        for name, array in arrays.items()
    },
)
numpy.savez("texts.npz", weight=arrays["float32"], names=numpy.array(["a", "b"]))

# Views: of a shared storage, with an offset, transposed, with steps, repeating.
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
views = {
    "base": base,
    "tied": base,
    "row": base[2],
    "transposed": base.t(),
    "steps": base[1::2, ::3],
    "window": base[1:3, 2:5],
    "permuted": base.reshape(2, 3, 4).permute(2, 0, 1),
    "repeated": base[:2, :1].expand(2, 3),
    "empty": base[:, 2:2],
    "half": base.half().t(),
    "byte": base.to(torch.uint8)[:, 1],
    "double": base.double().t(),
}
torch.save(views, "views.pth")
save_file(dense(views), "views.safetensors")

# A network, and what trainings keep beside its state.
torch.manual_seed(0)
network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(32, 3))
optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
network(torch.randn(2, 1, 6, 6)).sum().backward()
optimizer.step()
state = network.state_dict()
save_file(dense(state), "network.safetensors")
torch.save(state, "network.pth")
torch.save(dict(network.named_parameters()), "network-parameters.pth")
checkpoint = {
    "epoch": 3,
    "arch": "small",
    "best": torch.tensor(0.5),
    "loss": 1.25,
    "large": 1 << 80,
    "args": argparse.Namespace(lr=0.1, path="x"),
    "score": numpy.float64(0.5),
    "betas": (0.9, 0.999),
    "tags": {"a", "b"},
    "raw": b"bytes",
    "nothing": None,
    "state_dict": {f"module.{name}": value for name, value in state.items()},
    "optimizer": optimizer.state_dict(),
}
torch.save(checkpoint, "network-checkpoint.pth")
torch.save(checkpoint, "network-checkpoint-protocol5.pth", pickle_protocol=5)
# As trainers keep averages of all steps beside the last weights.
averages = {name: value + 1 for name, value in state.items()}
torch.save({"model": state, "model_ema": averages, "optimizer": optimizer.state_dict()}, "network-averaged.pth")

# What is refused.
torch.save(state, "old-format.pth", _use_new_zipfile_serialization=False)
torch.save(network, "whole-module.pth")
torch.jit.save(torch.jit.script(network), "script.pt")
repack("network.pth", "big-endian.pth", zipfile.ZIP_STORED, {"byteorder": b"big"})
repack("network.pth", "bzip2.pth", zipfile.ZIP_BZIP2)
torch.save({"x": torch.eye(2).to_sparse()}, "sparse.pth")
torch.save({"x": torch.ones(2, dtype=torch.complex64)}, "complex.pth")
torch.save({"x": torch.ones(1).expand(1000)}, "expanded.pth")
torch.save([torch.ones(1)], "list.pth")
torch.save({"generator": dense(state), "discriminator": dense(state)}, "several.pth")

for path in sorted(Path(".").glob("*.p*t*")):
    print(path.name, path.stat().st_size)
