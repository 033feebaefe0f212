"""Scenes outdoors, each time another composition of the same subject."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gramstyle.corpus.procedural.canvas import Canvas
from gramstyle.corpus.procedural.noise import smooth_noise
from gramstyle.corpus.procedural.plate import Plate
from gramstyle.corpus.procedural.raster import SIDE, Field, at, step


def hills(draw: Generator, size: int) -> Field:
    """Ridges behind one another, paler with distance, and a sun."""
    canvas = Canvas(size)
    horizon = draw.uniform(88, 122)
    canvas.fill(0.5 + 0.4 * canvas.y / horizon)
    x, y, radius = draw.uniform(40, 184), draw.uniform(30, horizon - 28), draw.uniform(15, 24)
    canvas.tone += 0.25 * np.exp(-0.5 * np.maximum(canvas.distance(x, y, radius, radius) - 1, 0))
    canvas.paint(canvas.ellipse(x, y, radius, radius), 1.1)
    for index, near in enumerate((0.0, 0.33, 0.67, 1.0)):
        foot = horizon + 0.62 * near * (SIDE - horizon) + draw.uniform(-6, 6)
        border = foot + (7 + 9 * near) * _waves(canvas.x, draw)
        canvas.paint(canvas.below(border), 0.66 - 0.42 * near + 0.16 * (canvas.y - border) / (SIDE - horizon))
        if index in (1, 2):
            _wood(canvas, draw, border, 1.6 * index)
    rows = (canvas.x - draw.uniform(60, 164)) / (np.maximum(canvas.y - border, 0) + 14)
    canvas.tone += 0.11 * canvas.below(border + 3) * step(np.sin(11 * rows), 0.8)
    return canvas.tone


def _waves(x: Field, draw: Generator) -> Field:
    """The outline of hills, about -1 to 1 around 0."""
    outline = np.zeros_like(x)
    for wave in (1.0, 2.0, 3.4):
        turns = wave * draw.uniform(0.7, 1.2) * x / SIDE + draw.random()
        outline += draw.uniform(0.4, 1) / wave * np.sin(2 * np.pi * turns)
    return outline


def _wood(canvas: Canvas, draw: Generator, border: Field, height: float) -> None:
    """Round trees along a ridge."""
    x = draw.uniform(0, SIDE) + draw.normal(0, 24, int(9 + 3 * height))
    radius = (2.2 + height) * draw.uniform(0.7, 1.3, len(x))
    y = at(border, x, np.zeros_like(x)) - 0.9 * radius
    plate = Plate(canvas.size)
    plate.ellipses(np.stack([x, y], axis=-1), radius[:, None] * [1, 1.3], np.ones(len(x)))
    canvas.paint(plate.field(), 0.34 - 0.08 * height)


def skyline(draw: Generator, size: int) -> Field:
    """Towers with lit windows before an evening sky, mirrored in water."""
    canvas = Canvas(size)
    shore = draw.uniform(156, 180)
    canvas.fill(0.42 + 0.5 * canvas.y / shore)
    x, y, radius = draw.uniform(24, 200), draw.uniform(22, 50), draw.uniform(10, 16)
    canvas.paint(canvas.ellipse(x, y, radius, radius), 1.05)
    plate = Plate(size, canvas.tone)
    for tone, low, high, wide in ((0.6, 62, 104, 20), (0.2, 30, 110, 27)):
        left = draw.uniform(-14, 0)
        while left < SIDE:
            width, top = wide * draw.uniform(0.6, 1.3), shore - draw.uniform(low, high)
            _tower(plate, draw, (left, top, width, shore + 2), tone * draw.uniform(0.85, 1.25))
            if tone < 0.5:
                _windows(plate, draw, (left, top, width, shore + 2))
            left += width + (draw.uniform(4, 16) if draw.random() < 0.35 else draw.uniform(0, 1.5))
    canvas.tone = plate.field()
    ripple = 2.2 * smooth_noise(draw, size, 9) * (canvas.y - shore) / 30
    image = at(canvas.tone, canvas.x, 2 * shore - canvas.y + ripple)
    canvas.paint(canvas.below(shore), 0.2 + 0.4 * image)
    return canvas.tone


def _tower(plate: Plate, draw: Generator, place: tuple[float, float, float, float], tone: float) -> None:
    """A tower at (left, top, width, foot); some end in a step, some in a point."""
    left, top, width, foot = place
    right, middle, crown = left + width, left + width / 2, draw.random()
    boxes = [_box(left, top, right, foot)]
    if crown < 0.3:
        boxes.append(_box(left + width / 4, top - 7, right - width / 4, top))
    elif crown < 0.55:
        tip = top - draw.uniform(8, 20)
        boxes.append([(left, top), (middle, tip), (middle, tip), (right, top)])
    plate.polygons(np.array(boxes), np.full(len(boxes), tone))


def _windows(plate: Plate, draw: Generator, place: tuple[float, float, float, float]) -> None:
    """Half of the windows of a tower at (left, top, width, foot)."""
    left, top, width, foot = place
    columns = max(2, int(width / 8.5))
    boxes = [
        _box(x - 2.3, y, x + 2.3, y + 6)
        for y in np.arange(top + 6, foot - 8, 11)
        for x in left + (np.arange(columns) + 0.5) * width / columns
        if draw.random() < 0.5
    ]
    plate.polygons(np.array(boxes).reshape(-1, 4, 2), draw.uniform(0.75, 1, len(boxes)))


def _box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def tree(draw: Generator, size: int) -> Field:
    """One tree on a meadow, its crown lit from one side."""
    canvas = Canvas(size)
    horizon, side = draw.uniform(142, 172), float(draw.choice((-1, 1)))
    canvas.fill(0.72 + 0.26 * canvas.y / horizon)
    canvas.paint(0.5 * step(smooth_noise(draw, size, 26) - 0.5, 1.2), 1.0)
    border = horizon + 3 * np.sin(canvas.x / 40 + draw.uniform(0, 6))
    canvas.paint(canvas.below(border), 0.62 - 0.3 * (canvas.y - horizon) / (SIDE - horizon))
    foot = draw.uniform((70, 186), (154, 204))
    canvas.shadow(canvas.ellipse(foot[0] - side * 34, foot[1] + 4, 52, 8), 3, 0.6)
    plate = Plate(size, canvas.tone)
    tips = _limb(plate, draw, foot, -np.pi / 2 + draw.uniform(-0.08, 0.08), draw.uniform(50, 60), 11)
    _crown(plate, draw, np.array(tips), side)
    return plate.field()


def _limb(
    plate: Plate, draw: Generator, start: NDArray[np.float64], angle: float, length: float, width: float
) -> list[NDArray[np.float64]]:
    """Draw a limb and what grows from it; the ends of the last twigs."""
    heading = np.array([np.cos(angle), np.sin(angle)])
    end = start + length * heading
    across = np.array([-heading[1], heading[0]]) * width / 2
    outline = [start - 1.15 * across, start + 1.15 * across, end + 0.7 * across, end - 0.7 * across]
    plate.polygons(np.array([outline]), np.array([0.16]))
    if width < 3.2:
        return [end]
    tips = []
    for turn in draw.permutation((-0.62, 0.0, 0.62))[: 3 if width > 7 else 2]:
        bent, shorter = angle + turn + draw.uniform(-0.22, 0.22), length * draw.uniform(0.55, 0.8)
        tips += _limb(plate, draw, end, bent, shorter, 0.64 * width)
    return tips


def _crown(plate: Plate, draw: Generator, tips: NDArray[np.float64], side: float) -> None:
    """Tufts of leaves about the tips, dark ones first, light ones towards the light."""
    tufts = np.repeat(tips, 14, axis=0) + draw.normal(0, 8, (14 * len(tips), 2))
    facing = (tufts - tips.mean(axis=0)) @ [0.8 * side, -1.0] / 34
    light = facing + draw.normal(0, 0.35, len(tufts))
    order = np.argsort(light)
    radii = draw.uniform(3, 6.5, (len(tufts), 1)) * [1, 0.8]
    plate.ellipses(tufts[order], radii, np.clip(0.36 + 0.2 * light[order], 0.12, 0.8))
