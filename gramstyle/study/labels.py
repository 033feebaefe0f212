"""What is known of the images of a study, coded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gramstyle.errors import StyleError

FIELDS = {"style": "styles", "content": "contents", "palette": "palettes", "source": "sources"}
"""Factor -> the field of `Labels` that holds it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Factor:
    """One thing that is known of N images.

    Attributes:
        codes: position in `names`, per image, (N,).
        names: each label once, sorted.
    """

    codes: NDArray[np.intp]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Labels of N images.

    The unit of resampling and of permutation is the source: what must not stand on both sides of a
    comparison between images of one style. Sources are told apart within a style, so a photograph
    rendered in two styles is one source of each.

    Attributes:
        styles: the label that distances should follow.
        contents: what the images show; None where it is not known.
        palettes: their colours; None where they are not known.
        sources: the photograph that crops were cut from, the artist's series; None makes each
            image a source of its own.

    Raises:
        TypeError: if a label is not a string.
        StyleError: if there is no image, or one kind of label is given for more images than another.
    """

    styles: Sequence[str]
    contents: Sequence[str] | None = None
    palettes: Sequence[str] | None = None
    sources: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for field in FIELDS.values():
            given = getattr(self, field)
            if given is None and field != "styles":
                continue
            object.__setattr__(self, field, _strings(field, given))
            if len(getattr(self, field)) != len(self.styles):
                raise StyleError(
                    f"{field} must be as many as styles, {len(self.styles)}; got {len(getattr(self, field))}"
                )
        if not self.styles:
            raise StyleError("labels need at least one image, got none")

    def __len__(self) -> int:
        return len(self.styles)

    @cached_property
    def style(self) -> Factor:
        """The styles."""
        return coded(self.styles)

    @cached_property
    def source(self) -> Factor:
        """Sources within styles, those of one style after another: the units."""
        if self.sources is None:
            inside, names = np.arange(len(self)), tuple(map(str, range(len(self))))
        else:
            inside, names = coded(self.sources).codes, coded(self.sources).names
        keys, codes = np.unique(self.style.codes * len(names) + inside, return_inverse=True)
        places = (divmod(int(key), len(names)) for key in keys)
        return Factor(codes=codes, names=tuple(f"{self.style.names[s]}/{names[u]}" for s, u in places))

    @cached_property
    def style_of_source(self) -> NDArray[np.intp]:
        """Style of each unit, (U,)."""
        styles = np.empty(len(self.source), dtype=np.intp)
        styles[self.source.codes] = self.style.codes
        return styles

    @property
    def one_source_each(self) -> bool:
        """Whether each style is one source, so that images of one source have to make the near pairs."""
        return len(self.source) == len(self.style)

    def factor(self, name: str) -> Factor | None:
        """One of style, content, palette; None where it is not known."""
        given: Sequence[str] | None = getattr(self, FIELDS[name])
        return None if given is None else coded(given)

    def subset(self, rows: Sequence[int] | NDArray[np.intp]) -> Labels:
        """The images at `rows`, each at most once, in that order."""

        def kept(values: Sequence[str] | None) -> Sequence[str] | None:
            return None if values is None else tuple(values[row] for row in rows)

        return Labels(
            styles=tuple(self.styles[row] for row in rows),
            contents=kept(self.contents),
            palettes=kept(self.palettes),
            sources=kept(self.sources),
        )


def is_crossed(labels: Labels) -> bool:
    """Whether each content is in every style, and each source of one content."""
    content = labels.factor("content")
    if content is None:
        return False
    cells = np.zeros((len(labels.style), len(content)), dtype=bool)
    cells[labels.style.codes, content.codes] = True
    first = np.zeros(len(labels.source), dtype=np.intp)
    first[labels.source.codes] = content.codes
    return bool(cells.all()) and bool((first[labels.source.codes] == content.codes).all())


def coded(values: Sequence[str]) -> Factor:
    """Labels as positions in the sorted list of them."""
    names, codes = np.unique(np.asarray(values, dtype=object), return_inverse=True)
    return Factor(codes=codes, names=tuple(names))


def _strings(field: str, given: object) -> tuple[str, ...]:
    """The labels, if they are a sequence of strings."""
    if isinstance(given, str) or not isinstance(given, (Sequence, np.ndarray)):
        raise TypeError(f"{field} must be a sequence of strings, one per image, got {type(given).__name__}")
    for position, one in enumerate(given):
        if not isinstance(one, str):
            raise TypeError(
                f"{field} must be strings, got {type(one).__name__} for image {position}: {one!r}; "
                "convert numbers with str()"
            )
    return tuple(str(one) for one in given)
