"""What a study found: records that reports read and files hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

AS_IS = "as-is"
"""An input, features or channels that nothing was done to."""

PIXELS = "pixels"
"""The baseline whose features are the RGB values of the image themselves, at its one tap `RGB`."""
RGB = "rgb"

RANDOM = "random:"
"""Before the seed of weights that were drawn; a file of trained weights may be called random, too."""

ALL_TAPS = "all taps"
"""Stands for a tap where distances at one tap per resolution were averaged."""
FROM_4, FROM_8 = "taps from 1/4", "taps from 1/8"
"""The same without those of finer resolutions."""
DAMPED = "all taps, deep ones x 0.001"
"""All of them with the features of deep taps scaled down first; see `gramstyle.study.combined`."""
TOGETHER = (ALL_TAPS, FROM_4, FROM_8, DAMPED)
"""What stands for a tap where several were averaged."""

Split = Literal["all", "development", "held-out"]
Decision = Literal["supported", "refuted", "undecided", "not measured"]


@dataclass(frozen=True, kw_only=True, order=True)
class Condition:
    """How the distances of one matrix were made, from image to metric.

    Attributes:
        backbone: name of the network, or `PIXELS`.
        weights: pinned name, ``random:SEED``, or empty for `PIXELS`.
        tap: where features were read, or one of `TOGETHER`.
        input: what was done to the images; see `gramstyle.study.arms`.
        features: what was done to the features.
        channels: what was done to the channels, by their first two moments.
        statistic: what was kept; see `gramstyle.gram.Statistic`.
        metric: see `gramstyle.METRICS`; with ``+csls`` behind it, corrected for hubs.
    """

    backbone: str
    weights: str
    tap: str
    input: str = AS_IS
    features: str = AS_IS
    channels: str = AS_IS
    statistic: str = "gram"
    metric: str = "frobenius"

    @property
    def network(self) -> str:
        """``NAME@WEIGHTS``, as users write it."""
        return f"{self.backbone}@{self.weights}" if self.weights else self.backbone

    @property
    def learned(self) -> bool:
        """Whether the weights were trained."""
        return self.backbone != PIXELS and not self.weights.startswith(RANDOM)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One number about one matrix of distances, with its uncertainty where it was computed.

    Attributes:
        condition: which distances.
        question: which pairs are near and which far: ``style``, ``hard``, ``content``,
            ``palette``; empty for estimates that are not of pairs.
        name: ``auc``, ``contrast``, ...; see `gramstyle.study.estimates`.
        split: which styles: all, the development half, or the held-out half.
        value: the estimate; NaN where it is not defined.
        low: lower end of its 95 % bootstrap interval, or None.
        high: upper end.
        p: of the permutation test, or None.
        p_adjusted: the same after Holm's correction over the primary family, or None.
        images: number of images.
        near: number of near pairs, or of images, that it is made of.
        far: number of far pairs.
    """

    condition: Condition
    question: str
    name: str
    split: Split
    value: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_adjusted: float | None = None
    images: int = 0
    near: int = 0
    far: int = 0


@dataclass(frozen=True, kw_only=True)
class Tap:
    """One tap of the study.

    Attributes:
        backbone: name of the network.
        weights: as in `Condition`.
        tap: name.
        kind: role in the network; see `gramstyle.types.TapSpec`.
        depth: place among the taps of the network, from 0 (first) to 1 (last).
        channels: C.
        positions: P of the first image of the corpus.
        reduction: input pixels per position along one side.
    """

    backbone: str
    weights: str
    tap: str
    kind: str
    depth: float
    channels: int
    positions: int
    reduction: int


@dataclass(frozen=True, kw_only=True)
class DiagnosticValue:
    """One diagnostic of one tap, over images.

    Attributes:
        backbone: name of the network.
        weights: as in `Condition`.
        tap: name.
        name: of the diagnostic; see `gramstyle.diagnose.DIAGNOSTICS`.
        median: over images, each by itself.
        low: first quartile.
        high: third quartile.
        pooled: of all positions of all images together; None where it is not defined so.
    """

    backbone: str
    weights: str
    tap: str
    name: str
    median: float
    low: float
    high: float
    pooled: float | None = None


