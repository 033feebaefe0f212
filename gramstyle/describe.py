"""From images to descriptors: prepare, extract, gram."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.descriptors import Descriptors, Image
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, parse
from gramstyle.extract.registry import random_seed
from gramstyle.gram import pack
from gramstyle.images import Picture, ResizePolicy, Skipped, center_crop, resize, resize_mask
from gramstyle.kernels import Kernel, checked_kernel, gram_is_native
from gramstyle.recipe import Recipe
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
        progress: called while weights are fetched.

    Raises:
        As `Extractor`.
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
            kernel=self.kernel,
            normalization=recipe.normalization,
            weights_dir=weights_dir,
            progress=progress,
        )
        self.recipe = spelled_out(recipe, self.extractor)
        self.batch_size = batch_size
        self._policy = ResizePolicy.parse(recipe.resize)

    def at(self, *, resize: str, crop: int | None = None) -> Describer:
        """The same network and statistic on images prepared in another way."""
        other = copy.copy(self)
        other.recipe = replace(self.recipe, resize=resize, crop=crop)
        other._policy = ResizePolicy.parse(resize)
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
        if masks is None and self._by_sums:
            return self._of_sums(images)
        features = self.extractor(images)
        return {tap: self._summarise(tap, one, masks) for tap, one in features.items()}

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

    def prepare(self, picture: Picture) -> tuple[Tensor, Tensor | None]:
        """Pixels (3, H, W) and, where alpha is a mask, weights (H, W), resized and cropped."""
        pixels = resize(picture.pixels, self._policy)
        mask = None
        if self.recipe.alpha == "mask" and picture.alpha is not None:
            mask = resize_mask(picture.alpha, (pixels.shape[1], pixels.shape[2]))
        if self.recipe.crop is not None:
            pixels = center_crop(pixels, self.recipe.crop)
            mask = None if mask is None else center_crop(mask[None], self.recipe.crop)[0]
        return pixels, mask

    @torch.no_grad()
    def each(self, pictures: Iterable[Picture], skipped: list[Skipped] | None = None) -> Iterator[Described]:
        """Describe pictures one batch at a time, each batch of one size.

        Pictures wait for others of their size, at most four batches of them, so results come in
        another order than pictures; `Described.index` says which is which.

        Args:
            pictures: any number, read when asked for.
            skipped: list that pictures too small for the taps are appended to; without it they
                are an error.

        Raises:
            StyleError: for a picture too small for the taps.
        """
        waiting: dict[tuple[int, int, bool], list[_Waiting]] = {}
        for index, picture in enumerate(pictures):
            try:
                pixels, mask = self._ready(picture)
            except StyleError as error:
                if skipped is None:
                    raise
                skipped.append(Skipped(name=picture.name, reason=str(error)))
                continue
            key = (pixels.shape[1], pixels.shape[2], mask is not None)
            waiting.setdefault(key, []).append(_Waiting(index, picture, pixels, mask))
            if len(waiting[key]) == self.batch_size:
                yield from self._batch(waiting.pop(key))
            elif sum(map(len, waiting.values())) >= 4 * self.batch_size:
                yield from self._batch(waiting.pop(max(waiting, key=lambda one: len(waiting[one]))))
        for batch in list(waiting.values()):
            yield from self._batch(batch)

    def describe(self, pictures: Iterable[Picture]) -> Descriptors:
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

    def _ready(self, picture: Picture) -> tuple[Tensor, Tensor | None]:
        try:
            pixels, mask = self.prepare(picture)
        except ValueError as error:  # a crop larger than the image
            raise StyleError(f"{picture.name}: {error}") from error
        smallest = self.extractor.minimum_size
        if min(pixels.shape[1:]) < smallest:
            raise StyleError(
                f"{picture.name}: {pixels.shape[1]} x {pixels.shape[2]} pixels are too few for the taps "
                f"asked for, which need {smallest} x {smallest}: use a shallower tap, another resize "
                "policy, or a larger image"
            )
        return pixels, mask

    def _batch(self, batch: list[_Waiting]) -> Iterator[Described]:
        masks = [one.mask for one in batch if one.mask is not None]
        values = self.values(
            torch.stack([one.pixels for one in batch]), torch.stack(masks) if masks else None
        )
        if self.recipe.gram.statistic.is_matrix:
            values = {tap: pack(one) for tap, one in values.items()}
        flat = {tap: one.flatten(1).to(device="cpu", dtype=torch.float32) for tap, one in values.items()}
        for row, one in enumerate(batch):
            picture = one.picture
            image = Image(
                name=picture.name,
                height=one.pixels.shape[1],
                width=one.pixels.shape[2],
                notes=picture.notes,
                signature=signature(picture.name),
            )
            yield Described(one.index, image, {tap: value[row].clone() for tap, value in flat.items()})


@dataclass(frozen=True)
class _Waiting:
    index: int
    picture: Picture
    pixels: Tensor
    mask: Tensor | None


def spelled_out(recipe: Recipe, extractor: Extractor) -> Recipe:
    """The recipe with its weights and taps named, shallow to deep."""
    weights = recipe.weights_of_taps
    return replace(
        recipe,
        backbone=f"{extractor.spec.name}@{_weights_word(recipe, extractor)}",
        taps=tuple(weights),
        tap_weights=tuple(weights.values()),
    )


def _weights_word(recipe: Recipe, extractor: Extractor) -> str:
    """The pinned name; a path stays the path that was asked for."""
    asked = parse(recipe.backbone).weights
    named = asked is None or random_seed(asked) is not None
    return extractor.identity.name if named or asked is None else asked


def signature(name: str) -> str:
    """Size and time of change of the file `name`, or nothing where it is no file."""
    try:
        stat = Path(name).stat()
    except (OSError, ValueError):
        return ""
    return f"{stat.st_size}-{stat.st_mtime_ns}"
