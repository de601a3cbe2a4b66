"""ConvNet, through its command alone: what a user can run is what is measured."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from peers.onnx_export import export, onnx_file
from peers.peer import MADE, Case, Measurement, Peer, PeerFailure, run


class ConvNet(Peer):
    key = "convnet"
    name = "ConvNet"

    def __init__(self, command: Path) -> None:
        self.command = str(command)

    def version(self) -> str:
        """Of the file: two builds of one version differ."""
        return hashlib.sha256(Path(self.command).read_bytes()).hexdigest()[:12]

    def variants(self, case: Case) -> list[str]:
        """One batch at a time on all threads, or one a thread: what OpenVINO's hints for latency and throughput choose."""
        return ["one request", "a request a thread"] if case.mode == "inference" and case.threads > 1 else ["one request"]

    def prepare(self, case: Case) -> None:
        if case.is_file:
            export(case)
        if not case.starts or first_picture(case).exists() and model_file(case).exists():
            return
        pictures = MADE / "pictures" / case.model
        make_pictures(pictures, case)
        if case.is_file:
            return
        run([
            self.command, "train", "--model", case.model, "--data", str(pictures), "--epochs", "1",
            "--batch-size", "4", "--output", str(model_file(case).parent), "--json",
        ], case.threads)

    def measure(self, case: Case, variant: str, seconds: float) -> Measurement:
        if case.starts:
            return super().measure(case, variant, seconds)
        done = run([
            self.command, "benchmark", str(onnx_file(case)) if case.is_file else case.model, "--batch", str(case.batch),
            "--mode", "training" if case.trains else "inference",
            "--threads", str(case.threads), "--seconds", str(0 if case.is_memory else seconds),
            "--requests", str(case.threads if variant == "a request a thread" else 1), "--json",
        ], case.threads, case.instructions)
        report = json.loads(done.output)
        if report["threads"] != case.threads:
            raise PeerFailure(f"ran on {report['threads']} threads, was asked for {case.threads}")
        rate = report.pop("imagesPerSecond")
        details = {"variant": variant, "p10": rate["p10"], "p90": rate["p90"], "peakMebibytes": done.peak_mebibytes,
                   "compileSeconds": report["compileSeconds"]}
        return Measurement(done.peak_mebibytes if case.is_memory else rate["median"], details)

    def start_command(self, case: Case, variant: str) -> list[str]:
        return [self.command, "predict", str(model_file(case)), str(first_picture(case)),
                "--threads", str(case.threads)]


def first_picture(case: Case) -> Path:
    return MADE / "pictures" / case.model / "0" / "0.png"


def model_file(case: Case) -> Path:
    if case.is_file:
        return onnx_file(case)
    return MADE / "convnet" / case.model / "model.safetensors"


def make_pictures(folder: Path, case: Case) -> None:
    """Noise in the network's size, two pictures a class; of a file, which is not trained, of one class."""
    from PIL import Image

    channels, height, width = case.image
    for label in range(1 if case.is_file else case.classes):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        for index in range(2):
            picture = Image.effect_noise((width, height), 80)
            picture.convert("L" if channels == 1 else "RGB").save(folder / f"{label}/{index}.png")
