"""Fashion-MNIST for PyTorch, from the files of Debian's package."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy
import torch

ROOT = Path(os.environ.get("DATA_ROOT", "/usr/share/datasets/fashion-mnist"))


class FashionMNIST:
    """Pictures of values from 0 to 1, [N, 1, 28, 28], and labels."""

    def __init__(self, root: Path = ROOT) -> None:
        self.train = self.part(root, "train")
        self.test = self.part(root, "t10k")

    @staticmethod
    def part(root: Path, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        def values(kind: str, offset: int) -> numpy.ndarray:
            data = gzip.decompress((root / f"{name}-{kind}-ubyte.gz").read_bytes())
            return numpy.frombuffer(data, dtype="uint8", offset=offset)

        pixels = values("images-idx3", 16).reshape(-1, 1, 28, 28).astype("float32")
        return torch.from_numpy(pixels) / 255, torch.from_numpy(values("labels-idx1", 8).astype("int64"))
