"""Which algorithm a convolution takes here, and why."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gramstyle.conv.algorithms import ALGORITHMS
from gramstyle.conv.geometry import Geometry
from gramstyle.conv.rates import LONG, expected, measure_rates, timed
from gramstyle.conv.timings import Timings, precision_of, timings_of

SLACK = 2.0
"""Times the shortest measured time up to which an expected one is worth a measurement: as far as rates are
from the truth."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """An algorithm, and what it was compared with; `str` says it in words.

    Attributes:
        algorithm: the one that was taken.
        expected: algorithm -> seconds by the cost model, shortest first.
        measured: algorithm -> seconds on tensors of this geometry, of those expected to be among the fastest.
        against: algorithm -> why it was not considered.
        geometry: of the convolution.
        machine: device, precision and threads that this holds for.
    """

    algorithm: str
    expected: dict[str, float]
    measured: dict[str, float]
    against: dict[str, str]
    geometry: Geometry
    machine: str

    def __str__(self) -> str:
        """One line for each algorithm, shortest time first."""
        one = self.geometry
        taps = " x ".join(map(str, one.kernel))
        sizes = " x ".join(map(str, one.size))
        lines = [
            f"{self.algorithm}, for {one.channels} -> {one.outputs} channels, {taps} taps, "
            f"{sizes} positions, {one.operations / 1e6:.3g} million operations; {self.machine}"
        ]
        for name, seconds in sorted(self.measured.items(), key=lambda item: item[1]):
            lines.append(
                f"  {name}: measured {_ms(seconds)} ({_ms(self.expected[name])} expected): "
                f"{ALGORITHMS[name].summary}"
            )
        for name, seconds in self.expected.items():
            if name not in self.measured:
                lines.append(f"  {name}: not timed, {_ms(seconds)} expected")
        return "\n".join([*lines, *(f"  {name}: not taken: {why}" for name, why in self.against.items())])


_chosen: dict[tuple[Any, ...], Choice] = {}


def choose(x: Tensor, weight: Tensor, geometry: Geometry) -> Choice:
    """The fastest by measurement, of those that a cost model expects to be worth one.

    The model has three rates for each algorithm, measured once for a device, precision and number of threads,
    in a few seconds. Algorithms are timed in the order of the times that it expects, until the next one is
    expected to take `SLACK` times as long as the fastest did. What was measured is kept in the cache folder.
    """
    asked = (x.device, precision_of(x), x.is_contiguous(), torch.get_num_threads(), geometry)
    if asked not in _chosen:
        _chosen[asked] = _compared(x, weight, geometry)
    return _chosen[asked]


def _compared(x: Tensor, weight: Tensor, geometry: Geometry) -> Choice:
    timings = timings_of(x)
    rates = timings.rates or timings.with_rates(measure_rates(x.device, x.dtype))
    times = expected(rates, geometry)
    key = json.dumps([*_shape(geometry), str(x.is_contiguous())])
    known = {name: took for name, took in timings.measured.get(key, {}).items() if name in times}
    measured = known or _measured(x, weight, geometry, times, timings, key)
    return Choice(
        algorithm=min(measured, key=lambda name: measured[name]),
        expected=times,
        measured=measured,
        against=_against(geometry),
        geometry=geometry,
        machine=timings.machine,
    )


def _measured(
    x: Tensor, weight: Tensor, geometry: Geometry, times: dict[str, float], timings: Timings, key: str
) -> dict[str, float]:
    inputs = (x.detach(), weight.detach(), geometry)
    found: dict[str, float] = {}
    for name, took in times.items():
        shortest = min(found.values(), default=math.inf)
        if took > SLACK * shortest:
            break
        found[name] = timed(partial(ALGORITHMS[name], *inputs), x.device, min(LONG, SLACK * shortest))
    return timings.with_measured(key, found)


def _against(geometry: Geometry) -> dict[str, str]:
    found = {}
    for name, one in ALGORITHMS.items():
        reason = one.reason_against(geometry) or one.not_automatic
        if reason is not None:
            found[name] = reason
    return found


def _shape(geometry: Geometry) -> list[Any]:
    """What tells two geometries apart."""
    return list(vars(geometry).values())


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"
