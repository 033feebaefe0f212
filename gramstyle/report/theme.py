"""Colours, sizes and fonts of everything that is drawn."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Colours of one scheme, as ``#rrggbb``.

    Attributes:
        surface: behind everything.
        ink: text.
        muted: text and lines of second rank.
        grid: lines that help the eye only.
        blank: cells of a heat map that hold no number worth showing.
        tap: bars of single taps.
        total: bars of the taps together.
        mark: the line that bars are read against.
    """

    surface: str
    ink: str
    muted: str
    grid: str
    blank: str
    tap: str
    total: str
    mark: str


LIGHT = Palette(
    surface="#ffffff",
    ink="#1b1f24",
    muted="#57606a",
    grid="#e3e6ea",
    blank="#e9ebee",
    tap="#4a90c2",
    total="#0b4f7d",
    mark="#b54708",
)
"""On paper and in light surroundings. Blue against orange stays apart in every colour vision."""

DARK = Palette(
    surface="#161b22",
    ink="#e6edf3",
    muted="#9aa6b2",
    grid="#2b323b",
    blank="#2b323b",
    tap="#4f9bd0",
    total="#a6d4f5",
    mark="#f5a35c",
)
"""In dark surroundings."""

COLOUR_MAP = "viridis"
"""Of heat maps: its lightness rises evenly, so that it reads in every colour vision and in grey."""

FONT_SIZE = 9.0
SMALL = 7.5
TITLE = 10.5

FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "PingFang SC",
    "Yu Gothic",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
"""The first comes with matplotlib; the others lend it scripts that it lacks, where installed."""

DPI = 144
CELL_NUMBERS_UP_TO = 12
"""Images on a side of a heat map up to which cells carry their number."""

CELL = 0.28
WIDE_CELL = 0.46
"""Inches of a side of a cell without and with a number."""

NAMES_UP_TO = 40
"""Images on a side of a heat map up to which each is named; beyond, they are numbered."""


def themed() -> AbstractContextManager[None]:
    """Matplotlib as set here while a figure is made or rendered, whatever the user's own settings."""
    import matplotlib
    from matplotlib import font_manager

    installed = set(font_manager.get_font_names())
    settings: Any = {
        "font.family": [name for name in FONTS if name in installed],
        "font.size": FONT_SIZE,
        "axes.titlesize": TITLE,
        "axes.unicode_minus": False,
        "text.usetex": False,
        "text.parse_math": False,  # a name may hold dollar signs
        "savefig.bbox": None,
        "savefig.transparent": False,
        "svg.hashsalt": "gramstyle",  # element ids that do not change from run to run
        "pdf.fonttype": 42,
    }
    return matplotlib.rc_context(settings)
