"""EXIF orientation of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
_VERBS = {
    2: "mirrored",
    3: "rotated",
    4: "mirrored",
    5: "mirrored",
    6: "rotated",
    7: "mirrored",
    8: "rotated",
}


def valid(orientation: object) -> int:
    """`orientation` if it is one of 1 to 8, else 1."""
    return orientation if isinstance(orientation, int) and orientation in _VERBS else UPRIGHT


def note(orientation: int) -> tuple[str, ...]:
    """The note that goes with undoing `orientation`; none for 1."""
    return (f"{_VERBS[orientation]} by EXIF orientation {orientation}",) if orientation in _VERBS else ()


def upright(values: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """A view of values (H, W, ...) with `orientation` undone; 5 to 8 exchange H and W."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values
