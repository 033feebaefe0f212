"""Styles of brush and paint."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gramstyle.corpus.procedural.flow import flow, followed
from gramstyle.corpus.procedural.noise import noise, scattered, smooth_noise
from gramstyle.corpus.procedural.plate import Plate
from gramstyle.corpus.procedural.raster import Field, at, blur, grid, slope, step


def short_dabs(tone: Field, draw: Generator) -> Field:
    """Short dabs of thick paint along the forms, each with a shaded edge."""
    places = _in_order(scattered(draw, 4.6), tone, draw)
    count = len(places)
    angle = at(flow(tone, draw, 3.0), *places.T) + draw.normal(0, 0.2, count)
    tones = at(blur(tone, 0.8), *places.T) + draw.normal(0, 0.07, count)
    length, width = draw.uniform((4.0, 1.6), (6.0, 2.4), (count, 2)).T[..., None, None]
    ahead = np.stack([np.cos(angle), np.sin(angle)], axis=-1)[:, None]  # (N, 1, 2)
    across = ahead[..., ::-1] * [-1, 1]
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)[:, None]
    outline = places[:, None] + length * np.cos(turn) * ahead + width * np.sin(turn) * across  # (N, K, 2)
    layers = np.stack([outline + 0.35, outline - 0.15], axis=1).reshape(2 * count, -1, 2)
    plate = Plate(tone.shape[0], blur(tone, 3.0))
    plate.polygons(layers, np.stack([tones - 0.16, tones + 0.02], axis=-1).ravel())
    return plate.field()


def long_strokes(tone: Field, draw: Generator) -> Field:
    """Long strokes of a bristle brush along the forms (after Hertzmann 1998)."""
    places = _in_order(scattered(draw, 6.0), tone, draw)
    count, bristles = len(places), 3
    path = followed(places, flow(tone, draw, 4.0), 4.5, 3)  # (N, K, 2)
    ahead = np.gradient(path, axis=1)
    across = np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-6)
    taper = np.sqrt(1 - np.linspace(-0.93, 0.93, path.shape[1]) ** 2)[:, None]
    across *= taper * draw.uniform(2.0, 3.0, (count, 1, 1))
    edges = [path + place * across for place in np.linspace(-1, 1, bristles + 1)]
    strips = [np.concatenate([one, other[:, ::-1]], axis=1) for one, other in pairwise(edges)]
    tones = at(blur(tone, 1.2), *places.T)[:, None] + draw.normal(0, 0.04, (count, 1))
    tones = tones + draw.normal(0, 0.07, (count, bristles))
    plate = Plate(tone.shape[0], blur(tone, 3.0))
    plate.polygons(np.stack(strips, axis=1).reshape(count * bristles, -1, 2), tones.ravel())
    return plate.field()


def _in_order(places: NDArray[np.float64], tone: Field, draw: Generator) -> NDArray[np.float64]:
    """Places in random order, those at edges rather late: what is painted last stays whole."""
    edge = at(np.hypot(*slope(tone, 1.5)), *places.T)
    return places[np.argsort(draw.random(len(places)) + np.minimum(edge / 0.05, 1))]


def watercolour(tone: Field, draw: Generator) -> Field:
    """Transparent washes with ragged, dark rims, blooms and some grain of paper."""
    size = tone.shape[0]
    x, y = grid(size)
    right, below = (1.6 * smooth_noise(draw, size, 14) for _ in range(2))
    ragged = blur(at(blur(tone, 1.6), x + right, y + below), 0.6)
    blooms = 0.05 * smooth_noise(draw, size, 24)
    light = 1 + 0.4 * blooms
    for border in (0.82, 0.64, 0.48, 0.34, 0.2):
        wash = step(border + blooms - ragged, 0.045)
        light -= 0.13 * wash + 0.26 * np.maximum(wash - blur(wash, 2.2), 0)
    return light + 0.012 * noise(draw, size, 9, 2.2, 0.2) * (1.5 - light)
