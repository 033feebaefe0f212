"""Where the pixels of a frame were in an earlier one."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from gramstyle.images import ResizePolicy, resize, resize_mask
from gramstyle.motion.flow import optical_flow
from gramstyle.motion.occlusion import consistent
from gramstyle.motion.warp import resized_flow, warp

FLOW_SIZE = 512
"""Longer side of the frames between which flow is computed, in pixels; smaller frames stay as they are."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """From a frame to an earlier one, at the size of the flow.

    Attributes:
        flow: see `optical_flow`; (2, h, w).
        seen: 1 where the pixel was there already, else 0, (h, w); see `consistent`.
    """

    flow: Tensor = field(repr=False)
    seen: Tensor = field(repr=False)

    @property
    def share(self) -> float:
        """Share of the frame that was there already."""
        return float(self.seen.mean())

    def warped(self, image: Tensor) -> Tensor:
        """An image of the earlier frame, (3, H, W) of any size in [0, 1], brought to the later one."""
        flow = resized_flow(self.flow, (image.shape[1], image.shape[2]))
        return warp(image, flow).clamp(0, 1)

    def mask(self, size: tuple[int, int]) -> Tensor:
        """`seen` at a size (H, W), in [0, 1]."""
        return resize_mask(self.seen, size)


def motion_between(frame: Tensor, earlier: Tensor, size: int = FLOW_SIZE) -> Motion:
    """Where the pixels of `frame` were in `earlier`.

    Args:
        frame: sRGB in [0, 1], (3, H, W).
        earlier: likewise, of the same size.
        size: longer side of the flow, in pixels, to which larger frames are brought.

    Raises:
        ValueError: if sizes differ.
        ImportError: if OpenCV is not installed.
    """
    policy = ResizePolicy("long", size, upscale=False)
    small, before = resize(frame, policy), resize(earlier, policy)
    flow, back = optical_flow(small, before), optical_flow(before, small)
    return Motion(flow=flow, seen=consistent(flow, back, small, before).to(flow.dtype))
