"""Which taps of a network a study reads."""

from __future__ import annotations

from gramstyle.study.results import FROM_4, FROM_8
from gramstyle.types import BackboneSpec, TapSpec, WeightsEntry

ENDS = ("relu", "block")
"""Kinds of which the first and the last of each stage are read: with and without a shortcut before."""


RANKS = {"block": 2, "pool": 2, "relu": 1, "stem": 1, "scale": 1}
"""What stands for a resolution: a tap of the highest rank; expansions and depthwise only alone."""

FROM = {FROM_4: 4, FROM_8: 8}
"""Reduction of the shallowest tap that is averaged; 1 for the others."""


def depth_taps(spec: BackboneSpec, entry: WeightsEntry | None = None) -> tuple[TapSpec, ...]:
    """Taps that show how a network changes with depth, shallow to deep.

    The stem; the first and the last ReLU or block of each stage (a stage is a run of taps of one
    kind, width and resolution); the first expansion after each stage, which holds the same
    positions as the block before it, wide and after an activation; the last pooling; the head.
    Networks whose taps are all of one kind, such as any timm model, are read at every tap.

    Args:
        spec: the network.
        entry: its weights; taps deeper than these may be read at are left out.
    """
    allowed = _allowed(spec, entry)
    if len({tap.kind for tap in allowed}) == 1:
        return allowed
    chosen = set()
    for kind in ENDS:
        stages: dict[tuple[int, int], list[str]] = {}
        for tap in allowed:
            if tap.kind == kind:
                stages.setdefault((tap.reduction, tap.channels), []).append(tap.name)
        chosen |= {name for stage in stages.values() for name in (stage[0], stage[-1])}
    chosen |= _first_expansions(allowed)
    chosen |= {tap.name for tap in allowed if tap.kind in ("stem", "scale", "residual", "head")}
    chosen |= {tap.name for tap in [tap for tap in allowed if tap.kind == "pool"][-1:]}
    chosen.add(allowed[-1].name)
    return tuple(tap for tap in allowed if tap.name in chosen)


def ladder_taps(spec: BackboneSpec, entry: WeightsEntry | None = None) -> tuple[TapSpec, ...]:
    """One tap per resolution, shallow to deep.

    The last pooling or block there; where there is none the last ReLU or stem, else the last tap.
    """
    last: dict[int, tuple[int, TapSpec]] = {}
    for tap in depth_taps(spec, entry):
        rank = RANKS.get(tap.kind, 0)
        if rank >= last.get(tap.reduction, (0, tap))[0]:
            last[tap.reduction] = (rank, tap)
    return tuple(tap for _, tap in last.values())


def taps_together(spec: BackboneSpec, averaged: str) -> tuple[str, ...]:
    """Names of the taps behind one of `gramstyle.study.results.TOGETHER`, shallow to deep."""
    return spec.scale_taps_from(FROM.get(averaged, 1))


def _allowed(spec: BackboneSpec, entry: WeightsEntry | None) -> tuple[TapSpec, ...]:
    if entry is None or entry.last_tap is None:
        return spec.taps
    names = [tap.name for tap in spec.taps]
    return spec.taps[: names.index(entry.last_tap) + 1]


def _first_expansions(taps: tuple[TapSpec, ...]) -> set[str]:
    """Names of expansions that directly follow the last block of a stage."""
    found, before = set(), None
    for tap in taps:
        if tap.kind == "block":
            before = tap
        elif tap.kind == "expand" and before is not None:
            stage_of_before = (before.reduction, before.channels)
            after = next((one for one in taps[taps.index(tap) :] if one.kind == "block"), None)
            if after is None or (after.reduction, after.channels) != stage_of_before:
                found.add(tap.name)
    return found
