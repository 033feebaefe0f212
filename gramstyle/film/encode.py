"""Frames encoded as they come, through PyAV and its FFmpeg."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramstyle.errors import StyleError
from gramstyle.film.library import address, pyav
from gramstyle.film.sound import Sound

FINEST = 10_000
"""Ticks per second, at least, of files that say when a frame is shown in any unit."""

PALETTE = (("palettegen", "stats_mode=single"), ("paletteuse", "new=1:dither=bayer:bayer_scale=4"))
"""A palette for each frame; dithered in a pattern that stays where it is, which error diffusion does not."""


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How a kind of file is written.

    Attributes:
        encoder: FFmpeg's name of it.
        pixels: its pixel format.
        options: of the encoder.
        container: options of the file.
        ticks: per second, where the kind of file fixes them.
        even: sides must be even: colours are stored for two by two pixels.
    """

    encoder: str
    pixels: str
    options: Mapping[str, str] = field(default_factory=dict)
    container: Mapping[str, str] = field(default_factory=dict)
    ticks: int | None = None
    even: bool = False


_H264 = {"encoder": "libx264", "pixels": "yuv420p", "options": {"crf": "18"}, "even": True}
ENCODINGS = {
    ".mp4": Encoding(**_H264, container={"movflags": "+faststart"}),  # type: ignore[arg-type]
    ".mov": Encoding(**_H264, container={"movflags": "+faststart"}),  # type: ignore[arg-type]
    ".mkv": Encoding(**_H264),  # type: ignore[arg-type]
    ".gif": Encoding(encoder="gif", pixels="pal8", ticks=100),
    ".webp": Encoding(
        encoder="libwebp_anim",
        pixels="bgra",
        options={"quality": "90"},
        container={"loop": "0"},
        ticks=1000,
    ),
}
"""Suffix -> how such a file is written."""


class Encoder:
    """A film that is being written to a file.

    Args:
        path: the file, which is overwritten.
        encoding: how.
        size: (H, W) of every frame. Where sides must be even, a last row or column is repeated.
        rate: frames per second, on average.
        sound: a file whose first track of sound is copied; None for silence.
        hold: seconds of the last frame, of which GIF must know beforehand; None for ``1 / rate``.

    Attributes:
        silent_because: why the sound was left out.

    Raises:
        ImportError: if PyAV is not installed.
        StyleError: if its FFmpeg lacks the encoder.
        OSError: if the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        encoding: Encoding,
        size: tuple[int, int],
        rate: Fraction,
        *,
        sound: Path | None = None,
        hold: Fraction | None = None,
    ) -> None:
        self._av = av = pyav(f"writing {path.suffix} files")
        if encoding.encoder not in av.codecs_available:
            raise StyleError(f"the FFmpeg of PyAV {av.__version__} has no encoder {encoding.encoder}")
        self._encoding = encoding
        self._seconds, self._last = Fraction(0), -1
        self._tick = Fraction(1, encoding.ticks or _ticks(rate))
        self._pad = tuple(side % 2 if encoding.even else 0 for side in size)
        height, width = size[0] + self._pad[0], size[1] + self._pad[1]
        self._open = ExitStack()
        options = dict(encoding.container)
        if encoding.encoder == "gif":
            options["final_delay"] = str(max(1, round((hold or 1 / rate) / self._tick)))
        self._file = self._open.enter_context(av.open(address(path), "w", options=options))
        self._stream = self._file.add_stream(encoding.encoder, rate=rate, options=dict(encoding.options))
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, encoding.pixels
        self._stream.codec_context.time_base = self._tick
        self._palette = _palette(av, width, height, self._tick) if encoding.pixels == "pal8" else None
        if encoding.even:  # and so not RGB
            context = self._stream.codec_context
            context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709, ITU-T H.273
            context.color_range = 1  # 16 to 235
        self._sound: Sound | None = None
        self.silent_because = ""
        if sound is not None:
            try:
                self._sound = Sound(av, sound, self._file, path.suffix.lower(), self._open)
            except StyleError as error:
                self.silent_because = str(error)

    def add(self, values: NDArray[np.uint8], seconds: Fraction) -> None:
        """One more frame, (H, W, 4) with alpha, shown for `seconds`; of those of one tick, the first."""
        begin, self._seconds = round(self._seconds / self._tick), self._seconds + seconds
        if begin <= self._last:
            return
        self._last = begin
        rows, columns = self._pad
        padded = np.pad(values, ((0, rows), (0, columns), (0, 0)), mode="edge")
        frame = self._av.VideoFrame.from_ndarray(padded, format="rgba")
        if self._encoding.even:
            frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        elif self._encoding.pixels != "pal8":
            frame = frame.reformat(format=self._encoding.pixels)
        frame.time_base, frame.pts = self._tick, begin
        frame.duration = max(1, round(self._seconds / self._tick) - begin)
        for one in self._paletted(frame):
            self._mux(self._stream.encode(one))

    def close(self) -> None:
        """Write what is left; the file is whole then."""
        if self._palette is not None:
            for one in self._paletted(None):
                self._mux(self._stream.encode(one))
        self._mux(self._stream.encode(None))
        if self._sound is not None:
            self._sound.copy_until(None)
        self._open.close()

    def give_up(self) -> None:
        """Close the file as it is."""
        self._open.close()

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            if self._sound is not None and packet.dts is not None:
                self._sound.copy_until(Fraction(packet.dts * packet.time_base))
            self._file.mux(packet)

    def _paletted(self, frame: Any) -> Iterator[Any]:
        """The frame in the colours of a palette, once the graph gives it back."""
        if self._palette is None:
            yield frame
            return
        self._palette.push(frame)
        while True:
            try:
                yield self._palette.pull()
            except (self._av.BlockingIOError, self._av.EOFError):
                return


def _palette(av: Any, width: int, height: int, tick: Fraction) -> Any:
    """FFmpeg's graph that reduces each frame to 256 colours."""
    graph = av.filter.Graph()
    source = graph.add_buffer(width=width, height=height, format="rgba", time_base=tick)
    split, (generate, use) = graph.add("split"), (graph.add(*one) for one in PALETTE)
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(generate, 0, 0)
    split.link_to(use, 1, 0)
    generate.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _ticks(rate: Fraction) -> int:
    """Ticks per second, of which each frame at `rate` takes a whole number."""
    return rate.numerator * -(-FINEST // rate.numerator)
