"""Measures ConvNet beside other frameworks on this machine: `make benchmark-peers`.

In each round of a case, ConvNet and every peer run in turn, each in a new process on the same number of
threads, so that a machine that warms up or gets busy slows all. Before the first round a trial finds the
best way of running each peer, where there are several; in the suite scaling it is the one that was best for
the same network at the nearest batch. The tables give medians over the rounds, and the median of the ratios
taken pair by pair. The exit code is 1 where a goal is missed.

Every measurement is kept in the results file at once. A run that was cut off goes on where it was, and runs of
single suites, cases or peers add to one file; with another build of ConvNet or another version of a peer, a
case is measured again.

    peers.py --suite inference --case "resnet50 batch 16" --peers onnxruntime openvino --rounds 3
    peers.py --suite all scaling             everything
    peers.py --suite all --minutes 20        a part of it; the same command goes on
    peers.py --rounds 0                      only the tables and the plot

Needs: a release build of ConvNet, the packages of `scripts/peers-environment`, a C++ compiler for `torch.compile`.
What a peer cannot run is skipped, and the output says so.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from peers.cases import PEERS, PROCESSORS, SUITES, SUITES_OF_ALL, ConvNet, selected_cases
from peers.peer import ROOT, Case, Measurement, Peer, PeerFailure
from peers.plot import write_plot
from peers.results import Record, Results, usable_processors
from peers.tables import markdown, misses_a_goal, number


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class OutOfTime(Exception):
    """The minutes that this run was given are over."""


@dataclass
class Progress:
    """Counts measurements, and stops before the first that would begin too late."""

    total: int
    deadline: float
    done: int = 0
    started: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        if time.monotonic() >= self.deadline:
            raise OutOfTime

    def end(self, text: str) -> None:
        self.done += 1
        left = (time.monotonic() - self.started) / self.done * max(0, self.total - self.done)
        say(f"[{self.done}/{self.total}, {left / 60:.0f} min left] {text}")


@dataclass
class Comparison:
    """Measures cases and keeps the results."""

    us: ConvNet
    peers: list[Peer]
    results: Results
    rounds: int
    seconds: float
    progress: Progress
    versions: dict[str, str]
    failures: int = 0

    def run(self, case: Case) -> None:
        self.us.prepare(case)
        if case.starts:
            # Fills the page cache; a first read from the disk is not what is compared.
            self.us.measure(case, "one request", self.seconds)
        records = {
            peer.key: record for peer in self.peers for record in [self.record(case, peer)] if record
        }
        is_open = any(len(record.pairs) < self.rounds for record in records.values())
        way = self.way(case) if is_open else ""
        for number_of_round in range(1, self.rounds + 1):
            waiting = [
                peer for peer in self.peers
                if peer.key in records and len(records[peer.key].pairs) < number_of_round
            ]
            ours = self.measure(self.us, case, way) if waiting else None
            for peer in waiting:
                record = records[peer.key]
                try:
                    theirs = self.measure(peer, case, record.variant)
                except PeerFailure as failure:
                    self.skip(case, peer, record.variant, failure)
                    del records[peer.key]
                    continue
                record.add(ours, theirs)
                # In place of one that other versions made, only now.
                self.results.peers(case)[peer.key] = record
                self.results.save()

    def way(self, case: Case) -> str:
        """The faster way of running ConvNet."""
        variants = self.us.variants(case)
        if len(variants) == 1:
            return variants[0]
        trials = {variant: self.measure(self.us, case, variant, "trial of ").value for variant in variants}
        return max(trials, key=trials.__getitem__)

    def record(self, case: Case, peer: Peer) -> Record | None:
        """What to add pairs to: what an earlier run left, or a new one with the best variant."""
        if peer.key not in self.versions or not peer.variants(case):
            return None
        version, build = self.versions[peer.key], self.versions[self.us.key]
        left = self.results.valid(case, peer.key, version, build)
        if left:
            return left
        try:
            peer.prepare(case)
        except PeerFailure as failure:
            self.skip(case, peer, "its files", failure)
            return None
        variants = peer.variants(case)
        # What was best with another build of ConvNet is still the best.
        known = self.results.peers(case).get(peer.key)
        if not known and case.suite == "scaling":
            # Trials of every batch would take hours.
            known = self.results.alike(case, peer.key)
        if known and known.version == version and known.variant in variants:
            return Record(version, build, known.variant, known.trials)
        if len(variants) == 1:
            return Record(version, build, variants[0])
        trials: dict[str, float] = {}
        for variant in variants:
            try:
                trials[variant] = self.measure(peer, case, variant, "trial of ").value
            except PeerFailure as failure:
                self.skip(case, peer, variant, failure)
        if not trials:
            return None
        choose = max if case.is_rate else min
        record = Record(version, build, choose(trials, key=trials.__getitem__), trials)
        self.results.peers(case)[peer.key] = record
        self.results.save()
        return record

    def measure(self, peer: Peer, case: Case, variant: str, prefix: str = "") -> Measurement:
        self.progress.begin()
        measurement = peer.measure(case, variant, self.seconds)
        way = f", {variant}" if len(peer.variants(case)) > 1 else ""
        self.progress.end(
            f"{case.name}: {prefix}{peer.name}{way}: {number(measurement.value)} {case.unit}")
        return measurement

    def skip(self, case: Case, peer: Peer, what: str, failure: PeerFailure) -> None:
        self.failures += 1
        say(f"{case.name}: {peer.name}, {what}: skipped, {failure}")

    def missing(self, case: Case) -> int:
        """Measurements to make, about: every peer's, and ConvNet's of each round."""
        if not self.rounds:
            return 0
        left = []
        for peer in self.peers:
            variants = peer.variants(case) if peer.key in self.versions else []
            if not variants:
                continue
            record = self.results.valid(
                case, peer.key, self.versions[peer.key], self.versions[self.us.key])
            is_open = len(variants) > 1 and not record and case.suite != "scaling"
            trials = len(variants) if is_open else 0
            left.append((trials, self.rounds - (len(record.pairs) if record else 0)))
        rounds = [max(0, count) for _, count in left]
        ways = len(self.us.variants(case))
        if ways > 1 and any(rounds):
            left.append((ways, 0))
        return sum(trials for trials, _ in left) + sum(rounds) + max(rounds, default=0)


def parse() -> argparse.Namespace:
    keys = [peer.key for peer in PEERS]
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n    ")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--suite", nargs="+", choices=["all", *(suite for suite in SUITES if "," not in suite)], default=["all"],
        help="all is every one but scaling and those of processors, which take as long again (default)")
    parser.add_argument(
        "--case", nargs="+", default=[], metavar="WORDS", help="cases whose name has all these words")
    parser.add_argument("--peers", nargs="+", choices=keys, default=keys, metavar="PEER",
                        help=f"of {', '.join(keys)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of each measurement (default 3)")
    parser.add_argument("--minutes", type=float, default=float("inf"),
                        help="begin no measurement after these; the next run goes on")
    parser.add_argument("--prepare", action="store_true",
                        help="only make the files that the cases need")
    parser.add_argument("--again", action="store_true", help="forget what the cases' peers reached")
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "peers" / "results.json")
    arguments = parser.parse_args()
    if not arguments.convnet.exists():
        parser.error(f"{arguments.convnet} does not exist: run `make build` first")
    if "all" in arguments.suite:
        arguments.suite = [suite for suite in SUITES if suite in (*arguments.suite, *SUITES_OF_ALL)]
    if "processors" in arguments.suite:
        arguments.suite += [suite for suite, _ in PROCESSORS.values() if suite not in arguments.suite]
    return arguments


def versions_of(peers: list[Peer]) -> dict[str, str]:
    """Of the peers that are installed."""
    versions = {}
    for peer in peers:
        try:
            versions[peer.key] = peer.version()
        except PeerFailure as failure:
            say(f"{peer.name} is left out: {failure}")
    return versions


def prepare(cases: list[Case], peers: list[Peer]) -> int:
    failures = 0
    for case in cases:
        for peer in (peer for peer in peers if peer.variants(case)):
            try:
                peer.prepare(case)
            except PeerFailure as failure:
                failures += 1
                say(f"{case.name}: {peer.name}: {failure}")
    return 1 if failures else 0


def main() -> int:
    arguments = parse()
    us = ConvNet(arguments.convnet.resolve())
    peers = [peer for peer in PEERS if peer.key in arguments.peers]
    cases = [
        case for case in selected_cases(arguments.suite, arguments.case)
        if case.threads <= usable_processors()
    ]
    if not cases:
        say("error: no case has these words on this machine")
        return 1
    if arguments.prepare:
        return prepare(cases, [us, *peers])
    try:
        results = Results(arguments.output)
    except ValueError as failure:
        say(f"error: {failure}")
        return 1
    if arguments.again:
        for case in cases:
            for peer in peers:
                results.peers(case).pop(peer.key, None)
    load = os.getloadavg()[0]
    if load > 0.5 and arguments.rounds:
        say(f"the machine is busy (load {load:.1f}): all sides will be slower, ratios noisier")

    # A run that is told to end says what it measured, as at the end of its minutes.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    deadline = time.monotonic() + 60 * arguments.minutes
    comparison = Comparison(
        us, peers, results, arguments.rounds, arguments.seconds, Progress(0, deadline),
        versions_of([us, *peers]))
    comparison.progress.total = sum(comparison.missing(case) for case in cases)
    try:
        for case in (case for case in cases if comparison.missing(case)):
            try:
                comparison.run(case)
            except PeerFailure as failure:
                comparison.failures += 1
                say(f"{case.name}: ConvNet: {failure}")
    except (OutOfTime, KeyboardInterrupt):
        say("stopped; the same command goes on from here")

    print(markdown(results, arguments.suite))
    plot = arguments.output.with_suffix(".svg")
    if write_plot(results, plot):
        say(f"written: {arguments.output} and {plot}")
    return 1 if comparison.failures or misses_a_goal(results, arguments.suite) else 0


if __name__ == "__main__":
    sys.exit(main())
