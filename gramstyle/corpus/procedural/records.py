"""What a row of the tables of styles and contents holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from numpy.random import Generator

from gramstyle.corpus.procedural.raster import Field


@dataclass(frozen=True, kw_only=True)
class Style:
    """A way to render.

    Attributes:
        summary: one line for listings.
        render: from the tones of a picture, (S, S) and about 0 to 1, and a source of randomness to
            a field of the same shape, whose order of values counts and nothing else.
    """

    summary: str
    render: Callable[[Field, Generator], Field] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Content:
    """Something to show.

    Attributes:
        summary: one line for listings.
        draw: from a source of randomness and a number of pixels on a side to tones, (S, S).
        photograph: name of the bundled photograph that it is cut from; None where it is drawn.
    """

    summary: str
    draw: Callable[[Generator, int], Field] = field(repr=False)
    photograph: str | None = None
