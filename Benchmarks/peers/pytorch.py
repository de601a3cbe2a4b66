"""PyTorch, as fast as we know how to run it without changing the numbers it computes.

The data are tensors in memory, already cut into batches, so no loader is measured. Run as a program it
is the worker: it measures one variant of one case and prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from peers.peer import Case, Measurement, Peer, run, run_worker, seconds_to_first_line, throughput


class PyTorch(Peer):
    """`compiled` is a peer of its own: most programs run eager, the careful ones do not."""

    def __init__(self, compiled: bool = False) -> None:
        self.compiled = compiled
        self.name = "PyTorch compiled" if compiled else "PyTorch"
        self.carries_goal = not compiled
        self.folder: Path | None = None

    def version(self) -> str:
        return run([sys.executable, "-c", "import torch; print(torch.__version__)"], 1).strip()

    def variants(self, case: Case) -> list[str]:
        if case.model not in NETWORKS:
            return []
        if case.mode == "start":
            return [] if self.compiled else ["state dict"]
        if not self.compiled:
            return ["eager", "eager channels-last"]
        compiled = ["compile", "compile channels-last"]
        return compiled + ["script frozen"] if case.mode == "inference" else compiled

    def measure(self, case: Case, variant: str, threads: int) -> Measurement:
        if case.mode != "start":
            return run_worker("pytorch.py", case, variant, threads)
        if self.folder is None:
            self.folder = Path(tempfile.mkdtemp(prefix="convnet-peers-"))
            run([sys.executable, __file__, "--save", case.model, str(self.folder)], threads)
        program = START.format(folder=self.folder, network=NETWORKS[case.model], threads=threads)
        return Measurement(seconds_to_first_line([sys.executable, "-c", program], threads))


# A network is source text, because the start case must not pay for importing this file.
# LeNet-5 as `convnet summary lenet5` shows it: hyperbolic tangents, average pooling.
NETWORKS = {
    "lenet5": """nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))""",
}

# Kinder to PyTorch than `convnet predict` is to ConvNet: raw bytes instead of a PNG, the network in the
# program instead of in the file, and the interpreter's exit is not counted.
START = """
import torch
from torch import nn
torch.set_num_threads({threads})
model = {network}
model.load_state_dict(torch.load("{folder}/weights.pt", weights_only=True))
model.eval()
pixels = bytearray(open("{folder}/picture.raw", "rb").read())
with torch.inference_mode():
    picture = torch.frombuffer(pixels, dtype=torch.uint8).reshape(1, 1, 28, 28).float() / 255
    print(int(model(picture).argmax()), flush=True)
"""


def make_network(name: str):
    from torch import nn

    return eval(NETWORKS[name], {"nn": nn})


def save(name: str, folder: str) -> None:
    import torch

    torch.manual_seed(42)
    torch.save(make_network(name).state_dict(), f"{folder}/weights.pt")
    Path(folder, "picture.raw").write_bytes(bytes(range(256)) * 3 + bytes(16))


def work(case: Case, variant: str, threads: int) -> dict:
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(42)
    layout = torch.channels_last if "channels-last" in variant else torch.contiguous_format
    model = make_network(case.model).to(memory_format=layout)
    # A few hundred different batches; more would only measure the memory of the machine.
    count = min(256, case.images // case.batch)
    batches = [
        torch.rand(case.batch, *case.image).to(memory_format=layout) for _ in range(count)
    ]

    if case.mode == "inference":
        model.eval()
        if variant.startswith("compile"):
            import torch._inductor.config as inductor

            inductor.freezing = True
            model = torch.compile(model)
        elif variant == "script frozen":
            with torch.no_grad():
                traced = torch.jit.freeze(torch.jit.trace(model, batches[0]))
                model = torch.jit.optimize_for_inference(traced)

        # Freezing demands `no_grad`; elsewhere `inference_mode` is the cheaper.
        with torch.no_grad() if variant.startswith("compile") else torch.inference_mode():
            return throughput(
                lambda index: model(batches[index % count]), case.batch, case.images)

    labels = [torch.randint(case.classes, (case.batch,)) for _ in range(count)]
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.01, momentum=0.9, weight_decay=0.0005, fused=True)
    loss_of = lambda images, truth: F.cross_entropy(model(images), truth)
    if variant.startswith("compile"):
        loss_of = torch.compile(loss_of)

    def step(index: int) -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of(batches[index % count], labels[index % count]).backward()
        optimizer.step()

    return throughput(step, case.batch, case.images)


if __name__ == "__main__":
    if sys.argv[1] == "--save":
        save(*sys.argv[2:])
    else:
        request = json.loads(sys.argv[1])
        print(json.dumps(work(Case(**request["case"]), request["variant"], request["threads"])))
