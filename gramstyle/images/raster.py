"""An image kept as it is stored, and turned into colours one rectangle at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gramstyle.images.bitmap import Bitmap
from gramstyle.images.io import WHITE, ImageSource, check_options, pillow_name, read_image
from gramstyle.images.mapped import let_go, mapped_file
from gramstyle.images.picture import Picture, developed
from gramstyle.images.samples import MAX_PIXELS, Samples
from gramstyle.images.stored import reading, stored_file, stored_pillow


@dataclass(frozen=True, kw_only=True, eq=False)
class Raster:
    """An image that is not yet a `Picture`: at most 4 bytes per pixel of 8 bits instead of 12.

    Attributes:
        name: the path as given, or "array", "tensor", "image".
        height: H, upright.
        width: W, upright.
        read: from (top, left, height, width) to that rectangle as a picture.
    """

    name: str
    height: int
    width: int
    read: Callable[[int, int, int, int], Picture] = field(repr=False)

    def part(self, top: int, left: int, height: int, width: int) -> Picture:
        """A rectangle, with the pixels that it has in `picture`.

        Raises:
            ValueError: if it is empty or leaves the image.
            ImageError: if its colours cannot be converted; the message names the image.
        """
        if not (0 <= top < top + height <= self.height and 0 <= left < left + width <= self.width):
            raise ValueError(
                f"the part must lie inside the image of height {self.height} and width {self.width}, "
                f"got rows {top} to {top + height} and columns {left} to {left + width}"
            )
        return self.read(top, left, height, width)

    def crop(self, top: int, left: int, height: int, width: int) -> Raster:
        """A rectangle as an image of its own, still to be read."""

        def read(down: int, right: int, rows: int, columns: int) -> Picture:
            return self.part(top + down, left + right, rows, columns)

        return replace(self, height=height, width=width, read=read)

    def picture(self) -> Picture:
        """All of it, as `read_image` gives it."""
        return self.part(0, 0, self.height, self.width)


def open_image(
    source: ImageSource,
    *,
    name: str | None = None,
    background: Sequence[float] = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> Raster:
    """Decode an image as `read_image` does, and leave its colours for later.

    Files and Pillow images stay as Pillow decodes them, arrays of integers (a `numpy.memmap` too) as
    they are; floats, whose notes speak of the whole image, are read at once. TIFFs of 8 or 16 bits
    that are not compressed, grey or RGB without alpha, stay in their file.

    Args:
        source: as in `read_image`.
        name: of the picture, instead of the path, "array", "tensor" or "image".
        background: sRGB colour in [0, 1] under transparent pixels.
        max_pixels: a file or Pillow image that claims more is refused before it is decoded.

    Raises:
        As `read_image`.
    """
    colour = check_options(background, max_pixels)
    if isinstance(source, np.ndarray) and source.dtype.kind in "ub":
        return _of_array(source, "array" if name is None else name, colour)
    if isinstance(source, Image.Image):
        called = pillow_name(source) if name is None else name
        stored = stored_pillow(source, called, max_pixels)
        return _of_stored(stored, called, f"the Pillow image {called!r}", colour)
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        with reading(repr(path)):
            mapped = mapped_file(path, max_pixels)
        stored = stored_file(path, max_pixels) if mapped is None else mapped
        return _of_stored(stored, path if name is None else name, repr(path), colour)
    return _of_picture(read_image(source, name=name, background=background, max_pixels=max_pixels))


def _of_picture(picture: Picture) -> Raster:
    def read(top: int, left: int, height: int, width: int) -> Picture:
        rows, columns = slice(top, top + height), slice(left, left + width)
        alpha = None if picture.alpha is None else picture.alpha[rows, columns]
        return replace(picture, pixels=picture.pixels[:, rows, columns], alpha=alpha)

    return Raster(name=picture.name, height=picture.height, width=picture.width, read=read)


def _of_array(array: NDArray[Any], name: str, background: tuple[float, float, float]) -> Raster:
    def read(top: int, left: int, height: int, width: int) -> Picture:
        part = array[top : top + height, left : left + width]
        picture = read_image(np.asarray(part), name=name, background=background)
        let_go(array)
        return picture

    if array.ndim < 2 or array.size == 0:
        read_image(array)  # says what is wrong with it
    read_image(array[:1, :1])
    return Raster(name=name, height=array.shape[0], width=array.shape[1], read=read)


def _of_stored(
    stored: Samples | Bitmap, name: str, what: str, background: tuple[float, float, float]
) -> Raster:
    if isinstance(stored, Samples) and stored.values.dtype.kind not in "ub":
        with reading(what):
            return _of_picture(developed(stored, name, background))
    if isinstance(stored, Samples):
        rows, columns = stored.values.shape[:2]
    else:
        columns, rows = stored.image.size
    turned = stored.orientation in (5, 6, 7, 8)

    def read(top: int, left: int, height: int, width: int) -> Picture:
        box = _as_stored((left, top, left + width, top + height), (columns, rows), stored.orientation)
        with reading(what):
            picture = developed(_cut(stored, box), name, background)
        if isinstance(stored, Samples):
            let_go(stored.values)
        return picture

    return Raster(name=name, height=columns if turned else rows, width=rows if turned else columns, read=read)


def _cut(stored: Samples | Bitmap, box: tuple[int, int, int, int]) -> Samples:
    if isinstance(stored, Bitmap):
        return stored.samples(box)
    left, top, right, bottom = box
    alpha = None if stored.alpha is None else stored.alpha[top:bottom, left:right]
    return replace(stored, values=stored.values[top:bottom, left:right], alpha=alpha)


def _as_stored(
    box: tuple[int, int, int, int], size: tuple[int, int], orientation: int
) -> tuple[int, int, int, int]:
    """Where the rectangle `box` of the upright image lies in the stored one of (columns, rows) `size`.

    Undoes `gramstyle.images.orientation.upright` from its last step to its first.
    """
    left, top, right, bottom = box
    columns, rows = size[::-1] if orientation in (5, 6, 7, 8) else size
    if orientation in (2, 3, 6, 7):
        left, right = columns - right, columns - left
    if orientation in (3, 4, 7, 8):
        top, bottom = rows - bottom, rows - top
    return (top, left, bottom, right) if orientation in (5, 6, 7, 8) else (left, top, right, bottom)
