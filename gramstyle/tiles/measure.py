"""Moments of an image's features, accumulated over tiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.gram import Moments, joined, moments_of_part
from gramstyle.numerics import wide
from gramstyle.tiles.work import Part, Work
from gramstyle.types import Progress

Read: TypeAlias = Callable[[str, Part], None]
"""Called with a tap and what one tile holds of its map."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is known of an image once all of its tiles have run.

    Attributes:
        moments: tap -> centred moments of a batch of one, float64 (float32 on mps).
        means: step that is a global mean -> its value (1, C), in the type of the features.
    """

    moments: Mapping[str, Moments]
    means: Mapping[str, Tensor]


def measure(work: Work, *, progress: Progress | None = None) -> Measured:
    """Moments at every tap, positions weighed as the source says.

    Args:
        work: image, network and tiles.
        progress: as in `sweep`.

    Raises:
        StyleError: if weights leave no position at a tap.
        ValueError: for pixels that are not in [0, 1].
    """
    moments: dict[str, Moments] = {}

    def read(tap: str, part: Part) -> None:
        found = moments_of_part(part.features, work.weights(part), work.extractor.kernel)
        moments[tap] = joined(moments[tap], found) if tap in moments else found

    means = sweep(work, work.program.taps, read, progress=progress)
    for tap, found in moments.items():
        if bool((found.positions <= 0).any()):
            raise StyleError(f"a mask leaves no position at tap {tap}: it is transparent everywhere")
    return Measured(moments={tap: moments[tap] for tap in work.program.taps}, means=means)


@torch.no_grad()
def sweep(
    work: Work, taps: Collection[str], read: Read, *, progress: Progress | None = None
) -> dict[str, Tensor]:
    """Run every tile, in as many rounds as the network has levels.

    Args:
        work: image, network and tiles.
        taps: those that are read.
        read: gets each position of each of them once, and should not keep the features.
        progress: called after each tile, for each tap by itself, and for each round of global means.

    Returns:
        Step that is a global mean -> its value (1, C), in the type of the features.

    Raises:
        ValueError: for pixels that are not in [0, 1].
    """
    means: dict[str, Tensor] = {}
    for level in range(work.program.levels):
        means.update(_round(work, level, means, taps, read, progress))
    return means


def _round(
    work: Work,
    level: int,
    known: Mapping[str, Tensor],
    taps: Collection[str],
    read: Read,
    progress: Progress | None,
) -> dict[str, Tensor]:
    """Read the taps of one round, and return its means."""
    sources = {tap: step for tap, step in work.program.taps_of(level).items() if tap in taps}
    means = work.program.means_of(level)
    sums: dict[str, Tensor] = {}
    tick = counter(work, level, progress)
    for tile in work.plans({*sources.values(), *means.values()}):
        pixels = work.pixels(tile)
        for step, core in work.run(tile, pixels, known):
            for tap in (tap for tap, source in sources.items() if source == step):
                read(tap, work.part(tile, step, core))
                tick(tap)
            if step in means.values():
                kind = torch.promote_types(core.dtype, torch.float32)
                part_sum = wide(core.sum((2, 3), dtype=kind))
                sums[step] = sums[step] + part_sum if step in sums else part_sum
                tick(step)
            del core  # a view: the run frees the map behind it when nobody holds it any more
    dtype = work.extractor.dtype
    return {name: (sums[step] / work.positions(step)).to(dtype) for name, step in means.items()}


def counter(work: Work, level: int, progress: Progress | None, doing: str = "tiles") -> Callable[[str], None]:
    """A function that is called with a tap, or with the step of a global mean, after each of its tiles."""
    means = set(work.program.means_of(level).values())
    steps = {**work.program.taps_of(level), **{step: step for step in means}}
    around = f"{doing} for global means, round {level + 1} of {work.program.levels - 1}"
    done: Counter[str] = Counter()

    def tick(name: str) -> None:
        done[name] += 1
        if progress is not None:
            what = around if name in means else f"{doing} at {name}"
            progress(what, done[name], work.tiles(steps[name]))

    return tick
