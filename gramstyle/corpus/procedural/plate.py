"""Shapes drawn in tones, with soft edges."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from gramstyle.corpus.procedural.raster import SIDE, Field, Numbers

FINER = 2
"""Pixels of the drawing on a side of a pixel of the result: what makes edges soft."""


class Plate:
    """A sheet that shapes are drawn on, later ones over earlier ones; coordinates in units.

    Args:
        size: pixels on a side.
        ground: what the sheet shows at first, one tone or (size, size).
    """

    def __init__(self, size: int, ground: float | Field = 0.0) -> None:
        self._scale = FINER * size / SIDE
        tones = np.broadcast_to(np.asarray(ground, dtype=np.float32), (size, size))
        self._image = Image.fromarray(tones.repeat(FINER, axis=0).repeat(FINER, axis=1))
        self._draw = ImageDraw.Draw(self._image)

    def polygons(self, points: Numbers, tones: Numbers) -> None:
        """Fill polygons, (N, K, 2), one after another in `tones`, (N,)."""
        outlines = (points * self._scale).reshape(len(points), 2 * points.shape[1]).tolist()
        for outline, tone in zip(outlines, tones.tolist(), strict=True):
            self._draw.polygon(outline, fill=tone)

    def ellipses(self, centres: Numbers, radii: Numbers, tones: Numbers) -> None:
        """Fill upright ellipses with centres and radii (N, 2)."""
        boxes = (np.concatenate([centres - radii, centres + radii], axis=1) * self._scale).tolist()
        for box, tone in zip(boxes, tones.tolist(), strict=True):
            self._draw.ellipse(box, fill=tone)

    def field(self) -> Field:
        """What was drawn, (size, size)."""
        return np.array(self._image.reduce(FINER), dtype=np.float32)
