"""The figures of one comparison, drawn once for files and page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import PIL.Image

from gramstyle.report.figures import heatmap_figure, separation_figure
from gramstyle.report.names import displayed, weights_in_words
from gramstyle.report.render import rendered
from gramstyle.report.theme import DARK, LIGHT
from gramstyle.report.together import labels
from gramstyle.study import Comparison


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One figure as PNG for light and for dark surroundings."""

    light: bytes
    dark: bytes

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        with PIL.Image.open(io.BytesIO(self.light)) as image:
            return image.size


@dataclass(frozen=True, kw_only=True)
class Drawings:
    """The figures of one comparison."""

    distances: Drawing
    separation: Drawing


def drawings(comparisons: Sequence[Comparison]) -> list[Drawings]:
    """Figures of each comparison, in order."""
    return [
        _drawn(comparison, displayed(label, 48))
        for label, comparison in zip(labels(comparisons), comparisons, strict=True)
    ]


def smaller(png: bytes) -> bytes:
    """A figure in 256 colours: under half of the bytes, each colour within a few of 255 levels.

    Colours are chosen to cover the space, not by how often they occur: rare ones are data here.
    """
    with PIL.Image.open(io.BytesIO(png)) as image:
        reduced = image.convert("RGB").quantize(
            256, method=PIL.Image.Quantize.MAXCOVERAGE, dither=PIL.Image.Dither.NONE
        )
    buffer = io.BytesIO()
    reduced.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _drawn(comparison: Comparison, label: str) -> Drawings:
    weights = weights_in_words(comparison.distances.identity)
    distances, crops = f"Style distances under {label}", f"Separation of crops under {label}"
    maps = [
        rendered(heatmap_figure(comparison.distances, distances, palette), description=weights)
        for palette in (LIGHT, DARK)
    ]
    bars = [
        rendered(separation_figure(comparison, crops, palette), description=weights)
        for palette in (LIGHT, DARK)
    ]
    return Drawings(
        distances=Drawing(light=maps[0], dark=maps[1]), separation=Drawing(light=bars[0], dark=bars[1])
    )
