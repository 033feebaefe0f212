"""Where the pixels of a tile come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from gramstyle.extract.regions import Region, Size
from gramstyle.images import Raster, resize_mask_part


class Source(Protocol):
    """An image that is read a rectangle at a time."""

    @property
    def size(self) -> Size:
        """(H, W)."""

    def pixels(self, region: Region) -> Tensor:
        """Pixels (1, 3, h, w), sRGB in [0, 1], floating point."""

    def weights(self, size: Size, region: Region) -> Tensor | None:
        """Weights (1, h, w) at the positions `region` of a map of (H, W) `size`; None where all weigh 1."""


@dataclass(frozen=True, eq=False)
class TensorSource:
    """An image that is a tensor already.

    Attributes:
        image: sRGB in [0, 1], (3, H, W), floating point.
        mask: weight of each pixel, (H, W); None weighs all 1.
    """

    image: Tensor
    mask: Tensor | None = None

    @property
    def size(self) -> Size:
        """(H, W)."""
        return self.image.shape[1], self.image.shape[2]

    def pixels(self, region: Region) -> Tensor:
        """A view, without gradient."""
        rows, columns = (slice(*one) for one in region)
        return self.image.detach()[None, :, rows, columns]

    def weights(self, size: Size, region: Region) -> Tensor | None:
        """As `Source.weights`."""
        if self.mask is None:
            return None
        mask = self.mask.detach()

        def read(top: int, left: int, height: int, width: int) -> Tensor:
            return mask[top : top + height, left : left + width]

        return resize_mask_part(read, self.size, size, _corner(region))[None]


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterSource:
    """An image whose colours are converted when they are read.

    Attributes:
        raster: the image.
        top: first row that is used.
        left: first column that is used.
        size: (H, W) that is used.
        masked: whether its alpha, if it has one, weighs positions.
        notes: every choice made while reading so far, in words; filled while it is read.
    """

    raster: Raster
    top: int
    left: int
    size: Size
    masked: bool
    notes: dict[str, None] = field(default_factory=dict)

    def pixels(self, region: Region) -> Tensor:
        """As `Source.pixels`."""
        top, left, height, width = _corner(region)
        part = self.raster.part(self.top + top, self.left + left, height, width)
        self.notes.update(dict.fromkeys(part.notes))
        return part.pixels[None]

    def weights(self, size: Size, region: Region) -> Tensor | None:
        """As `Source.weights`."""
        if not self.masked or self.raster.part(self.top, self.left, 1, 1).alpha is None:
            return None

        def read(top: int, left: int, height: int, width: int) -> Tensor:
            alpha = self.raster.part(self.top + top, self.left + left, height, width).alpha
            return torch.ones(height, width) if alpha is None else alpha

        return resize_mask_part(read, self.size, size, _corner(region))[None]


def _corner(region: Region) -> tuple[int, int, int, int]:
    """(top, left, height, width)."""
    return region.rows.start, region.columns.start, *region.size
