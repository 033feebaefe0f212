"""One row of numbers per architecture and metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gramstyle.report import formats
from gramstyle.report.together import labels
from gramstyle.study import Comparison, Separation
from gramstyle.study.comparison import COMBINED

SUMMARY_HEADER = ("architecture", "metric", "AUC", "contrast", "d'", "highest AUC", "last tap", "time")
"""Columns of `SummaryRow.cells`."""


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """What one architecture does under one metric.

    Attributes:
        label: what the comparison is called among the others.
        metric: name of the metric.
        overall: separation over the taps together.
        best_tap: the tap of the highest AUC, the shallowest of several. It was found on the
            very pairs that its AUC is of, which flatters it.
        best: its separation.
        last_tap: the deepest tap.
        last: its separation.
        seconds: time that the architecture took, all metrics together.
    """

    label: str
    metric: str
    overall: Separation
    best_tap: str
    best: Separation
    last_tap: str
    last: Separation
    seconds: float

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, in the columns of `SUMMARY_HEADER`."""
        return (
            self.label,
            self.metric,
            formats.auc(self.overall.auc),
            formats.percent(self.overall.contrast),
            formats.decimal(self.overall.dprime),
            f"{formats.auc(self.best.auc)} at {self.best_tap}",
            f"{formats.auc(self.last.auc)} at {self.last_tap}",
            formats.seconds(self.seconds),
        )


def summary_rows(comparisons: Sequence[Comparison]) -> list[SummaryRow]:
    """One row per architecture and metric, in the order given."""
    return [
        _row(label, metric, comparison)
        for label, comparison in zip(labels(comparisons), comparisons, strict=True)
        for metric in comparison.separations
    ]


def _row(label: str, metric: str, comparison: Comparison) -> SummaryRow:
    separations = comparison.separations[metric]
    taps = {tap: one for tap, one in separations.items() if tap != COMBINED}
    best = max(taps, key=lambda tap: taps[tap].auc)  # the first of several
    last = list(taps)[-1]
    return SummaryRow(
        label=label,
        metric=metric,
        overall=separations[COMBINED],
        best_tap=best,
        best=taps[best],
        last_tap=last,
        last=taps[last],
        seconds=comparison.seconds,
    )
