"""Estimates and diagnostics as tidy tables: one row each, and all that made it beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from gramstyle.report.names import encodable
from gramstyle.report.study.view import View, network_of
from gramstyle.report.tables import Row, Table
from gramstyle.study.results import DiagnosticValue, Estimate, StudyResults, Tap

R = TypeVar("R")
Kind = Literal["text", "number", "count", "flag"]
Value = str | float | int | bool | None


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column of a tidy table.

    Attributes:
        name: its heading.
        kind: of its values; any of them may be missing.
        of: record -> value.
    """

    name: str
    kind: Kind
    of: Callable[[R], Value]


@dataclass(frozen=True)
class Measured(Generic[R]):
    """A record with the tap it is about; None for distances over several taps."""

    record: R
    tap: Tap | None
    weights: Mapping[str, str]


TAP: tuple[Column[Measured[Any]], ...] = (
    Column("tap_kind", "text", lambda one: None if one.tap is None else one.tap.kind),
    Column("tap_depth", "number", lambda one: None if one.tap is None else one.tap.depth),
    Column("tap_channels", "count", lambda one: None if one.tap is None else one.tap.channels),
    Column("tap_positions", "count", lambda one: None if one.tap is None else one.tap.positions),
    Column("tap_reduction", "count", lambda one: None if one.tap is None else one.tap.reduction),
    Column("weights_sha256", "text", lambda one: one.weights.get("sha256")),
)
"""Of the tap, and of the weights it belongs to."""

ESTIMATE: tuple[Column[Measured[Estimate]], ...] = (
    Column("network", "text", lambda one: one.record.condition.network),
    Column("backbone", "text", lambda one: one.record.condition.backbone),
    Column("weights", "text", lambda one: one.record.condition.weights),
    Column("learned", "flag", lambda one: one.record.condition.learned),
    Column("tap", "text", lambda one: one.record.condition.tap),
    Column("input", "text", lambda one: one.record.condition.input),
    Column("features", "text", lambda one: one.record.condition.features),
    Column("channels", "text", lambda one: one.record.condition.channels),
    Column("statistic", "text", lambda one: one.record.condition.statistic),
    Column("metric", "text", lambda one: one.record.condition.metric),
    Column("question", "text", lambda one: one.record.question),
    Column("estimate", "text", lambda one: one.record.name),
    Column("split", "text", lambda one: one.record.split),
    Column("value", "number", lambda one: one.record.value),
    Column("low", "number", lambda one: one.record.low),
    Column("high", "number", lambda one: one.record.high),
    Column("p", "number", lambda one: one.record.p),
    Column("p_adjusted", "number", lambda one: one.record.p_adjusted),
    Column("images", "count", lambda one: one.record.images),
    Column("near", "count", lambda one: one.record.near),
    Column("far", "count", lambda one: one.record.far),
    *TAP,
)

DIAGNOSTIC: tuple[Column[Measured[DiagnosticValue]], ...] = (
    Column("network", "text", lambda one: network_of(one.record)),
    Column("backbone", "text", lambda one: one.record.backbone),
    Column("weights", "text", lambda one: one.record.weights),
    Column("tap", "text", lambda one: one.record.tap),
    Column("diagnostic", "text", lambda one: one.record.name),
    Column("median", "number", lambda one: one.record.median),
    Column("first_quartile", "number", lambda one: one.record.low),
    Column("third_quartile", "number", lambda one: one.record.high),
    Column("pooled", "number", lambda one: one.record.pooled),
    *TAP,
)

MADE_BY: tuple[Column[StudyResults], ...] = (
    Column("corpus", "text", lambda results: results.corpus.name),
    Column("corpus_digest", "text", lambda results: results.corpus.digest),
    Column("seed", "count", lambda results: results.provenance.seed),
    Column("device", "text", lambda results: results.provenance.device),
    Column("dtype", "text", lambda results: results.provenance.dtype),
    Column("torch", "text", lambda results: results.provenance.versions.get("torch")),
    Column("gramstyle", "text", lambda results: results.provenance.versions.get("gramstyle")),
    Column("date", "text", lambda results: results.provenance.date),
)
"""The same in every row."""


@dataclass(frozen=True)
class Tidy:
    """A tidy table, column by column.

    Attributes:
        kinds: column -> kind of its values.
        values: column -> its values, of one length.
    """

    kinds: dict[str, Kind]
    values: dict[str, list[Value]]

    def table(self) -> Table:
        """Header and rows, as CSV holds them: empty where a value is missing."""
        rows: list[Row] = [
            tuple("" if value is None else value for value in row)
            for row in zip(*self.values.values(), strict=True)
        ]
        return tuple(self.values), rows


def estimate_table(view: View) -> Tidy:
    """Every estimate of a study."""
    return _tidy(
        view,
        ESTIMATE,
        [(one, (one.condition.network, one.condition.tap)) for one in view.results.estimates],
    )


def diagnostic_table(view: View) -> Tidy:
    """Every diagnostic of a study."""
    return _tidy(
        view,
        DIAGNOSTIC,
        [(one, (network_of(one), one.tap)) for one in view.results.diagnostics],
    )


def _tidy(view: View, columns: Sequence[Column[Any]], records: Iterable[tuple[Any, tuple[str, str]]]) -> Tidy:
    """Columns of records, each with the network and the name of its tap; what made them all behind."""
    taps = {(network_of(tap), tap.tap): tap for tap in view.results.taps}
    weights = view.results.provenance.weights
    rows = [Measured(record, taps.get(place), weights.get(place[0], {})) for record, place in records]
    values = {column.name: [_plain(column.of(row)) for row in rows] for column in columns}
    made = {column.name: [_plain(column.of(view.results))] * len(rows) for column in MADE_BY}
    return Tidy({column.name: column.kind for column in (*columns, *MADE_BY)}, {**values, **made})


def _plain(value: Value) -> Value:
    return encodable(value) if isinstance(value, str) else value
