"""What the machine can do at most: the roof that times are measured against."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from gramstyle.conv.rates import finish
from gramstyle.kernels import instructions, processor

SIDE = 1536
"""Of the matrices: large enough for a library's best, small enough for half a second."""

COPIED = 1 << 27
"""Bytes: larger than caches."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A roofline (Williams, Waterman and Patterson 2009), measured through torch.

    Attributes:
        processor: its name.
        threads: of torch; 0 on a GPU.
        instructions: of the native half; of a GPU its compute capability.
        flops: float32 operations a second of a large matrix product, or convolution.
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


def measure_machine(device: torch.device | None = None, *, convolution: bool = False) -> Machine:
    """Measure this one, in about two seconds.

    Args:
        device: where; None is the CPU.
        convolution: count a large convolution as well as a large matrix product: on some processors the one
            library reaches more than the other.

    Raises:
        NativeUnavailableError: on a CPU, if the native half is not there: there would be nothing to compare.
    """
    place = device or torch.device("cpu")
    a, b = (torch.rand(SIDE, SIDE, device=place) for _ in range(2))
    source = torch.ones(COPIED // 4, device=place)
    target = torch.empty_like(source)
    rates = [2 * SIDE**3 / _best(lambda: torch.mm(a, b), place)]
    if convolution:
        x = torch.rand(1, 64, 112, 112, device=place).contiguous(memory_format=torch.channels_last)
        weight = torch.rand(64, 64, 3, 3, device=place).contiguous(memory_format=torch.channels_last)
        operations = 2 * 112**2 * weight.numel()
        with whole_float32():
            rates.append(operations / _best(lambda: torch.conv2d(x, weight, padding=1), place))
    return Machine(
        processor=processor() if place.type == "cpu" else torch.cuda.get_device_name(place),
        threads=torch.get_num_threads() if place.type == "cpu" else 0,
        instructions=instructions() if place.type == "cpu" else _capability(place),
        flops=max(rates),
        bandwidth=2 * COPIED / _best(lambda: target.copy_(source), place),
    )


@contextmanager
def whole_float32() -> Iterator[None]:
    """Without cuDNN's rounding of float32 to TF32, which torch's matrix products do not have by default."""
    cudnn: Any = torch.backends.cudnn
    known = {"enabled": cudnn.enabled, "benchmark": cudnn.benchmark, "deterministic": cudnn.deterministic}
    with cudnn.flags(**known, allow_tf32=False):
        yield


def _capability(device: torch.device) -> str:
    major, minor = torch.cuda.get_device_capability(device)
    return f"compute capability {major}.{minor}"


def _best(run: Callable[[], Any], device: torch.device, repeat: int = 9) -> float:
    """The shortest time: a roof is what was reached once."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        finish(device)
        seconds.append(time.perf_counter() - start)
    return min(statistics.median(seconds), *seconds)