@dataclass(frozen=True, kw_only=True)
class NoisePoint:
    """Noise floor of one tap beside the contrast that was measured there.

    Attributes:
        condition: which distances (Frobenius, of covariances).
        participation: participation ratio PR of the feature covariance, median over images.
        effective: effective number of positions N_eff, median over images.
        noise: 2 (PR + 1) / N_eff, the predicted squared relative distance of two images of one style.
        measured_noise: the same, measured: mean squared distance of near pairs over mean squared norm.
        contrast: measured contrast of distances.
        predicted: contrast predicted from the mean covariances of the styles and N_eff.
    """

    condition: Condition
    participation: float
    effective: float
    noise: float
    measured_noise: float
    contrast: float
    predicted: float


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """Distances of near and of far pairs of one condition.

    Attributes:
        condition: which distances.
        question: as in `Estimate`.
        edges: of the bins, (K + 1,), in units of the mean distance.
        near: share of near pairs in each bin, (K,), summing to 1.
        far: likewise of far pairs.
    """

    condition: Condition
    question: str
    edges: tuple[float, ...]
    near: tuple[float, ...]
    far: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class LabelMap:
    """Mean distance between the images of every two labels.

    Attributes:
        condition: which distances.
        factor: ``style`` or ``content``.
        labels: L of them.
        means: (L, L); on the diagonal, pairs of two different images of one label.
    """

    condition: Condition
    factor: str
    labels: tuple[str, ...]
    means: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """Linear CKA between taps, of one network and across networks.

    Attributes:
        of: what was compared: ``gram`` or ``mean``.
        taps: T of them, as (NAME@WEIGHTS, tap).
        values: (T, T), in [0, 1] up to the debiasing.
    """

    of: str
    taps: tuple[tuple[str, str], ...]
    values: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The tap of a network that did best on the development styles, and how it does on the others.

    Attributes:
        network: ``NAME@WEIGHTS``.
        tap: the one chosen.
        statistic: of the distances.
        metric: of the distances.
        development: AUC on the styles that chose it.
        held_out: AUC on the styles that did not, with its interval.
        low: lower end.
        high: upper end.
        p: permutation test on the held-out styles.
        p_adjusted: after Holm's correction.
    """

    network: str
    tap: str
    statistic: str
    metric: str
    development: float
    held_out: float
    low: float
    high: float
    p: float
    p_adjusted: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How two conditions differ in one estimate, on the same resamples.

    Attributes:
        what: in words.
        first: a condition.
        second: another.
        estimate: ``auc`` or ``contrast``.
        split: which styles.
        value: first minus second.
        low: lower end of the 95 % interval.
        high: upper end.
        p: two-sided bootstrap p.
        p_adjusted: after Holm's correction over its family, or None.
    """

    what: str
    first: Condition
    second: Condition
    estimate: str
    split: Split
    value: float
    low: float
    high: float
    p: float
    p_adjusted: float | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One rung of the ladder of interventions.

    Attributes:
        network: ``NAME@WEIGHTS``.
        tap: where.
        name: of the intervention.
        condition: the distances after it.
        auc: style AUC after it.
        low: lower end.
        high: upper end.
        contrast: after it.
        change: AUC after it minus AUC before, on the same resamples.
        change_low: lower end.
        change_high: upper end.
    """

    network: str
    tap: str
    name: str
    condition: Condition
    auc: float
    low: float
    high: float
    contrast: float
    change: float
    change_low: float
    change_high: float


@dataclass(frozen=True, kw_only=True)
class GapShare:
    """One network minus another, or what a control takes from that.

    Attributes:
        network: ``NAME@WEIGHTS``.
        other: what is subtracted.
        where: at which taps.
        estimate: ``auc`` or ``contrast``.
        name: of the control, its Shapley share; or the difference before and after all of them.
        value: in units of the estimate.
        low: lower end of its interval.
        high: upper end.
    """

    network: str
    other: str
    where: str
    estimate: str
    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One way to read distances, with its tap chosen on development styles.

    Attributes:
        network: ``NAME@WEIGHTS``.
        name: in words.
        condition: of the tap chosen.
        development: AUC on the styles that chose the tap.
        held_out: AUC on the others.
        low: lower end of its interval.
        high: upper end.
        gain: held-out AUC minus that of the plain L2 distance of Grams at its own chosen tap.
        gain_low: lower end.
        gain_high: upper end.
    """

    network: str
    name: str
    condition: Condition
    development: float
    held_out: float
    low: float
    high: float
    gain: float
    gain_low: float
    gain_high: float


