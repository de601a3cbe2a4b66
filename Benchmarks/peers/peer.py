"""What is compared: a `Case`, and a `Peer` that measures it in a process of its own."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Models and pictures that are made once and measured often.
MADE = ROOT / "runs" / "peers" / "made"
#: A process that takes longer hangs.
LIMIT_SECONDS = 1800

#: The unit of each mode. Rates are better when larger, the others when smaller.
UNITS = {
    "inference": "images/s",
    "training": "images/s",
    "start": "s",
    "start memory": "MiB",
    "training memory": "MiB",
}
IMAGES = {
    "lenet5": (1, 28, 28),
    "resnet20": (3, 32, 32),
    "inception-v3-torchvision": (3, 299, 299),
}


@dataclass(frozen=True)
class Case:
    """A row of a table: one network doing one thing on some threads."""

    suite: str
    model: str
    #: A key of `UNITS`. "start" is the time from before the process exists to the first
    #: prediction of a saved model, "memory" the largest resident memory of the process.
    mode: str
    batch: int = 1
    threads: int = 2
    #: ConvNet must be this many times as good as the best peer.
    goal: float | None = None
    #: ConvNet's own value must not be more.
    limit: float | None = None
    #: All sides are held to these of the processor's instructions; empty: each takes what there is.
    instructions: str = ""

    @property
    def name(self) -> str:
        batch = "" if self.mode.startswith("start") else f", batch {self.batch}"
        threads = "" if self.threads == 2 else f", {self.threads} threads"
        return f"{self.model}, {self.mode}{batch}{threads}".replace(" 1 threads", " 1 thread")

    @property
    def unit(self) -> str:
        return UNITS[self.mode]

    @property
    def is_rate(self) -> bool:
        return self.unit == "images/s"

    @property
    def is_memory(self) -> bool:
        return self.unit == "MiB"

    @property
    def trains(self) -> bool:
        return self.mode.startswith("training")

    @property
    def starts(self) -> bool:
        return self.mode.startswith("start")

    @property
    def is_file(self) -> bool:
        """Whether every side is given the very same ONNX file, of a network that torchvision calls so."""
        return self.model.endswith(".onnx")

    @property
    def image(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        return IMAGES.get(self.model, (3, 224, 224))

    @property
    def classes(self) -> int:
        """A model of ours to start with is trained for a moment, on pictures of ten classes."""
        is_small = self.starts and not self.is_file
        return 10 if is_small or self.model in ("lenet5", "resnet20") else 1000

    def ratio(self, ours: float, theirs: float) -> float:
        """How many times better ours is."""
        return ours / theirs if self.is_rate else theirs / ours


@dataclass
class Measurement:
    """What one process reported. `value` is in the case's unit."""

    value: float
    details: dict = field(default_factory=dict)


class PeerFailure(Exception):
    """The peer's process failed; the message says how."""


class Peer:
    """A framework, used in one way. Subclasses say what it can run and how.

    Those in Python run in a worker: their file, as a program, is given a `Request` and prints the
    measured rate as a line of JSON (see `worker.py`).
    """

    #: In the arguments and the results.
    key = "?"
    #: In the tables.
    name = "?"
    #: The package whose version is that of the peer.
    package = "?"
    #: The worker, a module in this folder.
    module = "?"

    def version(self) -> str:
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            raise PeerFailure(f"{self.package} is not installed") from None

    def variants(self, case: Case) -> list[str]:
        """Ways to run the case, of which a trial finds the best; empty where it cannot."""
        raise NotImplementedError

    def prepare(self, case: Case) -> None:
        """Makes the files that the case needs, outside of what is measured."""

    def start_command(self, case: Case, variant: str) -> list[str]:
        """The command whose first printed line is the prediction of a saved model."""
        raise NotImplementedError

    def measure(self, case: Case, variant: str, seconds: float) -> Measurement:
        if case.starts:
            done = run(self.start_command(case, variant), case.threads, case.instructions)
            value = done.peak_mebibytes if case.is_memory else done.seconds_to_first_line
            return Measurement(value, {"peakMebibytes": done.peak_mebibytes})
        request = json.dumps({
            "case": asdict(case), "variant": variant,
            # Memory is at its peak after a few steps.
            "seconds": 0 if case.is_memory else seconds,
        })
        done = run([sys.executable, "-m", f"peers.{self.module}", request], case.threads, case.instructions)
        report = json.loads(done.output.strip().splitlines()[-1])
        rate = report.pop("value")
        details = {"peakMebibytes": done.peak_mebibytes, **report}
        return Measurement(done.peak_mebibytes if case.is_memory else rate, details)


@dataclass
class Finished:
    """What a process did that ended well."""

    output: str
    #: Wall time from just before the process exists.
    seconds_to_first_line: float
    #: The largest resident memory; not less than that of this small process, as the system counts.
    peak_mebibytes: float


#: What holds each side to instructions: ConvNet, the kernel library that most sides have, PyTorch with its compiler. ONNX Runtime obeys
#: nothing of the kind.
HOLDS = {
    "": {},
    "avx2": {"CONVNET_INSTRUCTIONS": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
}


def has_no_more(instructions: str) -> bool:
    """Whether the processor holds those that obey nothing."""
    try:
        words = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        return False
    return instructions in words and "avx512f" not in words


def environment(threads: int, instructions: str) -> dict[str, str]:
    """The environment of every measured process: the same threads for all libraries."""
    counts = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CONVNET_THREADS")
    return os.environ | {
        **{name: str(threads) for name in counts},
        **HOLDS[instructions],
        "PYTHONPATH": str(ROOT / "Benchmarks"),
        # Says nothing on standard error where all is well.
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "KERAS_BACKEND": "tensorflow",
        "TORCHINDUCTOR_CACHE_DIR": str(MADE / f"inductor{instructions}"),
    }


def run(command: list[str], threads: int, instructions: str = "") -> Finished:
    """Runs a process that must succeed."""
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            env=environment(threads, instructions), cwd=ROOT)
        guard = threading.Timer(LIMIT_SECONDS, process.kill)
        guard.start()
        try:
            first = process.stdout.readline()
            elapsed = time.perf_counter() - started
            output = first + process.stdout.read()
            # Not `wait`, which does not tell the memory.
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            guard.cancel()
            process.stdout.close()
        if process.returncode != 0 or not output.strip():
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"exit {process.returncode} without a word"
            raise PeerFailure(f"{' '.join(command[:3]).splitlines()[0]}: {reason}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Finished(output.decode(), elapsed, usage.ru_maxrss / unit)
