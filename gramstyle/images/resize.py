"""Sizes of images and masks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.images.shapes import check_pair, check_pixels

ResizeMode: TypeAlias = Literal["short", "long", "exact", "none"]

_FORMS = (
    "'short:512' or plain '512' (shorter side), 'long:512' (longer side), 'exact:256x384' "
    "(height x width), 'exact:256' (square) or 'none'; ':down' after short or long never enlarges"
)
_TEXT = re.compile(
    r"none|(?:(?P<mode>short|long):)?(?P<side>\d+)(?P<down>:down)?|exact:(?P<height>\d+)(?:x(?P<width>\d+))?"
)


@dataclass(frozen=True)
class ResizePolicy:
    """The size an image is brought to before a network sees it.

    Attributes:
        mode: `short` and `long` bring that side to `size` and keep the shape; `exact` stretches
            to `size`; `none` leaves the image as it is.
        size: pixels of the side; for `exact` one number for a square, or (height, width); None
            for `none`.
        upscale: whether smaller images are enlarged; `exact` always enlarges.
    """

    mode: ResizeMode = "none"
    size: int | tuple[int, int] | None = None
    upscale: bool = True

    def __post_init__(self) -> None:
        check.name_in("mode", self.mode, ("short", "long", "exact", "none"))
        if self.mode == "none":
            if self.size is not None:
                raise StyleError(f"size must be None with mode 'none', got {self.size!r}")
        elif self.mode == "exact":
            check_pair("size", self.size)
            if not self.upscale:
                raise StyleError("upscale must be True with mode 'exact', which gives every image one size")
        elif not isinstance(self.size, int) or isinstance(self.size, bool) or self.size < 1:
            raise ValueError(f"size must be a whole number of pixels greater than 0, got {self.size!r}")

    @classmethod
    def parse(cls, text: str) -> ResizePolicy:
        """Read a policy from text: "short:512", "long:512:down", "exact:256x384", "none".

        A plain "512" is "short:512", as `torchvision.transforms.Resize(512)` is.

        Raises:
            ValueError: if the text has another form; the message lists the forms.
        """
        match = _TEXT.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"resize must be {_FORMS}; got {text!r}")
        if match["height"] is not None:
            return cls("exact", (int(match["height"]), int(match["width"] or match["height"])))
        if match["side"] is None:
            return cls()
        mode: ResizeMode = "long" if match["mode"] == "long" else "short"
        return cls(mode, int(match["side"]), upscale=match["down"] is None)

    def __str__(self) -> str:
        """The text that `parse` reads back."""
        if self.mode == "none" or self.size is None:
            return "none"
        if self.mode == "exact":
            return "exact:{}x{}".format(*check_pair("size", self.size))
        return f"{self.mode}:{self.size}{'' if self.upscale else ':down'}"

    def target(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image of this height and width is brought to.

        The other side is rounded to the nearest pixel, halves up, and is at least 1.
        """
        if self.mode == "none" or self.size is None:
            return height, width
        if isinstance(self.size, tuple) or self.mode == "exact":
            return check_pair("size", self.size)
        side = min(height, width) if self.mode == "short" else max(height, width)
        if side == self.size or (side < self.size and not self.upscale):
            return height, width
        return _scaled(height, self.size, side), _scaled(width, self.size, side)


