"""Tables of the page: text in cells, as readers see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gramstyle.report.names import displayed, encodable, public_source
from gramstyle.report.study import numbers
from gramstyle.report.study.diagnostics import chosen_diagnostics, diagnostic_label
from gramstyle.report.study.ladder import ladders
from gramstyle.report.study.leak import QUESTIONS, leaks
from gramstyle.report.study.remedies import remedies_of
from gramstyle.report.study.view import AUC, CONTRAST, View, arms, described, network_of, plain
from gramstyle.study.results import Difference, GapShare
from gramstyle.types import WeightsIdentity

Cells = Callable[[Any], str]


@dataclass(frozen=True)
class Field:
    """One column: its heading, what it shows of a record, and whether that is a number."""

    heading: str
    of: Cells
    number: bool = True


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A table of the page.

    Attributes:
        name: what it holds, in words; it stands above the table.
        header: headings.
        numbers: for each column, whether it is set to the right.
        rows: cells, the first of each row its name.
    """

    name: str
    header: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: list[tuple[str, ...]]


def shown(name: str, fields: Sequence[Field], records: Iterable[Any]) -> Shown:
    """A table with one row per record."""
    return Shown(
        name=name,
        header=tuple(field.heading for field in fields),
        numbers=tuple(field.number for field in fields),
        rows=[tuple(encodable(field.of(one)) for field in fields) for one in records],
    )


def choices_shown(view: View) -> Shown:
    """Chosen taps on held-out styles."""
    distances = list(dict.fromkeys(f"{one.statistic}, {one.metric}" for one in view.results.choices))
    fields = (
        Field("network", lambda one: view.label(one.network), False),
        Field("chosen tap", lambda one: one.tap, False),
        Field("AUC, development", lambda one: numbers.auc(one.development)),
        Field("AUC, held-out", lambda one: numbers.auc(one.held_out)),
        Field(_interval(view), lambda one: numbers.interval(one.low, one.high)),
        Field("p", lambda one: numbers.probability(one.p)),
        Field("adjusted p", lambda one: numbers.probability(one.p_adjusted)),
    )
    name = f"AUC of each network at its chosen tap: {'; '.join(distances)}"
    return shown(name, fields, view.results.choices)


def differences_shown(view: View) -> Shown:
    """Differences between conditions on the same resamples."""

    def show(one: Difference) -> Callable[[float | None], str]:
        return numbers.signed_percent if one.estimate == CONTRAST else numbers.signed

    fields = (
        Field("difference", view.between, False),
        Field("of", lambda one: f"{one.estimate}, {one.split}", False),
        Field("taps", lambda one: f"{one.first.tap}, {one.second.tap}", False),
        Field("value", lambda one: show(one)(one.value)),
        Field(_interval(view), lambda one: numbers.interval(one.low, one.high, show(one))),
        Field("p", lambda one: numbers.probability(one.p)),
        Field("adjusted p", lambda one: numbers.probability(one.p_adjusted)),
    )
    return shown("Differences on the same resamples", fields, view.results.differences)


def taps_shown(view: View) -> list[Shown]:
    """AUC and contrast at every tap, of the networks that have a look of their own, metric by metric."""
    return [
        _taps(view, network, metric)
        for network in view.heads
        for metric in view.metrics
        if view.curve(network, metric)
    ]


def _taps(view: View, network: str, metric: str) -> Shown:
    def value(name: str, show: Callable[[float | None], str]) -> Cells:
        def cell(tap: Any) -> str:
            one = view.estimate(plain(tap, metric), name=name)
            if one is None:
                return numbers.MISSING
            return numbers.with_interval(one.value, one.low, one.high, show)

        return cell

    fields = (
        Field("tap", lambda tap: tap.tap, False),
        Field("kind", lambda tap: tap.kind, False),
        Field("channels", lambda tap: f"{tap.channels:,}"),
        Field("positions", lambda tap: f"{tap.positions:,}"),
        Field("AUC", value(AUC, numbers.auc)),
        Field("contrast", value(CONTRAST, numbers.percent)),
    )
    return shown(f"{view.label(network)}: every tap, {metric}", fields, view.taps(network))


def leaks_shown(view: View) -> Shown:
    """AUC of each question at the chosen taps."""

    def value(question: str) -> Cells:
        def cell(leak: Any) -> str:
            one = leak.estimates.get(question)
            return numbers.MISSING if one is None else numbers.with_interval(one.value, one.low, one.high)

        return cell

    split, found = leaks(view)
    fields = [Field("network and tap", lambda leak: leak.name, False)]
    fields += [
        Field(f"AUC, {words}", value(question))
        for question, words in QUESTIONS.items()
        if any(question in leak.estimates for leak in found)
    ]
    return shown(f"AUC of each question, styles: {split}", fields, found)


