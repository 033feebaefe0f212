"""A corpus: images and what is known of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from gramstyle.errors import StyleError
from gramstyle.images import Picture

FACTORS = ("style", "content", "palette", "source")
"""What may be known of an image, in the order of listings."""


class Origin(Protocol):
    """Where the pixels of an image come from; read anew each time, never kept."""

    def picture(self) -> Picture:
        """The image."""

    def digest(self) -> str:
        """A sha256 that changes when the picture does; cheaper than the picture where it can be."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One image of a corpus.

    Attributes:
        name: its own, within the corpus; a path relative to it, or a label.
        origin: where its pixels come from.
        style: the label that distances should follow; None where it is not known.
        content: what it shows; None where it is not known.
        palette: its colours; None where they are not known.
        source: what must not stand on both sides of a comparison between images of one style: the
            photograph that crops were cut from, the artist's series. Empty means that
            the image is a source of its own.
    """

    name: str
    origin: Origin = field(repr=False)
    style: str | None = None
    content: str | None = None
    palette: str | None = None
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Images with labels.

    Attributes:
        name: what reports call it.
        items: the images, in a fixed order.
        notes: what was noticed while it was read, in words.

    Raises:
        StyleError: if it is empty, two images share a name, or a name is not valid Unicode.
    """

    name: str
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.items:
            raise StyleError(f"corpus {self.name} must hold at least one image, got none")
        for item in self.items:
            if not _is_unicode(item.name):
                raise StyleError(
                    f"names of images must be valid Unicode, got {item.name!r} in corpus {self.name}: "
                    "rename the file"
                )
        twice = [name for name, count in Counter(item.name for item in self.items).items() if count > 1]
        if twice:
            raise StyleError(f"images of corpus {self.name} must have names of their own; twice: {twice[:5]}")

    def __len__(self) -> int:
        return len(self.items)

    def labels(self, factor: str) -> tuple[str, ...] | None:
        """The labels of every image for one of `FACTORS`; None unless all images have one.

        An image without a source is its own: its name stands for it.
        """
        if factor == "source":
            return tuple(item.source or item.name for item in self.items)
        found = tuple(getattr(item, factor) for item in self.items)
        return None if any(one is None for one in found) else found

    def counts(self, factor: str) -> dict[str, int]:
        """Label -> number of images, in order of appearance; empty where a label is missing."""
        return dict(Counter(self.labels(factor) or ()))

    def subset(self, rows: Sequence[int]) -> Corpus:
        """The images at `rows`, in that order."""
        return replace(self, items=tuple(self.items[row] for row in rows))

    def check_styles(self) -> None:
        """Raise `StyleError` unless every image has a style, there are two, and each has two images."""
        labels = self.labels("style")
        if labels is None:
            missing = [item.name for item in self.items if item.style is None]
            raise StyleError(
                f"every image of corpus {self.name} must have a style; {len(missing)} of {len(self)} have "
                f"none, first {missing[0]}: put images into folders STYLE/..., name styles in a manifest, "
                "or cut each image into crops and let the image be the style"
            )
        counts = Counter(labels)
        single = [style for style, count in counts.items() if count < 2]
        if len(counts) < 2 or single:
            said = (
                f"only one image each for {', '.join(map(repr, single[:5]))}" if single else f"{dict(counts)}"
            )
            raise StyleError(
                f"corpus {self.name} must hold at least two styles with at least two images each, "
                f"got {said}: add images, or take the styles out"
            )


def _is_unicode(name: str) -> bool:
    """Whether a name can be written down: names of files may hold bytes that are no text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
