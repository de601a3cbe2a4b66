"""PyTorch, in three ways: as most programs run it, channels-last, and compiled."""

from __future__ import annotations

import sys
from pathlib import Path

from peers.peer import MADE, Case, Peer, run


class PyTorch(Peer):
    """Eager, in PyTorch's own order of memory."""

    key = "pytorch"
    name = "PyTorch"
    package = "torch"
    module = "pytorch"

    def variants(self, case: Case) -> list[str]:
        if case.is_file:
            return []
        if case.starts:
            return ["state dict", "script"]
        return ["eager"]

    def prepare(self, case: Case) -> None:
        if case.starts and not (folder_of(case) / "picture.raw").exists():
            request = [sys.executable, "-m", "peers.pytorch", "--save", case.model,
                       str(case.classes), str(folder_of(case))]
            run(request, case.threads)

    def start_command(self, case: Case, variant: str) -> list[str]:
        load = LOADS[variant].format(
            folder=folder_of(case), model=case.model, classes=case.classes)
        program = START.format(
            folder=folder_of(case), image=case.image, threads=case.threads, load=load)
        return [sys.executable, "-c", program]


class PyTorchChannelsLast(PyTorch):
    """Eager, channels-last: on a CPU oneDNN's kernels then need no reorders of the activations."""

    key = "pytorch-channels-last"
    name = "PyTorch channels-last"

    def variants(self, case: Case) -> list[str]:
        return [] if case.starts or case.is_file else ["eager channels-last"]


class PyTorchCompiled(PyTorch):
    """`torch.compile`, which needs a C++ compiler; for inference with frozen parameters."""

    key = "pytorch-compiled"
    name = "PyTorch compiled"

    def variants(self, case: Case) -> list[str]:
        if case.starts or case.is_file:
            return []
        if case.trains:
            return ["compile channels-last", "compile"]
        return ["compile channels-last", "max-autotune channels-last"]


def folder_of(case: Case) -> Path:
    return MADE / "pytorch" / f"{case.model}-{case.classes}"


# Kinder to PyTorch than `convnet predict` is to ConvNet: raw bytes instead of a PNG, and the
# interpreter's exit is not counted.
START = """
import torch
torch.set_num_threads({threads})
{load}
pixels = bytearray(open("{folder}/picture.raw", "rb").read())
with torch.inference_mode():
    picture = torch.frombuffer(pixels, dtype=torch.uint8).reshape(1, *{image}).float() / 255
    print(int(model(picture).argmax()), flush=True)
"""
LOADS = {
    # On the meta device, so that no parameters are drawn; the file is mapped, not read.
    "state dict": """
from peers.torch_networks import network
with torch.device("meta"):
    model = network("{model}", {classes}, trains=False)
model.load_state_dict(
    torch.load("{folder}/weights.pt", mmap=True, weights_only=True), assign=True)
""",
    # Needs neither torchvision nor the network's source.
    "script": """
model = torch.jit.load("{folder}/script.pt").eval()
""",
}


def save(model: str, classes: int, folder: Path) -> None:
    """A saved network in both forms, and the bytes of a picture."""
    import torch
    from peers.torch_networks import network

    case = Case("", model, "start")
    module = network(model, classes, trains=False)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(module.state_dict(), folder / "weights.pt")
    torch.jit.trace(module, torch.rand(1, *case.image)).save(str(folder / "script.pt"))
    torch.randint(256, case.image, dtype=torch.uint8).numpy().tofile(folder / "picture.raw")
    print(folder)


def work() -> None:
    import torch
    from peers.torch_networks import loss, network
    from peers.worker import Request

    request = Request.from_arguments()
    case, variant = request.case, request.variant
    torch.set_num_threads(case.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    layout = torch.channels_last if "channels-last" in variant else torch.contiguous_format
    model = network(case.model, case.classes, case.trains).to(memory_format=layout)
    images = torch.rand(case.batch, *case.image).to(memory_format=layout)
    mode = "max-autotune" if "max-autotune" in variant else "default"
    compiles = not variant.startswith("eager")

    if not case.trains:
        if not compiles:
            with torch.inference_mode():
                request.measure(lambda: model(images))
            return
        import torch._inductor.config as inductor

        inductor.freezing = True
        compiled = torch.compile(model, mode=mode)
        # Freezing demands `no_grad`.
        with torch.no_grad():
            request.measure(lambda: compiled(images))
        return

    labels = torch.randint(case.classes, (case.batch,))
    optimizer = torch.optim.SGD(
        model.parameters(), lr=1e-4, momentum=0.9, weight_decay=0.0005, fused=True)

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return loss(model(images), labels)

    if compiles:
        loss_of = torch.compile(loss_of, mode=mode)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of(images, labels).backward()
        optimizer.step()

    request.measure(step)


if __name__ == "__main__":
    if sys.argv[1] == "--save":
        save(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        work()
