"""The one door through which films come in."""

from __future__ import annotations

from fractions import Fraction
from os import PathLike
from pathlib import Path

from gramstyle import check
from gramstyle.errors import ImageError, StyleError
from gramstyle.film.animation import Animation
from gramstyle.film.film import Film, Thinned
from gramstyle.film.folder import RATE, FrameFolder
from gramstyle.film.video import VideoFile
from gramstyle.images import MAX_PIXELS, readable_extensions


def open_film(
    path: str | PathLike[str],
    *,
    rate: Fraction | float | None = None,
    fit: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Film:
    """A film from a folder of numbered images, an animated GIF, WebP or PNG, or a video file.

    Args:
        path: the file or folder.
        rate: frames per second. A folder has 25 where nobody says; of a file some frames are left out.
        fit: bring frames of a folder whose sizes differ to that of the last; else they are refused.
        max_pixels: a file whose frames claim more is refused.

    Raises:
        ImageError: if it cannot be read, is no film, or has no frames.
        StyleError: if `rate` is more than that of a file.
        ImportError: for a video file where PyAV is not installed.
    """
    source = Path(path)
    wanted = None
    if rate is not None:
        check.positive("rate", float(rate))
        wanted = Fraction(rate).limit_denominator(100_000)
    if source.is_dir():
        return FrameFolder(source, wanted or RATE, fit=fit, max_pixels=max_pixels)
    if not source.is_file():
        raise ImageError(f"cannot read {str(source)!r}: no such file")
    still = source.suffix.lower() in readable_extensions()
    film: Film = (Animation if still else VideoFile)(source, max_pixels=max_pixels)
    if wanted is None or wanted == film.rate:
        return film
    if wanted > film.rate:
        raise StyleError(
            f"rate must be at most that of {source.name}, {float(film.rate):g} frames per second: frames can "
            f"be left out, not made; got {float(wanted):g}"
        )
    return Thinned(film, wanted)
