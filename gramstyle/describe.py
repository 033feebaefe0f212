"""From images to descriptors: prepare, extract, gram."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.descriptors import Descriptors, Image, described_file
from gramstyle.errors import ImageError, StyleError
from gramstyle.extract import Extractor
from gramstyle.gram import Moments, pack
from gramstyle.images import Picture, Raster, Skipped, resize_mask
from gramstyle.kernels import Kernel, checked_kernel, gram_is_native
from gramstyle.preparation import Preparation
from gramstyle.recipe import Recipe, spelled_out
from gramstyle.tiles import Tile, Tiling
from gramstyle.types import Progress
from gramstyle.versions import versions


@dataclass(frozen=True)
class Described:
    """One image and its descriptors.

    Attributes:
        index: place in the input.
        image: what was described.
        values: tap -> (D,) float32 on the cpu.
    """

    index: int
    image: Image
    values: dict[str, Tensor]


class Describer:
    """A recipe with its network, ready to describe images.

    Args:
        recipe: what to compute.
        device: see `Extractor`.
        dtype: of the network; descriptors are float32 all the same.
        batch_size: images of one size that go through the network together.
        kernel: who computes, ``auto``, ``reference`` or ``fused``; see `gramstyle.gram`.
        weights_dir: folder looked in for weights before the cache.
        tile: side in pixels of the tiles that images are run in, in memory that does not grow with them;
            ``auto`` tiles images whose features would take more than 1 GiB; None runs all whole. What is
            computed is the same, to rounding; see `gramstyle.tiles.Tiling`.
        progress: called while weights are fetched, and after each tile.

    Raises:
        As `Extractor`; StyleError for a network that cannot run in tiles.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        batch_size: int = 8,
        kernel: Kernel = "auto",
        weights_dir: str | Path | None = None,
        tile: Tile | None = None,
        progress: Progress | None = None,
    ) -> None:
        check.positive("batch_size", batch_size)
        self.kernel = checked_kernel(kernel)
        self.extractor = Extractor(
            recipe.backbone,
            recipe.taps,
            device=device,
            dtype=dtype,
            first_padding=recipe.first_padding,
            pooling=recipe.pooling,
            sparsity=recipe.sparsity,
            kernel=self.kernel,
            normalization=recipe.normalization,
            weights_dir=weights_dir,
            progress=progress,
        )
        self.recipe = spelled_out(recipe, self.extractor)
        self.batch_size = batch_size
        self._progress = progress
        self._preparation = Preparation(recipe)
        self._tiling = None if tile is None else Tiling(self.extractor, tile)
        if self._tiling is not None and tile != "auto":
            self._tiling.check()

    def at(self, *, resize: str, crop: int | None = None) -> Describer:
        """The same network and statistic on images prepared in another way."""
        other = copy.copy(self)
        other.recipe = replace(self.recipe, resize=resize, crop=crop)
        other._preparation = Preparation(other.recipe)
        return other

    def values(self, images: Tensor, masks: Tensor | None = None) -> dict[str, Tensor]:
        """Descriptors of a batch as it is, without resizing; gradients flow to `images`.

        Args:
            images: sRGB in [0, 1], (B, 3, H, W).
            masks: weight of each pixel, (B, H, W).

        Returns:
            Tap -> (B, ...), in the shape of the recipe's statistic.
        """
        if masks is not None and (masks.ndim != 3 or len(masks) != len(images)):
            raise ValueError(
                f"masks must be (B, H, W), one for each of {len(images)} images, got {tuple(masks.shape)}"
            )
        self.extractor.check_shape(images)
        tiling = self._tiling_for(images.shape[2:])
        if tiling is not None and len(images):
            return self._in_tiles(tiling, images, masks)
        if masks is None and self._by_sums:
            return self._of_sums(images)
        features = self.extractor(images)
        return {tap: self._summarise(tap, one, masks) for tap, one in features.items()}

    def _in_tiles(self, tiling: Tiling, images: Tensor, masks: Tensor | None) -> dict[str, Tensor]:
        """Descriptors of images that run in tiles, one at a time."""
        each = [None] * len(images) if masks is None else masks
        found = [
            self._tiled(tiling.moments(one[None], mask, progress=self._progress))
            for one, mask in zip(images, each, strict=True)
        ]
        return {tap: torch.cat([one[tap] for one in found]) for tap in self.extractor.channels}

    def _tiled(self, moments: Mapping[str, Moments]) -> dict[str, Tensor]:
        """Tap -> (1, ...), of the type that the whole image would give."""
        kind = torch.float64 if self.extractor.dtype == torch.float64 else torch.float32
        return {
            tap: check.finite(self.recipe.gram.of_moments(one).to(kind), f"descriptor at tap {tap}")
            for tap, one in moments.items()
        }

    def _tiling_for(self, size: Sequence[int]) -> Tiling | None:
        """What runs an image of (H, W) `size`; None where it runs whole."""
        return self._tiling if self._tiling is not None and self._tiling.side(*size) is not None else None

    @property
    def _by_sums(self) -> bool:
        native = gram_is_native(self.kernel, self.extractor.device)
        return native and self.extractor.has_sums and self.recipe.gram.has_sums

    def _of_sums(self, images: Tensor) -> dict[str, Tensor]:
        """Descriptors from sums that convolutions leave as they run."""
        settings = self.recipe.gram
        kind = torch.float64 if self.extractor.dtype == torch.float64 else torch.float32
        found = self.extractor.sums(images, wide=settings.wants_wide_sums)
        return {
            tap: check.finite(settings.of_sums(*one).to(kind), f"descriptor at tap {tap}")
            for tap, one in found.items()
        }

    def _summarise(self, tap: str, features: Tensor, masks: Tensor | None) -> Tensor:
        if masks is None:
            weights = None
        else:
            small = [resize_mask(mask, (features.shape[2], features.shape[3])) for mask in masks]
            weights = torch.stack(small).to(features.device)
            if bool((weights.flatten(1).sum(1) <= 0).any()):
                raise StyleError(f"a mask leaves no position at tap {tap}: it is transparent everywhere")
        values = self.recipe.gram(features, weights, self.kernel)
        return check.finite(values, f"descriptor at tap {tap}")

    @torch.no_grad()
    def each(
        self, pictures: Iterable[Picture | Raster], skipped: list[Skipped] | None = None
    ) -> Iterator[Described]:
        """Describe pictures one batch at a time, each batch of one size; those run in tiles one by one.

        Pictures wait for others of their size, at most four batches of them, so results come in
        another order than pictures; `Described.index` says which is which.

        Args:
            pictures: any number, read when asked for; a `Raster` that keeps its size is read tile by tile.
            skipped: list that pictures too small for the taps are appended to, and rasters whose colours
                cannot be converted; without it they are an error.

        Raises:
            StyleError: for a picture too small for the taps.
            ImageError: for a raster whose colours cannot be converted.
        """
        waiting: dict[tuple[int, int, bool], list[_Waiting]] = {}
        for index, picture in enumerate(pictures):
            try:
                one = self._alone(index, picture)
            except (StyleError, ImageError) as error:
                if skipped is None:
                    raise
                skipped.append(Skipped(name=picture.name, reason=str(error)))
                continue
            if isinstance(one, Described):
                yield one
                continue
            key = (one.pixels.shape[1], one.pixels.shape[2], one.mask is not None)
            waiting.setdefault(key, []).append(one)
            if len(waiting[key]) == self.batch_size:
                yield from self._batch(waiting.pop(key))
            elif sum(map(len, waiting.values())) >= 4 * self.batch_size:
                yield from self._batch(waiting.pop(max(waiting, key=lambda size: len(waiting[size]))))
        for batch in list(waiting.values()):
            yield from self._batch(batch)

    def describe(self, pictures: Iterable[Picture | Raster]) -> Descriptors:
        """Descriptors of pictures, in their order.

        Raises:
            StyleError: if there are none.
        """
        found = sorted(self.each(pictures), key=lambda one: one.index)
        return self.gather(found)

    def gather(self, found: list[Described]) -> Descriptors:
        """Described images as one record."""
        if not found:
            raise StyleError("there must be at least one image to describe, got none")
        return Descriptors(
            images=tuple(one.image for one in found),
            values={tap: torch.stack([one.values[tap] for one in found]) for tap in found[0].values},
            recipe=self.recipe,
            identity=self.extractor.identity,
            dtype=str(self.extractor.dtype).removeprefix("torch."),
            device=self.extractor.device.type,
            versions=versions(),
        )

    def _alone(self, index: int, picture: Picture | Raster) -> Described | _Waiting:
        """A picture described in tiles, or made ready to go through the network with others."""
        source = self._preparation.source(picture)
        height, width = source.size
        smallest = self.extractor.minimum_size
        if min(height, width) < smallest:
            raise StyleError(
                f"{picture.name}: {height} x {width} pixels are too few for the taps "
                f"asked for, which need {smallest} x {smallest}: use a shallower tap, another resize "
                "policy, or a larger image"
            )
        tiling = self._tiling_for(source.size)
        if tiling is None:
            pixels, mask = source.whole()
            return _Waiting(index, picture.name, source.notes, pixels, mask)
        moments = tiling.measure(source, progress=self._progress)
        values = {tap: one[0] for tap, one in self._flat(self._tiled(moments)).items()}
        return Described(index, described_file(picture.name, source.size, source.notes), values)

    def _flat(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tap -> (B, D) float32 on the cpu; of matrices their triangles."""
        packed = self.recipe.gram.statistic.is_matrix
        return {
            tap: (pack(one) if packed else one).flatten(1).to(device="cpu", dtype=torch.float32)
            for tap, one in values.items()
        }

    def _batch(self, batch: list[_Waiting]) -> Iterator[Described]:
        masks = [one.mask for one in batch if one.mask is not None]
        flat = self._flat(
            self.values(torch.stack([one.pixels for one in batch]), torch.stack(masks) if masks else None)
        )
        for row, one in enumerate(batch):
            image = described_file(one.name, one.pixels.shape[1:], one.notes)
            yield Described(one.index, image, {tap: value[row].clone() for tap, value in flat.items()})


@dataclass(frozen=True)
class _Waiting:
    index: int
    name: str
    notes: tuple[str, ...]
    pixels: Tensor
    mask: Tensor | None
