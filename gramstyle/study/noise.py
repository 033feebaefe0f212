"""The noise floor of each tap: what sampling alone makes of two images of one style."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gramstyle.study.evidence import Evidence
from gramstyle.study.results import AS_IS, Condition, NoisePoint

EFFECTIVE = "effective_positions"
"""Diagnostic: positions that are worth as much as independent ones."""


def noise_points(
    evidence: Evidence, facts: Mapping[Condition, Mapping[str, float]]
) -> tuple[NoisePoint, ...]:
    """Measured and predicted noise of covariances, of every tap, at all or at drawn positions.

    Two images of one style with N_eff independent positions and Gaussian features of covariance S
    lie 2 [(tr S)^2 + tr S^2] / N_eff apart, squared, which is 2 (PR + 1) / N_eff of |S|^2. Contrast
    follows from what styles add to that: c = sqrt(1 + excess / floor) - 1, where the excess is the
    mean squared distance of far pairs minus that of near pairs. Channel arms are left out: they
    change S, and `facts` is of the features before them.

    Args:
        evidence: estimates and diagnostics.
        facts: of each condition, as `gramstyle.study.measure.facts` gives them.
    """
    found = []
    for condition, known in facts.items():
        effective = effective_positions(evidence, condition)
        contrast = evidence.estimate(condition, "contrast")
        as_is = condition.input == condition.channels == AS_IS
        if not known or effective is None or contrast is None or not as_is:
            continue
        floor = 2 * known["floor"] / effective
        found.append(
            NoisePoint(
                condition=condition,
                participation=known["participation"],
                effective=effective,
                noise=2 * (known["participation"] + 1) / effective,
                measured_noise=known["near"] / known["square"],
                contrast=contrast.value,
                predicted=math.sqrt(max(0.0, 1 + (known["far"] - known["near"]) / floor)) - 1,
            )
        )
    return tuple(found)


def effective_positions(evidence: Evidence, condition: Condition) -> float | None:
    """N_eff of a tap as it is, or of n of its P positions drawn without replacement; else None.

    Drawn positions carry the noise of the map and that of the draw: 1 / N_eff of the map, and
    (P - n) / (n (P - 1)) of what is left of the variance within it, 1 - 1 / N_eff (Cochran 1977,
    theorem 2.2). Of independent positions that is n.
    """
    one = evidence.diagnostics.get((condition.backbone, condition.weights, condition.tap, EFFECTIVE))
    if one is None or not one.median > 0:
        return None
    if condition.features == AS_IS:
        return one.median
    kind, _, number = condition.features.partition(":")
    if kind != "subsample":
        return None
    drawn, whole = int(number), evidence.tap(condition.network, condition.tap).positions
    left = max(0, whole - drawn) / (drawn * max(1, whole - 1))
    return 1 / (1 / one.median + left * (1 - 1 / one.median))
