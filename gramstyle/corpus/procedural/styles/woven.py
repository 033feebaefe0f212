"""Styles of thread."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gramstyle.corpus.procedural.noise import FINEST, noise, smooth_noise
from gramstyle.corpus.procedural.raster import Field, at, blur, grid


def weave(tone: Field, draw: Generator) -> Field:
    """A plain weave of round threads, 6 units apart."""
    size, pitch = tone.shape[0], 6.0
    x, y = grid(size)
    u = x / pitch + 0.1 * smooth_noise(draw, size, 30) + draw.random()
    v = y / pitch + 0.1 * smooth_noise(draw, size, 30) + draw.random()
    across, down = u - np.floor(u) - 0.5, v - np.floor(v) - 0.5
    upright = (np.floor(u) + np.floor(v)) % 2 == 0  # here the warp lies over the weft
    over, ahead = np.where(upright, across, down), np.where(upright, down, across)
    height = np.sqrt(np.clip(1 - (2.04 * over) ** 2, 0, 1)) * (0.55 + 0.45 * np.cos(np.pi * ahead))
    thread = at(blur(tone, 1.5), x - across * pitch, y - down * pitch)
    return (0.75 * thread + 0.42 * height + 0.03 * noise(draw, size, 6, FINEST)).astype(np.float32)
