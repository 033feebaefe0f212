"""Palettes: from tone to colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIGHTNESS = (10, 32, 54, 76, 95)
"""CIE L* of the five colours of every palette, within 1: palettes differ in hue and chroma alone."""


@dataclass(frozen=True, kw_only=True)
class Palette:
    """A gradient of five colours.

    Attributes:
        summary: one line for listings.
        colours: ``#rrggbb``, from dark to light, evenly spaced over the tones.
    """

    summary: str
    colours: tuple[str, str, str, str, str]

    def levels(self, tone: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Colours of tones in [0, 1] of any shape, linear in encoded sRGB between the five: (..., 3)."""
        stops = np.linspace(0, 1, len(self.colours))
        channels = np.array([list(bytes.fromhex(one[1:])) for one in self.colours]).T
        return np.rint(np.stack([np.interp(tone, stops, one) for one in channels], axis=-1)).astype(np.uint8)


PALETTES: dict[str, Palette] = {
    "ochre": Palette(
        summary="umber to cream", colours=("#281812", "#723e16", "#b7711d", "#e6b35b", "#fcf0d2")
    ),
    "prussian": Palette(
        summary="navy to ice", colours=("#001b40", "#0b4c8b", "#2a87c5", "#81c4e4", "#e3f4f4")
    ),
    "moss": Palette(
        summary="fir to pale yellow", colours=("#0b1f16", "#225533", "#628d44", "#b2c46c", "#f5f2cf")
    ),
    "plum": Palette(
        summary="aubergine to rose white", colours=("#2c112e", "#7f2a65", "#c95d8a", "#faa4ad", "#ffece4")
    ),
}
"""Name -> palette."""
