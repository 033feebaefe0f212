"""Animated GIF, WebP and PNG as films, through Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from PIL import Image

from gramstyle.errors import ImageError
from gramstyle.film.film import Film, Frame
from gramstyle.images import read_image
from gramstyle.images.samples import check_size
from gramstyle.images.stored import reading

UNSAID = Fraction(1, 10)
"""Seconds of a frame that gives 0, as browsers have it."""


class Animation(Film):
    """A file of several frames that Pillow reads.

    Args:
        path: .gif, .webp, .png or another format with frames.
        max_pixels: a file that claims more is refused.

    Raises:
        ImageError: if it cannot be read, or holds one image.
    """

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        self.path = path
        self._max_pixels = max_pixels
        with reading(repr(str(path))), Image.open(path) as image:
            check_size(image.width, image.height, max_pixels)
            self.size = image.height, image.width
            self.count = int(getattr(image, "n_frames", 1))
            lasting = [_seconds(image, at) for at in range(self.count)]
        if self.count == 1:
            raise ImageError(f"{str(path)!r} is one image, not a film: use `gramstyle transfer`")
        self.rate, self.hold = self.count / sum(lasting, Fraction(0)), lasting[-1]

    def read(self, start: int) -> Iterator[Frame]:
        """See `Film`."""
        name = str(self.path)
        with reading(repr(name)):
            image = Image.open(self.path)
        with image:
            for at in range(start, self.count or 0):
                with reading(repr(name)):
                    seconds = _seconds(image, at)
                    picture = read_image(image.copy(), name=name, max_pixels=self._max_pixels)
                yield Frame(picture=picture, seconds=seconds)


def _seconds(image: Image.Image, at: int) -> Fraction:
    """For how long frame `at` is shown; the image stands at it then."""
    image.seek(at)
    image.load()  # some formats tell only then
    return Fraction(image.info.get("duration") or 0) / 1000 or UNSAID
