"""Lines that follow the forms of a picture."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gramstyle.corpus.procedural.noise import smooth_noise
from gramstyle.corpus.procedural.raster import Field, at, blur, grid, per_unit, slope

FAINT = 0.02
"""Change of tone per unit below which a random direction rules over that of the picture."""


def flow(tone: Field, draw: Generator, sigma: float) -> Field:
    """Angle in which the tone changes least, in radians from the right downwards.

    The eigenvector of the smaller eigenvalue of the structure tensor (Bigun and Granlund 1987),
    to which a weak one in a smooth random direction is added for where the tone is flat.

    Args:
        tone: (S, S).
        draw: where the random direction comes from.
        sigma: smoothing of the tensor, in units.
    """
    across, down = slope(tone, 1.0)
    right, mixed, below = (blur(one, sigma) for one in (across * across, across * down, down * down))
    random = draw.uniform(0, 2 * np.pi) + 0.9 * smooth_noise(draw, tone.shape[0], 70)
    weak = FAINT**2
    doubled = np.arctan2(2 * mixed - weak * np.sin(random), right - below - weak * np.cos(random))
    return (doubled / 2 + np.pi / 2).astype(np.float32)


def along(field: Field, angle: Field, length: float, pace: float = 1.5) -> Field:
    """Mean of `field` on the stream line through each pixel, `length` units to both sides.

    Line integral convolution (Cabral and Leedom 1993) with Euler's method in steps of `pace` units.
    """
    size = field.shape[0]
    x, y = grid(size)
    start = ((x + 1j * y) * per_unit(field)).astype(np.complex64)
    heading = np.exp(1j * angle).astype(np.complex64).ravel()
    values, total = field.ravel(), field.copy()
    steps = round(length / pace)
    for way in (1, -1):
        here, before = start, way * heading.reshape(size, size)
        for _ in range(steps):
            here = here + np.float32(pace * per_unit(field)) * before
            columns = np.clip(here.real, 0, size - 1).astype(np.int32)
            place = np.clip(here.imag, 0, size - 1).astype(np.int32) * size + columns
            total += values[place]
            ahead = heading[place]  # an angle has no sign: go on in the way that turns less
            before = np.where((ahead * before.conj()).real < 0, -ahead, ahead)
    return total / np.float32(2 * steps + 1)


def followed(places: NDArray[np.float64], angle: Field, pace: float, steps: int) -> NDArray[np.float64]:
    """Stream lines through `places`, (N, 2), with `steps` points to both sides.

    Returns:
        (N, 2 steps + 1, 2), in units.
    """
    halves = []
    for way in (-1, 1):
        here, line = places, []
        before = way * _heading(angle, here)
        for _ in range(steps):
            here = here + pace * before
            line.append(here)
            ahead = _heading(angle, here)
            before = np.where((ahead * before).sum(-1, keepdims=True) < 0, -ahead, ahead)
        halves.append(line)
    return np.stack([*halves[0][::-1], places, *halves[1]], axis=1)


def _heading(angle: Field, places: NDArray[np.float64]) -> NDArray[np.float64]:
    turn = at(angle, *places.T).astype(np.float64)
    return np.stack([np.cos(turn), np.sin(turn)], axis=-1)
