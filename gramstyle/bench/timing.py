"""Paired timing: contenders take turns, so that what slows the machine slows them all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from gramstyle.bench import allocator as allocators
from gramstyle.bench.allocator import Allocator

if TYPE_CHECKING:
    from typing_extensions import Self  # in typing from Python 3.11


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way of doing a job.

    Attributes:
        name: of the way.
        run: the job, done once.
        allocator: under which it runs.
    """

    name: str
    run: Callable[[], Any]
    allocator: Allocator = "tuned"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One job, timed.

    Attributes:
        job: what was done.
        facts: what else is known of it: shapes, errors, shares.
        seconds: contender -> seconds of each round, in order.
    """

    job: str
    facts: dict[str, Any]
    seconds: dict[str, list[float]]

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> Self:
        """The row that `record` was made of, to the rounding of its times."""
        known = {"job", "median_ms", "rounds_ms"}
        facts = {name: value for name, value in record.items() if name not in known}
        seconds = {name: [one / 1e3 for one in found] for name, found in record["rounds_ms"].items()}
        return cls(job=record["job"], facts=facts, seconds=seconds)

    def record(self) -> dict[str, Any]:
        """For JSON: job, facts, and milliseconds."""
        return {
            "job": self.job,
            **self.facts,
            "median_ms": {name: round(1e3 * self.median(name), 4) for name in self.seconds},
            "rounds_ms": {
                name: [round(1e3 * one, 4) for one in found] for name, found in self.seconds.items()
            },
        }

    def median(self, name: str) -> float:
        """Median seconds of a contender."""
        return statistics.median(self.seconds[name])

    def ratio(self, slower: str, faster: str) -> float:
        """How many times as long `slower` takes: the median over rounds of the ratio within a round."""
        pairs = zip(self.seconds[slower], self.seconds[faster], strict=True)
        return statistics.median(one / other for one, other in pairs)

    def fastest(self, names: Sequence[str]) -> str:
        """That with the least median."""
        return min(names, key=self.median)


def take_turns(contenders: Sequence[Contender], repeat: int) -> dict[str, list[float]]:
    """Seconds of each contender in each of `repeat` rounds, after one round that is not counted.

    The order is turned round from one round to the next, so that none always follows the same other one.
    Those with default memory go first; each runs once more than is counted, to find the memory that is kept.
    """
    seconds: dict[str, list[float]] = {one.name: [] for one in contenders}
    enabled = gc.isenabled()
    gc.disable()
    try:
        for turn in range(repeat + 1):
            for allocator in get_args(Allocator):
                allocators.use(allocator)
                group = [one for one in contenders if one.allocator == allocator]
                for one in group:
                    one.run()
                for one in group if turn % 2 else reversed(group):
                    start = time.perf_counter()
                    one.run()
                    took = time.perf_counter() - start
                    if turn:
                        seconds[one.name].append(took)
    finally:
        allocators.use("default")
        if enabled:
            gc.enable()
    return seconds
