"""Which way of running a transfer fits into memory."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import torch

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, Segments
from gramstyle.extract.regions import Size
from gramstyle.tiles import Tiling
from gramstyle.tiles.tiling import SIDES
from gramstyle.transfer.execution import Asked, Execution
from gramstyle.transfer.memory import Budget, copy_of
from gramstyle.transfer.rehearsal import Rehearsal
from gramstyle.transfer.remedies import reason_against_tiles
from gramstyle.transfer.settings import TransferSettings

AUTO_BYTES = 3 * 2**30
"""What a step may take beside the image itself where ``auto`` runs it whole, on a cpu."""

AUTO_SHARE = 0.6
"""The same on cuda, of the memory of the device."""

SMALL = 2**18
"""Pixels up to which ``auto`` does not look further: no backbone of the registry needs that for them."""

KEPT = 4
"""Copies of the image that features of the content may take where tiles keep them and no limit is given."""


class Planner:
    """Chooses how an image of each size is run.

    Args:
        extractor: of the transfer.
        settings: of the transfer.
        asked: what was asked for.
        held: bytes of images that the transfer holds at every scale.
        regions: names of regions; empty for one that is all.

    Raises:
        StyleError: where tiles or checkpointing are asked for and the network has none.
    """

    def __init__(
        self,
        extractor: Extractor,
        settings: TransferSettings,
        asked: Asked,
        held: int,
        regions: tuple[str, ...] = (),
    ) -> None:
        self._extractor, self._settings, self._asked, self._regions = extractor, settings, asked, regions
        self._budget = Budget(extractor, settings, held, len(regions))
        self._chosen: dict[Size, Execution] = {}
        self._rehearsed: dict[tuple[Size, Execution], int] = {}
        if isinstance(asked.tile, int):
            self._check_tiles()
        if asked.gradient_checkpointing:
            Segments(extractor.active_trunk, extractor.spec.name)

    def execution(self, size: Size) -> Execution:
        """How an image of (H, W) `size` is run.

        Raises:
            StyleError: if nothing fits into the limit; the message says what would.
        """
        if size not in self._chosen:
            self._chosen[size] = self._choose(size)
        return self._chosen[size]

    def _choose(self, size: Size) -> Execution:
        asked = self._asked
        if asked.memory_limit is not None:
            return self._below(size, asked.memory_limit)
        if asked.tile == "auto":
            return self._auto(size)
        if isinstance(asked.tile, int):
            few = self._rehearsal.content(size) <= KEPT * copy_of(size)
            return Execution(tile=asked.tile, style_tile=asked.tile, keep_content=few)
        return Execution(checkpointed=asked.gradient_checkpointing)

    def _auto(self, size: Size) -> Execution:
        """As below a limit, of what a step takes beside the image; whole where the network has no tiles."""
        if size[0] * size[1] <= SMALL:
            return Execution()
        device, limit = self._extractor.device, float(AUTO_BYTES)
        if device.type == "cuda":
            limit = AUTO_SHARE * torch.cuda.get_device_properties(device).total_memory
        try:
            found = self._first(size, lambda maps, kept: self._budget.of_maps(maps) + kept <= limit)
        except StyleError:
            return Execution()
        return found or self.estimated(size, Execution(tile=SIDES[-1]))

    def _below(self, size: Size, limit: int) -> Execution:
        """The first way that fits."""
        try:
            found = self._first(size, lambda maps, kept: self._budget.peak(size, maps, kept) <= limit)
        except StyleError as error:
            raise StyleError(
                f"memory_limit is {in_words(limit)}, which is too little for an image of {size[0]} x "
                f"{size[1]} pixels as a whole, and {error}"
            ) from error
        if found is not None:
            return found
        least = self.estimated(size, Execution(tile=SIDES[-1])).estimate
        assert least is not None  # just estimated
        image = self._budget.fixed + self._budget.of_image(size)
        raise StyleError(
            f"memory_limit must be at least {in_words(least)} for an image of {size[0]} x {size[1]} pixels, "
            f"got {in_words(limit)}: tiles of {SIDES[-1]} pixels take that much, {in_words(image)} of it for "
            "libraries, network, images and optimiser. Give more, or use a smaller size, or dtype bfloat16"
        )

    @cached_property
    def _rehearsal(self) -> Rehearsal:
        return Rehearsal(self._extractor, self._settings, self._regions)

    def _check_tiles(self) -> None:
        """Raise `StyleError` unless the transfer can run in tiles."""
        reason = reason_against_tiles(self._settings)
        if reason is not None:
            raise StyleError(reason)
        Tiling(self._extractor).check()

    @cached_property
    def _has_tiles(self) -> bool:
        try:
            self._check_tiles()
        except StyleError:
            return False
        return True

    def _first(self, size: Size, fits: Callable[[int, int], bool]) -> Execution | None:
        """The first of whole, checkpointed and the largest tiles of which `fits` is true, if any.

        Args:
            size: of the image.
            fits: of the bytes of a step's tensors, and of those that are kept from step to step.

        Raises:
            StyleError: if it comes to something that the network cannot be run as.
        """
        for whole in (Execution(), Execution(checkpointed=True)):
            if fits(self._maps(size, whole), 0):
                return self.estimated(size, whole)
        self._check_tiles()
        tiles = [Execution(tile=side) for side in SIDES if side < max(size)] or [Execution(tile=SIDES[-1])]
        at = bisect_left(tiles, True, key=lambda one: fits(self._maps(size, one), 0))
        if at == len(tiles):
            return None
        if fits(self._maps(size, tiles[at]), self._rehearsal.content(size)):
            return self.estimated(size, replace(tiles[at], keep_content=True))
        return self.estimated(size, tiles[at])

    def _maps(self, size: Size, how: Execution) -> int:
        """Bytes of the tensors of a step."""
        if (size, how) not in self._rehearsed:
            self._rehearsed[size, how] = (
                self._rehearsal.whole(size, segmented=how.checkpointed)
                if how.tile is None
                else self._rehearsal.tiles(size, how.tile)
            )
        return self._rehearsed[size, how]

    def estimated(self, size: Size, how: Execution) -> Execution:
        """`how`, with the bytes that it takes at most, of an image of (H, W) `size`."""
        kept = self._rehearsal.content(size) if how.keep_content else 0
        maps = self._maps(size, replace(how, keep_content=False))
        style_tile = how.tile or (max(size) if self._has_tiles else None)
        return replace(how, style_tile=style_tile, estimate=self._budget.peak(size, maps, kept))


def in_words(size: int) -> str:
    """Bytes, rounded up to 10 MB, as ``--memory-limit`` takes them."""
    return f"{math.ceil(size / 1e7) / 100:.2f} GB"
