"""What a peer is: a framework that can run some of the cases, each in a process of its own."""

from __future__ import annotations

import json
import os
import selectors
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Case:
    """A row of the table: one network doing one thing."""

    model: str
    #: `training` and `inference` are measured in images a second; `start` in seconds.
    mode: str
    batch: int = 64
    #: (channels, height, width)
    image: tuple[int, int, int] = (1, 28, 28)
    classes: int = 10
    #: Images in a measurement at most: an epoch of training, or as many forward.
    images: int = 60_000
    #: ConvNet must be this many times the peer (its inverse for seconds), or the run fails.
    goal: float | None = None

    @property
    def name(self) -> str:
        if self.mode == "start":
            return f"{self.model}: process start to first prediction"
        return f"{self.model}: {self.mode}, batch {self.batch}"

    @property
    def unit(self) -> str:
        return "s" if self.mode == "start" else "images/s"


@dataclass
class Measurement:
    """What one process reported. `value` is in the case's unit."""

    value: float
    details: dict = field(default_factory=dict)


class PeerFailure(Exception):
    """The peer's process failed; the message says how."""


class Peer:
    """A framework. Subclasses say which variants of a case they offer and how to measure one."""

    name = "?"
    #: Whether a case's goal is judged against this peer; the others are shown beside it.
    carries_goal = True

    def version(self) -> str:
        raise NotImplementedError

    def variants(self, case: Case) -> list[str]:
        """Ways to run the case, fastest chosen by a trial; empty where the peer cannot run it."""
        raise NotImplementedError

    def measure(self, case: Case, variant: str, threads: int) -> Measurement:
        raise NotImplementedError


def environment(threads: int) -> dict[str, str]:
    """The environment of every measured process: the same threads for all libraries."""
    return os.environ | {
        name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CONVNET_THREADS")
    }


def run(command: list[str], threads: int) -> str:
    """The standard output of a process that must succeed."""
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(threads), cwd=ROOT, check=False
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise PeerFailure(f"{' '.join(command[:3])}: {lines[-1]}")
    return done.stdout


def run_worker(module: str, case: Case, variant: str, threads: int) -> Measurement:
    """Runs a peer's file as a program, with the case as its argument, and reads its JSON line."""
    request = json.dumps({"case": asdict(case), "variant": variant, "threads": threads})
    output = run([sys.executable, str(ROOT / "Benchmarks" / "peers" / module), request], threads)
    report = json.loads(output.strip().splitlines()[-1])
    return Measurement(report.pop("value"), report)


def seconds_to_first_line(command: list[str], threads: int) -> float:
    """Wall time from just before the process exists to the first line that it prints."""
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(threads), cwd=ROOT
    ) as process, selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.select(timeout=300)
        elapsed = time.perf_counter() - started
        output, errors = process.communicate(timeout=300)
    if process.returncode != 0 or not output:
        lines = errors.decode(errors="replace").strip().splitlines() or ["printed nothing"]
        raise PeerFailure(f"{' '.join(command[:3])}: {lines[-1]}")
    return elapsed


def throughput(
    step, images_a_step: int, images: int, warmup: int = 20, seconds: float = 10
) -> dict:
    """Calls `step(i)` until `images` or `seconds` have passed; images a second over slices of 50 steps.

    Slices give the spread; the value is the median over them, as `convnet benchmark` reports.
    """
    for index in range(warmup):
        step(index)
    rates = []
    slice_steps = 50
    begun = time.perf_counter()
    for first in range(0, images // images_a_step, slice_steps):
        started = time.perf_counter()
        for index in range(first, first + slice_steps):
            step(index)
        now = time.perf_counter()
        rates.append(slice_steps * images_a_step / (now - started))
        if now - begun > seconds:
            break
    quantiles = statistics.quantiles(rates, n=10) if len(rates) > 1 else rates * 9
    return {"value": statistics.median(rates), "p10": quantiles[0], "p90": quantiles[8]}
