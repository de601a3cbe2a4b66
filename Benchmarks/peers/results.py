"""What was measured: kept in one JSON file, which is written after every measurement.

    {"machine": {...}, "results": [{"case": {...}, "peers": {KEY: RECORD}}]}

A record holds the pairs of one case and one peer, and what they were measured with. With another
version of the peer, or another build of ConvNet, a record is void, and the case is measured again.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from peers.peer import Case, Measurement


@dataclass
class Record:
    #: Of the peer, and of ConvNet's build.
    version: str
    convnet: str
    #: The way to run the case that was best in the trial, and what all reached there.
    variant: str
    trials: dict[str, float] = field(default_factory=dict)
    #: Each `{"date", "convnet": Measurement, "theirs": Measurement}`, measured one after the other.
    pairs: list[dict] = field(default_factory=list)

    def values(self, side: str) -> list[float]:
        return [pair[side]["value"] for pair in self.pairs]

    def median(self) -> float:
        return statistics.median(self.values("theirs"))

    def ratios(self, case: Case) -> list[float]:
        """How many times better ConvNet is, pair by pair."""
        return [
            case.ratio(ours, theirs)
            for ours, theirs in zip(self.values("convnet"), self.values("theirs"))
        ]

    def ratio(self, case: Case) -> float:
        return statistics.median(self.ratios(case))

    def add(self, ours: Measurement, theirs: Measurement) -> None:
        self.pairs.append({"date": now(), "convnet": asdict(ours), "theirs": asdict(theirs)})


class Results:
    def __init__(self, path: Path, machine: dict | None = None) -> None:
        """Reads what an earlier run left, unless it was another machine's."""
        self.path = path
        self.machine = machine or this_machine()
        self.records: dict[Case, dict[str, Record]] = {}
        if not path.exists():
            return
        content = json.loads(path.read_text())
        if content["machine"] != self.machine:
            raise ValueError(
                f"{path} was measured on another machine, {content['machine']}; "
                "name another file with --output")
        for row in content["results"]:
            # A goal may have changed since: cases are found by what they measure.
            self.records[Case(**row["case"])] = {
                key: Record(**record) for key, record in row["peers"].items()
            }

    def peers(self, case: Case) -> dict[str, Record]:
        return self.records.setdefault(key_of(case), {})

    def valid(self, case: Case, peer: str, version: str, convnet: str) -> Record | None:
        """The record to go on with; `None` where there is none that these versions made."""
        record = self.peers(case).get(peer)
        is_valid = record and (record.version, record.convnet) == (version, convnet)
        return record if is_valid else None

    def alike(self, case: Case, peer: str) -> Record | None:
        """How the same network was run best for the same at the nearest batch that was measured."""
        found = [
            (abs(math.log(other.batch / case.batch)), peers[peer])
            for other, peers in self.records.items()
            if (other.model, other.mode) == (case.model, case.mode) and peer in peers
        ]
        if not found:
            return None
        return replace(min(found, key=lambda pair: pair[0])[1], trials={}, pairs=[])

    def save(self) -> None:
        content = {
            "machine": self.machine,
            "results": [
                {
                    "case": asdict(case),
                    "peers": {key: asdict(record) for key, record in peers.items()},
                }
                for case, peers in self.records.items() if peers
            ],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(content, indent=1) + "\n")
        unfinished.replace(self.path)


def key_of(case: Case) -> Case:
    """The case without its goals, which do not change what is measured."""
    return Case(case.suite, case.model, case.mode, case.batch, case.threads, instructions=case.instructions)


def measured(peers: dict[str, Record]) -> dict[str, Record]:
    return {key: record for key, record in peers.items() if record.pairs}


def median_of_convnet(peers: dict[str, Record]) -> float:
    """Over the rounds; where peers shared one, it counts once."""
    values = {
        json.dumps(pair["convnet"]): pair["convnet"]["value"]
        for record in peers.values() for pair in record.pairs
    }
    return statistics.median(values.values())


def best_peer(case: Case, peers: dict[str, Record]) -> str:
    """The one that ConvNet is least ahead of."""
    return min(peers, key=lambda key: peers[key].ratio(case))


def geometric_mean(values: list[float]) -> float:
    return math.exp(statistics.fmean(math.log(value) for value in values))


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def this_machine() -> dict:
    return {
        "processor": processor(), "processors": usable_processors(),
        "memoryGiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)),
        "system": f"{platform.system()} {platform.machine()}",
    }


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
