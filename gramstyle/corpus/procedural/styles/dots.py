"""Styles of ink dots."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gramstyle.corpus.procedural.plate import Plate
from gramstyle.corpus.procedural.raster import SIDE, Field, at, blur, grid, per_unit, step
from gramstyle.corpus.procedural.styles.paper import printed


def halftone(tone: Field, draw: Generator) -> Field:
    """A printer's screen at 45 degrees: dots 5.5 units apart that grow until they merge."""
    x, y = grid(tone.shape[0])
    angle, turn = np.deg2rad(45 + draw.uniform(-4, 4)), 2 * np.pi / 5.5
    across = np.cos(turn * (x * np.cos(angle) + y * np.sin(angle)) + draw.uniform(0, 2 * np.pi))
    down = np.cos(turn * (y * np.cos(angle) - x * np.sin(angle)) + draw.uniform(0, 2 * np.pi))
    dark = 0.5 + 1.15 * (0.5 - blur(tone, 0.5))
    return printed(tone, step(dark - (2 - across - down) / 4, 0.6 / per_unit(tone)), draw, wash=0.2)


def stippling_fine(tone: Field, draw: Generator) -> Field:
    """Dots of a fine pen, close together where it is dark."""
    return _stippled(tone, draw, 1.2)


def stippling_coarse(tone: Field, draw: Generator) -> Field:
    """Dots of a broad pen, close together where it is dark."""
    return _stippled(tone, draw, 2.1)


def _stippled(tone: Field, draw: Generator, radius: float) -> Field:
    places = _spread(blur(tone, 1.0), draw, 1.8 * radius, 6.5 * radius)
    radii = radius * draw.uniform(0.8, 1.15, (len(places), 1)).repeat(2, axis=1)
    plate = Plate(tone.shape[0])
    plate.ellipses(places, radii, np.ones(len(places)))
    return printed(tone, plate.field(), draw)


BATCHES = (0.4, 0.4, 0.5, 0.6, 0.8)
"""Darts in each batch, as a share of the number of squares of the distance that they have to keep."""

NEIGHBOURS = 12
"""Nearest darts of its batch that each is compared with; on average two or three are too near."""


def _spread(tone: Field, draw: Generator, least: float, most: float) -> NDArray[np.float64]:
    """Places that keep a distance, from `least` units in black to `most` in white.

    Dart throwing (Cook 1986) in batches: a dart stays if it is far enough from all places so far
    and from those before it in its batch.

    Returns:
        (N, 2), in units.
    """
    from scipy.spatial import cKDTree

    places = np.empty((0, 2))
    for share in BATCHES:
        darts = draw.uniform(0, SIDE, (int(share * (SIDE / least) ** 2), 2))
        room = least + (most - least) * np.clip(at(tone, *darts.T), 0, 1) ** 2
        wanted = draw.random(len(darts)) < (least / room) ** 2
        darts, room = darts[wanted], room[wanted]
        if len(places):
            free = cKDTree(places).query(darts)[0] > room
            darts, room = darts[free], room[free]
        distance, other = cKDTree(darts).query(darts, k=min(NEIGHBOURS, len(darts)))
        crowded = (distance < np.minimum(room[:, None], room[other])) & (
            other < np.arange(len(darts))[:, None]
        )
        places = np.concatenate([places, darts[~crowded.any(axis=1)]])
    return places
