"""A choice made on one half of the styles, to be reported on the other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from gramstyle.errors import StyleError


def split_styles(styles: Sequence[str], seed: int = 0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Halves of the style names: those to choose on, and those to report on.

    Names are ordered by the sha256 of seed and name, so that the halves depend on neither the
    order of images nor the version of a random generator, and a style that is added moves few
    others. Of an odd number the held-out half has one more.

    Args:
        styles: names, each at least once.
        seed: other seeds give other halves.

    Returns:
        (development, held out), each sorted.

    Raises:
        StyleError: if there are not four styles, two for each half.
    """
    names = sorted(set(styles))
    if len(names) < 4:
        raise StyleError(f"a split needs at least four styles, two for each half; got {len(names)}: {names}")
    names.sort(key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    half = len(names) // 2
    return tuple(sorted(names[:half])), tuple(sorted(names[half:]))


def select(scores: Mapping[str, float]) -> str:
    """The name with the highest score; of equal scores the first.

    Args:
        scores: name -> score on the development styles.

    Raises:
        StyleError: if there is none, or a score is NaN.
    """
    if not scores or any(score != score for score in scores.values()):
        raise StyleError(f"scores must hold a number for each of at least one name, got {dict(scores)}")
    return max(scores, key=lambda name: scores[name])
