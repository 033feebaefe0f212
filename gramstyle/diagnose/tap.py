"""What diagnostics say of one tap over many images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose.alignment import linear_kernel
from gramstyle.diagnose.energy import constant_channels
from gramstyle.diagnose.moments import moments, second_moment
from gramstyle.diagnose.spectrum import power_law_reason
from gramstyle.diagnose.table import PER_IMAGE, diagnose_features, diagnose_images, diagnose_moments
from gramstyle.errors import StyleError
from gramstyle.gram import pack
from gramstyle.gram.packing import pair_weights
from gramstyle.types import TapSpec

Representation: TypeAlias = Literal["grams", "means"]
"""What of an image stands for it: its Gram matrix or its channel means."""

REPRESENTATIONS: tuple[Representation, ...] = ("grams", "means")


@dataclass(frozen=True, kw_only=True)
class Quartiles:
    """The middle half of a diagnostic over images; NaN where no image has a value."""

    lower: float
    median: float
    upper: float


@dataclass(frozen=True, kw_only=True, eq=False)
class TapDiagnosis:
    """What diagnostics say of one tap over N images.

    Attributes:
        tap: name, channels, reduction and kind.
        positions: P of each image.
        per_image: diagnostic -> (N,) float64; NaN where it is not defined.
        pooled: diagnostic -> its value for the moments of all positions of all images.
        across: diagnostic -> how images differ; NaN for a single one.
        dead: channels that do not vary over the whole set.
        kernels: inner products of the images' Gram matrices, and of their means, (N, N) float64.
    """

    tap: TapSpec
    positions: tuple[int, ...]
    per_image: Mapping[str, Tensor] = field(repr=False)
    pooled: Mapping[str, float] = field(repr=False)
    across: Mapping[str, float] = field(repr=False)
    dead: tuple[int, ...]
    kernels: Mapping[Representation, Tensor] = field(repr=False)

    def quartiles(self, name: str) -> Quartiles:
        """Quartiles of a diagnostic over the images that have it.

        Raises:
            UnknownNameError: if no per-image diagnostic has that `name`.
        """
        values = self.per_image[check.name_in("diagnostic", name, self.per_image)]
        shares = torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64)
        lower, median, upper = torch.nanquantile(values, shares).tolist()
        return Quartiles(lower=lower, median=median, upper=upper)

    def as_json(self) -> dict[str, Any]:
        """Everything but the kernels, in plain types; None where a diagnostic is not defined."""
        reasons = {power_law_reason(self.tap.channels, positions) for positions in self.positions}
        return {
            "tap": self.tap.name,
            "channels": self.tap.channels,
            "reduction": self.tap.reduction,
            "kind": self.tap.kind,
            "positions": list(self.positions),
            "dead_channels": list(self.dead),
            "per_image": {
                name: {
                    "values": [plain(value) for value in values.tolist()],
                    **{key: plain(value) for key, value in asdict(self.quartiles(name)).items()},
                }
                for name, values in self.per_image.items()
            },
            "pooled": {name: plain(value) for name, value in self.pooled.items()},
            "across_images": {name: plain(value) for name, value in self.across.items()},
            "no_power_law": sorted(reason for reason in reasons if reason is not None),
        }


class TapGathering:
    """What is kept of one tap while images pass by.

    Args:
        tap: which.
    """

    def __init__(self, tap: TapSpec) -> None:
        self.tap = tap
        self._positions: list[int] = []
        self._values: dict[str, list[Tensor]] = {name: [] for name in PER_IMAGE}
        self._means: list[Tensor] = []
        self._energies: list[Tensor] = []
        # packed and in float32: 100 Gram matrices of 1280 channels take 0.3 GB
        self._grams: list[Tensor] = []
        self._second = torch.zeros(tap.channels, tap.channels, dtype=torch.float64)
        self._first = torch.zeros(tap.channels, dtype=torch.float64)

    def add(self, features: Tensor, generator: torch.Generator) -> None:
        """One more image.

        Args:
            features: (1, C, H, W), with the channels of the tap.
            generator: for its nulls, on the cpu.

        Raises:
            ValueError: if the shape is something else, or a value is not finite.
        """
        if features.ndim != 4 or features.shape[:2] != (1, self.tap.channels):
            raise ValueError(
                f"features of tap {self.tap.name} must be (1, {self.tap.channels}, H, W), got shape "
                f"{tuple(features.shape)}"
            )
        for name, value in diagnose_features(features, generator).items():
            self._values[name].append(value.cpu())
        covariance, mean = (one.cpu() for one in moments(features))
        gram = second_moment(covariance, mean)[0]
        positions = features.shape[2] * features.shape[3]
        self._positions.append(positions)
        self._second += positions * gram
        self._first += positions * mean[0]
        self._means.append(mean[0])
        self._energies.append(gram.diagonal().clone())
        self._grams.append(pack(gram).float())

    def diagnosis(self) -> TapDiagnosis:
        """All images together.

        ``S = sum P_i (S_i + mu_i mu_i') / sum P_i - mu mu'``: pooled over positions, so that what
        differs between images is part of it.

        Raises:
            StyleError: if there are no images.
        """
        if not self._positions:
            raise StyleError(f"there must be at least one image to diagnose at tap {self.tap.name}, got none")
        positions = sum(self._positions)
        mean = self._first / positions
        covariance = self._second / positions - mean[:, None] * mean
        pooled = diagnose_moments(covariance[None], mean[None], positions)
        dead = constant_channels(covariance[None], mean[None])[0].nonzero().flatten().tolist()
        # a triangle whose off-diagonal entries are times sqrt 2 has the inner products of the matrix
        roots = pair_weights(self.tap.channels).sqrt().float()
        kernels: dict[Representation, Tensor] = {
            "grams": linear_kernel(torch.stack(self._grams) * roots),
            "means": linear_kernel(torch.stack(self._means)),
        }
        across = diagnose_images(torch.stack(self._energies), kernels["grams"])
        return TapDiagnosis(
            tap=self.tap,
            positions=tuple(self._positions),
            per_image={name: torch.cat(values) for name, values in self._values.items()},
            pooled={name: float(value) for name, value in pooled.items()},
            across={name: float(value) for name, value in across.items()},
            dead=tuple(dead),
            kernels=kernels,
        )


def plain(value: float) -> float | None:
    """A number as JSON takes it: None for NaN and infinities."""
    return value if math.isfinite(value) else None
