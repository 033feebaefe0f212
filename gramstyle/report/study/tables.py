"""What a study found as tables of plain values, for terminals and documents."""

from __future__ import annotations

from gramstyle.report.study.remedies import remedies_of
from gramstyle.report.study.view import View
from gramstyle.report.tables import Row, Table
from gramstyle.study.results import StudyResults


def choices_table(results: StudyResults) -> Table:
    """One row per network: the tap chosen on development styles, and its AUC on the others."""
    header = (
        "network",
        "tap",
        "statistic",
        "metric",
        "development_auc",
        "held_out_auc",
        "low",
        "high",
        "p",
        "p_adjusted",
    )
    rows: list[Row] = [
        (
            one.network,
            one.tap,
            one.statistic,
            one.metric,
            one.development,
            one.held_out,
            one.low,
            one.high,
            one.p,
            one.p_adjusted,
        )
        for one in results.choices
    ]
    return header, rows


def verdict_table(results: StudyResults) -> Table:
    """One row per prediction, with the decision on it and on its hypothesis."""
    header = ("hypothesis", "claim", "verdict", "prediction", "rule", "finding", "decision")
    rows: list[Row] = [
        (one.name, one.hypothesis, one.decision, part.prediction, part.rule, part.finding, part.decision)
        for one in results.verdicts
        for part in one.parts
    ]
    return header, rows


def remedies_table(results: StudyResults) -> Table:
    """One row per network and remedy, highest held-out AUC of each network first."""
    header = (
        "network",
        "rank",
        "remedy",
        "tap",
        "development_auc",
        "held_out_auc",
        "low",
        "high",
        "gain",
        "gain_low",
        "gain_high",
    )
    rows: list[Row] = [
        (
            network,
            place,
            one.name,
            one.condition.tap,
            one.development,
            one.held_out,
            one.low,
            one.high,
            one.gain,
            one.gain_low,
            one.gain_high,
        )
        for network, found in remedies_of(View(results)).items()
        for place, one in enumerate(found, start=1)
    ]
    return header, rows
