"""Where the pixels of a tile come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from gramstyle.extract.regions import Region, Size
from gramstyle.images import Picture, Raster, resize_mask_part


class Source(Protocol):
    """An image that is read a rectangle at a time."""

    @property
    def size(self) -> Size:
        """(H, W)."""

    def pixels(self, region: Region) -> Tensor:
        """Pixels (1, 3, h, w), sRGB in [0, 1], floating point."""

    def weights(self, size: Size, region: Region) -> Tensor | None:
        """Weights (1, h, w) at the positions `region` of a map of (H, W) `size`; None where all weigh 1."""

    def whole(self) -> tuple[Tensor, Tensor | None]:
        """All pixels (3, H, W), and the weight of each, (H, W)."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Every choice made while reading so far, in words."""


@dataclass(frozen=True, eq=False)
class TensorSource:
    """An image that is a tensor already.

    Attributes:
        image: sRGB in [0, 1], (3, H, W), floating point.
        mask: weights over the area of the image, (H, W) or of another size; None weighs all 1.
        notes: choices made while reading, in words.
    """

    image: Tensor
    mask: Tensor | None = None
    notes: tuple[str, ...] = ()

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

        return resize_mask_part(read, (mask.shape[0], mask.shape[1]), size, _corner(region))[None]

    def whole(self) -> tuple[Tensor, Tensor | None]:
        """As they are."""
        return self.image, self.mask


@dataclass(frozen=True, eq=False)
class RasterSource:
    """An image whose colours are converted when they are read.

    Attributes:
        raster: the image.
        masked: whether its alpha, if it has one, weighs positions.
    """

    raster: Raster
    masked: bool = False
    _notes: dict[str, None] = field(default_factory=dict)

    @property
    def size(self) -> Size:
        """(H, W)."""
        return self.raster.height, self.raster.width

    @property
    def notes(self) -> tuple[str, ...]:
        """Of all parts that were read so far."""
        return tuple(self._notes)

    def pixels(self, region: Region) -> Tensor:
        """As `Source.pixels`."""
        return self._read(*_corner(region)).pixels[None]

    def weights(self, size: Size, region: Region) -> Tensor | None:
        """As `Source.weights`."""
        if not self.masked or self._read(0, 0, 1, 1).alpha is None:
            return None

        def read(top: int, left: int, height: int, width: int) -> Tensor:
            alpha = self._read(top, left, height, width).alpha
            return torch.ones(height, width) if alpha is None else alpha

        return resize_mask_part(read, self.size, size, _corner(region))[None]

    def whole(self) -> tuple[Tensor, Tensor | None]:
        """As `read_image` gives them."""
        picture = self._read(0, 0, *self.size)
        return picture.pixels, picture.alpha if self.masked else None

    def _read(self, top: int, left: int, height: int, width: int) -> Picture:
        part = self.raster.part(top, left, height, width)
        self._notes.update(dict.fromkeys(part.notes))
        return part


def _corner(region: Region) -> tuple[int, int, int, int]:
    """(top, left, height, width)."""
    return region.rows.start, region.columns.start, *region.size
