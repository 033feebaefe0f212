"""The procedural corpus: styles, contents and palettes, fully crossed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from gramstyle import check
from gramstyle.corpus.bundled import bundled_images
from gramstyle.corpus.procedural.contents import CONTENTS
from gramstyle.corpus.procedural.palettes import PALETTES
from gramstyle.corpus.procedural.rendering import Rendered
from gramstyle.corpus.procedural.streams import VERSION
from gramstyle.corpus.procedural.styles import STYLES
from gramstyle.corpus.records import Corpus, Item
from gramstyle.errors import StyleError


def procedural_corpus(
    seed: int = 0,
    *,
    styles: Sequence[str] | None = None,
    contents: Sequence[str] | None = None,
    palettes: Sequence[str] | None = None,
    replicates: int = 2,
    size: int = 224,
) -> Corpus:
    """Images of every style with every content in every palette, drawn from a seed.

    Style is texture and rendering, content what is shown, palette the colours. All images of one
    size hold the same tones, each pixel another one, and all of one palette the same colours: no
    statistic of single pixels tells styles or contents apart. Images are rendered when they are
    read. A part of the corpus holds the same images as the whole.

    Args:
        seed: of everything that is random.
        styles: names in `STYLES`, in the order wanted; None takes all.
        contents: names in `CONTENTS`; None takes all.
        palettes: names in `PALETTES`; None takes all.
        replicates: images of each combination, each with a composition and texture of its own.
        size: pixels on a side, 64 to 1024.

    Returns:
        One item per image, styles changing slowest and replicates fastest, named
        STYLE/CONTENT/PALETTE/REPLICATE. An image has no source but itself.

    Raises:
        TypeError: if a number is no integer, or one text is given where several names belong.
        UnknownNameError: if a name is in no table.
        ValueError: if there are no replicates, or the size is outside of its range.
        StyleError: if the package that carries a photograph is not installed, or a name is given
            twice or none at all.
    """
    chosen_styles = _chosen("styles", styles, STYLES)
    chosen_contents = _chosen("contents", contents, CONTENTS)
    chosen_palettes = _chosen("palettes", palettes, PALETTES)
    check.one_of_type("replicates", replicates, int)
    check.positive("replicates", replicates)
    _check_photographs(chosen_contents)
    origins = [
        Rendered(seed=seed, style=style, content=content, palette=palette, replicate=replicate, size=size)
        for style, content, palette, replicate in product(
            chosen_styles, chosen_contents, chosen_palettes, range(replicates)
        )
    ]
    items = tuple(
        Item(name=one.name, origin=one, style=one.style, content=one.content, palette=one.palette)
        for one in origins
    )
    notes = (f"drawn from seed {seed} at {size} x {size} pixels, version {VERSION} of the procedural corpus",)
    return Corpus(name="procedural", items=items, notes=notes)


def _chosen(argument: str, names: Sequence[str] | None, known: Iterable[str]) -> list[str]:
    if names is None:
        return list(known)
    if isinstance(names, str):
        raise TypeError(f"{argument} must be several names, got one text: use [{names!r}]")
    return [check.name_in(argument, name, known) for name in names]


def _check_photographs(contents: Sequence[str]) -> None:
    if all(CONTENTS[name].photograph is None for name in contents):
        return
    try:
        bundled_images()
    except StyleError as error:
        drawn = [name for name, content in CONTENTS.items() if content.photograph is None]
        raise StyleError(f"{error}, or take contents that are drawn: {', '.join(drawn)}") from error
