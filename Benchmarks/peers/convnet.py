"""ConvNet, through its command alone: what a user can run is what is measured."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

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
        return ["command"]

    def prepare(self, case: Case) -> None:
        if not case.starts or model_file(case).exists():
            return
        pictures = MADE / "pictures" / case.model
        make_pictures(pictures, case)
        run([
            self.command, "train", "--model", case.model, "--data", str(pictures), "--epochs", "1",
            "--batch-size", "4", "--output", str(model_file(case).parent), "--json",
        ], case.threads)

    def measure(self, case: Case, variant: str, seconds: float) -> Measurement:
        if case.starts:
            return super().measure(case, variant, seconds)
        done = run([
            self.command, "benchmark", case.model, "--batch", str(case.batch),
            "--mode", "training" if case.trains else "inference",
            "--threads", str(case.threads), "--seconds", str(0 if case.is_memory else seconds),
            "--json",
        ], case.threads)
        report = json.loads(done.output)
        if report["threads"] != case.threads:
            raise PeerFailure(f"ran on {report['threads']} threads, was asked for {case.threads}")
        rate = report.pop("imagesPerSecond")
        details = {"p10": rate["p10"], "p90": rate["p90"], "peakMebibytes": done.peak_mebibytes,
                   "compileSeconds": report["compileSeconds"]}
        return Measurement(done.peak_mebibytes if case.is_memory else rate["median"], details)

    def start_command(self, case: Case, variant: str) -> list[str]:
        picture = MADE / "pictures" / case.model / "0" / "0.png"
        return [self.command, "predict", str(model_file(case)), str(picture),
                "--threads", str(case.threads)]


def model_file(case: Case) -> Path:
    return MADE / "convnet" / case.model / "model.safetensors"


def make_pictures(folder: Path, case: Case) -> None:
    """Noise in the network's size, two pictures a class."""
    from PIL import Image

    channels, height, width = case.image
    for label in range(case.classes):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        for index in range(2):
            picture = Image.effect_noise((width, height), 80)
            picture.convert("L" if channels == 1 else "RGB").save(folder / f"{label}/{index}.png")
