"""Distances of several taps averaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gramstyle.extract import backbone
from gramstyle.study.measured import MeasuredStore
from gramstyle.study.networks import Network
from gramstyle.study.results import AS_IS, COMBINED, DAMPED, TOGETHER, Condition
from gramstyle.study.settings import StudySettings

ALPHA = 0.001
"""What the released code of SWAG (Wang et al. 2021) multiplies the features of deep taps with."""
DEEP = 16
"""Reduction from which a tap is deep: SWAG's two last stages."""
SCALED = ("gram", "frobenius")
"""The readout that feels the scale of features: its distances are multiplied by `ALPHA` squared."""


def combined(network: Network, settings: StudySettings) -> Iterator[Condition]:
    """Conditions that average the backbone's default taps, for every readout of the learned as they are.

    Those that are read at every default tap; weights may end before one, and taps be too wide.
    `SCALED` comes a second time with deep taps scaled down, where there are deep and other ones.
    """
    if not network.learned:
        return
    width = {tap.name: tap.channels for tap in network.depth}
    defaults = backbone(network.backbone).default_taps
    if not set(defaults) <= set(width):
        return
    readouts = {
        (readout.statistic, readout.metric): None
        for sweep in settings.sweeps
        if sweep.where == "depth" and "learned" in sweep.whose
        if all(AS_IS in arms for arms in (sweep.inputs, sweep.features, sweep.channels))
        for readout in sweep.readouts
        if max(width[tap] for tap in defaults) <= readout.most
    }
    deep = {tap.reduction >= DEEP for tap in network.depth if tap.name in defaults}
    for statistic, metric in readouts:
        for tap in TOGETHER if (statistic, metric) == SCALED and len(deep) == 2 else (COMBINED,):
            yield Condition(
                backbone=network.backbone,
                weights=network.weights,
                tap=tap,
                statistic=statistic,
                metric=metric,
            )


def together(condition: Condition, weights: str, store: MeasuredStore) -> NDArray[np.float64]:
    """Mean over the default taps, as the library combines them, (N, N).

    Args:
        condition: at one of `TOGETHER`.
        weights: sha256.
        store: with the distances at each default tap.
    """
    found = backbone(condition.backbone)
    reductions = {tap.name: tap.reduction for tap in found.taps}
    return np.mean(
        [
            store.matrix(replace(condition, tap=tap), weights)
            * (ALPHA**2 if condition.tap == DAMPED and reductions[tap] >= DEEP else 1.0)
            for tap in found.default_taps
        ],
        axis=0,
    )
