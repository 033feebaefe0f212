"""PNG samples that Pillow would reduce or misread."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from gramstyle.images.samples import Samples, Space

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # colour type -> channels, palettes aside
# Adam7: first column and row of each pass, and the steps between its columns and rows.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


class _Header(NamedTuple):
    width: int
    height: int
    depth: int
    colour: int
    compression: int
    filtering: int
    interlace: int


def is_16_bit(data: bytes) -> bool:
    """Whether these are the bytes of a 16-bit PNG."""
    return data.startswith(_SIGNATURE) and len(data) >= 29 and _header(data).depth == 16


def transparent_level(data: bytes) -> int | None:
    """The level, of 255, that a grey PNG of 2 or 4 bits declares transparent, if it declares one.

    Pillow widens the samples to 8 bits, and compares them with the level as stored.
    """
    header = _header(data)
    key = _chunk(data, b"tRNS")
    if header.colour != 0 or header.depth not in (2, 4) or len(key) < 2:
        return None
    return int(struct.unpack(">H", key[:2])[0] * 255 // ((1 << header.depth) - 1))


def described_first(data: bytes) -> bool:
    """Whether all that a PNG says about its pixels stands before them, where the header is read."""
    kinds = [kind for kind, _ in _chunks(data)]
    after = kinds[kinds.index(b"IDAT") :] if b"IDAT" in kinds else kinds
    return not set(after) & {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}


def read(data: bytes) -> Samples:
    """Samples of a 16-bit PNG at full depth.

    Pillow keeps only the high byte of 16-bit colours. But PNG filters act on each byte of a pixel
    by itself, against the same byte of its neighbours, so that dealing the bytes out gives two
    PNGs of 8 bits of the same colour type, which Pillow decodes exactly.

    Raises:
        ValueError: if pixels are missing.
        zlib.error: if they are damaged.
    """
    header = _header(data)
    channels = _CHANNELS[header.colour]
    halves = [
        np.asarray(PngImageFile(io.BytesIO(half))).reshape(header.height, header.width, channels)
        for half in _halves(data, header, channels)
    ]
    values = np.concatenate(halves, axis=-1).view(">u2").astype(np.uint16)  # (H, W, C)
    space: Space = "grey" if channels < 3 else "rgb"
    if channels in (2, 4):
        return Samples(values=values[..., :-1], space=space, alpha=values[..., -1], notes=("16-bit",))
    key, alpha = _chunk(data, b"tRNS"), None
    if len(key) == 2 * channels:  # one colour stands for full transparency
        alpha = (values != np.frombuffer(key, ">u2").astype(np.uint16)).any(axis=-1)
    return Samples(values=values, space=space, alpha=alpha, notes=("16-bit",))


def _halves(data: bytes, header: _Header, channels: int) -> Iterator[bytes]:
    """Two PNGs of 8 bits: of the first and of the second half of every pixel's bytes."""
    size = 2 * channels
    shapes = _pass_shapes(header)
    expected = sum(height * (1 + width * size) for height, width in shapes)
    packed = b"".join(body for kind, body in _chunks(data) if kind == b"IDAT")
    raw = np.frombuffer(zlib.decompressobj().decompress(packed, expected), np.uint8)
    if len(raw) < expected:
        raise ValueError(f"image file is truncated: {len(raw)} of {expected} bytes of pixels")
    for half in (slice(0, channels), slice(channels, size)):
        parts, at = [], 0
        for height, width in shapes:
            rows = raw[at : at + height * (1 + width * size)].reshape(height, 1 + width * size)
            kept = rows[:, 1:].reshape(height, width, size)[..., half].reshape(height, -1)
            parts.append(np.concatenate([rows[:, :1], kept], axis=1).tobytes())  # filter type first
            at += rows.size
        head = struct.pack(">IIBBBBB", *header._replace(depth=8))
        body = zlib.compress(b"".join(parts), 0)
        yield _SIGNATURE + b"".join(map(_packed, (b"IHDR", b"IDAT", b"IEND"), (head, body, b"")))


def _pass_shapes(header: _Header) -> list[tuple[int, int]]:
    """Height and width of each pass that has pixels; one pass if not interlaced."""
    if not header.interlace:
        return [(header.height, header.width)]
    shapes = (
        (-(-(header.height - top) // down), -(-(header.width - left) // across))
        for left, top, across, down in _PASSES
    )
    return [(height, width) for height, width in shapes if height > 0 and width > 0]


def _header(data: bytes) -> _Header:
    return _Header(*struct.unpack_from(">IIBBBBB", data, 16))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk."""
    at = len(_SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(data: bytes, wanted: bytes) -> bytes:
    """Body of the first chunk of a kind; empty if there is none."""
    return next((body for kind, body in _chunks(data) if kind == wanted), b"")


def _packed(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
