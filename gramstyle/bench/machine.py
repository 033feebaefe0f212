"""What the machine can do at most: the roof that times are measured against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from gramstyle.kernels import processor

SIDE = 1536
"""Of the matrices: large enough for a library's best, small enough for half a second."""

COPIED = 1 << 27
"""Bytes: larger than caches."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A roofline (Williams, Waterman and Patterson 2009), measured through torch.

    Attributes:
        processor: its name.
        threads: of torch.
        instructions: of the native half.
        flops: float32 operations a second of a large matrix product.
        bandwidth: bytes a second of a large copy, read and written.
    """

    processor: str
    threads: int
    instructions: str
    flops: float
    bandwidth: float

    def least(self, operations: float, moved: float) -> float:
        """Seconds that no implementation can beat: all of `operations`, or all bytes `moved`."""
        return max(operations / self.flops, moved / self.bandwidth)


def measure_machine() -> Machine:
    """Measure this one, in about two seconds.

    Raises:
        NativeUnavailableError: if the native half is not there: there would be nothing to compare.
    """
    from gramstyle.kernels import instructions

    a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    source = torch.ones(COPIED // 4)
    target = torch.empty_like(source)
    return Machine(
        processor=processor(),
        threads=torch.get_num_threads(),
        instructions=instructions(),
        flops=2 * SIDE**3 / _best(lambda: torch.mm(a, b)),
        bandwidth=2 * COPIED / _best(lambda: target.copy_(source)),
    )


def _best(run: Callable[[], Any], repeat: int = 9) -> float:
    """The shortest time: a roof is what was reached once."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(statistics.median(seconds), *seconds)
