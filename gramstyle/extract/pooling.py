"""What VGG may pool by, in the place of maxima."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from gramstyle.errors import StyleError
from gramstyle.numerics import safe_sqrt

Pooling = Literal["max", "average", "l2"]

POOLING_GAIN = {"average": 2.0, "l2": 0.78}
"""What other poolings are multiplied by, so that later layers see about what maxima of 2 x 2 positions give
them: crowsonkb/style-transfer-pytorch."""


class L2Pool2d(nn.Module):
    """Root of the sum of squares of 2 x 2 positions, times a gain; its gradient at 0 is 0."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.gain = gain

    def forward(self, x: Tensor) -> Tensor:
        """Of `x` (B, C, H, W)."""
        squares = F.avg_pool2d(x.square(), 2, 2, divisor_override=1)
        return self.gain * safe_sqrt(squares)


def pool(model: nn.Module, pooling: Pooling, name: str) -> None:
    """Put other pooling in the place of maxima of 2 x 2 positions.

    Raises:
        StyleError: if the network has no such maxima, or others.
    """
    if pooling == "max":
        return
    found = [(path, one) for path, one in model.named_modules() if isinstance(one, nn.MaxPool2d)]
    if not found or any((one.kernel_size, one.stride, one.padding) != (2, 2, 0) for _, one in found):
        raise StyleError(
            f"pooling must be 'max' for {name}, which does not pool maxima of 2 x 2 positions; got "
            f"{pooling!r}. VGG does"
        )
    from timm.models import register_notrace_module

    register_notrace_module(L2Pool2d)  # one step of the network's graph, as other poolings are
    for path, _ in found:
        gain = POOLING_GAIN[pooling]
        made = (
            nn.AvgPool2d(2, 2, divisor_override=round(4 / gain)) if pooling == "average" else L2Pool2d(gain)
        )
        parent, _, child = path.rpartition(".")
        setattr(model.get_submodule(parent), child, made)
