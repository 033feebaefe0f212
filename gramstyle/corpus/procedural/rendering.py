"""One image of the procedural corpus, drawn when it is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from gramstyle import check
from gramstyle.corpus.procedural.contents import CONTENTS
from gramstyle.corpus.procedural.palettes import PALETTES
from gramstyle.corpus.procedural.raster import SIDE
from gramstyle.corpus.procedural.streams import stream
from gramstyle.corpus.procedural.styles import STYLES
from gramstyle.corpus.procedural.tone import balanced, evened
from gramstyle.images import Picture

SIZES = (64, 1024)
"""Smallest and largest side of an image, in pixels."""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """Where the pixels of a procedural image come from; an `Origin`.

    Composition and texture are drawn anew for every combination of the other attributes but
    `size`: no two images share geometry, and an image does not depend on which others there are.

    Attributes:
        seed: of everything that is random.
        style: one of `STYLES`.
        content: one of `CONTENTS`.
        palette: one of `PALETTES`.
        replicate: number of the image among those alike in all of these, from 0.
        size: pixels on a side; another size shows the same picture in another resolution.

    Raises:
        TypeError: if a number is no integer.
        UnknownNameError: if a name is in no table.
        ValueError: if the replicate is negative, or the size outside of 64 to 1024.
    """

    seed: int
    style: str
    content: str
    palette: str
    replicate: int
    size: int

    def __post_init__(self) -> None:
        for argument in ("seed", "replicate", "size"):
            check.one_of_type(argument, getattr(self, argument), int)
        check.name_in("style", self.style, STYLES)
        check.name_in("content", self.content, CONTENTS)
        check.name_in("palette", self.palette, PALETTES)
        if self.replicate < 0:
            raise ValueError(f"replicate must be 0 or more, got {self.replicate}")
        least, most = SIZES
        if not least <= self.size <= most:
            raise ValueError(f"size must be {least} to {most} pixels, got {self.size}")

    @property
    def name(self) -> str:
        """STYLE/CONTENT/PALETTE/REPLICATE."""
        return f"{self.style}/{self.content}/{self.palette}/{self.replicate}"

    @property
    def place(self) -> str:
        """STYLE/CONTENT/PALETTE-REPLICATE.png: where it lies in an exported corpus."""
        return f"{self.style}/{self.content}/{self.palette}-{self.replicate}.png"

    def levels(self) -> NDArray[np.uint8]:
        """The image in 8 bits, (size, size, 3).

        Raises:
            StyleError: if the content is a photograph of a package that is not installed.
        """
        return _levels(self).copy()

    def _rendered(self) -> NDArray[np.uint8]:
        finer = -(-SIDE // self.size)  # textures finer than the pixels are drawn and averaged
        tone = balanced(CONTENTS[self.content].draw(self._stream("content"), finer * self.size))
        field = STYLES[self.style].render(tone, self._stream("style"))
        field = field.reshape(self.size, finer, self.size, finer).mean(axis=(1, 3))
        return PALETTES[self.palette].levels(evened(field, self._stream("ties")))

    def picture(self) -> Picture:
        """The image; its pixels are multiples of 1/255, so that a PNG file loses nothing."""
        pixels = torch.from_numpy(self.levels().transpose(2, 0, 1).astype(np.float32) / np.float32(255))
        return Picture(pixels=pixels.contiguous(), alpha=None, name=self.name)

    def digest(self) -> str:
        """A sha256 of the pixels.

        Of the pixels and not of the attributes, though that costs a rendering: they also depend on
        the installed numpy, scipy and Pillow, and on the photographs.
        """
        return hashlib.sha256(self.levels().tobytes()).hexdigest()

    def _stream(self, part: str) -> Generator:
        return stream(self.seed, self.style, self.content, self.palette, self.replicate, part)


@lru_cache(maxsize=2)
def _levels(rendering: Rendered) -> NDArray[np.uint8]:
    """Of the last few: an image is often read right after its digest was taken, or the other way round."""
    return rendering._rendered()
