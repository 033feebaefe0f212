"""Styles of cells, each of about one tone."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gramstyle.corpus.procedural.noise import grain, scattered, smooth_noise
from gramstyle.corpus.procedural.plate import Plate
from gramstyle.corpus.procedural.raster import SIDE, Field, at, blur, grid, slope, step


def mosaic(tone: Field, draw: Generator) -> Field:
    """Square stones in wavy rows, 6.6 units apart, set by hand into dark mortar."""
    size, pitch = tone.shape[0], 6.6
    line = np.arange(int(1.5 * SIDE / pitch)) - 0.75 * SIDE / pitch
    u, v = (axis.ravel() * pitch for axis in np.meshgrid(line, line))
    u, v = u + pitch / 2 * (np.arange(len(u)) // len(line) % 2), v + 2.5 * np.sin(u / 33 + draw.uniform(0, 6))
    turn = draw.uniform(-0.25, 0.25)
    places = np.stack([u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)], axis=-1)
    places = places[(np.abs(places) < SIDE / 2 + pitch).all(axis=1)] + SIDE / 2
    count = len(places)
    places = places + draw.normal(0, 0.25, (count, 2))
    tones = at(blur(tone, 1.6), *places.T) + draw.normal(0, 0.05, count)
    angle = turn + draw.normal(0, 0.08, count)
    half = pitch * draw.uniform(0.38, 0.46, (count, 1, 1))
    ahead = half * np.stack([np.cos(angle), np.sin(angle)], axis=-1)[:, None]
    across = ahead[..., ::-1] * [-1, 1]
    stones = np.concatenate([ahead + across, across - ahead, -ahead - across, ahead - across], axis=1)
    mortar = 0.02 + 0.3 * blur(tone, 3.0) + 0.02 * grain(draw, size)
    plate = Plate(size, mortar)
    plate.polygons(stones + places[:, None], tones - 0.1)
    plate.polygons(0.72 * stones + places[:, None] - 0.2, tones + 0.05)
    return plate.field() + 0.02 * grain(draw, size)


def stained_glass(tone: Field, draw: Generator) -> Field:
    """Voronoi cells about 10 units wide, painted a little, in lead."""
    from scipy.spatial import cKDTree

    size = tone.shape[0]
    x, y = grid(size)
    sites = scattered(draw, 10.5, 0.42)
    seen = np.stack([x + 0.8 * smooth_noise(draw, size, 12), y], axis=-1).reshape(-1, 2)
    distance, nearest = cKDTree(sites).query(seen, k=2)
    gap = (distance[:, 1] - distance[:, 0]).reshape(size, size)  # 0 on the border of a cell
    cell = nearest[:, 0]
    means = np.bincount(cell, tone.ravel(), len(sites)) / np.maximum(
        np.bincount(cell, minlength=len(sites)), 1
    )
    means += draw.normal(0, 0.04, len(sites))
    glass = 0.6 * means[cell].reshape(size, size) + 0.4 * tone + 0.03 * smooth_noise(draw, size, 10)
    glass += 0.1 * np.clip(gap / 8, 0, 1)
    lead = 0.02 + 0.35 * blur(tone, 3.0)
    return (lead + step(gap - 1.3, 1.0) * (glass - lead)).astype(np.float32)


def low_poly(tone: Field, draw: Generator) -> Field:
    """Flat triangles between points that gather where the picture changes."""
    from scipy.spatial import Delaunay

    size = tone.shape[0]
    change = blur(np.hypot(*slope(tone, 1.5)), 1.5)
    tries = draw.uniform(0, SIDE, (3000, 2))
    weight = 0.06 + at(change / max(float(change.max()), 1e-6), *tries.T)
    chosen = tries[np.argsort(draw.exponential(size=len(tries)) / weight)[:850]]
    points = np.concatenate([chosen, scattered(draw, 28.0, 0.3)])
    corners = points[Delaunay(points).simplices]  # (N, 3, 2)
    middle = corners.mean(axis=1)
    plate = Plate(size)
    plate.polygons(corners, at(blur(tone, 1.5), *middle.T) + draw.normal(0, 0.035, len(middle)))
    return plate.field() + 0.004 * grain(draw, size)
