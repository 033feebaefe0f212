"""One diagnostic: a number with its formula, its source and its range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from torch import Tensor

Level: TypeAlias = Literal["features", "moments", "gram", "images"]
"""What a diagnostic needs: a feature map; its covariance and mean; the Gram matrix alone; many images."""

DERIVED = "derived in docs/diagnostics.md"


@dataclass(frozen=True, kw_only=True)
class Diagnostic:
    """One number that says something of why Gram matrices at a tap behave as they do.

    Attributes:
        name: what tables, files and users call it.
        formula: in words.
        source: where it was published, or that it was derived here.
        range: smallest to largest value, with the unit where there is one.
        level: what it needs.
        function: of a `FeatureSample`, a `MomentSample` (``moments`` and ``gram``) or an
            `ImageSample` (``images``).
    """

    name: str
    formula: str
    source: str
    range: str
    level: Level
    function: Callable[[Any], Tensor]


def row(
    name: str, level: Level, formula: str, range: str, source: str, function: Callable[[Any], Tensor]
) -> Diagnostic:
    """A diagnostic, for tables of them."""
    return Diagnostic(name=name, level=level, formula=formula, range=range, source=source, function=function)
