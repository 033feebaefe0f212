"""How each network is drawn: colour, marker and line, so that two are told apart without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gramstyle.report.theme import DARK, Palette

Dash: TypeAlias = Literal["solid"] | tuple[float, tuple[float, ...]]
"""Matplotlib's solid line, or its offset and lengths of dashes and gaps."""

LIGHT_INKS = (
    "#0b4f7d",
    "#c2570c",
    "#1a7f5a",
    "#8250a8",
    "#3086bd",
    "#a8326e",
    "#7a6a00",
    "#57606a",
)
DARK_INKS = (
    "#7cc0f2",
    "#f5a35c",
    "#4cc79a",
    "#c5a0e8",
    "#4f9bd0",
    "#f08fbd",
    "#d9c65a",
    "#9aa6b2",
)
"""Each at least 3 to 1 against its surface (WCAG 2.2, 1.4.11)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", ">", "h")
DASHES: tuple[Dash, ...] = (
    "solid",
    (0, (6, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (9, 2.5)),
    (0, (4, 1.5, 1.5, 1.5, 1.5, 1.5)),
)
"""11 markers and 6 dashes: 66 networks before the pair of both comes again."""

RANDOM_DASH: Dash = (0, (3, 2))


@dataclass(frozen=True, kw_only=True)
class Stroke:
    """One network's colour, marker and line."""

    colour: str
    marker: str
    dash: Dash


def strokes(names: Sequence[str], palette: Palette) -> dict[str, Stroke]:
    """A stroke for each of `names`, in order; the same name at the same place gets the same one."""
    inks = DARK_INKS if palette == DARK else LIGHT_INKS
    return {
        name: Stroke(
            colour=inks[place % len(inks)],
            marker=MARKERS[place % len(MARKERS)],
            dash=DASHES[place % len(DASHES)],
        )
        for place, name in enumerate(names)
    }
