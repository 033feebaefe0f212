"""A track of sound copied from one file to another, as it is."""

from __future__ import annotations

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

from gramstyle.errors import StyleError
from gramstyle.film.library import address

_COMMON = ("aac", "mp3", "ac3", "eac3", "alac")
KINDS = {
    ".mp4": (*_COMMON, "opus"),
    ".mov": (*_COMMON, "pcm_s16le", "pcm_s24le"),
    ".mkv": (*_COMMON, "opus", "vorbis", "flac", "pcm_s16le", "pcm_s24le"),
}
"""Suffix -> kinds of sound, by FFmpeg's names, that such a file takes as they are; others have none."""


class Sound:
    """The first track of sound of a file, copied packet by packet without decoding.

    Times are kept beside those of the first video stream, whose first frame is taken as the beginning.

    Args:
        av: PyAV.
        path: where the sound is.
        target: PyAV's container that is being written.
        suffix: of its file.
        opened: what closes the source.

    Raises:
        StyleError: if a file of that kind cannot hold it.
    """

    def __init__(self, av: Any, path: Path, target: Any, suffix: str, opened: ExitStack) -> None:
        source = opened.enter_context(av.open(address(path)))
        track, video = source.streams.audio[0], source.streams.video[0]
        kind = track.codec_context.codec.canonical_name
        if kind not in KINDS[suffix]:
            raise StyleError(f"{suffix} files take {', '.join(KINDS[suffix])}, and {path.name} has {kind}")
        self._begins = Fraction((video.start_time or 0) * video.time_base)
        self._target = target
        self._stream = target.add_stream_from_template(track)
        self._packets = source.demux(track)
        self._next = next(self._packets, None)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Copy what comes before `seconds`; None for all that is left."""
        while self._next is not None:
            packet = self._next
            if packet.dts is not None:
                if seconds is not None and packet.dts * packet.time_base - self._begins > seconds:
                    return
                shift = round(self._begins / packet.time_base)
                packet.dts -= shift
                packet.pts = None if packet.pts is None else packet.pts - shift
                packet.stream = self._stream
                self._target.mux(packet)
            self._next = next(self._packets, None)
