"""What the workers have in common: the request that they are given, and how they measure."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from peers.peer import Case


@dataclass(frozen=True)
class Request:
    case: Case
    variant: str
    seconds: float

    @classmethod
    def from_arguments(cls) -> Request:
        fields = json.loads(sys.argv[1])
        return cls(Case(**fields["case"]), fields["variant"], fields["seconds"])

    def measure(self, step: Callable[[], object], images: int | None = None) -> None:
        """Calls the step until the seconds have passed, and prints the rate.

        As `convnet benchmark` does: the median over the steps, after steps that warm up.
        `images` is what a step handles, where that is not the batch.
        """
        images = images or self.case.batch
        # Where only memory is of interest: the optimizer's is there after the first step.
        least = 3 if self.seconds else 1
        repeat(step, least=2, seconds=min(0.5, self.seconds))
        rates = sorted(images / time for time in repeat(step, least=least, seconds=self.seconds))
        place = len(rates) - 1
        print(json.dumps({
            "value": statistics.median(rates),
            "p10": rates[round(0.1 * place)],
            "p90": rates[round(0.9 * place)],
            "steps": len(rates),
        }), flush=True)


def repeat(step: Callable[[], object], least: int, seconds: float) -> list[float]:
    """The time of every step."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < end:
        started = time.perf_counter()
        step()
        times.append(time.perf_counter() - started)
    return times
