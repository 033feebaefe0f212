"""What diagnostics are computed from, each part once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from gramstyle.diagnose.correlation import (
    mean_absolute_correlation,
    shifted_correlation,
    shuffled_correlation,
)
from gramstyle.diagnose.moments import moments, second_moment
from gramstyle.diagnose.noise import EffectivePositions, effective_positions
from gramstyle.diagnose.spectrum import eigenvalues


@dataclass(frozen=True, kw_only=True, eq=False)
class MomentSample:
    """Moments of B sets of positions.

    Attributes:
        covariance: S, (B, C, C) float64, divided by the number of positions.
        mean: mu, (B, C) float64.
        positions: how many each set holds.
    """

    covariance: Tensor = field(repr=False)
    mean: Tensor = field(repr=False)
    positions: int

    @cached_property
    def eigenvalues(self) -> Tensor:
        """Of the covariance, largest first, (B, C)."""
        return eigenvalues(self.covariance)

    @cached_property
    def gram(self) -> Tensor:
        """The uncentred second moment, (B, C, C)."""
        return second_moment(self.covariance, self.mean)

    @cached_property
    def energies(self) -> Tensor:
        """Its diagonal, (B, C)."""
        return self.gram.diagonal(dim1=1, dim2=2)

    @cached_property
    def correlation(self) -> Tensor:
        """Mean absolute correlation, (B,)."""
        return mean_absolute_correlation(self.covariance, self.mean)


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureSample(MomentSample):
    """Features of B images with their moments.

    Attributes:
        features: (B, C, H, W).
        generator: shuffles and shifts are drawn from it, on the cpu.
    """

    features: Tensor = field(repr=False)
    generator: torch.Generator = field(repr=False)

    @classmethod
    def of(cls, features: Tensor, generator: torch.Generator) -> FeatureSample:
        """Of features (B, C, H, W) that were checked."""
        plain = features.contiguous()
        covariance, mean = moments(plain)
        return cls(
            covariance=covariance,
            mean=mean,
            positions=features.shape[2] * features.shape[3],
            features=plain,
            generator=generator,
        )

    @cached_property
    def eigenvalues(self) -> Tensor:
        """Of the covariance, largest first, (B, C); of the P x P kernel where that is smaller."""
        missing = self.mean.shape[1] - self.positions
        if missing <= 0:
            return eigenvalues(self.covariance)
        centred = self.features.flatten(2).double() - self.mean[..., None]
        found = eigenvalues(centred.mT @ centred / self.positions)
        return F.pad(found, (0, missing))

    @cached_property
    def effective_positions(self) -> EffectivePositions:
        """From the spatial autocorrelation."""
        return effective_positions(self.features)

    @cached_property
    def shuffled(self) -> Tensor:
        """Mean absolute correlation of channels shuffled on their own, (B,)."""
        return shuffled_correlation(self.features, self.generator)

    @cached_property
    def shifted(self) -> Tensor:
        """Mean absolute correlation of channels shifted on their own, (B,)."""
        return shifted_correlation(self.features, self.generator)


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageSample:
    """What N images have at one tap.

    Attributes:
        energies: diagonals of their Gram matrices, (N, C) float64.
        kernel: inner products of their Gram matrices, (N, N) float64.
    """

    energies: Tensor = field(repr=False)
    kernel: Tensor = field(repr=False)
