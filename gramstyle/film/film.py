"""Frames in their order, with the time for which each is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

from gramstyle.errors import ImageError
from gramstyle.images import Picture


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """One picture of a film.

    Attributes:
        picture: what is shown; see `Picture`.
        seconds: for how long.
    """

    picture: Picture = field(repr=False)
    seconds: Fraction


class Film(ABC):
    """A file or folder of frames, of which one at a time is in memory.

    Attributes:
        path: the file or folder.
        rate: frames per second, on average.
        size: (H, W) of every frame.
        count: number of frames; from the header where the file has one, and None where it has not.
        sound: whether there is a track of it.
        hold: seconds of the last frame, where they are known beforehand.
    """

    path: Path
    rate: Fraction
    size: tuple[int, int]
    count: int | None
    sound: bool = False
    hold: Fraction | None = None

    def frames(self, start: int = 0) -> Iterator[Frame]:
        """Frames from number `start`, counted from 0.

        Raises:
            ImageError: while iterating, for a frame that cannot be read, or is of another size.
        """
        for number, frame in enumerate(self.read(start), start=start + 1):
            found = frame.picture.height, frame.picture.width
            if found != self.size:
                raise ImageError(
                    f"cannot read {str(self.path)!r}: frame {number} is {found[1]} x {found[0]} pixels, and "
                    f"the first is {self.size[1]} x {self.size[0]}"
                )
            yield frame

    @abstractmethod
    def read(self, start: int) -> Iterator[Frame]:
        """Frames from number `start`, whatever their sizes."""


class Thinned(Film):
    """Fewer frames per second of a film: of each tick the frame that is on the screen at its beginning.

    Args:
        film: with more frames.
        rate: frames per second, below that of `film`.
    """

    def __init__(self, film: Film, rate: Fraction) -> None:
        self.path, self.size, self.sound = film.path, film.size, film.sound
        self.rate = rate
        self.count = None if film.count is None else max(1, round(film.count * rate / film.rate))
        self._film = film

    def read(self, start: int) -> Iterator[Frame]:
        """See `Film`."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[Frame]:
        ends, tick = Fraction(0), Fraction(0)
        for frame in self._film.frames():
            ends += frame.seconds
            if tick < ends:
                yield Frame(picture=frame.picture, seconds=1 / self.rate)
            while tick < ends:
                tick += 1 / self.rate
