"""torchvision's networks, also beside a build of PyTorch that its compiled part was not made for.

Package indexes have torchvision compiled for PyTorch with CUDA. Beside a CPU build, which is the
honest one to measure memory and start with, that part is not loaded, and the import fails for want of
two operations that it defines. No network of the zoo needs them.
"""

from __future__ import annotations

import torch

if "+cpu" in torch.__version__:
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for _name in ("nms", "qnms"):
        _library.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

from torchvision import models  # noqa: E402

__all__ = ["models"]
