"""An extractor that sees large images tile by tile."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.extract.regions import Layout, Program, layout, program
from gramstyle.gram import Moments
from gramstyle.tiles.gradient import differentiable
from gramstyle.tiles.grid import Grid
from gramstyle.tiles.measure import measure
from gramstyle.tiles.memory import tile_values, whole_values
from gramstyle.tiles.source import Source, TensorSource
from gramstyle.tiles.work import Work
from gramstyle.types import Progress

Tile: TypeAlias = int | Literal["auto"]

WHOLE_BYTES = 2**30
"""Features of one image above which ``auto`` cuts it into tiles."""

TILE_BYTES = {"cpu": 2**27, "cuda": 2**30}
"""Kind of device -> features of one tile that ``auto`` stays below.

On the cpu 128 MiB mean tiles of 384 (VGG) to 1024 pixels (ResNet-18), 1.3 to 1.8 times the arithmetic of the
whole image, and 0.4 to 0.5 GiB in all: allocators keep what they cannot use again at once. An image of
16384 x 16384, mapped from a file, then stays below 2 GB (`analysis/measure_tiled_memory.py`).
"""

SMALL = 2**20
"""Pixels up to which ``auto`` does not look further: no backbone of the registry needs that for them."""

SIDES = (4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256, 192, 128)
"""Tiles that ``auto`` chooses from."""

LAYOUTS = 8
"""Sizes of images whose layouts are kept."""


class Tiling:
    """Moments of the features of an image of any size, in memory that depends on the tile alone.

    Each tile is run with the surroundings that its features depend on, and padded only where the image
    ends, layer by layer; each position of each tap is counted in one tile. So the moments are those of
    the whole image, to rounding. In half precision the features of a tile may differ from those of the
    whole image in their last bit, as they do between devices.

    Args:
        extractor: weights, taps, device and precision.
        tile: side in pixels, of what is counted: its surroundings come on top; or ``auto``, which runs
            images whole while their features fit into 1 GiB, and beyond that takes the largest tile
            whose features fit into 128 MiB (1 GiB on cuda).

    Raises:
        TypeError: if `tile` is neither.
        ValueError: if it is not positive.
    """

    def __init__(self, extractor: Extractor, tile: Tile = "auto") -> None:
        if tile != "auto":
            if isinstance(tile, bool) or not isinstance(tile, int):
                raise TypeError(f"tile must be a whole number of pixels or 'auto', got {tile!r}")
            check.positive("tile", tile)
        self.extractor = extractor
        self.tile = tile
        self._layouts: dict[tuple[int, int], Layout] = {}
        self._sides: dict[tuple[int, int], int | None] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What a copy is made of: the graph is traced again, with the modules of the copy."""
        return {"extractor": self.extractor, "tile": self.tile, "_layouts": {}, "_sides": {}}

    @cached_property
    def program(self) -> Program:
        """The network's steps.

        Raises:
            StyleError: if the network cannot run in tiles; the message names the operation and says what
                to do.
        """
        return program(self.extractor.active_trunk, self.extractor.spec.name)

    def check(self) -> None:
        """Raise `StyleError` if the network cannot run in tiles."""
        self.program  # noqa: B018 - made here for its errors

    def side(self, height: int, width: int) -> int | None:
        """Side of the tiles for an image of that size, in pixels; None where it is run whole.

        A network that cannot run in tiles runs whole where tiles are ``auto``.
        """
        if self.tile != "auto":
            return self.tile
        if height * width <= SMALL:
            return None
        if (height, width) not in self._sides:
            self._sides[height, width] = self._chosen(height, width)
        return self._sides[height, width]

    def _chosen(self, height: int, width: int) -> int | None:
        try:
            sizes = self._layout(height, width)
        except StyleError:
            return None
        bytes_each = self.extractor.dtype.itemsize
        if whole_values(self.program, sizes) * bytes_each <= WHOLE_BYTES:
            return None
        limit = TILE_BYTES.get(self.extractor.device.type, TILE_BYTES["cpu"]) // bytes_each
        for side in SIDES:
            if tile_values(self.program, sizes, Grid((height, width), side)) <= limit:
                return side
        return SIDES[-1]

    def measure(self, source: Source, *, progress: Progress | None = None) -> dict[str, Moments]:
        """Centred moments at each tap, of a batch of one, without gradients.

        Args:
            source: the image.
            progress: called after each tile: tap by tap, and for each round of global means.

        Raises:
            StyleError: as `program`; if a mask leaves no position at a tap.
            ValueError: if the image is too small for a tap, or pixels are not in [0, 1].
        """
        return dict(measure(self.work(source), progress=progress).moments)

    def moments(
        self,
        image: Tensor,
        mask: Tensor | None = None,
        *,
        progress: Progress | None = None,
    ) -> dict[str, Moments]:
        """As `measure`, of a tensor, through which gradients flow to `image`.

        The backward pass runs each tile again with its gradient, and adds the gradients of tiles where
        they overlap: as exact as that of the whole image, in the memory of one tile. It costs one more
        forward pass, and cannot itself be differentiated.

        Args:
            image: sRGB in [0, 1], (1, 3, H, W), floating point, on any device.
            mask: weight of each pixel, (H, W).
            progress: as in `measure`; called in the backward pass too.

        Raises:
            StyleError: as `measure`; if the mask needs a gradient.
            TypeError, ValueError: as `Extractor`.
        """
        self.extractor.check_shape(image)
        if len(image) != 1:
            raise ValueError(f"image must be (1, 3, H, W), one at a time, got {len(image)} images")
        if mask is not None and mask.requires_grad and torch.is_grad_enabled():
            raise StyleError("tiles have no gradient for the mask: detach it, or run the whole image")
        work = self.work(TensorSource(image[0], mask))
        return differentiable(image, work, progress=progress)

    def work(self, source: Source) -> Work:
        """An image in its tiles, for `sweep` and `image_gradient`.

        Raises:
            StyleError: as `program`.
            ValueError: if the image is too small for a tap.
        """
        height, width = source.size
        self.extractor.check_size(height, width)
        side = self.side(height, width) or max(height, width)
        return Work(
            extractor=self.extractor,
            program=self.program,
            layout=self._layout(height, width),
            source=source,
            grid=Grid((height, width), side),
        )

    def _layout(self, height: int, width: int) -> Layout:
        """Of the last sizes that were asked for: a style transfer asks again and again for one."""
        if (height, width) not in self._layouts:
            if len(self._layouts) == LAYOUTS:
                self._layouts.clear()
            self._layouts[height, width] = layout(self.program, height, width)
        return self._layouts[height, width]
