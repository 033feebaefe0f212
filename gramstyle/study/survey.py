"""A first look at every image of a corpus: its size, its colours, its twins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gramstyle.corpus import Corpus, Item, duplicates_note, near_duplicates
from gramstyle.images import Picture, ResizePolicy, color_moments, resize
from gramstyle.study.arms import Reference
from gramstyle.types import Progress

KEPT_BYTES = 2**30
"""Memory that pictures may take; beyond it they are read again each time."""


@dataclass(frozen=True)
class Kept:
    """An origin whose picture was read once and is held in memory.

    Attributes:
        read: the picture.
        name: digest of the origin it was read from.
    """

    read: Picture
    name: str

    def picture(self) -> Picture:
        """The picture."""
        return self.read

    def digest(self) -> str:
        """That of the origin it was read from."""
        return self.name


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What the first look found.

    Attributes:
        corpus: the same images, held in memory as far as that goes, with what was noticed.
        digests: of each image.
        sizes: height and width of each as the networks will see it.
        colours: mean over images of their mean colours and of their colour covariances.
    """

    corpus: Corpus
    digests: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    colours: Reference

    @property
    def smallest(self) -> int:
        """Pixels of the smallest image."""
        return min(height * width for height, width in self.sizes)


def survey(corpus: Corpus, resize_policy: str, progress: Progress | None = None) -> Survey:
    """Look at every image once.

    Raises:
        ImageError: for one that cannot be read; the message names it.
    """
    policy = ResizePolicy.parse(resize_policy)
    items: list[Item] = []
    sizes, means, covariances, held = [], [], [], 0
    for done, item in enumerate(corpus.items, start=1):
        picture, digest = item.origin.picture(), item.origin.digest()
        held += picture.pixels.nbytes
        items.append(replace(item, origin=Kept(picture, digest)) if held <= KEPT_BYTES else item)
        small = resize(picture.pixels, policy)
        sizes.append((small.shape[1], small.shape[2]))
        mean, covariance = color_moments(small)
        means.append(mean.double())
        covariances.append(covariance.double())
        if progress is not None:
            progress("looking at images", done, len(corpus))
    looked = replace(corpus, items=tuple(items))
    twins = near_duplicates(looked)
    if twins:
        looked = replace(looked, notes=(*corpus.notes, duplicates_note(twins)))
    return Survey(
        corpus=looked,
        digests=tuple(item.origin.digest() for item in items),
        sizes=tuple(sizes),
        colours=Reference(covariance=_mean(covariances), mean=_mean(means)),
    )


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean(0)


def thinned(corpus: Corpus, limit: int) -> Corpus:
    """At most `limit` images, as many of every style as of any other where there are enough; noted.

    Which images stay depends on their names alone.
    """
    if len(corpus) <= limit:
        return corpus
    rows = _spread(corpus, limit, least=2)
    note = f"thinned from {len(corpus)} to {len(rows)} images, as evenly over the styles as they allow"
    return replace(corpus.subset(rows), notes=(*corpus.notes, note))


def spread_over_styles(corpus: Corpus, count: int) -> frozenset[int]:
    """Rows of about `count` images, one at least of each style."""
    return frozenset(_spread(corpus, count, least=1))


def _spread(corpus: Corpus, count: int, least: int) -> list[int]:
    """As many rows of each style as of any other, in an order that mixes contents and the rest."""
    groups: dict[str | None, list[int]] = {}
    for row, item in enumerate(corpus.items):
        groups.setdefault(item.style, []).append(row)
    for group in groups.values():
        group.sort(key=lambda row: hashlib.sha256(corpus.items[row].name.encode()).digest())
    each = max(least, count // len(groups))
    return sorted(row for group in groups.values() for row in group[:each])
