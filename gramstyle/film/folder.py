"""A folder of numbered images as a film."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from gramstyle.errors import ImageError
from gramstyle.film.film import Film, Frame
from gramstyle.images import Picture, ResizePolicy, image_size, read_image, readable_extensions, resize
from gramstyle.images.folder import natural_key

RATE = Fraction(25)
"""Frames per second where nobody says."""


class FrameFolder(Film):
    """The images of a folder in natural order, "2.png" before "10.png"; folders in it are not searched.

    Args:
        path: the folder.
        rate: frames per second.
        fit: bring frames of other sizes to that of the last, by bicubic interpolation; else they are refused.
        max_pixels: a file that claims more is refused.

    Raises:
        ImageError: if there is no image, one cannot be read, or sizes differ.
    """

    def __init__(self, path: Path, rate: Fraction, *, fit: bool, max_pixels: int) -> None:
        self.path, self.rate = path, rate
        self._max_pixels = max_pixels
        self._files = frame_files(path)
        self.count = len(self._files)
        self.size = image_size(self._files[-1])
        if not fit:
            for file in self._files:
                found = image_size(file)
                if found != self.size:
                    raise ImageError(
                        f"frames must be of one size, got {file.name} of {found[1]} x {found[0]} pixels and "
                        f"{self._files[-1].name} of {self.size[1]} x {self.size[0]} in {str(path)!r}"
                    )

    def read(self, start: int) -> Iterator[Frame]:
        """See `Film`."""
        for file in self._files[start:]:
            picture = read_image(file, max_pixels=self._max_pixels)
            yield Frame(picture=_fitted(picture, self.size), seconds=1 / self.rate)


def frame_files(folder: Path) -> list[Path]:
    """The images of a folder, in natural order.

    Raises:
        ImageError: if there is none, or the folder cannot be listed.
    """
    extensions = readable_extensions()
    try:
        found = [one for one in folder.iterdir() if one.suffix.lower() in extensions and one.name[0] != "."]
    except OSError as error:
        raise ImageError(f"cannot list {str(folder)!r}: {error.strerror or error}") from error
    if not found:
        raise ImageError(f"{str(folder)!r} holds no frames: a folder of numbered images was expected")
    return sorted(found, key=natural_key)


def _fitted(picture: Picture, size: tuple[int, int]) -> Picture:
    if (picture.height, picture.width) == size:
        return picture
    pixels = resize(picture.pixels, ResizePolicy("exact", size))
    return Picture(pixels=pixels, alpha=None, name=picture.name, notes=picture.notes)
