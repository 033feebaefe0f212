"""Which pixels of a frame can be seen in another."""

from __future__ import annotations

import torch
from torch import Tensor

from gramstyle.motion.warp import targets, warp

UNLIKE = 0.1
"""Root mean square difference of colours above which two pixels do not show the same."""


def consistent(flow: Tensor, back: Tensor, frame: Tensor, other: Tensor) -> Tensor:
    """Which pixels of a frame are seen in another one too, and where the flow to it can be trusted.

    Not those that the flow leads out of the other frame, and, with w the flow and b the flow back, read
    where w leads:

    * disocclusions, ``|w + b|^2 > 0.01 (|w|^2 + |b|^2) + 0.5``: there and back does not end where it began;
    * motion boundaries, ``|grad u|^2 + |grad v|^2 > 0.01 |w|^2 + 0.002``: the flow is smooth across them,
      and what moves is not;
    * pixels whose colour differs by more than `UNLIKE`, because two flat images have a flow of 0, both ways.

    The first two are those of Sundaram, Brox and Keutzer 2010, with the thresholds of Ruder, Dosovitskiy and
    Brox 2016 (Artistic style transfer for videos), section 4; comparing colours is from Lai et al. 2018
    (Learning blind video temporal consistency).

    Args:
        flow: from `frame` to `other`, (2, H, W); see `optical_flow`.
        back: from `other` to `frame`.
        frame: sRGB in [0, 1], (3, H, W).
        other: likewise.

    Returns:
        (H, W), true where it is so.
    """
    height, width = flow.shape[1:]
    x, y = targets(flow)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    returning = warp(back, flow, "bilinear")
    length = flow.square().sum(0)
    astray = (flow + returning).square().sum(0) > 0.01 * (length + returning.square().sum(0)) + 0.5
    down, right = torch.gradient(flow, dim=(1, 2))
    boundary = (down.square() + right.square()).sum(0) > 0.01 * length + 0.002
    unlike = (warp(other, flow, "bilinear") - frame).square().mean(0) > UNLIKE**2
    return inside & ~astray & ~boundary & ~unlike
