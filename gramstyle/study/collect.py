"""From images to the moments of their features, each image through each network once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.corpus import Corpus, Item
from gramstyle.diagnose import diagnose_features
from gramstyle.errors import StyleError
from gramstyle.gram import GramSettings, Statistic, pack
from gramstyle.images import ResizePolicy, resize
from gramstyle.study.arms import InputArm, Reference, feature_arm
from gramstyle.study.cache import Cache, Room
from gramstyle.study.networks import Network
from gramstyle.study.results import AS_IS
from gramstyle.types import Features, TapSpec

MOMENTS = GramSettings(statistic=Statistic.GAUSSIAN)
DIAGNOSTICS = "diagnostics"
"""Stands where a feature arm does, for the diagnostics of features as they are."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What one pass over the corpus must leave in the cache.

    Attributes:
        network: where features come from.
        input: what is done to the images first.
        arms: feature arm -> the taps it is wanted at.
        diagnosed: rows of the images whose features are diagnosed, at the taps of `AS_IS`.
        resize: the study's policy, used unless the input arm has its own.
        colours: mean colours of the corpus.
        seed: that random arms are drawn from.
    """

    network: Network
    input: InputArm
    arms: dict[str, tuple[TapSpec, ...]]
    diagnosed: frozenset[int]
    resize: str
    colours: Reference
    seed: int

    def of(self, row: int) -> tuple[str, ...]:
        """Feature arms that are wanted of the image at `row`, and the diagnostics where they are."""
        return (*self.arms, DIAGNOSTICS) if row in self.diagnosed else tuple(self.arms)

    def room(self, cache: Cache, arm: str) -> Room:
        """Where moments of one feature arm lie, or the diagnostics."""
        settings = {
            "weights": self.network.identity["sha256"],
            "backbone": self.network.backbone,
            "device": self.network.device.type,
            "dtype": str(self.network.dtype),
            "kernel": self.network.kernel,
            "input": self.input.name,
            "resize": self.input.resize or self.resize,
            "features": arm,
            "taps": [tap.name for tap in self.arms[AS_IS if arm == DIAGNOSTICS else arm]],
        }
        if arm != AS_IS:
            settings["seed"] = self.seed
        if self.input.fitted:
            moments = torch.cat([self.colours.mean[None], self.colours.covariance])
            settings["colours"] = [[round(value, 6) for value in row] for row in moments.tolist()]
        return cache.room(settings)


def collect(
    corpus: Corpus, digests: Sequence[str], wanted: Wanted, cache: Cache, batch_size: int
) -> Iterator[int]:
    """Fill the cache with what is `wanted` of each image; yields the number of images done.

    Images go through the network in the same batches whatever is there already: rounding
    depends on the batch, and a run that was killed must end with the numbers of one that was not.

    Args:
        corpus: the images.
        digests: of each.
        wanted: what to keep.
        cache: where.
        batch_size: images that are read together, and go through the network together where they
            are of one size.

    Raises:
        TypeError: if `batch_size` is no whole number.
        ValueError: if it is not positive.
        StyleError: for an image too small for the taps, or features that are not finite; both
            name the image.
        ImageError: for an image that cannot be read.
    """
    check.one_of_type("batch_size", batch_size, int)
    check.positive("batch_size", batch_size)
    return _collected(corpus, digests, wanted, cache, batch_size)


def _collected(
    corpus: Corpus, digests: Sequence[str], wanted: Wanted, cache: Cache, batch_size: int
) -> Iterator[int]:
    rooms = {arm: wanted.room(cache, arm) for arm in wanted.arms}
    if wanted.diagnosed:
        rooms[DIAGNOSTICS] = wanted.room(cache, DIAGNOSTICS)
    for start in range(0, len(corpus), batch_size):
        rows = range(start, min(start + batch_size, len(corpus)))
        missing = {row: [arm for arm in wanted.of(row) if not rooms[arm].has(digests[row])] for row in rows}
        if any(missing.values()):
            for row, features in _features(corpus, rows, wanted):
                for arm in missing[row]:
                    if arm == DIAGNOSTICS:
                        found = _diagnostics(features, wanted, digests[row])
                    else:
                        found = _moments(features, wanted, arm, corpus.items[row].name, digests[row])
                    rooms[arm].write(digests[row], found)
        yield rows[-1] + 1


def prepared(item: Item, wanted: Wanted) -> Tensor:
    """Pixels (3, H, W) of an image as the network sees them."""
    policy = ResizePolicy.parse(wanted.input.resize or wanted.resize)
    pixels = wanted.input.apply(resize(item.origin.picture().pixels, policy), wanted.colours)
    smallest = wanted.network.minimum_size
    if min(pixels.shape[1:]) < smallest:
        raise StyleError(
            f"{item.name}: {pixels.shape[1]} x {pixels.shape[2]} pixels are too few for "
            f"{wanted.network.name}, which needs {smallest} x {smallest}: use a larger size"
        )
    return pixels


def _features(corpus: Corpus, rows: Sequence[int], wanted: Wanted) -> Iterator[tuple[int, Features]]:
    """Each image's features (1, C, H, W), computed together with those of its size."""
    sizes: dict[tuple[int, ...], list[tuple[int, Tensor]]] = {}
    for row in rows:
        pixels = prepared(corpus.items[row], wanted)
        sizes.setdefault(tuple(pixels.shape), []).append((row, pixels))
    for group in sizes.values():
        with torch.no_grad():
            together = wanted.network.features(torch.stack([pixels for _, pixels in group]))
        for place, (row, _) in enumerate(group):
            yield row, {tap: one[place : place + 1] for tap, one in together.items()}


def _moments(features: Features, wanted: Wanted, arm: str, name: str, digest: str) -> dict[str, Tensor]:
    """Covariance, packed, and mean of each tap, float32 on the cpu."""
    change = feature_arm(arm)
    found = {}
    for tap in wanted.arms[arm]:
        one, where = features[tap.name], f"{wanted.network.name} at {tap.name}"
        if one.shape[2] * one.shape[3] < change.least:
            raise StyleError(
                f"{name}: features arm {arm} needs {change.least} positions of {where}, got "
                f"{one.shape[2] * one.shape[3]}: take an arm of fewer, or larger images"
            )
        with torch.no_grad():
            gaussian = MOMENTS(change.apply(one, generator(wanted.seed, arm, tap.name, digest)))[0]
        if not bool(torch.isfinite(gaussian).all()):
            remedy = ": compute in float32" if one.dtype in (torch.float16, torch.bfloat16) else ""
            raise StyleError(f"{name}: features of {where} must be finite, {arm}; they are not{remedy}")
        found[f"{tap.name}/covariance"] = pack(gaussian[:, :-1]).float().cpu()
        found[f"{tap.name}/mean"] = gaussian[:, -1].float().cpu()
    return found


def _diagnostics(features: Features, wanted: Wanted, digest: str) -> dict[str, Tensor]:
    """Every diagnostic of each tap, float64."""
    found = {}
    for tap in wanted.arms[AS_IS]:
        draw = generator(wanted.seed, DIAGNOSTICS, tap.name, digest)
        for name, value in diagnose_features(features[tap.name], draw).items():
            found[f"{tap.name}/{name}"] = value.double().cpu().reshape(())
    return found


def generator(seed: int, *names: str) -> torch.Generator:
    """A generator of its own for each set of names, whatever was drawn before."""
    text = "\n".join([str(seed), *names]).encode()
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(text).digest()[:7], "big"))
