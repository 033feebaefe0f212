"""A first look at every image of a corpus: its size, its colours, its twins."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TypeAlias

import torch
from torch import Tensor

from gramstyle.corpus import Corpus, Item, duplicates_note, near_duplicates
from gramstyle.errors import ImageError
from gramstyle.images import Picture, ResizePolicy, color_moments, resize
from gramstyle.study.arms import Reference
from gramstyle.types import Progress

Size: TypeAlias = tuple[int, int]
"""Height and width, in pixels."""

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
        given: height and width of each as it was found.
        sizes: height and width of each as the networks will see it.
        colours: mean over images of their mean colours and of their colour covariances.
    """

    corpus: Corpus
    digests: tuple[str, ...]
    given: tuple[Size, ...]
    sizes: tuple[Size, ...]
    colours: Reference

    def brought_to(self, resize_policy: str) -> tuple[Size, ...]:
        """Height and width of each image under a policy, such as that of an input arm."""
        policy = ResizePolicy.parse(resize_policy)
        return tuple(policy.target(*size) for size in self.given)

    def smallest(self, resize_policy: str, reduction: int) -> int:
        """Fewest positions that an image under a policy leaves at a tap, one at least.

        Counted without the windows that stand over an edge, for which some networks have a
        position too and others have none.
        """
        sizes = set(self.brought_to(resize_policy))
        return min(max(1, height // reduction) * max(1, width // reduction) for height, width in sizes)


def survey(corpus: Corpus, resize_policy: str, progress: Progress | None = None) -> Survey:
    """Look at every image once.

    Args:
        corpus: the images.
        resize_policy: see `ResizePolicy`.
        progress: told how many were looked at.

    Raises:
        ImageError: for one that cannot be read, or whose pixels are not in [0, 1]; the message
            names it.
    """
    policy = ResizePolicy.parse(resize_policy)
    items: list[Item] = []
    digests, given, sizes, means, covariances, held = [], [], [], [], [], 0
    for done, item in enumerate(corpus.items, start=1):
        picture, digest = item.origin.picture(), item.origin.digest()
        held += picture.pixels.nbytes
        items.append(replace(item, origin=Kept(picture, digest)) if held <= KEPT_BYTES else item)
        digests.append(digest)
        given.append((picture.height, picture.width))
        small = resize(_checked(item, picture), policy)
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
        digests=tuple(digests),
        given=tuple(given),
        sizes=tuple(sizes),
        colours=Reference(covariance=_mean(covariances), mean=_mean(means)),
    )


def _checked(item: Item, picture: Picture) -> Tensor:
    """The pixels, if they are colours; an origin need not come from `read_image`."""
    low, high = (float(value) for value in picture.pixels.aminmax())  # NaN where one is
    if not (low >= 0 and high <= 1):
        raise ImageError(f"pixels of {item.name} must lie in [0, 1], got {low:.4g} to {high:.4g}")
    return picture.pixels


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean(0)


def thinned(corpus: Corpus, limit: int) -> Corpus:
    """At most `limit` images, as many of every style as of any other where there are enough; noted.

    Two of each style stay, so that it has a pair, whatever the limit. Which images stay depends on
    their names alone.
    """
    if len(corpus) <= limit:
        return corpus
    rows = _spread(corpus, limit, least=2)
    note = f"thinned from {len(corpus)} to {len(rows)} images, as evenly over the styles as they allow"
    return replace(corpus.subset(rows), notes=(*corpus.notes, note))


def spread_over_styles(corpus: Corpus, count: int) -> frozenset[int]:
    """Rows of at most `count` images, evenly over the styles; of fewer images than styles, one each."""
    rows = _spread(corpus, count, least=1)
    return frozenset(sorted(rows, key=lambda row: _mixed(corpus, row))[:count])


def _spread(corpus: Corpus, count: int, least: int) -> list[int]:
    """As many rows of each style as of any other, in an order that mixes contents and the rest."""
    groups: dict[str | None, list[int]] = {}
    for row, item in enumerate(corpus.items):
        groups.setdefault(item.style, []).append(row)
    for group in groups.values():
        group.sort(key=lambda row: _mixed(corpus, row))
    each = max(least, count // len(groups))
    return sorted(row for group in groups.values() for row in group[:each])


def _mixed(corpus: Corpus, row: int) -> bytes:
    """A key whose order has nothing to do with labels."""
    return hashlib.sha256(corpus.items[row].name.encode()).digest()
