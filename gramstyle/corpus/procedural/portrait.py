"""A head that is drawn, each time in another pose and light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from gramstyle.corpus.procedural.canvas import Canvas
from gramstyle.corpus.procedural.raster import SIDE, Field, step


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Where a head is. Its own coordinates (u, v) are 0 between the eyes, and upright with it.

    Attributes:
        canvas: what it is painted on.
        x: horizontal place, in units.
        y: vertical place, in units.
        scale: units of one of its own.
        tilt: angle by which it is turned clockwise, in radians.
        side: where light comes from, -1 the left or 1 the right.
    """

    canvas: Canvas
    x: float
    y: float
    scale: float
    tilt: float
    side: float

    def place(self, u: float, v: float) -> tuple[float, float]:
        """A point of the head on the canvas."""
        cos, sin = self.scale * float(np.cos(self.tilt)), self.scale * float(np.sin(self.tilt))
        return self.x + u * cos - v * sin, self.y + u * sin + v * cos

    def own(self) -> tuple[Field, Field]:
        """The head's coordinates (u, v) of each pixel."""
        across, down = (self.canvas.x - self.x) / self.scale, (self.canvas.y - self.y) / self.scale
        cos, sin = float(np.cos(self.tilt)), float(np.sin(self.tilt))
        return across * cos + down * sin, down * cos - across * sin

    def oval(self, u: float, v: float, ru: float, rv: float, turn: float = 0.0) -> Field:
        """The mask of an ellipse."""
        return self.canvas.ellipse(*self.place(u, v), ru * self.scale, rv * self.scale, self.tilt + turn)

    def polygon(self, *points: tuple[float, float]) -> Field:
        """The mask of a polygon."""
        return self.canvas.polygon([self.place(u, v) for u, v in points])


def portrait(draw: Generator, size: int) -> Field:
    """Head and shoulders, turned and tilted a little; hair short or long."""
    canvas = Canvas(size)
    x, y, scale, tilt = draw.uniform((92, 84, 0.95, -0.15), (132, 98, 1.2, 0.15)).tolist()
    pose = Pose(canvas=canvas, x=x, y=y, scale=scale, tilt=tilt, side=float(draw.choice((-1, 1))))
    canvas.fill(0.52 + 0.3 * pose.side * (0.5 - canvas.x / SIDE) + 0.12 * canvas.y / SIDE)
    hair = draw.uniform(0.06, 0.3)
    if draw.random() < 0.5:
        canvas.paint(pose.oval(0, 26, 54, 74), 0.8 * hair)
    _shoulders(canvas, pose)
    _face(canvas, pose, draw.uniform(-6, 6))
    u, v = pose.own()
    hairline = 0.012 * (u - draw.uniform(-14, 14)) ** 2 - 32
    crown = np.maximum(pose.oval(0, -10, 50, 52), pose.oval(0, -20, 49, 43))
    canvas.paint(crown * step(hairline - v, 3), hair * (1 + 0.25 * np.sin(0.35 * u + 0.1 * v)))
    return canvas.tone


def _shoulders(canvas: Canvas, pose: Pose) -> None:
    """Neck, coat and collar."""
    neck = pose.polygon((-17, 30), (17, 30), (21, 78), (0, 96), (-21, 78))
    canvas.paint(neck, 0.46 + 0.14 * pose.side * np.sign(canvas.x - pose.x))
    wide, high, foot = 96 * pose.scale, 76 * pose.scale, pose.y + 150 * pose.scale
    coat = canvas.ellipse(pose.x, foot, wide, high) * (1 - pose.polygon((-21, 60), (21, 60), (0, 104)))
    canvas.paint(coat, 0.12 + 0.3 * canvas.ball(pose.x, foot, wide, high, (pose.side, -0.6, 0.6)))
    for way in (-1, 1):
        canvas.paint(pose.polygon((20 * way, 66), (30 * way, 80), (0, 112)), 0.93)


def _face(canvas: Canvas, pose: Pose, look: float) -> None:
    """Ears, face and features; `look` is how far they are turned to the right."""
    for ear in (-1, 1):
        canvas.paint(pose.oval(41 * ear, 6, 7, 12), 0.55 + 0.12 * ear * pose.side)
    x, y = pose.place(0, 8)
    light = (0.75 * pose.side, -0.35, 0.9)
    skin = 0.26 + 0.72 * canvas.ball(x, y, 48 * pose.scale, 66 * pose.scale, light)
    canvas.paint(np.maximum(pose.oval(0, 2, 41, 47), pose.oval(0, 24, 30, 40)), skin)
    for eye in (-1, 1):
        u = look + 16.5 * eye
        canvas.paint(0.55 * pose.oval(u, -1, 12, 8), 0.4)
        canvas.paint(pose.oval(u, 0, 8.5, 4.6), 0.95)
        canvas.paint(pose.oval(u + 0.35 * look, 0, 4.2, 4.6), 0.03)
        canvas.paint(pose.oval(u, -12, 10.5, 2.3, 0.1 * eye), 0.14)
    canvas.paint(0.55 * pose.oval(1.3 * look - 4 * pose.side, 12, 3.4, 14, 0.14 * pose.side), 0.26)
    canvas.paint(0.75 * pose.oval(1.3 * look, 25, 8, 2.8), 0.25)
    canvas.paint(pose.oval(look, 40, 14.5, 5), 0.24)
    canvas.paint(pose.oval(look, 37.6, 12, 2.2), skin)
    canvas.paint(0.6 * pose.oval(look, 49, 8, 2), 0.9)
