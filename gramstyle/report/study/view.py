"""The record of a study, arranged for the questions that a report asks of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gramstyle.report.names import displayed
from gramstyle.report.pattern import QUESTIONS_METRIC
from gramstyle.study.results import (
    AS_IS,
    PIXELS,
    RGB,
    Condition,
    DiagnosticValue,
    Difference,
    Estimate,
    Split,
    StudyResults,
    Tap,
)

T = TypeVar("T")

PRIMARY = (QUESTIONS_METRIC, "relative-frobenius")
"""Metrics whose separation is drawn over depth, as far as a study holds them."""

SPLITS: tuple[Split, ...] = ("all", "development", "held-out")
"""In the order in which figures over all taps prefer them."""

STYLE = "style"
AUC = "auc"
CONTRAST = "contrast"
GRAM = "gram"

COLOUR = "colour alone"
"""What the baseline of pixel values is called."""


@dataclass(frozen=True)
class Group(Generic[T]):
    """Things that one figure shows.

    Attributes:
        suffix: of the names of its files.
        words: of its title.
        members: the things.
    """

    suffix: str
    words: str
    members: list[T]

    @property
    def folded(self) -> bool:
        """Whether the page shows it on request only."""
        return self.suffix == "-others"


class View:
    """Estimates by condition, taps by network, and what networks are called.

    Attributes:
        results: the record.
        learned: networks with learned weights, in order.
        copies: networks with random weights, in order.
        backbones: their architectures, each once.
        heads: the networks that are told apart by colour, marker and line: learned ones, and of an
            architecture without learned weights its first copy.
        labels: network -> what readers see.
        metrics: those of `PRIMARY` that were estimated for plain Gram matrices; others where none was.
        chosen: network and tap that were chosen on development styles.
        split: the styles that figures over all taps are about.
        baseline: distances of colours that networks are compared with; None where there are none.
        level: of the intervals, in words.
    """

    def __init__(self, results: StudyResults) -> None:
        self.results = results
        self.learned = results.networks(learned=True)
        self.copies = tuple(one for one in results.networks(learned=False) if one != PIXELS)
        self.backbones = tuple(dict.fromkeys(architecture(one) for one in (*self.learned, *self.copies)))
        alone = {architecture(one): one for one in reversed(self.copies)}
        self.heads = (*self.learned, *(one for name, one in alone.items() if not self.of(name, self.learned)))
        self.labels = _labels(self.learned, self.copies)
        self._taps: dict[str, list[Tap]] = {}
        for tap in results.taps:
            self._taps.setdefault(network_of(tap), []).append(tap)
        self._estimates = {
            (one.condition, one.question, one.name, one.split): one for one in reversed(results.estimates)
        }
        known = [
            one
            for one in results.estimates
            if one.question == STYLE and one.name == AUC and is_plain(one.condition)
        ]
        found = list(dict.fromkeys(one.condition.metric for one in known))
        self.metrics = tuple(one for one in PRIMARY if one in found) or tuple(found[:2])
        self.chosen = {(one.network, one.tap) for one in results.choices}
        self.baseline = _baseline(results)
        self.level = _level(results)
        self.split = next((split for split in SPLITS if any(one.split == split for one in known)), SPLITS[0])

    def label(self, network: str) -> str:
        """What readers see for a network, on one line."""
        return self.labels.get(network, displayed(network, 36))

    def taps(self, network: str) -> list[Tap]:
        """Taps of a network, shallow to deep."""
        return sorted(self._taps.get(network, ()), key=lambda tap: tap.depth)

    def estimate(
        self, condition: Condition, question: str = STYLE, name: str = AUC, split: Split | None = None
    ) -> Estimate | None:
        """The first such estimate of the record, or None; `split` is that of the figures unless given."""
        return self._estimates.get((condition, question, name, self.split if split is None else split))

    def curve(self, network: str, metric: str, name: str = AUC) -> list[tuple[Tap, Estimate]]:
        """Style separation of plain Gram matrices at every tap of a network where it was estimated."""
        found = [(tap, self.estimate(plain(tap, metric), name=name)) for tap in self.taps(network)]
        return [(tap, one) for tap, one in found if one is not None]

    def colour(self, metric: str, name: str = AUC) -> Estimate | None:
        """What colours alone reach: the study's own baseline, and for contrast the same metric.

        An AUC can be read against that of other distances, a contrast only against that of its own kind.
        """
        same = Condition(backbone=PIXELS, weights="", tap=RGB, metric=metric)
        if name == AUC and self.baseline is not None:
            return self.estimate(self.baseline) or self.estimate(same)
        return self.estimate(same, name=name)

    def parted(self, conditions: Iterable[tuple[Condition, T]]) -> list[Group[T]]:
        """Things at chosen taps and things at others, as far as there are any of each."""
        given = list(conditions)
        chosen = [one for condition, one in given if (condition.network, condition.tap) in self.chosen]
        others = [one for condition, one in given if (condition.network, condition.tap) not in self.chosen]
        if not chosen or not others:
            return [Group("", "", chosen or others)] if given else []
        return [Group("-chosen", " at the chosen taps", chosen), Group("-others", " at other taps", others)]

    def between(self, one: Difference) -> str:
        """What a difference is of: two networks where it is of two, else in the words of the record."""
        first, second = one.first.network, one.second.network
        return one.what if first == second else f"{self.label(first)} minus {self.label(second)}"

    def head(self, network: str) -> str:
        """The one of `heads` that a network is drawn like: itself, or the first of its architecture."""
        return network if network in self.heads else self.of(architecture(network), self.heads)[0]

    def of(self, backbone: str, networks: tuple[str, ...]) -> list[str]:
        """Those of `networks` that are of one architecture."""
        return [one for one in networks if architecture(one) == backbone]


def architecture(network: str) -> str:
    """The backbone of ``NAME@WEIGHTS``."""
    return network.partition("@")[0]


def network_of(one: Tap | DiagnosticValue) -> str:
    """The network of a tap, as users write it."""
    return f"{one.backbone}@{one.weights}" if one.weights else one.backbone


def plain(tap: Tap, metric: str) -> Condition:
    """Gram matrices of features that nothing was done to."""
    return Condition(backbone=tap.backbone, weights=tap.weights, tap=tap.tap, metric=metric)


def is_plain(condition: Condition) -> bool:
    """Whether a condition is one of `plain`, of any network."""
    return not arms(condition) and condition.statistic == GRAM


def arms(condition: Condition) -> list[str]:
    """What was done to images, features and channels, in words; empty for nothing."""
    return [one for one in (condition.input, condition.features, condition.channels) if one != AS_IS]


def described(condition: Condition) -> str:
    """How distances were made, after the network and the tap: what differs from the plain first."""
    return ", ".join([*arms(condition), condition.statistic, condition.metric])


def _baseline(results: StudyResults) -> Condition | None:
    """The one that networks were compared with; else the first of images as they are."""
    compared = [end for one in results.differences for end in (one.first, one.second)]
    measured = [one.condition for one in results.estimates]
    return next((one for one in (*compared, *measured) if one.backbone == PIXELS and not arms(one)), None)


def _level(results: StudyResults) -> str:
    level = results.provenance.settings.get("level", 0.95)
    return f"{100 * level:g} %" if isinstance(level, float) else "95 %"


def _labels(learned: tuple[str, ...], copies: tuple[str, ...]) -> dict[str, str]:
    """Architecture alone where it has one set of learned weights, else as users write it."""
    counts = Counter(map(architecture, learned))
    labels = {
        one: displayed(architecture(one) if counts[architecture(one)] == 1 else one, 36) for one in learned
    }
    return {**labels, **{one: displayed(one, 36) for one in copies}, PIXELS: COLOUR}
