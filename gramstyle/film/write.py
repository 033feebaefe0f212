"""The one door through which films leave."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gramstyle.errors import StyleError
from gramstyle.files import replacing
from gramstyle.film.encode import ENCODINGS, Encoder
from gramstyle.film.film import Frame
from gramstyle.film.library import pyav
from gramstyle.film.sound import KINDS as SOUNDS
from gramstyle.images import Picture, save_image
from gramstyle.images.save import levels


def check_film(path: str | PathLike[str]) -> None:
    """Raise unless a film can be written to a file or folder of that name.

    Raises:
        StyleError: for a suffix that no film has.
        ImportError: if PyAV is needed and not installed.
    """
    target = Path(path)
    if is_folder(target):
        return
    if target.suffix.lower() not in ENCODINGS:
        raise StyleError(
            f"a film must be written to a file that ends in {', '.join(ENCODINGS)}, or to a folder, whose "
            f"name has no suffix; got {target.name}"
        )
    pyav(f"writing {target.suffix} files")


def is_folder(path: Path) -> bool:
    """Whether numbered images are written to a folder of that name, instead of a film to a file."""
    return path.suffix == "" or path.is_dir()


def write_film(
    path: str | PathLike[str],
    frames: Iterable[Frame],
    rate: Fraction,
    *,
    sound: Path | None = None,
    hold: Fraction | None = None,
) -> tuple[str, ...]:
    """Write frames as they come: a file whole or not at all, a folder image by image.

    ``.mp4``, ``.mov`` and ``.mkv`` hold H.264 in the colours of BT.709, 8 bits, without transparency; sides
    that are odd gain a row or column. ``.gif`` has 256 colours per frame, and hundredths of a second;
    ``.webp`` is lossy, in thousandths of a second. Of frames that begin in the same hundredth or thousandth
    the first is written. A folder gets ``000001.png`` and so on; numbered images
    beyond the last that are there already are removed.

    Args:
        path: what is written.
        frames: of one size, at least one.
        rate: frames per second, on average.
        sound: a file whose first track of sound is copied, as it is.
        hold: seconds of the last frame, of which GIF must know beforehand; None for ``1 / rate``.

    Returns:
        What was left out, in words.

    Raises:
        StyleError: as `check_film`, or if there are no frames.
        ImportError: if PyAV is needed and not installed.
        OSError: if it cannot be written.
    """
    check_film(path)
    target, given = Path(path), iter(frames)
    first = next(given, None)
    if first is None:
        raise StyleError(f"{target.name} needs at least one frame, got none")
    everything = chain([first], given)
    if is_folder(target):
        _write_folder(target, everything)
        return ()
    encoding = ENCODINGS[target.suffix.lower()]
    size = first.picture.height, first.picture.width
    with replacing(target) as temporary:
        track = sound if target.suffix.lower() in SOUNDS else None
        encoder = Encoder(temporary, encoding, size, rate, sound=track, hold=hold)
        try:
            for frame in everything:
                encoder.add(_rgba(frame.picture), frame.seconds)
        except BaseException:
            encoder.give_up()
            raise
        encoder.close()
    if sound != track:
        return (f"sound is left out: {target.suffix} files have none",)
    return (f"sound is left out: {encoder.silent_because}",) if encoder.silent_because else ()


def frame_path(folder: Path, number: int) -> Path:
    """The file of frame `number`, counted from 0: the first is ``000001.png``."""
    return folder / f"{number + 1:06d}.png"


def _write_folder(folder: Path, frames: Iterable[Frame]) -> None:
    count = 0
    for frame in frames:
        save_image(frame_path(folder, count), frame.picture.pixels, alpha=frame.picture.alpha)
        count += 1
    while frame_path(folder, count).exists():
        frame_path(folder, count).unlink()
        count += 1


def _rgba(picture: Picture) -> NDArray[np.uint8]:
    """(H, W, 4); opaque where the picture has no transparency."""
    opaque = torch.ones(picture.height, picture.width)
    return levels(picture.pixels, opaque if picture.alpha is None else picture.alpha, 8)
