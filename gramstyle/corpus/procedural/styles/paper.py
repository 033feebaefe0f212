"""Ink on paper."""

from __future__ import annotations

from numpy.random import Generator

from gramstyle.corpus.procedural.noise import grain
from gramstyle.corpus.procedural.raster import Field, blur


def printed(tone: Field, ink: Field, draw: Generator, wash: float = 0.3) -> Field:
    """Ink, 0 to 1, over a wash on paper with a grain.

    Neither ink nor paper is of one tone. Tones are evened out afterwards, which spreads whatever
    is flat: here it finds the picture, faintly, and a smooth grain.

    Args:
        tone: the picture, (S, S).
        ink: (S, S).
        draw: of the grain.
        wash: how much darker the paper is where the picture is black.
    """
    rough, under = 0.012 * grain(draw, tone.shape[0]), blur(tone, 2.0)
    paper = 1 - wash * (1 - under) + rough
    dark = 0.1 + 0.15 * under + 0.4 * rough
    return paper + ink * (dark - paper)
