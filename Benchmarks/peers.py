"""Measures ConvNet beside other frameworks on this machine: `make benchmark-peers`.

For each case of images a second, every peer first tries its variants and keeps the fastest. Then both sides
run in turn, A B A B ..., each time in a new process on the same number of threads, so that a machine that
warms up or gets busy slows both. The table gives medians over the rounds, and the median of the ratios taken
pair by pair. The exit code is 1 where a case misses its goal.

Needs: a release build of ConvNet, its data set (`make setup`), `pip install torch numpy`, a C++ compiler
for `torch.compile` (without one those variants are skipped, and the output says so).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path

from peers.convnet import ConvNet
from peers.peer import ROOT, Case, Measurement, Peer, PeerFailure
from peers.pytorch import PyTorch

#: A further network is a row here; a further framework is a file in `peers/` and a row below.
CASES = [
    Case("lenet5", "training", goal=3),
    Case("lenet5", "inference", goal=3),
    Case("lenet5", "start", batch=1, goal=10),
]

PEERS: list[Peer] = [PyTorch(), PyTorch(compiled=True)]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def best_variant(peer: Peer, case: Case, threads: int) -> tuple[str | None, dict[str, float]]:
    """The fastest of a peer's variants, and what each reached in the better of two trials.

    Two, because a busy moment in its only trial would throw the best variant out.
    """
    trials: dict[str, float] = {}
    variants = peer.variants(case)
    if len(variants) == 1:
        return variants[0], trials
    for variant in variants:
        try:
            trials[variant] = max(peer.measure(case, variant, threads).value for _ in range(2))
            say(f"  {peer.name}, {variant}: {trials[variant]:,.0f} {case.unit}")
        except PeerFailure as failure:
            say(f"  {peer.name}, {variant}: skipped, {failure}")
    if not trials:
        return None, trials
    return max(trials, key=trials.__getitem__), trials


def ratio(case: Case, ours: float, theirs: float) -> float:
    """How many times better ours is: of rates the quotient, of seconds its inverse."""
    return theirs / ours if case.mode == "start" else ours / theirs


def compare(case: Case, us: Peer, peer: Peer, rounds: int, threads: int) -> dict | None:
    say(f"{case.name}: ConvNet and {peer.name}, {rounds} rounds")
    variant, trials = best_variant(peer, case, threads)
    if variant is None:
        return None
    if case.mode == "start":
        # Fills the page cache for both sides; a first read from disk is not what is compared.
        us.measure(case, "command", threads)
        peer.measure(case, variant, threads)
    pairs: list[tuple[Measurement, Measurement]] = []
    for index in range(rounds):
        pair = us.measure(case, "command", threads), peer.measure(case, variant, threads)
        pairs.append(pair)
        digits = 3 if case.mode == "start" else 0
        say(f"  {index + 1}: {pair[0].value:,.{digits}f} and {pair[1].value:,.{digits}f} {case.unit}")
    ratios = [ratio(case, ours.value, theirs.value) for ours, theirs in pairs]
    goal = case.goal if peer.carries_goal else None
    return {
        "case": asdict(case),
        "name": case.name,
        "unit": case.unit,
        "peer": peer.name,
        "variant": variant,
        "trials": trials,
        "convnet": statistics.median(ours.value for ours, _ in pairs),
        "theirs": statistics.median(theirs.value for _, theirs in pairs),
        "ratio": statistics.median(ratios),
        "ratioRange": [min(ratios), max(ratios)],
        "goal": goal,
        "meetsGoal": goal is None or statistics.median(ratios) >= goal,
        "rounds": [{"convnet": asdict(ours), "theirs": asdict(theirs)} for ours, theirs in pairs],
    }


def print_table(rows: list[dict]) -> None:
    def number(row: dict, key: str) -> str:
        return f"{row[key]:.3f} s" if row["unit"] == "s" else f"{row[key]:,.0f} {row['unit']}"

    header = ["case", "ConvNet", "peer", "variant", "", "ratio", "range", "goal"]
    cells = [
        [
            row["name"], number(row, "convnet"), row["peer"], row["variant"], number(row, "theirs"),
            f"{row['ratio']:.2f}", "{:.2f} to {:.2f}".format(*row["ratioRange"]),
            "" if row["goal"] is None
            else f"{row['goal']:g} {'met' if row['meetsGoal'] else 'MISSED'}",
        ]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [header, *cells]) for column in range(len(header))]
    right = {1, 4, 5}
    for line in [header, *cells]:
        print("  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ).rstrip())


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def usable_processors() -> int:
    """Those that this process may run on: containers often allow fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--threads", type=int, default=usable_processors())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "peers" / "results.json")
    arguments = parser.parse_args()
    if not arguments.convnet.exists():
        parser.error(f"{arguments.convnet} does not exist: run `make build` first")

    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"the machine is busy (load {load:.1f}): both sides will be slower, ratios noisier")
    us = ConvNet(arguments.convnet)
    rows: list[dict] = []
    try:
        for case in (case for case in CASES if arguments.only in case.name):
            for peer in (peer for peer in PEERS if peer.variants(case)):
                row = compare(case, us, peer, arguments.rounds, arguments.threads)
                if row is not None:
                    rows.append(row)
    except PeerFailure as failure:
        say(f"error: {failure}")
        return 1

    versions = {peer.name: peer.version() for peer in [us, *PEERS]}
    report = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "processor": processor(),
        "threads": arguments.threads,
        "loadBefore": load,
        "versions": versions,
        "results": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    temporary = arguments.output.with_suffix(".tmp")
    temporary.write_text(json.dumps(report, indent=2) + "\n")
    temporary.replace(arguments.output)

    print(f"{processor()}, {arguments.threads} threads; "
          + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print_table(rows)
    say(f"written: {arguments.output}")
    return 0 if rows and all(row["meetsGoal"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
