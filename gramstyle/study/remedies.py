"""Ways to read distances, ranked on styles that chose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gramstyle.study.evidence import Evidence
from gramstyle.study.results import ALL_TAPS, DAMPED, FROM_4, FROM_8, Condition, Remedy


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One way to read distances.

    Attributes:
        name: in words.
        changed: attributes of the condition.
        together: which taps are averaged, of `gramstyle.study.results.TOGETHER`; None where one is chosen.
    """

    name: str
    changed: Mapping[str, str] = field(default_factory=dict)
    together: str | None = None


def _of(name: str, statistic: str, metric: str, **more: str) -> Reading:
    return Reading(name=name, changed={"statistic": statistic, "metric": metric, **more})


AT_ONE_TAP: tuple[Reading, ...] = (
    _of("L2", "gram", "frobenius"),
    _of("L2, relative", "gram", "relative-frobenius"),
    _of("cosine", "gram", "cosine"),
    _of("signed square root", "gram", "signed-sqrt"),
    _of("signed square root, cosine", "gram", "signed-sqrt-cosine"),
    _of("matrix square root", "gram", "matrix-sqrt"),
    _of("log-Euclidean", "gram", "log-euclidean"),
    _of("log-Euclidean of covariances", "covariance", "log-euclidean"),
    _of("covariance", "covariance", "frobenius"),
    _of("covariance, relative", "covariance", "relative-frobenius"),
    _of("correlation", "correlation", "frobenius"),
    _of("channel means", "mean", "frobenius"),
    _of("means and deviations", "mean-std", "wasserstein-diagonal"),
    _of("means and deviations, relative", "mean-std", "relative-frobenius"),
    _of("Wasserstein, 64 channels", "gaussian", "wasserstein", channels="projected:64"),
    _of("channels standardised", "gram", "frobenius", channels="standardised"),
    _of("channels standardised, relative", "gram", "relative-frobenius", channels="standardised"),
    _of("channels whitened", "gram", "frobenius", channels="whitened"),
    _of("softmax over the map (SWAG)", "gram", "frobenius", features="softmax-global"),
    _of("softmax over the map, cold (T = 0.3)", "gram", "frobenius", features="softmax-global:0.3"),
    _of("softmax over the map, warm (T = 3)", "gram", "frobenius", features="softmax-global:3"),
    _of("softmax over channels (SWAG)", "gram", "frobenius", features="softmax-channel"),
    _of("softmax over channels, cold (T = 0.3)", "gram", "frobenius", features="softmax-channel:0.3"),
    _of("softmax over channels, warm (T = 3)", "gram", "frobenius", features="softmax-channel:3"),
    _of("CSLS of L2", "gram", "frobenius+csls"),
    _of("CSLS of relative L2", "gram", "relative-frobenius+csls"),
)
"""Each is taken at a tap that is chosen."""

AVERAGED = (
    "L2",
    "L2, relative",
    "cosine",
    "signed square root, cosine",
    "covariance, relative",
    "correlation",
    "means and deviations, relative",
)
"""Those that are averaged over taps, too."""

READINGS: tuple[Reading, ...] = (
    *AT_ONE_TAP,
    *(
        replace(one, name=f"{one.name}, {averaged}", together=averaged)
        for averaged in (ALL_TAPS, FROM_4, FROM_8)
        for one in AT_ONE_TAP
        if one.name in AVERAGED
    ),
    replace(AT_ONE_TAP[0], name=f"L2, {DAMPED} (SWAG)", together=DAMPED),
)
"""The first is what the others are compared with."""


def rank(evidence: Evidence, network: str) -> tuple[Remedy, ...]:
    """Every reading of a network, each at the ladder tap it does best at on development styles.

    Highest AUC on held-out styles first; gains are against the first of `READINGS`, on the same
    resamples. Scaling the features (SWAG's released code) changes no ranking of distances at one
    tap; it does where taps are averaged.
    """
    plain = best(evidence, network, READINGS[0])
    if plain is None:
        return ()
    found = []
    for reading in READINGS:
        condition = best(evidence, network, reading)
        if condition is None:
            continue
        held = evidence.interval(condition, split="held-out")
        development = evidence.estimate(condition, split="development")
        gain = evidence.mean_difference([(condition, plain)], split="held-out")
        if held is None or development is None or gain is None:
            continue
        found.append(
            Remedy(
                network=network,
                name=reading.name,
                condition=condition,
                development=development.value,
                held_out=held.value,
                low=held.low,
                high=held.high,
                gain=gain.value,
                gain_low=gain.low,
                gain_high=gain.high,
            )
        )
    return tuple(sorted(found, key=lambda one: -one.held_out))


def best(evidence: Evidence, network: str, reading: Reading) -> Condition | None:
    """The ladder tap that a reading does best at on the development styles, or the taps together."""
    taps = [reading.together] if reading.together else list(evidence.ladder[network])
    chosen, score = None, float("-inf")
    for tap in taps:
        condition = evidence.plain(network, tap, **reading.changed)
        one = evidence.estimate(condition, split="development")
        if one is not None and one.value > score:
            chosen, score = condition, one.value
    return chosen
