"""How far each case of the comparison is from what the machine can do, and in what: `make benchmark-limits`.

Runs `convnet benchmark --profile` and adds up, by kind of work, the time that the machine's peaks allow for the arithmetic
that the algorithms do and the bytes that they must move. What is left of the time is named with the kind that takes it.

    limits.py --suite inference --case "resnet50 batch 16"
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from peers.cases import selected_cases
from peers.peer import ROOT, Case, run


@dataclass
class Kind:
    """The steps of a kind in one run."""

    name: str
    seconds: float
    #: Seconds at the machine's peaks; more than `seconds` where the bytes were in a cache.
    least: float

    @property
    def lost(self) -> float:
        return max(0.0, self.seconds - self.least)


@dataclass
class Profile:
    """Where the time of a case goes."""

    case: Case
    kinds: list[Kind]

    @classmethod
    def measured(cls, command: Path, case: Case, seconds: float) -> Profile:
        done = run([
            str(command), "benchmark", case.model, "--batch", str(case.batch), "--mode", case.mode,
            "--threads", str(case.threads), "--seconds", str(seconds), "--profile", "--json",
        ], case.threads)
        kinds = json.loads(done.output)["profile"]["kinds"]
        return cls(case, [
            Kind(row["kind"], row["work"]["seconds"],
                 row["work"]["seconds"] * row["work"]["shareOfPeak"])
            for row in kinds
        ])

    @property
    def seconds(self) -> float:
        return sum(kind.seconds for kind in self.kinds)

    @property
    def least(self) -> float:
        """At the limit; a kind that its caches served better counts as it ran."""
        return sum(min(kind.seconds, kind.least) for kind in self.kinds)

    def row(self) -> str:
        """What is lost to each kind in percent of the time, from one percent on, most first."""
        losses = sorted(self.kinds, key=lambda kind: -kind.lost)
        text = "; ".join(
            f"{kind.name} {percent(kind.lost / self.seconds)} "
            f"({percent(kind.seconds / self.seconds)} of the time, "
            f"at {percent(min(1, kind.least / kind.seconds))})"
            for kind in losses if kind.lost >= 0.01 * self.seconds)
        cells = [
            self.case.name, milliseconds(self.seconds), milliseconds(self.least),
            percent(self.least / self.seconds), text,
        ]
        return f"| {' | '.join(cells)} |"


HEADING = """| case | a run, ms | at the limit, ms | of the limit | what the rest is, of the time |
| --- | ---: | ---: | ---: | --- |"""


def milliseconds(seconds: float) -> str:
    value = 1000 * seconds
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n    ")[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    suites = ["inference", "training", "small"]
    parser.add_argument("--suite", nargs="+", choices=suites, default=suites)
    parser.add_argument(
        "--case", nargs="+", default=[], metavar="WORDS", help="cases whose name has all these words")
    parser.add_argument("--seconds", type=float, default=1, help="to warm up for (default 1)")
    parser.add_argument("--convnet", type=Path, default=ROOT / ".build" / "release" / "convnet")
    arguments = parser.parse_args()
    cases = selected_cases(arguments.suite, arguments.case)
    if not cases:
        print("error: no case has these words", file=sys.stderr)
        return 1
    print(HEADING)
    for case in cases:
        print(Profile.measured(arguments.convnet, case, arguments.seconds).row(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
