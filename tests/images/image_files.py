"""Image files and ICC profiles written by hand, byte by byte, for tests."""

import struct
import zlib
from typing import NamedTuple

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 3: 2, 2: 4, 4: 6}  # channels -> PNG colour type


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height, depth, colour_type):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))


def png16(values, before=b"", after=b""):
    """A 16-bit PNG of values (H, W, C); `before` and `after` are chunks around the pixels."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = SIGNATURE + header(width, height, 16, COLOUR_TYPES[channels])
    return head + before + chunk(b"IDAT", zlib.compress(rows)) + after + chunk(b"IEND", b"")


class Filtered(NamedTuple):
    data: bytes
    filters: list


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def _paeth(a, b, c):
    nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))
    return nearest[2]


def _filter(rows, size, filters):
    """Rows of bytes, filtered one byte at a time as the PNG specification says."""
    out = bytearray()
    for y, row in enumerate(rows):
        kind = len(filters) % 5
        filters.append(kind)
        out.append(kind)
        for x, value in enumerate(row):
            a = rows[y][x - size] if x >= size else 0
            b = rows[y - 1][x] if y else 0
            c = rows[y - 1][x - size] if y and x >= size else 0
            out.append((value - (0, a, b, (a + b) // 2, _paeth(a, b, c))[kind]) % 256)
    return bytes(out)


def png16_filtered(values, interlaced):
    """A 16-bit PNG of values (H, W, C) whose rows take the five filters in turn."""
    height, width, channels = values.shape
    filters, body = [], b""
    for left, top, across, down in ADAM7 if interlaced else ((0, 0, 1, 1),):
        part = values[top::down, left::across]
        if part.size:
            body += _filter([row.astype(">u2").tobytes() for row in part], 2 * channels, filters)
    head = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, interlaced)
    chunks = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")
    return Filtered(SIGNATURE + chunks, filters)


def bomb(width=50_000, height=50_000):
    """A PNG of under a hundred bytes that claims to be large."""
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 10))
    return SIGNATURE + header(width, height, 8, 2) + pixels + chunk(b"IEND", b"")


def _fixed(*numbers):
    return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))


def xyz(column):
    return b"XYZ \0\0\0\0" + _fixed(*column)


def gamma(exponent):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256)) + b"\0\0"


def linear():
    return b"curv\0\0\0\0" + struct.pack(">I", 0)


def table(levels):
    data = b"curv\0\0\0\0" + struct.pack(">I", len(levels)) + np.asarray(levels, ">u2").tobytes()
    return data + b"\0" * (-len(data) % 4)


def parametric(kind, *numbers):
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(*numbers)


def _text(name):
    plain = name.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(plain)) + plain + b"\0" * (8 + 3 + 67 + 1)


def profile(name, space, tags, pcs=b"XYZ ", kind=b"mntr"):
    """An ICC profile of version 2.4 with a description and `tags`."""
    tags = {b"desc": _text(name), b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz((0.9642, 1, 0.8249)), **tags}
    at, entries, body = 132 + 12 * len(tags), b"", b""
    for signature, data in tags.items():
        padded = data + b"\0" * (-len(data) % 4)
        entries += struct.pack(">4sII", signature, at + len(body), len(data))
        body += padded
    start = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, kind, space, pcs)
    start += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 24
    start += struct.pack(">I", 1) + xyz((0.9642, 1, 0.8249))[8:]
    start += b"\0" * (128 - len(start))
    return start + struct.pack(">I", len(tags)) + entries + body


def matrix_profile(name, columns, *curves):
    """An RGB profile: columns are the XYZ of red, green and blue; one curve for all or three."""
    three = curves * 3 if len(curves) == 1 else curves
    tags = {b"rXYZ": xyz(columns[0]), b"gXYZ": xyz(columns[1]), b"bXYZ": xyz(columns[2])}
    tags.update(zip((b"rTRC", b"gTRC", b"bTRC"), three, strict=True))
    return profile(name, b"RGB ", tags)


def grey_profile(name, curve):
    return profile(name, b"GRAY", {b"kTRC": curve})


def cmyk_profile(name, lab_of_corner):
    """A CMYK profile made of a 2x2x2x2 table; `lab_of_corner(c, m, y, k)` gives L*, a*, b*."""
    cells = b""
    for corner in range(16):
        inks = [corner >> shift & 1 for shift in (3, 2, 1, 0)]
        lightness, a, b = lab_of_corner(*inks)
        cells += bytes((round(lightness * 2.55), round(a + 128), round(b + 128)))
    return profile(name, b"CMYK", {b"A2B0": _lut(4, 3, cells)}, pcs=b"Lab ", kind=b"prtr")


def black_press(name, black, **others):
    """A CMYK profile of a press that prints with black ink alone, of lightness L* = `black`.

    Its lightness is 100 - (100 - black) k; a colour gets the k of its lightness, in 8 bits. Tables of the
    perceptual intent are the same, or those of `others` by signature.
    """
    seen = b"".join(bytes((round((black if corner & 1 else 100) * 2.55), 128, 128)) for corner in range(16))
    share = (np.arange(256) / 2.55 - black) / (100 - black)
    inks = np.rint(share.clip(0, 1) * 255).astype(np.uint8).tobytes()
    there, back = _lut(3, 4, (bytes((0, 0, 0, 255)) * 4 + bytes(16)), inks), _lut(4, 3, seen)
    tags = {b"A2B0": back, b"A2B1": back, b"B2A0": there, b"B2A1": there}
    tags |= {signature.encode(): data for signature, data in others.items()}
    return profile(name, b"CMYK", tags, pcs=b"Lab ", kind=b"prtr")


def constant_lut(inputs, *values):
    """A table that gives the same 8-bit values everywhere."""
    return _lut(inputs, len(values), bytes(values) * 2**inputs)


def _lut(inputs, outputs, cells, first=bytes(range(256))):
    """A table of two points per input; `first` is the curve of the first input, which varies slowest."""
    ramp = bytes(range(256))
    head = b"mft1\0\0\0\0" + bytes((inputs, outputs, 2, 0)) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return head + first + ramp * (inputs - 1) + cells + ramp * outputs
