"""What earlier frames say of the present one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gramstyle.images import ResizePolicy, resize
from gramstyle.motion import Motion, motion_between, temporal_error
from gramstyle.transfer.temporal import Temporal


@dataclass(frozen=True, kw_only=True, eq=False)
class Past:
    """An earlier frame.

    Attributes:
        content: before the transfer, (3, H, W).
        result: after it, (3, h, w).
    """

    content: Tensor = field(repr=False)
    result: Tensor = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Memory:
    """What earlier frames say of the present one.

    Attributes:
        temporal: their results where they show it, and the content elsewhere; weights are 1 and 0, and
            between them at edges.
        motion: from the present frame to the one before it.
        content_error: `temporal_error` of the content; None where nothing was there before.
    """

    temporal: Temporal
    motion: Motion
    content_error: float | None

    @property
    def share(self) -> float:
        """Share of the frame that earlier ones show."""
        return float(self.temporal.weights.mean())


def remembered(content: Tensor, past: Sequence[Past], look_back: Sequence[int]) -> Memory:
    """What earlier frames say of the present one.

    Weights are those of Ruder, Dosovitskiy and Brox 2016, section 4, for long-term consistency: a frame
    counts where it is consistent with this one, ``max(c_j - sum of those nearer, 0)``.

    Args:
        content: the present frame, (3, H, W).
        past: earlier frames, the last one last; at least one.
        look_back: which of them, counted from the end, from 1.
    """
    last = motion_between(content, past[-1].content)
    size = past[-1].result.shape[1], past[-1].result.shape[2]
    base = resize(content, ResizePolicy("exact", size))
    pixels, weights = base, torch.zeros(size)
    for back in look_back:
        if back <= len(past):
            one = past[-back]
            motion = last if back == 1 else motion_between(content, one.content)
            more = (motion.mask(size) - weights).clamp_min(0)
            pixels = pixels + more * (motion.warped(one.result) - base)
            weights = weights + more
    return Memory(
        temporal=Temporal(pixels=pixels.clamp(0, 1), weights=weights.clamp(0, 1)),
        motion=last,
        content_error=temporal_error(content, past[-1].content, last),
    )
