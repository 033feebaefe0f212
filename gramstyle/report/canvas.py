"""An empty figure that needs no window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gramstyle.report import theme
from gramstyle.report.theme import Palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def canvas(width: float, height: float, palette: Palette) -> Figure:
    """A figure of `width` x `height` inches that lays its axes out by itself."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=theme.DPI, layout="constrained", facecolor=palette.surface)
    FigureCanvasAgg(figure)
    return figure
