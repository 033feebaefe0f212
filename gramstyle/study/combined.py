"""Distances at several taps, averaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gramstyle.extract import backbone
from gramstyle.study.depth import taps_together
from gramstyle.study.measured import MeasuredStore
from gramstyle.study.networks import Network
from gramstyle.study.results import AS_IS, DAMPED, TOGETHER, Condition
from gramstyle.study.settings import StudySettings
from gramstyle.types import TapSpec

ALPHA = 0.001
"""What the released code of SWAG (Wang et al. 2021) multiplies the features of deep taps with."""
DEEP = 16
"""Reduction from which a tap is deep: SWAG's two last stages."""
SCALED = ("gram", "frobenius")
"""The readout that feels the scale of features: its distances are multiplied by `ALPHA` squared."""


def combined(network: Network, settings: StudySettings) -> Iterator[Condition]:
    """Conditions that average one tap per resolution, for every readout of the learned as they are.

    Those whose taps are all read; weights may end before one, and taps be too wide. Averages of the
    same taps come once, under the first name. Deep taps are scaled down for `SCALED` alone, where
    there are deep and other ones.
    """
    if not network.learned:
        return
    widest: dict[tuple[str, str], int] = {}
    for sweep in settings.sweeps:
        as_is = all(AS_IS in arms for arms in (sweep.inputs, sweep.features, sweep.channels))
        if sweep.where == "depth" and "learned" in sweep.whose and as_is:
            for one in sweep.readouts:
                readout = one.statistic, one.metric
                widest[readout] = max(one.most, widest.get(readout, 0))
    averages = _averages(network)
    for (statistic, metric), most in widest.items():
        for averaged, taps in averages.items():
            if averaged == DAMPED and (statistic, metric) != SCALED:
                continue
            if max(tap.channels for tap in taps) <= most:
                yield Condition(
                    backbone=network.backbone,
                    weights=network.weights,
                    tap=averaged,
                    statistic=statistic,
                    metric=metric,
                )


def _averages(network: Network) -> dict[str, list[TapSpec]]:
    """What of `TOGETHER` the network has, and its taps."""
    depth = {tap.name: tap for tap in network.depth}
    found: dict[str, list[TapSpec]] = {}
    for averaged in TOGETHER:
        names = taps_together(backbone(network.backbone), averaged)
        if not names or not set(names) <= set(depth):
            continue
        taps = [depth[name] for name in names]
        if averaged == DAMPED:
            new = len({tap.reduction >= DEEP for tap in taps}) == 2
        else:
            new = taps not in found.values()
        if new:
            found[averaged] = taps
    return found


def together(condition: Condition, weights: str, store: MeasuredStore) -> NDArray[np.float64]:
    """Mean over the taps, as the library combines them, (N, N).

    Args:
        condition: at one of `TOGETHER`.
        weights: sha256.
        store: with the distances at each of the taps.
    """
    found = backbone(condition.backbone)
    reductions = {tap.name: tap.reduction for tap in found.taps}
    return np.mean(
        [
            store.matrix(replace(condition, tap=tap), weights)
            * (ALPHA**2 if condition.tap == DAMPED and reductions[tap] >= DEEP else 1.0)
            for tap in taps_together(found, condition.tap)
        ],
        axis=0,
    )
