"""Features of colours, whose Gaussian statistics tell one palette from another."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = (0.25, 0.5, 0.75)
"""Of a channel: where its hinges stand."""

DIFFERENCES = (0.0, 0.125, 0.25, 0.5)
"""Of a channel less another one, either way round."""


def _hinges() -> tuple[tuple[tuple[float, float, float], float], ...]:
    """Weights of red, green and blue, and the level that is taken off."""
    one = tuple(tuple(float(at == channel) for at in range(3)) for channel in range(3))
    pairs = [(a, b) for a in range(3) for b in range(3) if a != b]
    apart = [tuple(x - y for x, y in zip(one[a], one[b], strict=True)) for a, b in pairs]
    plain = [(row, level) for level in LEVELS for row in one]
    return tuple(plain + [(row, level) for level in DIFFERENCES for row in apart])  # type: ignore[arg-type]


HINGES = _hinges()
CHANNELS = 3 + len(HINGES)


def palette_features(image: Tensor) -> Tensor:
    """A pixel's colour, and ``max(0, w . colour - t)`` for each of `HINGES`.

    The means of ``max(0, x - t)`` over all t say how x is distributed (their second derivative is its
    density; Breeden and Litzenberger 1978), which mean and variance do not: a few blue pixels among many
    ochre ones hardly move the covariance of colours, and move the mean of ``max(0, blue - red)`` by all that
    they have. Here x are the channels and their differences, and t some values: a first layer of
    VGG does much the same, one of stride 2 and few channels does not.

    Args:
        image: (B, 3, H, W).

    Returns:
        (B, `CHANNELS`, H, W).
    """
    rows, levels = zip(*HINGES, strict=True)
    weight = torch.tensor(rows, dtype=image.dtype, device=image.device)[:, :, None, None]
    bias = -torch.tensor(levels, dtype=image.dtype, device=image.device)
    return torch.cat([image, F.conv2d(image, weight, bias).relu_()], 1)
