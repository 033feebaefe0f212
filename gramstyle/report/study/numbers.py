"""Numbers of a study as readers see them; those that were not computed are a dash."""

from __future__ import annotations

import math
from collections.abc import Callable

from gramstyle.report import formats

MISSING = "–"
UNDEFINED = "undefined"

Show = Callable[[float], str]


def auc(value: float | None) -> str:
    """An AUC with three decimals."""
    return _shown(value, formats.auc)


def percent(value: float | None) -> str:
    """A share in percent."""
    return _shown(value, formats.percent)


def plain(value: float | None) -> str:
    """Any number with three significant digits."""
    return _shown(value, _three_digits)


def signed(value: float | None) -> str:
    """A difference of two AUCs, with its sign and three decimals."""
    return _shown(value, lambda number: f"{round(number, 3) + 0.0:+.3f}")


def signed_percent(value: float | None) -> str:
    """A difference of two contrasts in percent points, with its sign."""
    return _shown(value, lambda number: f"{round(100 * number, 1) + 0.0:+.1f}{formats.SPACE}%")


def probability(value: float | None) -> str:
    """A p with three decimals; one that would show as 0 says that it is below."""
    return _shown(value, lambda number: "<0.001" if number < 0.001 else f"{number:.3f}")


def interval(low: float | None, high: float | None, show: Callable[[float | None], str] = auc) -> str:
    """Both ends of an interval; a dash where none was computed."""
    return MISSING if low is None or high is None else f"[{show(low)}, {show(high)}]"


def with_interval(
    value: float | None, low: float | None, high: float | None, show: Callable[[float | None], str] = auc
) -> str:
    """A figure and its interval, as far as both are there."""
    return show(value) if low is None or high is None else f"{show(value)} {interval(low, high, show)}"


def side_of_zero(low: float, high: float) -> int:
    """1 if an interval of differences lies above 0, -1 if below, else 0; as precise as it is shown."""
    low, high = round(low, 3), round(high, 3)
    return 1 if low > 0 else -1 if high < 0 else 0


def given(value: float | None) -> float:
    """The value, NaN where there is none: what is not finite is not drawn."""
    return math.nan if value is None else value


def _shown(value: float | None, show: Show) -> str:
    if value is None:
        return MISSING
    if math.isfinite(value):
        return show(value)
    return UNDEFINED if math.isnan(value) else "infinite" if value > 0 else "-infinite"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
