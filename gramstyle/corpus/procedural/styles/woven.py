"""Styles of thread."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gramstyle.corpus.procedural.noise import FINEST, noise, smooth_noise
from gramstyle.corpus.procedural.raster import Field, at, blur, grid


def weave(tone: Field, draw: Generator) -> Field:
    """A twill of round threads, 5 units apart, each over two and under two of the others."""
    size, pitch = tone.shape[0], 5.0
    x, y = grid(size)
    u = x / pitch + 0.12 * smooth_noise(draw, size, 30) + draw.random()
    v = y / pitch + 0.12 * smooth_noise(draw, size, 30) + draw.random()
    column, row = np.floor(u), np.floor(v)
    warp = (column - row) % 4 < 2
    across = np.where(warp, u - column, v - row) - 0.5
    ahead = np.where(warp, (v - column + 2) % 4 - 2, (u - row) % 4 - 3)  # -1 to 1 from dip to dip
    height = np.sqrt(np.clip(1 - (2.1 * across) ** 2, 0, 1)) * (0.35 + 0.65 * np.cos(np.pi / 2 * ahead))
    thread = at(blur(tone, 1.2), x - (u - column - 0.5) * pitch, y - (v - row - 0.5) * pitch)
    return (0.75 * thread + 0.42 * height + 0.03 * noise(draw, size, 6, FINEST)).astype(np.float32)
