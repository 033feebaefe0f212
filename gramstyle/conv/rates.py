"""How fast each algorithm is on a machine: seconds for a call, an operation and a number that is moved."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from gramstyle.conv.algorithms import ALGORITHMS
from gramstyle.conv.cost import Cost
from gramstyle.conv.geometry import Geometry, geometry_of

Rates: TypeAlias = dict[str, tuple[float, float, float]]
"""Algorithm -> seconds for each part of a `Cost`."""

PROBLEMS: tuple[tuple[int, int, int, int, int], ...] = (
    (4, 8, 4, 3, 1),
    (3, 112, 32, 3, 1),
    (16, 56, 32, 3, 1),
    (64, 28, 64, 3, 1),
    (128, 14, 128, 3, 1),
    (8, 8, 16, 1, 1),
    (64, 56, 128, 1, 1),
    (256, 14, 64, 1, 1),
    (8, 8, 8, 3, 8),
    (64, 56, 64, 3, 64),
    (64, 28, 64, 5, 64),
    (8, 64, 8, 9, 1),
    (1, 96, 8, 15, 1),
)
"""C, side, N, taps and groups of what is timed: each kind of algorithm at sizes where its parts differ."""

ROUNDS = 3

LONG = 0.05
"""Seconds after which a run is not repeated: noise is small beside it."""


def measure_rates(device: torch.device, dtype: torch.dtype) -> Rates:
    """Time every algorithm on `PROBLEMS` and fit its rates, none below zero; a few seconds."""
    found: dict[str, list[tuple[Cost, float]]] = {}
    for channels, side, outputs, taps, groups in PROBLEMS:
        x = drawn(1, channels, side, side).to(device, dtype)
        weight = drawn(outputs, channels // groups, taps, taps).to(device, dtype)
        geometry = geometry_of(x, weight, None, 1, taps // 2, 1, groups, "zeros", 2)
        for name, one in ALGORITHMS.items():
            if one.not_automatic is None and one.reason_against(geometry) is None:
                seconds = timed(partial(one, x, weight, geometry), device)
                found.setdefault(name, []).append((one.cost(geometry), seconds))
    return {name: fitted(rows) for name, rows in found.items()}


def drawn(*shape: int) -> Tensor:
    """Numbers that are the same every time, and not zeros, which some devices are faster at."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def fitted(rows: Sequence[tuple[Cost, float]]) -> tuple[float, float, float]:
    """Rates of least squares of relative errors, none of them below zero (Lawson and Hanson 1974)."""
    from sklearn.linear_model import LinearRegression

    costs, seconds = np.array([cost for cost, _ in rows]), np.array([took for _, took in rows])
    scale = np.abs(costs).max(0)  # or the numbers of operations alone are seen
    relative = costs / scale / seconds[:, None]
    fit: Any = LinearRegression(positive=True, fit_intercept=False)  # type: ignore[no-untyped-call]
    fit.fit(relative, np.ones(len(rows)))
    calls, operations, moved = (fit.coef_ / scale).tolist()
    return calls, operations, moved


def expected(rates: Rates, geometry: Geometry) -> dict[str, float]:
    """Seconds that each algorithm would take, shortest first, of those that can do a geometry."""
    found = {}
    for name, each in rates.items():
        if name in ALGORITHMS and ALGORITHMS[name].reason_against(geometry) is None:
            cost = ALGORITHMS[name].cost(geometry)
            found[name] = sum(rate * part for rate, part in zip(each, cost, strict=True))
    return dict(sorted(found.items(), key=lambda item: item[1]))


def timed(run: Callable[[], Any], device: torch.device, enough: float = LONG, *, warm: bool = False) -> float:
    """Median seconds of `ROUNDS`, after one that is not counted unless it is `warm`.

    Two are enough where both took `enough`: one alone may have been held up. One is where it took `LONG`.
    """
    seconds: list[float] = []
    with torch.no_grad():
        if not warm:
            run()
        while len(seconds) < ROUNDS and max(seconds, default=0) < LONG:
            finish(device)
            start = time.perf_counter()
            run()
            finish(device)
            seconds.append(time.perf_counter() - start)
            if len(seconds) > 1 and min(seconds) >= enough:
                break
    return statistics.median_low(seconds)


def finish(device: torch.device) -> None:
    """Wait for what `device` was told to do."""
    if device.type != "cpu":
        backend: Any = getattr(torch, device.type)
        backend.synchronize()
