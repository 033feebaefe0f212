"""Blocks of a map that overlap, and the map that is made of what they give."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional


def tiles(padded: Tensor, sizes: tuple[int, ...], steps: tuple[int, ...], counts: tuple[int, ...]) -> Tensor:
    """(B, C, counts, sizes): blocks of an input (B, C, space), one every `steps`; zeros beyond its end."""
    sides: list[int] = []
    for length, size, step, count in reversed(list(zip(padded.shape[2:], sizes, steps, counts, strict=True))):
        sides += [0, (count - 1) * step + size - length]
    found = functional.pad(padded, sides)
    for axis, (size, step) in enumerate(zip(sizes, steps, strict=True), 2):
        found = found.unfold(axis, size, step)
    return found


def whole(parts: Tensor) -> Tensor:
    """(B, N, space) of blocks (B, N, counts, steps) that lie side by side."""
    space = (parts.ndim - 2) // 2
    order = [0, 1] + [axis for at in range(space) for axis in (2 + at, 2 + space + at)]
    lengths = [parts.shape[2 + at] * parts.shape[2 + space + at] for at in range(space)]
    return parts.permute(order).reshape(*parts.shape[:2], *lengths)


def first(sizes: tuple[int, ...], steps: tuple[int, ...] | None = None) -> tuple[Any, ...]:
    """An index of the first positions along the last dimensions, by these steps."""
    parts = zip(sizes, steps or (1,) * len(sizes), strict=True)
    return ..., *(slice(0, size, step) for size, step in parts)
