"""The crop protocol: crops of one image are of one style."""

from __future__ import annotations

from dataclasses import replace

from gramstyle import check
from gramstyle.corpus.crops import crop_positions
from gramstyle.corpus.origins import CropOrigin, size_of
from gramstyle.corpus.phrases import listed
from gramstyle.corpus.records import Corpus, Item
from gramstyle.errors import StyleError

Positions = tuple[tuple[int, int], ...]


def cropped_corpus(
    corpus: Corpus, *, size: int = 128, gap: int = 32, rows: int = 2, columns: int = 2
) -> Corpus:
    """A corpus of disjoint crops, for images whose styles are not known.

    Each image gives `rows` x `columns` crops at its own resolution, as `disjoint_crops` cuts them.
    They share what a texture keeps from place to place and no pixel, so distances within an image
    should be smaller than between images: same-texture crops are the invariance target that DISTS
    (Ding et al. 2020) was trained with. Style and source of a crop are the name of its image, whatever
    labels the image had; its own name is NAME@top,left. Pixels are read when they are asked for, sizes
    now and from headers where those tell.

    Args:
        corpus: the images.
        size: side of a crop, in pixels.
        gap: pixels between two crops.
        rows: crops from top to bottom.
        columns: crops from left to right.

    Returns:
        Images in the same order, the crops of each together. Images too small are left out, and a
        note says which.

    Raises:
        TypeError: if `corpus` is none.
        ValueError: if a size is not positive or the gap is negative.
        StyleError: if there is one crop per image, or fewer than two images are large enough.
        ImageError: if the size of an image cannot be read.
    """
    check.one_of_type("corpus", corpus, Corpus)
    if rows * columns == 1:
        raise StyleError("rows x columns must give at least 2 crops of each image to compare, got 1 x 1")
    items: list[Item] = []
    small: list[str] = []
    for item in corpus.items:
        height, width = size_of(item.origin)
        try:
            positions = crop_positions(height, width, size, gap, rows, columns)
        except StyleError:
            small.append(f"{item.name!r} ({height} x {width})")
        else:
            items.extend(_crops(item, positions, size))
    grid = f"{rows} x {columns} crops of {size} pixels, {gap} apart"
    kept = len(corpus) - len(small)
    if kept < 2:
        raise StyleError(
            f"the crop protocol needs at least two images that hold {grid}; {kept} of {len(corpus)} in "
            f"corpus {corpus.name} do; too small: {listed(small)}: ask for smaller or fewer crops"
        )
    notes = [f"cut {grid}, from each of {kept} images; the image is the style"]
    if small:
        notes.append(f"left out {len(small)} of {len(corpus)} images, too small for {grid}: {listed(small)}")
    return replace(corpus, name=f"crops of {corpus.name}", items=tuple(items), notes=(*corpus.notes, *notes))


def _crops(item: Item, positions: Positions, size: int) -> list[Item]:
    return [
        Item(
            name=f"{item.name}@{top},{left}",
            origin=CropOrigin(item.origin, top, left, size),
            style=item.name,
            source=item.name,
        )
        for top, left in positions
    ]
