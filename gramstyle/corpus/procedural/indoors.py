"""Scenes indoors, each time another composition of the same subject."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from gramstyle.corpus.procedural.canvas import Canvas
from gramstyle.corpus.procedural.plate import FINER
from gramstyle.corpus.procedural.raster import SIDE, Field, Numbers, blur, grid, step


def still_life(draw: Generator, size: int) -> Field:
    """A bottle, a cup, a cone and two balls on a table, lit from one side."""
    canvas = Canvas(size)
    side, edge = float(draw.choice((-1, 1))), draw.uniform(84, 112)
    canvas.fill(0.6 + 0.26 * side * (canvas.x / SIDE - 0.5))
    border = edge + draw.uniform(-0.05, 0.05) * (canvas.x - SIDE / 2)
    canvas.paint(canvas.below(border), 0.78 - 0.3 * (canvas.y - edge) / (SIDE - edge))
    things = draw.permutation(np.array([_bottle, _cup, _cone, _ball, _ball], dtype=object))
    places = np.linspace(36, 188, 5) + draw.uniform(-10, 10, 5)
    feet = edge + 32 + 70 * draw.permutation(5) / 4 + draw.uniform(-5, 5, 5)
    for index in np.argsort(feet):
        things[index](canvas, draw, float(places[index]), float(feet[index]), side)
    return canvas.tone


def _cast(canvas: Canvas, x: float, foot: float, width: float, side: float) -> None:
    """The shadow of something on the table."""
    canvas.shadow(canvas.ellipse(x - side * width * 0.7, foot, width * 1.5, width * 0.32), 2.0, 0.62)


def _shading(canvas: Canvas, x: float, radius: Numbers | float, side: float) -> Numbers:
    """Light on an upright round body of `radius` about x."""
    across = np.clip((canvas.x - x) / radius, -1, 1) * side
    return 0.12 + 0.8 * np.clip(0.5 * across + 0.62 * np.sqrt(1 - across * across), 0, 1)


def _body(canvas: Canvas, x: float, radius: Numbers, low: Numbers, high: Numbers) -> Field:
    """The mask of an upright round body of `radius` about x, where `low` and `high` are positive."""
    return step(radius - np.abs(canvas.x - x), 1) * step(low, 1) * step(high, 1)


def _bottle(canvas: Canvas, draw: Generator, x: float, foot: float, side: float) -> None:
    width, height = draw.uniform(17, 21), draw.uniform(112, 132)
    _cast(canvas, x, foot, width, side)
    up = foot - canvas.y
    radius = width * (1 - 0.64 * step(up - 0.62 * height, 0.28 * height))
    glass = np.maximum(
        _body(canvas, x, radius, up, height - up), canvas.ellipse(x, foot, width, 0.22 * width)
    )
    lit = _shading(canvas, x, radius, side)
    canvas.paint(glass, draw.uniform(0.4, 0.55) * lit)
    canvas.paint(_body(canvas, x, radius, up - 0.16 * height, 0.42 * height - up), 0.25 + 0.75 * lit)


def _cup(canvas: Canvas, draw: Generator, x: float, foot: float, side: float) -> None:
    width, height = draw.uniform(27, 32), draw.uniform(44, 52)
    _cast(canvas, x, foot, width, side)
    handle = np.abs(canvas.distance(x + side * width, foot - 0.55 * height, 12, 0.32 * height) - 0.8)
    canvas.paint(step(0.2 - handle, 0.1), 0.55)
    up = foot - canvas.y
    radius = width * (0.78 + 0.22 * np.clip(up / height, 0, 1))
    body = _body(canvas, x, radius, up, height - up)
    body = np.maximum(body, canvas.ellipse(x, foot, 0.78 * width, 0.17 * width))
    canvas.paint(body, 0.18 + 0.85 * _shading(canvas, x, radius, side))
    canvas.paint(canvas.ellipse(x, foot - height, width, 0.26 * width), 0.98)
    canvas.paint(canvas.ellipse(x, foot - height + 1, 0.86 * width, 0.19 * width), 0.2)


def _cone(canvas: Canvas, draw: Generator, x: float, foot: float, side: float) -> None:
    width, height = draw.uniform(27, 33), draw.uniform(76, 92)
    _cast(canvas, x, foot, width, side)
    radius = np.maximum(width * (1 - np.clip((foot - canvas.y) / height, 0, 1)), 0.5)
    body = canvas.polygon([(x - width, foot), (x, foot - height), (x + width, foot)])
    body = np.maximum(body, canvas.ellipse(x, foot, width, 0.2 * width))
    canvas.paint(body, 0.9 * _shading(canvas, x, radius, side))


def _ball(canvas: Canvas, draw: Generator, x: float, foot: float, side: float) -> None:
    radius, paint = draw.uniform(19, 26), draw.uniform(0.62, 1.0)
    middle = foot - 0.86 * radius
    _cast(canvas, x, foot, radius, side)
    lit = canvas.ball(x, middle, radius, radius, (0.75 * side, -0.8, 0.75))
    canvas.paint(canvas.ellipse(x, middle, radius, radius), paint * (0.12 + 0.9 * lit))
    spark = canvas.ellipse(x + 0.4 * side * radius, middle - 0.42 * radius, 0.2 * radius, 0.15 * radius)
    canvas.paint(blur(spark, 0.8), 1.05)


def room(draw: Generator, size: int) -> Field:
    """A room in central perspective: tiled floor, striped walls, a bright window and a door."""
    x, y = grid(FINER * size)
    across, down = (
        axis - np.float32(at) for axis, at in zip((x, y), draw.uniform((78, 84), (146, 124)), strict=True)
    )
    ceiling, floor, end = draw.uniform((96, 84, 1.7), (112, 98, 2.2))
    near = np.float32(1e-3)
    walls = np.stack([
        112 / np.maximum(-across, near), 112 / np.maximum(across, near),
        ceiling / np.maximum(-down, near), floor / np.maximum(down, near), np.full_like(x, end),
    ])  # fmt: skip
    wall, depth = walls.argmin(axis=0), walls.min(axis=0)
    u, v = across * depth, down * depth
    tile, row, stripe = draw.uniform((44, 0.4, 0.2), (60, 0.5, 0.32))
    tiles = 0.16 + 0.72 * ((np.floor(u / tile + 0.3) + np.floor(depth / row)) % 2)
    stripes = 0.5 + 0.2 * (np.floor(depth / stripe) % 2)
    lit, fade = draw.uniform(-0.12, 0.12), np.clip(1.12 - 0.2 * depth, 0, 1)
    sides = [stripes * (1 + lit) * fade, stripes * (1 - lit) * fade, 0.86 * fade, tiles * fade]
    tone = np.choose(wall, [*sides, _end_wall(u, v, draw)])
    return tone.reshape(size, FINER, size, FINER).mean(axis=(1, 3)).astype(np.float32)


def _end_wall(u: Field, v: Field, draw: Generator) -> Numbers:
    """A window of four panes beside a door; (u, v) are places on the wall."""
    side = float(draw.choice((-1, 1)))
    across = np.abs(u - side * draw.uniform(30, 48))
    up = np.abs(v + 18)
    glass = (across < 42) & (up < 46)
    bars = (across < 3.5) | (up < 3.5)
    door = (np.abs(u + side * 62) < 30) & (v > -38)
    return np.select([door, glass & bars, glass], [0.12, 0.25, 1.0], 0.46)
