"""Style descriptors of a set of images, with everything that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.recipe import Recipe
from gramstyle.types import WeightsIdentity

MADE_BY = (
    "taps",
    "gram",
    "resize",
    "crop",
    "alpha",
    "background",
    "normalization",
    "first_padding",
    "pooling",
    "sparsity",
)
"""Parts of a recipe that a descriptor depends on; the metric and tap weights come later."""


def made_with(recipe: Recipe) -> dict[str, Any]:
    """The parts of a recipe that are in `MADE_BY`, in plain types."""
    plain = {"sparsity": 0.0, **recipe.as_json()}
    return {name: plain[name] for name in MADE_BY}


@dataclass(frozen=True, kw_only=True)
class Image:
    """One described image.

    Attributes:
        name: path as given, or a label.
        height: rows that the network saw.
        width: columns that the network saw.
        notes: what was said while it was read.
        signature: size and time of change of its file; empty for images that were not files.
    """

    name: str
    height: int
    width: int
    notes: tuple[str, ...] = ()
    signature: str = ""


def described_file(name: str, size: Sequence[int], notes: tuple[str, ...]) -> Image:
    """The record of the image `name` of (H, W) `size`, with the signature of its file."""
    return Image(name=name, height=size[0], width=size[1], notes=notes, signature=signature(name))


def signature(name: str) -> str:
    """Size and time of change of the file `name`, or nothing where it is no file."""
    try:
        stat = Path(name).stat()
    except (OSError, ValueError):
        return ""
    return f"{stat.st_size}-{stat.st_mtime_ns}"


@dataclass(frozen=True, kw_only=True)
class Descriptors:
    """Descriptors of N images.

    Attributes:
        images: the N images, in order.
        values: tap -> (N, D) float32; upper triangles, row by row, where the statistic is a
            matrix.
        recipe: the recipe, with its taps spelled out.
        identity: the weights that were used.
        dtype: of the network.
        device: kind of device it ran on.
        versions: of the libraries.
    """

    images: tuple[Image, ...]
    values: Mapping[str, Tensor] = field(repr=False)
    recipe: Recipe
    identity: WeightsIdentity
    dtype: str
    device: str
    versions: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the images, in order."""
        return tuple(image.name for image in self.images)

    def subset(self, rows: Sequence[int]) -> Descriptors:
        """Descriptors of the images at `rows`, in that order."""
        return replace(
            self,
            images=tuple(self.images[row] for row in rows),
            values={tap: value[list(rows)] for tap, value in self.values.items()},
        )

    @property
    def made_by(self) -> dict[str, Any]:
        """What two sets must share so that distances between them mean something."""
        return {
            "weights": (self.identity.backbone, self.identity.sha256),
            "dtype": self.dtype,
            **made_with(self.recipe),
        }

    def check_comparable(self, other: Descriptors) -> None:
        """Raise `StyleError`, naming what differs, unless distances to `other` mean something."""
        mine, theirs = self.made_by, other.made_by
        differing = [name for name in mine if mine[name] != theirs[name]]
        if differing:
            listed = "; ".join(f"{name} {mine[name]} against {theirs[name]}" for name in differing)
            raise StyleError(f"descriptors made in different ways cannot be compared: {listed}")


def joined(parts: Sequence[Descriptors]) -> Descriptors:
    """Descriptors of all images of `parts`, in that order.

    Raises:
        StyleError: if they were made in different ways, or there are none.
    """
    if not parts:
        raise StyleError("there must be at least one set of descriptors to join, got none")
    first = parts[0]
    for other in parts[1:]:
        first.check_comparable(other)
    return Descriptors(
        images=tuple(image for part in parts for image in part.images),
        values={tap: torch.cat([part.values[tap] for part in parts]) for tap in first.values},
        recipe=first.recipe,
        identity=first.identity,
        dtype=first.dtype,
        device=first.device,
        versions=first.versions,
    )
