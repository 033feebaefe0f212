"""Sizes of an image from coarse to fine."""

from __future__ import annotations

import math

from gramstyle import check


def scales(largest: int, smallest: int) -> tuple[int, ...]:
    """Longer sides from coarse to fine, each the one before times the square root of 2.

    They are ``round(largest / 2^(i/2))`` for i = 0, 1, ... as long as that is at least `smallest`; where
    `largest` is below `smallest` it is the only one. As in crowsonkb/style-transfer-pytorch (`gen_scales`).

    Args:
        largest: longer side of the result, in pixels.
        smallest: longer side below which no scale goes, in pixels.

    Raises:
        ValueError: if one of them is not positive.
    """
    check.positive("largest", largest)
    check.positive("smallest", smallest)
    found = [largest]
    while (side := round(largest / math.pow(2, len(found) / 2))) >= smallest and side < found[-1]:
        found.append(side)
    return tuple(reversed(found))
