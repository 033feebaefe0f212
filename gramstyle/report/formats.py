"""Numbers as readers see them.

What is said in words about a number is decided on the rounded number, so that a sentence never
contradicts the figure beside it.
"""

from __future__ import annotations

import math

SPACE = "\u00a0"
"""Keeps a number and its unit on one line."""


def rounded_auc(value: float) -> float:
    """An AUC as precise as it is shown; only exact 0 and 1 round to 0 and 1."""
    shown = round(value, 3)
    if shown == 1 and value < 1:
        return 0.999
    return 0.001 if shown == 0 and value > 0 else shown


def auc(value: float) -> str:
    """An AUC with three decimals; one just short of 1 (or just above 0) says so."""
    if value < 1 and round(value, 3) == 1:
        return ">0.999"
    if value > 0 and round(value, 3) == 0:
        return "<0.001"
    return f"{value:.3f}"


def rounded_percent(share: float) -> float:
    """A share in percent, as precise as it is shown; infinite shares stay so."""
    value = 100 * share
    if not math.isfinite(value):
        return value
    return round(value, 1 if abs(value) < 9.95 else 0) + 0.0  # + 0.0 makes -0.0 plain


def percent(share: float) -> str:
    """A share in percent: one decimal below 10 %, none above."""
    value = rounded_percent(share)
    if not math.isfinite(value):
        return _beyond(value)
    return f"{value:.{1 if abs(value) < 9.95 else 0}f}{SPACE}%"


def decimal(value: float) -> str:
    """A number with two decimals."""
    return f"{round(value, 2) + 0.0:.2f}" if math.isfinite(value) else _beyond(value)


def distance(value: float) -> str:
    """A distance with three significant digits."""
    return f"{value:#.3g}".rstrip(".") if math.isfinite(value) else _beyond(value)


def seconds(value: float) -> str:
    """A time in seconds, or in minutes from two on."""
    if value >= 120:
        return f"{value / 60:.0f}{SPACE}min"
    return f"{value:.{1 if value < 10 else 0}f}{SPACE}s"


def count(number: int, noun: str) -> str:
    """A number of things: ``1 pair``, ``1,200 pairs``."""
    return f"{number:,}{SPACE}{noun}{'' if number == 1 else 's'}"


def listed(items: list[str]) -> str:
    """Items in a sentence: ``a, b and c``."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _beyond(value: float) -> str:
    if math.isnan(value):
        return "undefined"
    return "infinite" if value > 0 else "-infinite"
