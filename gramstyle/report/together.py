"""Comparisons that stand side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from gramstyle.errors import StyleError
from gramstyle.report.names import slug
from gramstyle.study import Comparison

NETWORK = ("backbone", "taps", "tap_weights", "normalization")
"""Settings that belong to a network and so differ between networks."""


def check_together(comparisons: Sequence[Comparison]) -> None:
    """Raise `StyleError` unless numbers of `comparisons` may be read against each other.

    They must be of the same images in the same order, cut into the same crops. Other settings
    may differ; `differing_settings` names those that do.
    """
    if not comparisons:
        raise StyleError("a report needs at least one comparison, got none")
    first = comparisons[0]
    for other in comparisons[1:]:
        if image_names(other) != image_names(first):
            raise StyleError(
                "comparisons of one report must be of the same images in the same order, got "
                f"{_some(image_names(first))} and {_some(image_names(other))}"
            )
        if _protocol(other) != _protocol(first):
            raise StyleError(
                "comparisons of one report must share size, gap and number of their crops, got "
                f"{_protocol(first)} and {_protocol(other)}"
            )


def image_names(comparison: Comparison) -> tuple[str, ...]:
    """Names of the images of a comparison, in order."""
    return tuple(image.name for image in comparison.distances.rows)


def labels(comparisons: Sequence[Comparison]) -> list[str]:
    """What each comparison is called: its backbone, and whatever else tells it from the others."""
    identities = [one.distances.identity for one in comparisons]
    plain = [one.backbone for one in identities]
    twice = Counter(plain)
    return _numbered(
        [one.backbone if twice[one.backbone] == 1 else f"{one.backbone}@{one.name}" for one in identities]
    )


def file_stems(comparisons: Sequence[Comparison]) -> list[str]:
    """What the files of each comparison are called, distinct on any file system."""
    return _numbered([slug(label) for label in labels(comparisons)], "-{}")


def differing_settings(comparisons: Sequence[Comparison]) -> dict[str, list[str]]:
    """Setting -> its values, for settings that differ and do not belong to the network."""
    found: dict[str, list[str]] = {}
    plain = [_settings(one) for one in comparisons]
    for name in plain[0]:
        values = list(dict.fromkeys(str(one[name]) for one in plain))
        if len(values) > 1:
            found[name] = values
    return found


def _settings(comparison: Comparison) -> dict[str, Any]:
    made = comparison.distances
    settings = {name: value for name, value in made.recipe.as_json().items() if name not in NETWORK}
    gram = settings.pop("gram")
    whole = {"sparsity": 0.0}  # recipes are silent where nothing is pruned
    return {**whole, **settings, **gram, "dtype": made.dtype, "device": made.device}


def _protocol(comparison: Comparison) -> tuple[int, int, int]:
    return comparison.crop, comparison.gap, comparison.crops


def _numbered(names: list[str], pattern: str = " ({})") -> list[str]:
    """The names, the second and later of one name (in any case of letters) numbered."""
    taken: set[str] = set()
    found = []
    for name in names:
        candidate, number = name, 1
        while candidate.lower() in taken:
            number += 1
            candidate = name + pattern.format(number)
        taken.add(candidate.lower())
        found.append(candidate)
    return found


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
