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
    mean squared distance of far pairs minus that of near pairs.

    Args:
        evidence: estimates and diagnostics.
        facts: of each condition, as `gramstyle.study.measure.facts` gives them.
    """
    found = []
    for condition, known in facts.items():
        effective = effective_positions(evidence, condition)
        contrast = evidence.estimate(condition, "contrast")
        if not known or effective is None or contrast is None or condition.input != AS_IS:
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
    """N_eff of a tap, or of positions drawn from it: 1 / N_eff = 1 / drawn + 1 / N_eff of all.

    Drawn positions carry the noise of the draw and that of the map that they are drawn from.
    """
    one = evidence.diagnostics.get((condition.backbone, condition.weights, condition.tap, EFFECTIVE))
    if one is None or not one.median > 0:
        return None
    if condition.features == AS_IS:
        return one.median
    kind, _, number = condition.features.partition(":")
    return 1 / (1 / int(number) + 1 / one.median) if kind == "subsample" else None
