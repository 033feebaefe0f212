"""Matrix and curve ICC profiles, evaluated in floating point.

LittleCMS as Pillow offers it works on 8 bits. Most RGB and grey profiles are a curve per channel
and a 3x3 matrix, which cost a few lines to evaluate without that loss. For them the relative
colorimetric intent is the matrix alone, and black point compensation is one more scaling.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gramstyle.images.samples import unit

Curve: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]

# Columns are the XYZ of sRGB's red, green and blue, adapted to D50 by Bradford (IEC 61966-2-1).
SRGB_TO_XYZ = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
_BRIGHTEST_BLACK = ((50 + 16) / 116) ** 3  # L* of 50: what is brighter is no black
_MATRIX_TOLERANCE = 1e-3  # the many sRGB profiles differ by up to 5e-4 in their primaries
_CURVE_TOLERANCE = 2e-3  # and their curves by 1e-3 in linear light; gamma 2.2 is 8e-3 away


def srgb_decode(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light of sRGB-encoded values in [0, 1]."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def srgb_encode(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """sRGB-encoded values of linear light in [0, 1]."""
    bright = np.float32(1.055) * linear ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(linear <= 0.0031308, np.float32(12.92) * linear, bright)


@dataclass(frozen=True, eq=False)
class MatrixProfile:
    """One curve per channel and, for RGB, the matrix from linear RGB to XYZ under D50.

    Attributes:
        curves: one for grey, three for RGB, from [0, 1] to linear light.
        matrix: (3, 3), or None for grey.
    """

    curves: tuple[Curve, ...]
    matrix: NDArray[np.float64] | None

    def is_srgb(self) -> bool:
        """Whether converting to sRGB would change no more than rounding does."""
        grid = np.linspace(0, 1, 256)
        target = srgb_decode(grid)
        if any(np.abs(curve(grid) - target).max() > _CURVE_TOLERANCE for curve in self.curves):
            return False
        return self.matrix is None or bool(np.abs(self.matrix - SRGB_TO_XYZ).max() <= _MATRIX_TOLERANCE)

    def black(self) -> float:
        """Luminance of the darkest colour; 0 in all but a few profiles."""
        darkest = np.array([float(curve(np.zeros(1))[0]) for curve in self.curves])
        luminance = float(darkest[0] if self.matrix is None else self.matrix[1] @ darkest)
        return min(max(luminance, 0.0), _BRIGHTEST_BLACK)

    def to_srgb(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Stored samples (H, W, C) as sRGB in [0, 1], same shape; colours outside sRGB are clipped."""
        channels = [_apply(curve, values[..., c]) for c, curve in enumerate(self.curves)]
        linear = np.stack(channels, axis=-1)
        if self.matrix is not None:
            linear = linear @ (np.linalg.inv(SRGB_TO_XYZ) @ self.matrix).T.astype(np.float32)
        black = np.float32(self.black())  # compensation: black to black, white to white
        return srgb_encode(np.clip((linear - black) / (1 - black), 0.0, 1.0))


def matrix_profile(profile: bytes) -> MatrixProfile | None:
    """The matrix and curves of an ICC profile, or None if it is made of tables instead.

    Raises:
        ValueError: if the bytes are no ICC profile or end before its tags do.
    """
    if len(profile) < 132 or profile[36:40] != b"acsp":
        raise ValueError("not an ICC profile")
    tags = _tags(profile)
    if profile[20:24] != b"XYZ " or any(tag in tags for tag in (b"A2B0", b"A2B1")):
        return None
    if profile[16:20] == b"GRAY" and b"kTRC" in tags:
        return MatrixProfile((_curve(tags[b"kTRC"]),), None)
    needed = [letter + kind for kind in (b"TRC", b"XYZ") for letter in (b"r", b"g", b"b")]
    if profile[16:20] != b"RGB " or any(tag not in tags for tag in needed):
        return None
    curves = tuple(_curve(tags[tag]) for tag in needed[:3])
    return MatrixProfile(curves, np.stack([_xyz(tags[tag]) for tag in needed[3:]], axis=1))


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """Tag signature -> its bytes."""
    (count,) = struct.unpack_from(">I", profile, 128)
    if 132 + 12 * count > len(profile):
        raise ValueError("the ICC profile ends inside its table of tags")
    tags = {}
    for index in range(count):
        signature, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if offset + size > len(profile):
            raise ValueError(f"the ICC profile ends inside its tag {signature.decode('latin-1')}")
        tags[signature] = profile[offset : offset + size]
    return tags


def _fixed(data: bytes, offset: int, count: int) -> tuple[float, ...]:
    """`count` signed 16.16 numbers."""
    if offset + 4 * count > len(data):
        raise ValueError("an ICC tag is too short")
    return tuple(number / 65536 for number in struct.unpack_from(f">{count}i", data, offset))


def _xyz(tag: bytes) -> NDArray[np.float64]:
    if tag[:4] != b"XYZ ":
        raise ValueError("a colorant of the ICC profile is not of type XYZ")
    return np.array(_fixed(tag, 8, 3))


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"curv":
        return _sampled(tag)
    if tag[:4] == b"para":
        return _parametric(tag)
    raise ValueError("a curve of the ICC profile is of no known type")


def _sampled(tag: bytes) -> Curve:
    """A `curv` tag: the identity, one gamma, or a table at equal steps."""
    if len(tag) < 12:
        raise ValueError("an ICC tag is too short")
    (count,) = struct.unpack_from(">I", tag, 8)
    if 12 + 2 * count > len(tag):
        raise ValueError("an ICC tag is too short")
    if count == 0:
        return lambda x: x
    if count == 1:
        gamma = struct.unpack_from(">H", tag, 12)[0] / 256
        return lambda x: x**gamma
    table = np.frombuffer(tag, ">u2", count, 12) / 65535
    steps = np.linspace(0, 1, count)
    return lambda x: np.interp(x, steps, table)


def _parametric(tag: bytes) -> Curve:
    """A `para` tag: (a x + b)^g + e from d upwards, c x + f below, with fewer letters for lower types."""
    if len(tag) < 12:
        raise ValueError("an ICC tag is too short")
    kind = struct.unpack_from(">H", tag, 8)[0]
    if kind > 4:
        raise ValueError(f"a curve of the ICC profile is of unknown type {kind}")
    g, *rest = _fixed(tag, 12, (1, 3, 4, 5, 7)[kind])
    a, b = rest[:2] if rest else (1.0, 0.0)
    c, d, e, f = 0.0, -b / a if a else 0.0, 0.0, 0.0
    if kind == 2:
        e = f = rest[2]
    elif kind == 3:
        c, d = rest[2:]
    elif kind == 4:
        c, d, e, f = rest[2:]

    def evaluate(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(x >= d, np.maximum(a * x + b, 0.0) ** g + e, c * x + f)

    return evaluate


def _apply(curve: Curve, values: NDArray[Any]) -> NDArray[np.float32]:
    """`curve` of stored samples; 8 and 16 bits through a table of all their values."""
    if values.dtype in (np.uint8, np.uint16):
        levels = np.iinfo(values.dtype).max
        table = curve(np.arange(levels + 1) / levels).astype(np.float32)
        return np.take(table, values)
    return np.asarray(curve(unit(values).astype(np.float64)), dtype=np.float32)
