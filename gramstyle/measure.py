"""Style distances of images, end to end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor, nn

from gramstyle.describe import Describer
from gramstyle.descriptors import Descriptors, Image, made_with
from gramstyle.distance import combine
from gramstyle.distance.metrics import metric_named
from gramstyle.distance.pairwise import flatten, paired, pairwise
from gramstyle.errors import StyleError
from gramstyle.extract import backbone, parse
from gramstyle.extract.registry import RANDOM, random_seed
from gramstyle.images import MAX_PIXELS, ImageSource, find_images, open_images, read_images
from gramstyle.kernels import Kernel
from gramstyle.presets import preset as preset_named
from gramstyle.recipe import Recipe, make_recipe
from gramstyle.tiles import Tile
from gramstyle.types import WeightsIdentity


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Style distances of N images to M, or of N to themselves.

    Attributes:
        rows: the N images.
        columns: the M images; the same as `rows` for distances within one set.
        combined: (N, M) float64.
        per_tap: tap -> (N, M) float64, before weighting.
        recipe: what was computed.
        identity: the weights that were used.
        dtype: of the network.
        device: kind of device it ran on.
        versions: of the libraries.
    """

    rows: tuple[Image, ...]
    columns: tuple[Image, ...]
    combined: Tensor = field(repr=False)
    per_tap: Mapping[str, Tensor] = field(repr=False)
    recipe: Recipe
    identity: WeightsIdentity
    dtype: str
    device: str
    versions: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Distances with all that made them, in plain types."""
        return {
            "images": [asdict(image) for image in self.rows],
            "others": None if self.columns is self.rows else [asdict(image) for image in self.columns],
            "combined": self.combined.tolist(),
            "per_tap": {tap: one.tolist() for tap, one in self.per_tap.items()},
            "settings": self.recipe.as_json(),
            "weights": asdict(self.identity),
            "dtype": self.dtype,
            "device": self.device,
            "versions": dict(self.versions),
        }


def distances(
    descriptors: Descriptors,
    others: Descriptors | None = None,
    *,
    recipe: Recipe | None = None,
    progress: Callable[[int], None] | None = None,
) -> Distances:
    """Distances of every described image to every other, without touching an image.

    Args:
        descriptors: N images.
        others: M images; None compares the N with themselves.
        recipe: metric, tap weights and rule to use in place of those of `descriptors`.
        progress: called with the number of pairs that each block adds, per tap.

    Raises:
        StyleError: if the two sets were made in different ways, `recipe` asks for descriptors made
            in another way, or the metric is not defined for their statistic.
    """
    if others is not None:
        descriptors.check_comparable(others)
    rule = descriptors.recipe if recipe is None else _rule(descriptors, recipe)
    metric, statistic = metric_named(rule.metric), descriptors.recipe.gram.statistic
    metric.check_statistic(statistic)
    per_tap = {
        tap: pairwise(one, None if others is None else others.values[tap], metric, statistic, progress)
        for tap, one in descriptors.values.items()
    }
    return Distances(
        rows=descriptors.images,
        columns=descriptors.images if others is None else others.images,
        combined=combine(per_tap, rule.weights_of_taps, rule.combine),
        per_tap=per_tap,
        recipe=rule,
        identity=descriptors.identity,
        dtype=descriptors.dtype,
        device=descriptors.device,
        versions=descriptors.versions,
    )


def _rule(descriptors: Descriptors, recipe: Recipe) -> Recipe:
    """The recipe of `descriptors` with the metric, tap weights and rule of `recipe`."""
    made = descriptors.recipe
    weights = recipe.weights_of_taps
    named = replace(recipe, backbone=_pinned(recipe), taps=tuple(weights), tap_weights=None)
    asked, there = ({"backbone": one.backbone, **made_with(one)} for one in (named, made))
    differing = [name for name in asked if asked[name] != there[name]]
    if differing:
        listed = "; ".join(f"{name} {asked[name]} against {there[name]}" for name in differing)
        raise StyleError(
            f"recipe asks for descriptors made in another way: {listed}. Describe the images again, or "
            "replace metric, tap_weights and combine of the descriptors' own recipe"
        )
    return replace(
        made,
        metric=recipe.metric,
        tap_weights=tuple(weights.values()),
        combine=recipe.combine,
        source=recipe.source,
    )


def _pinned(recipe: Recipe) -> str:
    """The backbone with the weights that are used where none are named."""
    name = parse(recipe.backbone)
    weights = name.weights or backbone(name.backbone).default_weights
    seed = random_seed(weights)
    return f"{name.backbone}@{weights if seed is None else f'{RANDOM}:{seed}'}"


def pairwise_style_distance(
    images: ImageSource | Iterable[ImageSource],
    others: ImageSource | Iterable[ImageSource] | None = None,
    *,
    preset: str | None = None,
    recipe: Recipe | None = None,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    batch_size: int = 8,
    kernel: Kernel = "auto",
    weights_dir: str | Path | None = None,
    tile: Tile | None = None,
    max_pixels: int = MAX_PIXELS,
    **settings: Any,
) -> Distances:
    """Style distance of every image to every other: N forward passes, never N squared.

    Args:
        images: paths, folders, PIL images, arrays (H, W, 3) or tensors (3, H, W), of any sizes.
        others: compare `images` with these instead of with themselves.
        preset: name of a recipe; see `gramstyle.PRESETS`.
        recipe: a recipe of one's own; at most one of `preset`, `recipe` and `settings`.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        dtype: of the network.
        batch_size: images of one size that go through the network together.
        kernel: who computes, ``auto``, ``reference`` or ``fused``; see `gramstyle.gram`.
        weights_dir: folder looked in for weights before the cache.
        tile: side in pixels of the tiles that images are run in, ``auto``, or None to run all whole; see
            `gramstyle.Describer`. With ``resize="none"``, images of any size in bounded memory.
        max_pixels: a file or Pillow image that claims more is refused.
        **settings: arguments of `gramstyle.make_recipe`: backbone, taps, statistic, norm, center,
            metric, combine, resize, crop, ...

    Returns:
        Distances per tap and combined, with the settings and the weights that made them.

    Raises:
        ImageError: for an image that cannot be read; the message names it.
        UnknownNameError: for a name that does not exist.
        StyleError: for settings that contradict each other.
        WeightsError: for weights that cannot be found, fetched or trusted.
    """
    chosen = choose_recipe(preset, recipe, settings)
    describer = Describer(
        chosen,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        kernel=kernel,
        weights_dir=weights_dir,
        tile=tile,
    )

    def described(sources: ImageSource | Iterable[ImageSource]) -> Descriptors:
        door = read_images if tile is None else open_images
        pictures = door(_listed(sources), background=chosen.background, max_pixels=max_pixels)
        return describer.describe(pictures)

    return distances(described(images), None if others is None else described(others))


def style_distance(a: ImageSource, b: ImageSource, **options: Any) -> float:
    """Style distance of two images of any sizes; options as in `pairwise_style_distance`."""
    found = pairwise_style_distance([a], [b], **options).combined
    if found.numel() != 1:
        raise StyleError(
            f"style_distance takes one image on each side, got {found.shape[0]} and {found.shape[1]} (a "
            "folder is all of its images): use pairwise_style_distance"
        )
    return float(found)


class StyleDistance(nn.Module):
    """Style distance of batches of tensors, differentiable, with its network loaded once.

    Images are taken as they are: no resizing.

    Args:
        recipe: what to compute; or a preset's name; None is the default recipe.
        device: see `Extractor`.
        dtype: of the network.
        kernel: who computes, ``auto``, ``reference`` or ``fused``; see `gramstyle.gram`.
        weights_dir: folder looked in for weights before the cache.
        tile: side in pixels of the tiles that images are run in, forward and backward, in memory that
            does not grow with them; ``auto``, or None to run all whole; see `gramstyle.Describer`.
        **settings: arguments of `gramstyle.make_recipe`, in place of `recipe`.
    """

    def __init__(
        self,
        recipe: Recipe | str | None = None,
        *,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        kernel: Kernel = "auto",
        weights_dir: str | Path | None = None,
        tile: Tile | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        named = recipe if isinstance(recipe, str) else None
        given = recipe if isinstance(recipe, Recipe) else None
        self.describer = Describer(
            choose_recipe(named, given, settings),
            device=device,
            dtype=dtype,
            kernel=kernel,
            weights_dir=weights_dir,
            tile=tile,
        )
        self.extractor = self.describer.extractor

    @property
    def recipe(self) -> Recipe:
        """What is computed, with taps and weights spelled out."""
        return self.describer.recipe

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Distance of each image of `a` to the one beside it in `b`.

        Args:
            a: sRGB in [0, 1], (B, 3, H, W).
            b: (B, 3, H', W'); sizes may differ from those of `a`.

        Returns:
            (B,), float64 (float32 on mps).
        """
        recipe = self.recipe
        metric, statistic = metric_named(recipe.metric), recipe.gram.statistic
        if len(a) != len(b):
            raise ValueError(f"a and b must hold as many images, got {len(a)} and {len(b)}")
        first, second = self.describer.values(a), self.describer.values(b)
        per_tap = {
            tap: paired(flatten(one, statistic, "a"), flatten(second[tap], statistic, "b"), metric, statistic)
            for tap, one in first.items()
        }
        return combine(per_tap, recipe.weights_of_taps, recipe.combine)


def choose_recipe(preset: str | None, recipe: Recipe | None, settings: Mapping[str, Any]) -> Recipe:
    """The one recipe among a preset's name, a record, and settings.

    Raises:
        StyleError: if more than one of the three is given.
    """
    given = [
        name for name, value in (("preset", preset), ("recipe", recipe), ("settings", settings)) if value
    ]
    if len(given) > 1:
        raise StyleError(f"give one of preset, recipe and settings, got {' and '.join(given)}")
    if preset is not None:
        return preset_named(preset)
    return recipe if recipe is not None else make_recipe(**settings)


def _listed(images: ImageSource | Iterable[ImageSource]) -> list[ImageSource]:
    """A list of sources: folders opened, a batch (B, 3, H, W) taken apart."""
    if isinstance(images, Tensor):
        return list(images) if images.ndim == 4 else [images]
    if isinstance(images, (str, PathLike)):
        return list(find_images(images))
    if isinstance(images, PIL.Image.Image) or (isinstance(images, np.ndarray) and images.ndim < 4):
        return [images]
    return [one for item in images for one in _opened(item)]


def _opened(source: ImageSource) -> list[ImageSource]:
    return list(find_images(source)) if isinstance(source, (str, PathLike)) else [source]
