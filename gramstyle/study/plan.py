"""Every condition that a study measures, in the order in which it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gramstyle.study.arms import channel_arm, feature_arm, input_arm
from gramstyle.study.networks import Network
from gramstyle.study.results import AS_IS, PIXELS, Condition
from gramstyle.study.settings import StudySettings
from gramstyle.study.sweep import Sweep, Whose
from gramstyle.types import TapSpec


def conditions(
    settings: StudySettings, networks: Sequence[Network], smallest: Callable[[str, int], int]
) -> list[Condition]:
    """Conditions of every sweep, each once: networks, then sweeps, inputs, and taps in order of depth.

    Args:
        settings: of the study.
        networks: all of them.
        smallest: (resize policy, reduction of a tap) -> fewest positions of an image there; see
            `Survey.smallest`.

    Returns:
        Those that make sense: arms that need more positions or channels than a tap has are
        left out.
    """
    found: dict[Condition, None] = {}
    for network in networks:
        for sweep in settings.sweeps:
            if whose(network) in sweep.whose:
                found.update(dict.fromkeys(_of(sweep, network, smallest, settings.resize)))
    return list(found)


def whose(network: Network) -> Whose:
    """What kind of network it is."""
    if network.backbone == PIXELS:
        return "pixels"
    return "learned" if network.learned else "random"


def taps_of(sweep: Sweep, network: Network) -> tuple[TapSpec, ...]:
    """Where a sweep reads a network."""
    return {"depth": network.depth, "ladder": network.ladder, "last": network.ladder[-1:]}[sweep.where]


def _of(
    sweep: Sweep, network: Network, smallest: Callable[[str, int], int], resize: str
) -> Iterator[Condition]:
    for given in sweep.inputs:
        for tap in taps_of(sweep, network):
            count = smallest(input_arm(given).resize or resize, tap.reduction)
            for features in sweep.features:
                if count < feature_arm(features).least:
                    continue
                for channels in sweep.channels:
                    if channels != AS_IS and tap.channels < channel_arm(channels).least:
                        continue
                    width = _width(channels, tap.channels)
                    for readout in sweep.readouts:
                        if width <= readout.most:
                            yield Condition(
                                backbone=network.backbone,
                                weights=network.weights,
                                tap=tap.name,
                                input=given,
                                features=features,
                                channels=channels,
                                statistic=readout.statistic,
                                metric=readout.metric,
                            )


def _width(channels: str, before: int) -> int:
    """Channels after an arm."""
    kind, _, number = channels.partition(":")
    if kind == "drop-top":
        return before - int(number)
    return int(number) if kind in ("projected", "subset") else before