def _scaled(length: int, size: int, side: int) -> int:
    """``length * size / side`` in integers, so that no platform rounds it differently."""
    return max(1, (2 * length * size + side) // (2 * side))


def resize(pixels: Tensor, policy: ResizePolicy) -> Tensor:
    """Bring images to the size that `policy` asks for, by antialiased bicubic interpolation.

    Bicubic weights are negative in places, so that edges overshoot; the result is clamped to
    [0, 1] for that reason alone. Half precision is interpolated in float32. The backward pass on
    CUDA adds up in no fixed order, as PyTorch's documentation of `interpolate` says.

    Args:
        pixels: (3, H, W) or (B, 3, H, W), floating point in [0, 1].
        policy: what size.

    Returns:
        (3, h, w) or (B, 3, h, w), same dtype; `pixels` itself if the size stays the same.

    Raises:
        TypeError: if `pixels` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    height, width = check_pixels("pixels", pixels)
    size = policy.target(height, width)
    if size == (height, width):
        return pixels
    batch = pixels if pixels.ndim == 4 else pixels[None]
    if pixels.dtype in (torch.float16, torch.bfloat16):
        batch = batch.float()
    resized = _interpolated(batch, size).clamp(0, 1).to(pixels.dtype)
    return resized if pixels.ndim == 4 else resized[0]


def _interpolated(batch: Tensor, size: tuple[int, int]) -> Tensor:
    """Antialiased bicubic interpolation of (B, 3, H, W) to (B, 3, h, w)."""
    if size[1] == 1 and size[0] > 1:
        # torch 2.15 on the CPU repeats the first row down a result one pixel wide; lying down it is right
        return _interpolated(batch.mT, (1, size[0])).mT
    return F.interpolate(batch, size=size, mode="bicubic", antialias=True, align_corners=False)


def resize_mask(alpha: Tensor, size: tuple[int, int]) -> Tensor:
    """Average a mask over the area of each position, e.g. of a tap.

    A pixel that lies across positions counts for each by its share, so the mean of the mask is
    kept whatever the sizes.

    Args:
        alpha: weights, (H, W), floating point.
        size: (h, w).

    Returns:
        (h, w), same dtype and device; `alpha` itself if the size stays the same.

    Raises:
        TypeError: if `alpha` is not a floating-point tensor.
        ValueError: if its shape or `size` is something else.
    """
    check.one_of_type("alpha", alpha, Tensor)
    if not alpha.is_floating_point():
        raise TypeError(f"alpha must be floating point, got {alpha.dtype}: use .float()")
    if alpha.ndim != 2 or alpha.numel() == 0:
        raise ValueError(f"alpha must be (H, W) with at least one pixel, got shape {tuple(alpha.shape)}")
    height, width = check_pair("size", size)
    if (height, width) == tuple(alpha.shape):
        return alpha
    return _averaged(alpha, _shares(alpha.shape[0], height), _shares(alpha.shape[1], width))


def resize_mask_part(
    read: Callable[[int, int, int, int], Tensor],
    old: tuple[int, int],
    size: tuple[int, int],
    part: tuple[int, int, int, int],
) -> Tensor:
    """A rectangle of what `resize_mask` gives, from the pixels that it depends on.

    Args:
        read: from (top, left, height, width) to that rectangle of the mask, (height, width).
        old: (H, W) of the whole mask.
        size: (h, w) of the whole result.
        part: (top, left, height, width) of the rectangle of the result.

    Returns:
        (height, width), of the type that `read` gives.
    """
    top, left, height, width = part
    rows = _shares(old[0], size[0], top, top + height)
    columns = _shares(old[1], size[1], left, left + width)
    alpha = read(rows.first, columns.first, rows.matrix.shape[1], columns.matrix.shape[1])
    return _averaged(alpha, rows, columns)


class _Shares(NamedTuple):
    """Share of each old pixel in each new position, (new, old), float64; of the old, those from `first`."""

    first: int
    matrix: Tensor


def _averaged(alpha: Tensor, rows: _Shares, columns: _Shares) -> Tensor:
    precise = alpha if alpha.dtype == torch.float64 else alpha.float()
    return (rows.matrix.to(precise) @ precise @ columns.matrix.to(precise).mT).to(alpha.dtype)


def _shares(old: int, new: int, start: int = 0, stop: int | None = None) -> _Shares:
    """Shares of `old` pixels in the positions from `start` to `stop` of `new`; rows sum to 1."""
    edges = torch.arange(start, (new if stop is None else stop) + 1, dtype=torch.float64) * (old / new)
    first, last = math.floor(float(edges[0])), min(old, math.ceil(float(edges[-1])))
    pixels = torch.arange(first, last, dtype=torch.float64)
    upper = torch.minimum(edges[1:, None], pixels + 1)
    lower = torch.maximum(edges[:-1, None], pixels)
    return _Shares(first, (upper - lower).clamp_min(0) * (new / old))