def noise_shown(view: View) -> Shown:
    """Noise floor of every tap."""
    fields = (
        Field(
            "network and tap", lambda one: f"{view.label(one.condition.network)}  {one.condition.tap}", False
        ),
        Field("altered", lambda one: ", ".join(arms(one.condition)) or "no", False),
        Field("PR", lambda one: numbers.plain(one.participation)),
        Field("N_eff", lambda one: numbers.plain(one.effective)),
        Field("noise, predicted", lambda one: numbers.plain(one.noise)),
        Field("noise, measured", lambda one: numbers.plain(one.measured_noise)),
        Field("contrast, predicted", lambda one: numbers.percent(one.predicted)),
        Field("contrast, measured", lambda one: numbers.percent(one.contrast)),
    )
    return shown("Noise floor of every tap", fields, view.results.noise)


def diagnostics_shown(view: View) -> Shown:
    """Medians of the chosen diagnostics at every tap."""
    names = chosen_diagnostics(view)
    values = {(network_of(one), one.tap, one.name): one for one in view.results.diagnostics}
    places = list(dict.fromkeys((network, tap) for network, tap, _ in values))

    def value(name: str) -> Cells:
        def cell(place: Any) -> str:
            one = values.get((*place, name))
            return numbers.MISSING if one is None else numbers.plain(one.median)

        return cell

    fields = [
        Field("network and tap", lambda place: f"{view.label(place[0])}  {place[1]}", False),
        *(Field(diagnostic_label(name), value(name)) for name in names),
    ]
    return shown("Medians over images of the diagnostics drawn above", fields, places)


def ladder_shown(view: View) -> list[Shown]:
    """Interventions at each network and tap."""
    fields = (
        Field("intervention", lambda step: step.name, False),
        Field("AUC", lambda step: numbers.auc(step.auc)),
        Field(_interval(view), lambda step: numbers.interval(step.low, step.high)),
        Field("change", lambda step: numbers.signed(step.change)),
        Field(
            f"{view.level} interval of the change",
            lambda step: numbers.interval(step.change_low, step.change_high, numbers.signed),
        ),
        Field("contrast", lambda step: numbers.percent(step.contrast)),
    )
    return [
        shown(f"{view.label(steps[0].network)}, {steps[0].tap}", fields, steps) for steps in ladders(view)
    ]


def gaps_shown(view: View) -> list[Shown]:
    """What each control takes from the difference of two networks, one table per pair."""
    found: dict[tuple[str, str], dict[str, dict[tuple[str, str], GapShare]]] = {}
    for one in view.results.gaps:
        rows = found.setdefault((one.network, one.other), {})
        rows.setdefault(one.name, {})[one.where, one.estimate] = one
    places = list(dict.fromkeys((one.where, one.estimate) for one in view.results.gaps))

    def value(place: tuple[str, str]) -> Cells:
        show = numbers.signed_percent if place[1] == CONTRAST else numbers.signed

        def cell(row: Any) -> str:
            one = row[1].get(place)
            return (
                numbers.MISSING if one is None else numbers.with_interval(one.value, one.low, one.high, show)
            )

        return cell

    fields = [
        Field("control", lambda row: row[0], False),
        *(
            Field(f"{estimate.upper() if estimate == AUC else estimate}, {where}", value((where, estimate)))
            for where, estimate in places
        ),
    ]
    return [
        shown(f"{view.label(first)} minus {view.label(other)}", fields, list(rows.items()))
        for (first, other), rows in found.items()
    ]


def remedies_shown(view: View) -> list[Shown]:
    """Remedies of each network."""
    fields = (
        Field("distance", lambda one: one.name, False),
        Field("tap", lambda one: one.condition.tap, False),
        Field("made of", lambda one: described(one.condition), False),
        Field("AUC, development", lambda one: numbers.auc(one.development)),
        Field("AUC, held-out", lambda one: numbers.auc(one.held_out)),
        Field(_interval(view), lambda one: numbers.interval(one.low, one.high)),
        Field("gain", lambda one: numbers.signed(one.gain)),
        Field(
            f"{view.level} interval of the gain",
            lambda one: numbers.interval(one.gain_low, one.gain_high, numbers.signed),
        ),
    )
    return [shown(view.label(network), fields, rows) for network, rows in remedies_of(view).items()]


def weights_shown(view: View) -> Shown:
    """Where the weights of each network came from; folders of the machine left out."""

    def source(network: str) -> str:
        given = view.results.provenance.weights[network]
        return public_source(
            WeightsIdentity(
                backbone=network, name=given.get("name", ""), source=given.get("source", ""), sha256=""
            )
        )

    fields = (
        Field("network", lambda network: displayed(network, 60), False),
        Field("from", lambda network: source(network) or numbers.MISSING, False),
        Field(
            "sha256",
            lambda network: view.results.provenance.weights[network].get("sha256") or numbers.MISSING,
            False,
        ),
    )
    return shown("Weights", fields, view.results.provenance.weights)


def _interval(view: View) -> str:
    return f"{view.level} interval"
