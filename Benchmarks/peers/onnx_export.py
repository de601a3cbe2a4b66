"""Writes a network as an ONNX file, once, for the frameworks that read them."""

from __future__ import annotations

import sys
from pathlib import Path

from peers.peer import MADE, Case, run


def onnx_file(case: Case) -> Path:
    """The file of a case, one for all its batches."""
    return MADE / "onnx" / (case.model if case.is_file else f"{case.model}-{case.classes}.onnx")


def export(case: Case) -> None:
    path = onnx_file(case)
    if not path.exists():
        request = [sys.executable, "-m", "peers.onnx_export", case.model, str(case.classes), str(path)]
        run(request, case.threads)


def work(model: str, classes: int, path: Path) -> None:
    import torch
    from peers.torch_networks import network

    torch.manual_seed(0)
    example = torch.rand(2, *Case("", model, "inference").image)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    torch.onnx.export(
        network(model, classes, trains=False), (example,), str(unfinished), dynamo=True,
        external_data=False, input_names=["images"], output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},), verbose=False)
    unfinished.replace(path)
    print(path)


if __name__ == "__main__":
    work(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
