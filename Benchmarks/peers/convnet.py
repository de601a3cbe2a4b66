"""ConvNet, through its command alone: what a user can run is what is measured."""

from __future__ import annotations

import json
from pathlib import Path

from peers.peer import (
    ROOT, Case, Measurement, Peer, PeerFailure, run, seconds_to_first_line,
)


class ConvNet(Peer):
    name = "ConvNet"

    def __init__(self, command: Path, data: str = "fashion-mnist") -> None:
        self.command = str(command)
        self.data = data
        self.files: dict[str, tuple[str, str]] = {}

    def version(self) -> str:
        return run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], 1).strip()

    def variants(self, case: Case) -> list[str]:
        return ["command"]

    def measure(self, case: Case, variant: str, threads: int) -> Measurement:
        if case.mode == "start":
            model, picture = self.trained(case, threads)
            command = [self.command, "predict", model, picture, "--threads", str(threads)]
            return Measurement(seconds_to_first_line(command, threads))
        report = json.loads(run([
            self.command, "benchmark", case.model, "--batch", str(case.batch),
            "--mode", case.mode, "--threads", str(threads), "--json",
        ], threads))
        if report["threads"] != threads:
            raise PeerFailure(f"ran on {report['threads']} threads, was asked for {threads}")
        rate = report.pop("imagesPerSecond")
        return Measurement(rate["median"], {"p10": rate["p10"], "p90": rate["p90"], **report})

    def trained(self, case: Case, threads: int) -> tuple[str, str]:
        """A saved model and a picture to classify; made once, outside the measured time."""
        if case.model not in self.files:
            folder = ROOT / "runs" / "peers" / case.model
            model = folder / "model.safetensors"
            if not model.exists():
                run([
                    self.command, "train", "--model", case.model, "--data", self.data,
                    "--epochs", "1", "--output", str(folder), "--quiet",
                ], threads)
            run([
                self.command, "dataset", "export", self.data, "--part", "test",
                "--count", "1", "--output", str(folder / "pictures"),
            ], threads)
            self.files[case.model] = (str(model), str(next((folder / "pictures").glob("*.png"))))
        return self.files[case.model]
