"""Video files as films, through PyAV and its FFmpeg."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramstyle.errors import ImageError
from gramstyle.film.film import Film, Frame
from gramstyle.film.library import address, pyav
from gramstyle.images import read_image
from gramstyle.images.samples import check_size
from gramstyle.images.stored import reading

MATRICES = {1: "ITU709", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M"}
"""Number in a stream (ITU-T H.273, table 4) -> the name that PyAV has for it."""

COVER = 0x400
"""FFmpeg's ``AV_DISPOSITION_ATTACHED_PIC``, of a stream that is a picture beside the sound."""

HIGH = 720
"""Rows from which a file that does not say it has the colours of BT.709, as players take it."""


class VideoFile(Film):
    """A file with a video stream, of which the first is read, upright, as 8-bit sRGB.

    Pixels are taken as square, and colours of a high dynamic range as they are stored.

    Args:
        path: .mp4, .mov, .mkv, .webm or what else FFmpeg reads.
        max_pixels: a file that claims more is refused.

    Raises:
        ImageError: if it cannot be read, or has no frames.
        ImportError: if PyAV is not installed.
    """

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        self.path = path
        self._av = pyav(f"reading {path.name}")
        with self._opened() as (container, stream):
            with reading(repr(str(path))):
                check_size(stream.width, stream.height, max_pixels)
            self.rate = Fraction(stream.average_rate or stream.guessed_rate or stream.base_rate or 25)
            lasting = stream.duration and stream.duration * stream.time_base
            if not lasting and container.duration:
                lasting = Fraction(container.duration, self._av.time_base)
            self.count = stream.frames or (round(lasting * self.rate) if lasting else None)
            self.sound = bool(container.streams.audio)
        first = next(self.read(0), None)
        if first is None:
            raise ImageError(f"cannot read {str(path)!r}: it has no frames")
        self.size = first.picture.height, first.picture.width

    def read(self, start: int) -> Iterator[Frame]:
        """See `Film`. Frames before `start` are decoded too: each depends on those before it."""
        with self._opened() as (container, stream):
            held: Any = None
            for number, frame in enumerate(container.decode(stream)):
                if held is not None and number > start:
                    yield self._frame(held, _between(held, frame) or 1 / self.rate)
                held = frame
            if held is not None and number >= start:
                lasting = Fraction(held.duration or 0) * (held.time_base or 0)
                yield self._frame(held, lasting or 1 / self.rate)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        """The container, and its first stream of moving pictures."""
        try:
            with self._av.open(address(self.path)) as container:
                streams = [one for one in container.streams.video if not _is_cover(one)]
                if not streams:
                    raise ImageError(f"cannot read {str(self.path)!r}: it has no video stream")
                streams[0].thread_type = "AUTO"
                yield container, streams[0]
        except self._av.FFmpegError as error:
            raise ImageError(f"cannot read {str(self.path)!r}: {error.strerror or error}") from error

    def _frame(self, frame: Any, seconds: Fraction) -> Frame:
        clear = any(one.is_alpha for one in frame.format.components)
        matrix = MATRICES.get(frame.colorspace, "ITU709" if frame.height >= HIGH else "ITU601")
        values: NDArray[np.uint8] = frame.to_ndarray(
            format="rgba" if clear else "rgb24", src_colorspace=matrix
        )
        upright = np.rot90(values, round(frame.rotation / 90))  # both count against the clock
        return Frame(picture=read_image(np.ascontiguousarray(upright), name=str(self.path)), seconds=seconds)


def _between(frame: Any, after: Any) -> Fraction | None:
    """Seconds from one frame to the next; None where the file does not say it."""
    if frame.pts is None or after.pts is None or after.pts <= frame.pts:
        return None
    return Fraction((after.pts - frame.pts) * frame.time_base)


def _is_cover(stream: Any) -> bool:
    return bool(int(stream.disposition) & COVER)
