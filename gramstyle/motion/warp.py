"""An image moved along a flow."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(image: Tensor, flow: Tensor, mode: str = "bicubic") -> Tensor:
    """What an image shows where a flow leads: ``result(x, y) = image(x + u, y + v)``.

    Beyond its edges the image is continued by them.

    Args:
        image: (C, H, W), floating point.
        flow: u and v in pixels, (2, H, W); see `optical_flow`.
        mode: interpolation, ``bicubic``, ``bilinear`` or ``nearest``. Bicubic keeps detail when frames are
            warped again and again; it may overshoot.

    Returns:
        (C, H, W).

    Raises:
        ValueError: if sizes differ.
    """
    if image.ndim != 3 or flow.shape != (2, *image.shape[1:]):
        raise ValueError(
            f"flow must be (2, H, W) for an image (C, H, W), got {tuple(flow.shape)} for {tuple(image.shape)}"
        )
    height, width = image.shape[1:]
    x, y = targets(flow)
    # grid_sample: -1 and 1 are the outer edges of the first and the last pixel
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1).to(image)
    return F.grid_sample(image[None], grid[None], mode=mode, padding_mode="border", align_corners=False)[0]


def resized_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """A flow (2, H, W) for images of another size (h, w): interpolated, and in their pixels."""
    height, width = flow.shape[1:]
    if (height, width) == size:
        return flow
    made = F.interpolate(flow[None], size=size, mode="bilinear", align_corners=False)[0]
    return made * torch.tensor([size[1] / width, size[0] / height]).to(made)[:, None, None]


def targets(flow: Tensor) -> tuple[Tensor, Tensor]:
    """Coordinates x and y, (H, W) each, in pixels from the centre of the first, where a flow leads."""
    height, width = flow.shape[1:]
    rows = torch.arange(height, dtype=flow.dtype, device=flow.device)[:, None]
    columns = torch.arange(width, dtype=flow.dtype, device=flow.device)
    return columns + flow[0], rows + flow[1]
