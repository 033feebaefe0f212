"""Whether the numbers show what the question reports."""

from __future__ import annotations

from collections.abc import Sequence

from gramstyle.report import formats
from gramstyle.report.cells import LOW, Cell
from gramstyle.report.formats import listed, rounded_auc, rounded_percent
from gramstyle.report.summary import SummaryRow
from gramstyle.study.comparison import COMBINED

QUESTIONS_METRIC = "frobenius"
"""The L2 distance of Gram matrices, which the question is about."""

VGG = "vgg"
NEWER = ("efficientnet", "mobilenet")


def pattern(rows: Sequence[SummaryRow], cells: Sequence[Cell]) -> str:
    """Whether contrast fails for EfficientNet and MobileNet alone; empty if one side is missing."""
    metrics = list(dict.fromkeys(row.metric for row in rows))
    metric = QUESTIONS_METRIC if QUESTIONS_METRIC in metrics else metrics[0]
    vgg, newer = (
        [row for row in rows if row.metric == metric and side(row.label)] for side in (_is_vgg, _is_newer)
    )
    if not vgg or not newer:
        return ""
    which = (
        "the L2 distance of the question" if metric == QUESTIONS_METRIC else "not the question's own metric"
    )
    numbers = [
        f"{row.label} has a contrast of {formats.percent(row.overall.contrast)} and an AUC of "
        f"{formats.auc(row.overall.auc)}"
        for row in (*vgg, *newer)
    ]
    single = [
        f"{cell.place} ({formats.percent(cell.separation.contrast)})"
        for cell in cells
        if cell.metric == metric and cell.tap != COMBINED and cell.is_low
    ]
    taps = f" At single taps contrast lies between -10 % and 10 % for {listed(single)}." if single else ""
    return f"Under {metric}, {which}, over the taps together, {listed(numbers)}. {_verdict(vgg, newer)}{taps}"


def _verdict(vgg: Sequence[SummaryRow], newer: Sequence[SummaryRow]) -> str:
    fallen, where = [row for row in newer if _is_low(row)], "with these images and settings"
    if not fallen:
        return f"The collapse to about 5 % does not appear {where}."
    low_vgg = [row for row in vgg if _is_low(row)]
    if low_vgg:
        return (
            f"Contrast lies between -10 % and 10 % for {_names(fallen)}, but for {_names(low_vgg)} too, "
            f"so the difference that the question describes does not appear {where}."
        )
    part = "" if len(fallen) == len(newer) else f" in part, for {_names(fallen)},"
    sentences = [f"The pattern of the question appears{part} {where}."]
    separated = [row for row in fallen if rounded_auc(row.overall.auc) >= 0.8]
    if separated:
        sentences.append(f"Even so, the AUC of {_names(separated)} is 0.8 or more.")
    weak = [row for row in vgg if rounded_auc(row.overall.auc) < 0.7]
    if weak:
        sentences.append(f"But the AUC of {_names(weak)} is below 0.7 all the same.")
    return " ".join(sentences)


def _is_low(row: SummaryRow) -> bool:
    return abs(rounded_percent(row.overall.contrast)) < LOW


def _is_vgg(label: str) -> bool:
    return label.startswith(VGG)


def _is_newer(label: str) -> bool:
    return any(family in label for family in NEWER)


def _names(rows: Sequence[SummaryRow]) -> str:
    return listed([row.label for row in rows])
