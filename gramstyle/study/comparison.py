"""One set of images under several backbones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gramstyle.corpus import disjoint_crops
from gramstyle.describe import Describer
from gramstyle.distance import DEFAULT_METRIC, metric_named
from gramstyle.errors import StyleError
from gramstyle.images import Picture
from gramstyle.kernels import Kernel
from gramstyle.measure import Distances, distances
from gramstyle.recipe import Recipe
from gramstyle.study.separation import Separation, separation
from gramstyle.types import Progress

COMBINED = "taps together"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What one backbone says about a set of images.

    Attributes:
        distances: of the whole images, each to each other.
        separations: metric -> tap (and `COMBINED`) -> separation of crops of one image from
            crops of two.
        crop: side of a crop in pixels.
        gap: pixels between crops.
        crops: crops per image.
        seconds: time that describing and measuring took.
    """

    distances: Distances
    separations: Mapping[str, Mapping[str, Separation]]
    crop: int
    gap: int
    crops: int
    seconds: float


def compare(
    pictures: Sequence[Picture],
    recipes: Sequence[Recipe],
    *,
    metrics: Sequence[str] = (DEFAULT_METRIC, "frobenius"),
    crop: int = 128,
    gap: int = 32,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    batch_size: int = 8,
    kernel: Kernel = "auto",
    weights_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Comparison]:
    """Compare backbones on `pictures`, one after another.

    The distance matrix is of whole images, resized as the recipe says. Separation is of four
    disjoint crops of each image at its own resolution: pairs of crops of one image against
    pairs of crops of two.

    Args:
        pictures: at least two images, each with a name of its own.
        recipes: one per backbone; its metric makes the distance matrix.
        metrics: those whose separation is reported.
        crop: side of a crop in pixels.
        gap: pixels between crops.
        device: see `Extractor`.
        dtype: of the networks.
        batch_size: images of one size that go through a network together.
        kernel: who computes, ``auto``, ``reference`` or ``fused``; see `gramstyle.gram`.
        weights_dir: folder looked in for weights before the cache.
        progress: called while weights are fetched and images described.

    Raises:
        StyleError: if there are fewer than two images, two share a name, or one is too small
            for its crops, or a metric is not defined for a recipe's statistic.
    """
    names = [picture.name for picture in pictures]
    if len(names) < 2 or len(set(names)) < len(names):
        raise StyleError(f"a comparison needs at least two images of different names, got {names}")
    for recipe in recipes:  # before the first network is loaded
        for metric in metrics:
            metric_named(metric).check_statistic(recipe.gram.statistic)
    crops, labels = _crops(pictures, crop, gap)
    for recipe in recipes:
        start = time.perf_counter()
        describer = Describer(
            recipe,
            device=device,
            dtype=dtype,
            batch_size=batch_size,
            kernel=kernel,
            weights_dir=weights_dir,
            progress=progress,
        )
        whole = describer.describe(_counted(pictures, f"{recipe.backbone}: images", progress))
        cut = describer.at(resize="none").describe(_counted(crops, f"{recipe.backbone}: crops", progress))
        separations = {}
        for metric in metrics:
            among = distances(cut, recipe=replace(cut.recipe, metric=metric))
            per_tap = {**among.per_tap, COMBINED: among.combined}
            separations[metric] = {tap: separation(one, labels) for tap, one in per_tap.items()}
        yield Comparison(
            distances=distances(whole),
            separations=separations,
            crop=crop,
            gap=gap,
            crops=len(crops) // len(pictures),
            seconds=time.perf_counter() - start,
        )


def _crops(pictures: Sequence[Picture], size: int, gap: int) -> tuple[list[Picture], list[str]]:
    """Crops of every picture, and the picture each came from."""
    crops, labels = [], []
    for picture in pictures:
        try:
            found = disjoint_crops(picture.pixels, size, gap)
        except StyleError as error:
            raise StyleError(f"{picture.name}: {error}") from error
        for one in found:
            crops.append(Picture(pixels=one.pixels, alpha=None, name=f"{picture.name} {one.top},{one.left}"))
            labels.append(picture.name)
    return crops, labels


def _counted(pictures: Sequence[Picture], what: str, progress: Progress | None) -> Iterator[Picture]:
    for done, picture in enumerate(pictures, start=1):
        yield picture
        if progress is not None:
            progress(what, done, len(pictures))
