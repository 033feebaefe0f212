"""Styles of ink lines whose width makes the tone."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gramstyle.corpus.procedural.flow import along, flow
from gramstyle.corpus.procedural.noise import noise, smooth_noise
from gramstyle.corpus.procedural.raster import Field, Numbers, blur, grid, per_unit, step
from gramstyle.corpus.procedural.styles.paper import printed


def hatching_steep(tone: Field, draw: Generator) -> Field:
    """Hatching at 62 degrees, 4.6 units apart."""
    return printed(tone, _hatched(tone, draw, 62 + draw.uniform(-3, 3), 4.6, 1.0, 0.92), draw)


def hatching_flat(tone: Field, draw: Generator) -> Field:
    """Hatching at 28 degrees, 6.2 units apart."""
    return printed(tone, _hatched(tone, draw, 28 + draw.uniform(-3, 3), 6.2, 1.0, 0.92), draw)


def cross_hatching(tone: Field, draw: Generator) -> Field:
    """Layers of thin lines in four directions, one more for each darker quarter of the tones."""
    ink, first = np.zeros_like(tone), 45 + draw.uniform(-4, 4)
    for turn, lightest in ((0, 0.9), (90, 0.66), (45, 0.44), (135, 0.28)):
        thin = np.maximum(tone, lightest - 0.3)
        ink = np.maximum(ink, _hatched(thin, draw, first + turn, 5.4, 1.15, lightest))
    return printed(tone, ink, draw)


def _hatched(
    tone: Field, draw: Generator, degrees: float, spacing: float, widest: float, lightest: float
) -> Field:
    """Ink of parallel lines drawn by hand: they waver, break, and are pressed more or less.

    Args:
        tone: (S, S).
        draw: of the hand.
        degrees: direction, upwards from the right.
        spacing: units between lines.
        widest: width of a line in black, as a share of the spacing.
        lightest: tone at which lines vanish.
    """
    size, angle = tone.shape[0], np.deg2rad(degrees)
    x, y = grid(size)
    turns = (x * np.sin(angle) + y * np.cos(angle)) / spacing
    turns = turns + 0.16 * smooth_noise(draw, size, 30) + draw.random()
    line = np.floor(turns).astype(int)
    pressure = draw.uniform(0.8, 1.2, 512)[line]  # lines of negative number take theirs from the end
    dark = np.clip((lightest - tone) / lightest + 0.12 * smooth_noise(draw, size, 9), 0, 1)
    return _drawn(turns, widest * pressure * dark, 2.4 / (spacing * per_unit(tone)))


def _drawn(turns: Numbers, width: Numbers, soft: float) -> Field:
    """Ink of lines in the middle of each turn; `width` and `soft` edges are shares of a turn."""
    away = 2 * np.abs(turns - np.floor(turns) - 0.5)  # 0 on a line, 1 between two
    return step(width * (1 + soft) - away - soft / 2, soft)  # no ink at all for a width of 0


def engraving(tone: Field, draw: Generator) -> Field:
    """Level lines, 4.4 units apart, that rise over light forms and swell in the dark."""
    x, y = grid(tone.shape[0])
    turns = (y + 9 * blur(tone, 5.0) + draw.uniform(-0.03, 0.03) * x) / 4.4 + draw.random()
    width = 0.1 + 0.95 * (1 - blur(tone, 0.7))
    return printed(tone, _drawn(turns, width, 2 / (4.4 * per_unit(tone))), draw, wash=0.2)


def woodcut(tone: Field, draw: Generator) -> Field:
    """Solid black and bare paper, and between them cuts along the forms."""
    cuts = blur(along(noise(draw, tone.shape[0], 14, 4), flow(tone, draw, 5.0), 12), 0.8)
    height = 0.5 + 0.5 * np.tanh(1.1 * cuts / cuts.std())
    hard = 0.5 + 1.7 * (blur(tone, 1.0) - 0.5)
    return printed(tone, step(height - hard, 0.25 / per_unit(tone)), draw)
