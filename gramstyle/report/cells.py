"""Every separation of a report, with where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gramstyle.report import formats
from gramstyle.report.formats import rounded_auc, rounded_percent
from gramstyle.report.together import labels
from gramstyle.study import Comparison, Separation

LOW = 10.0
"""Contrast in percent, as shown, that on either side of 0 is spoken of as near the question's 5 %."""


@dataclass(frozen=True)
class Cell:
    """One separation.

    Attributes:
        label: what its comparison is called.
        metric: name of the metric.
        tap: name of the tap, or all of them.
        separation: the numbers.
    """

    label: str
    metric: str
    tap: str
    separation: Separation

    @property
    def auc(self) -> float:
        """AUC, as precise as it is shown."""
        return rounded_auc(self.separation.auc)

    @property
    def contrast(self) -> float:
        """Contrast in percent, as precise as it is shown."""
        return rounded_percent(self.separation.contrast)

    @property
    def is_low(self) -> bool:
        """Whether contrast is near the question's."""
        return abs(self.contrast) < LOW

    @property
    def place(self) -> str:
        """Architecture and tap."""
        return f"{self.label}, {self.tap}"

    @property
    def both(self) -> str:
        """Both numbers, as text."""
        return f"contrast {formats.percent(self.separation.contrast)}, AUC {formats.auc(self.separation.auc)}"


def cells_of(comparisons: Sequence[Comparison]) -> list[Cell]:
    """Separations of all comparisons, metrics and taps, in that order."""
    return [
        Cell(label, metric, tap, one)
        for label, comparison in zip(labels(comparisons), comparisons, strict=True)
        for metric, taps in comparison.separations.items()
        for tap, one in taps.items()
    ]