@dataclass(frozen=True, kw_only=True)
class Part:
    """One prediction of a hypothesis, and what was found.

    Attributes:
        prediction: registered before the data were seen.
        rule: what supports and what refutes it, in words.
        finding: the figure with its interval, in words; or why it was not measured.
        decision: computed from the figure.
    """

    prediction: str
    rule: str
    finding: str
    decision: Decision


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One hypothesis with the decision on each of its predictions.

    Attributes:
        name: ``H1`` ...
        hypothesis: what it claims, in one sentence.
        parts: its predictions.
        decision: refuted if a decisive part is; supported if every measured part is; else
            undecided; not measured if no decisive part could be.
    """

    name: str
    hypothesis: str
    parts: tuple[Part, ...]
    decision: Decision


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """The images that a study was about.

    Attributes:
        name: of the corpus.
        digest: sha256 over all images and labels.
        images: number of images.
        sources: number of sources.
        counts: factor -> label -> number of images; factors that are not known are absent.
        development: styles that choices were made on.
        held_out: styles that choices were not made on.
        notes: what was noticed, near-duplicates among it.
    """

    name: str
    digest: str
    images: int
    sources: int
    counts: Mapping[str, Mapping[str, int]]
    development: tuple[str, ...]
    held_out: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What made the numbers.

    Attributes:
        settings: of the study, in plain types.
        weights: ``NAME@WEIGHTS`` -> name, source and sha256 of the weights.
        versions: of the libraries.
        device: kind of device.
        dtype: of the networks.
        seed: that every random choice was derived from.
        date: day it was finished, ISO 8601.
    """

    settings: Mapping[str, Any]
    weights: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, str]
    device: str
    dtype: str
    seed: int
    date: str


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """Everything that a study found.

    Attributes:
        corpus: what it was about.
        provenance: what made it.
        taps: every tap, networks in order, shallow to deep.
        estimates: every estimate.
        diagnostics: every diagnostic.
        noise: measured and predicted noise floor.
        distributions: distances of near and far pairs, of chosen conditions.
        maps: mean distances between labels, of chosen conditions.
        similarity: CKA between taps.
        choices: taps chosen on development styles.
        differences: between networks, at chosen taps; the primary family.
        ladder: interventions.
        gaps: what controls take from the difference between a VGG network and others.
        remedies: ways to read distances, best first for each network.
        verdicts: hypotheses.
    """

    corpus: CorpusFacts
    provenance: Provenance
    taps: tuple[Tap, ...] = field(repr=False)
    estimates: tuple[Estimate, ...] = field(repr=False)
    diagnostics: tuple[DiagnosticValue, ...] = field(repr=False)
    noise: tuple[NoisePoint, ...] = field(repr=False)
    distributions: tuple[Distribution, ...] = field(repr=False)
    maps: tuple[LabelMap, ...] = field(repr=False)
    similarity: tuple[Similarity, ...] = field(repr=False)
    choices: tuple[Choice, ...] = field(repr=False)
    differences: tuple[Difference, ...] = field(repr=False)
    ladder: tuple[Step, ...] = field(repr=False)
    gaps: tuple[GapShare, ...] = field(repr=False)
    remedies: tuple[Remedy, ...] = field(repr=False)
    verdicts: tuple[Verdict, ...] = field(repr=False)

    def networks(self, *, learned: bool | None = None) -> tuple[str, ...]:
        """``NAME@WEIGHTS`` of every network, in order; only learned or only random ones on request."""
        found = dict.fromkeys(
            (one.backbone, one.weights) for one in self.taps if learned is None or is_learned(one) == learned
        )
        return tuple(f"{backbone}@{weights}" if weights else backbone for backbone, weights in found)

    def find(self, **wanted: str) -> Iterator[Estimate]:
        """Estimates whose own or whose condition's attributes are `wanted`."""
        for one in self.estimates:
            condition = one.condition
            if all(
                getattr(one, name, None) == value or getattr(condition, name, None) == value
                for name, value in wanted.items()
            ):
                yield one

    def as_json(self) -> dict[str, Any]:
        """Everything in plain types, estimates left out: they are a table of their own."""
        plain = asdict(self)
        del plain["estimates"]
        return plain


def is_learned(tap: Tap) -> bool:
    """Whether the weights of the network that `tap` belongs to are its own: not drawn."""
    return tap.backbone != PIXELS and not tap.weights.startswith(RANDOM)
