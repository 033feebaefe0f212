"""Surfaces painted over one another through masks with soft edges."""

from __future__ import annotations

import numpy as np

from gramstyle.corpus.procedural.plate import Plate
from gramstyle.corpus.procedural.raster import SIDE, Field, Numbers, blur, grid, step


class Canvas:
    """A scene while it is painted; coordinates in units.

    Attributes:
        tone: what has been painted, (size, size), from 0 (dark) to 1 (light).
        x: horizontal coordinate of each pixel.
        y: vertical coordinate, downwards.
    """

    def __init__(self, size: int) -> None:
        self.x, self.y = grid(size)
        self.tone: Field = np.zeros((size, size), dtype=np.float32)

    @property
    def size(self) -> int:
        """Pixels on a side."""
        return self.tone.shape[0]

    def fill(self, shade: Numbers) -> None:
        """Paint everything."""
        self.tone = shade.astype(np.float32)

    def paint(self, mask: Numbers, shade: Numbers | float) -> None:
        """Cover what is there by `shade`, as far as `mask` (0 to 1) says."""
        self.tone = (self.tone + mask * (shade - self.tone)).astype(np.float32, copy=False)

    def shadow(self, mask: Field, soft: float, depth: float) -> None:
        """Darken by `depth` (0 to 1) through a mask blurred by `soft` units."""
        self.tone *= 1 - np.float32(depth) * blur(mask, soft)

    def below(self, border: Numbers | float) -> Field:
        """The mask of what lies under the line y = `border`."""
        return step(self.y - border, SIDE / self.size)

    def polygon(self, points: list[tuple[float, float]]) -> Field:
        """The mask of a polygon."""
        plate = Plate(self.size)
        plate.polygons(np.array([points]), np.ones(1))
        return plate.field()

    def ellipse(self, x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> Field:
        """The mask of an ellipse whose first radius points `turn` radians from the right, downwards."""
        return step(1 - self.distance(x, y, rx, ry, turn), SIDE / self.size / min(rx, ry))

    def distance(self, x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> Field:
        """Distance from the centre of an ellipse in units of its radii: 1 on its border."""
        across, down = self.x - x, self.y - y
        cos, sin = float(np.cos(turn)), float(np.sin(turn))
        u, v = (across * cos + down * sin) / rx, (down * cos - across * sin) / ry
        return np.sqrt(u * u + v * v)

    def ball(self, x: float, y: float, rx: float, ry: float, light: tuple[float, float, float]) -> Field:
        """Lambert's shading of an ellipsoid, 0 to 1; `light` is a direction (right, down, to the viewer)."""
        across, down = (self.x - x) / rx, (self.y - y) / ry
        towards = np.sqrt(np.clip(1 - across * across - down * down, 0, None))
        shade = across * light[0] + down * light[1] + towards * light[2]
        return np.clip(shade / float(np.linalg.norm(light)), 0, 1).astype(np.float32, copy=False)
