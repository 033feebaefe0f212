"""Images of a corpus that come from files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from gramstyle import check
from gramstyle.corpus.records import Origin
from gramstyle.errors import StyleError
from gramstyle.images import Picture, file_bytes, image_size, read_image


@dataclass(frozen=True)
class FileOrigin:
    """An image file.

    Attributes:
        path: where it is.
    """

    path: Path

    def picture(self) -> Picture:
        """The image, as `read_image` reads it: upright, sRGB, on white.

        Raises:
            ImageError: if it cannot be read.
        """
        return read_image(self.path)

    def digest(self) -> str:
        """The sha256 of the bytes of the file, in hexadecimal.

        Raises:
            ImageError: if there are none.
        """
        return hashlib.sha256(file_bytes(os.fspath(self.path))).hexdigest()


@dataclass(frozen=True)
class CropOrigin:
    """A square window of another image.

    Attributes:
        origin: of that image.
        top: first row of the window.
        left: first column.
        size: its side, in pixels.

    Raises:
        ValueError: if a number is negative, or the side is 0.
    """

    origin: Origin
    top: int
    left: int
    size: int

    def __post_init__(self) -> None:
        check.positive("size", self.size)
        for name, value in (("top", self.top), ("left", self.left)):
            if value < 0:
                raise ValueError(f"{name} must be 0 or more, got {value}")

    def picture(self) -> Picture:
        """The window; the last image that windows were cut from is remembered.

        Raises:
            StyleError: if the window leaves the image, which must have changed since.
            ImageError: if the image cannot be read.
        """
        whole = _whole(self.origin, self.origin.digest())
        bottom, right = self.top + self.size, self.left + self.size
        if bottom > whole.height or right > whole.width:
            raise StyleError(
                f"rows {self.top} to {bottom} and columns {self.left} to {right} must lie inside "
                f"{whole.name}, which is {whole.height} x {whole.width}: has the image changed?"
            )
        rows, columns = slice(self.top, bottom), slice(self.left, right)
        return Picture(  # copies, so that the whole image is not kept alive by a window
            pixels=whole.pixels[:, rows, columns].clone(),
            alpha=None if whole.alpha is None else whole.alpha[rows, columns].clone(),
            name=f"{whole.name}@{self.top},{self.left}",
            notes=whole.notes,
        )

    def digest(self) -> str:
        """A sha256 of the image's digest and the window."""
        text = f"{self.size} x {self.size} at {self.top},{self.left} of {self.origin.digest()}"
        return hashlib.sha256(text.encode()).hexdigest()


_last: list[tuple[Origin, str, Picture]] = []
"""The image that windows were cut from last.

One is enough: the windows of one image follow one another in a corpus of crops, and a photograph of
24 megapixels takes 290 MB.
"""


def _whole(origin: Origin, digest: str) -> Picture:
    """The picture of `origin`; a file that changed has another digest, and is read anew."""
    for known, its_digest, picture in _last:
        if its_digest == digest and known == origin:
            return picture
    picture = origin.picture()
    _last[:] = [(origin, digest, picture)]
    return picture


def size_of(origin: Origin) -> tuple[int, int]:
    """Height and width of the picture of `origin`, from as little of a file as will do.

    Raises:
        ImageError: if it cannot be read.
    """
    if isinstance(origin, FileOrigin):
        return image_size(origin.path)
    if isinstance(origin, CropOrigin):
        return origin.size, origin.size
    picture = origin.picture()
    return picture.height, picture.width
