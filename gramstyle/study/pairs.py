"""Pairs of images that a question calls near or far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.study.labels import Labels

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """A question with two answers about unordered pairs of different images.

    Attributes:
        name: of the question.
        first: row of one image of each pair, (P,).
        second: row of the other, larger than `first`, (P,).
        far: whether the pair should lie far apart, (P,). Far pairs are of two styles in every
            question of `QUESTIONS`.
    """

    name: str
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    far: Mask

    def split(self, matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Distances of the near pairs and of the far pairs; (N, N) -> (P_near,), (P_far,)."""
        values = matrix[self.first, self.second]
        return values[~self.far], values[self.far]


@dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """What the two images of each pair have in common, (P,) each.

    Attributes:
        style: they are of one style.
        source: they are of one source, which keeps them out of the near pairs of a style; nowhere
            where each style is one source, because no near pair would be left.
        content: they show the same; nowhere where contents are not known.
        palette: they have the same colours; nowhere where palettes are not known.
    """

    style: Mask
    source: Mask
    content: Mask
    palette: Mask


@dataclass(frozen=True, kw_only=True)
class Question:
    """A question about pairs.

    Attributes:
        name: what users call it.
        asks: in words.
        near: which pairs are near, in words.
        far: which are far.
        needs: the factors it needs beside style.
        masks: what pairs share -> (near, far), (P,) each.
    """

    name: str
    asks: str
    near: str
    far: str
    needs: tuple[str, ...]
    masks: Callable[[Shared], tuple[Mask, Mask]]


QUESTIONS: dict[str, Question] = {
    question.name: question
    for question in (
        Question(
            name="style",
            asks="does the distance know the style?",
            near="same style, different source (any two images where each style is one source)",
            far="different style",
            needs=(),
            masks=lambda same: (same.style & ~same.source, ~same.style),
        ),
        Question(
            name="hard",
            asks="does the distance know the style against the content?",
            near="same style, different content, different source",
            far="different style, same content",
            needs=("content",),
            masks=lambda same: (same.style & ~same.source & ~same.content, ~same.style & same.content),
        ),
        Question(
            name="content",
            asks="does the content show in the distance? 0.5 is no leak",
            near="different style, same content",
            far="different style, different content",
            needs=("content",),
            masks=lambda same: (~same.style & same.content, ~same.style & ~same.content),
        ),
        Question(
            name="palette",
            asks="do the colours show in the distance? 0.5 is no leak",
            near="different style, different content, same palette",
            far="different style, different content, different palette",
            needs=("content", "palette"),
            masks=lambda same: (
                ~same.style & ~same.content & same.palette,
                ~same.style & ~same.content & ~same.palette,
            ),
        ),
    )
}
"""Every question; `questions` answers which of them a set of labels can be asked."""


def questions(labels: Labels) -> dict[str, Pairs]:
    """The pairs of every question that has the factors it needs, a near pair, and a far pair.

    Args:
        labels: of the N images.
    """
    same = _shared(labels)
    found = {name: _pairs(question, labels, same) for name, question in QUESTIONS.items()}
    return {name: pairs for name, pairs in found.items() if pairs is not None}


def ask(name: str, labels: Labels) -> Pairs:
    """The pairs of one question.

    Args:
        name: of the question, one of `QUESTIONS`.
        labels: of the N images.

    Raises:
        UnknownNameError: if there is no such question.
        StyleError: if the labels hold no near pair or no far pair.
    """
    question = QUESTIONS[check.name_in("name", name, QUESTIONS)]
    pairs = _pairs(question, labels, _shared(labels))
    if pairs is None:
        missing = [factor for factor in question.needs if labels.factor(factor) is None]
        got = (
            f"no {' and no '.join(missing)} given"
            if missing
            else (f"{len(labels.style)} styles and {len(labels.source)} sources over {len(labels)} images")
        )
        raise StyleError(
            f"question {name} needs near pairs ({question.near}) and far pairs ({question.far}); got {got}"
        )
    return pairs


def _pairs(question: Question, labels: Labels, same: Shared) -> Pairs | None:
    if any(labels.factor(factor) is None for factor in question.needs):
        return None
    near, far = question.masks(same)
    if not near.any() or not far.any():
        return None
    first, second = np.triu_indices(len(labels), k=1)
    asked = near | far
    return Pairs(name=question.name, first=first[asked], second=second[asked], far=far[asked])


def _shared(labels: Labels) -> Shared:
    first, second = np.triu_indices(len(labels), k=1)
    nowhere = np.zeros(len(first), dtype=bool)

    def common(codes: NDArray[np.intp]) -> Mask:
        return codes[first] == codes[second]

    content, palette = labels.factor("content"), labels.factor("palette")
    return Shared(
        style=common(labels.style.codes),
        source=nowhere if labels.one_source_each else common(labels.source.codes),
        content=nowhere if content is None else common(content.codes),
        palette=nowhere if palette is None else common(palette.codes),
    )
