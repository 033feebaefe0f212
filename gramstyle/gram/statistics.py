"""What is kept of the features at a tap: the Gram matrix and its relatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.gram import native, reference
from gramstyle.gram.normalize import Norm
from gramstyle.gram.packing import unpack
from gramstyle.kernels import Kernel
from gramstyle.numerics import safe_sqrt

DEAD_VARIANCE = 1e-12
"""A channel whose variance is below this share of its energy is constant: that is rounding."""


class Statistic(Enum):
    """A summary of features f at P positions that forgets where they are.

    With ``E`` the mean over positions, ``mu = E f`` and ``S = E f f' - mu mu'``:

    * ``gram`` (B, C, C): ``sum f f'`` divided as `Norm` says. Gatys et al. 2016, eq. 3.
    * ``covariance`` (B, C, C): ``S``, divided by P and not P - 1. Li et al. 2017 (WCT).
    * ``correlation`` (B, C, C): ``S_ij / sqrt(S_ii S_jj)``; a constant channel correlates 0
      with every channel, itself included.
    * ``gaussian`` (B, C, C + 1): ``[S | mu]``, what the 2-Wasserstein distance needs.
    * ``off-diagonal`` (B, C, C): ``gram`` with a diagonal of 0, what channels have in common.
    * ``diagonal`` (B, C): the diagonal of ``gram``, the energy of each channel.
    * ``mean`` (B, C): ``mu``.
    * ``mean-std`` (B, 2C): ``[mu, sqrt(S_ii)]``. Huang and Belongie 2017 (AdaIN); Li et al. 2017
      (Demystifying neural style transfer) as batch normalisation statistics.
    """

    GRAM = "gram"
    COVARIANCE = "covariance"
    CORRELATION = "correlation"
    GAUSSIAN = "gaussian"
    OFF_DIAGONAL = "off-diagonal"
    DIAGONAL = "diagonal"
    MEAN = "mean"
    MEAN_STD = "mean-std"

    @property
    def is_matrix(self) -> bool:
        """Whether it is a symmetric matrix per image."""
        return self.is_semidefinite or self is Statistic.OFF_DIAGONAL

    @property
    def is_semidefinite(self) -> bool:
        """Whether it is a symmetric positive semi-definite matrix per image."""
        return self in (Statistic.GRAM, Statistic.COVARIANCE, Statistic.CORRELATION)

    @property
    def takes_norm(self) -> bool:
        """Whether `Norm` and centring change it."""
        return self in (Statistic.GRAM, Statistic.DIAGONAL, Statistic.OFF_DIAGONAL)

    def shape(self, channels: int) -> tuple[int, ...]:
        """Shape of one image's value, for C `channels`."""
        if self.is_matrix:
            return (channels, channels)
        if self is Statistic.GAUSSIAN:
            return (channels, channels + 1)
        return (2 * channels,) if self is Statistic.MEAN_STD else (channels,)


STATISTICS = {one.value: one for one in Statistic}
"""Name -> statistic."""


@dataclass(frozen=True, kw_only=True)
class GramSettings:
    """A statistic with its normalisation.

    Args:
        statistic: which summary.
        norm: divisor of the sum over positions; for ``gram``, ``diagonal`` and ``off-diagonal`` only.
        center: remove the channel means first; for the same three.

    Raises:
        StyleError: if `norm` or `center` is given for a statistic that has none.
    """

    statistic: Statistic = Statistic.GRAM
    norm: Norm = Norm.POSITIONS
    center: bool = False

    def __post_init__(self) -> None:
        if self.statistic.takes_norm:
            return
        if self.norm is not Norm.POSITIONS or self.center:
            raise StyleError(
                "norm and center are for the statistics gram, diagonal and off-diagonal: "
                f"{self.statistic.value} is defined without them, got norm={self.norm.value!r}, "
                f"center={self.center}"
            )

    def __call__(self, features: Tensor, mask: Tensor | None = None, kernel: Kernel = "auto") -> Tensor:
        """The statistic of `features` (B, C, H, W), weighted by `mask` (B, H, W)."""
        kind = self.statistic
        moments = native.moments if native.takes(kernel, features, mask) else reference.moments
        if kind in (Statistic.GRAM, Statistic.OFF_DIAGONAL):
            sums = moments(features, mask, center=self.center)
            whole = sums.second / self._divisor(features, sums)[:, None, None]
            return whole if kind is Statistic.GRAM else _SQUARE.hollow(whole)
        if kind is Statistic.DIAGONAL:
            sums = (reference.variances if self.center else reference.energies)(features, mask)
            return sums.second / self._divisor(features, sums)[:, None]
        if kind in (Statistic.MEAN, Statistic.MEAN_STD):
            sums = reference.variances(features, mask)
            std = safe_sqrt(sums.second / sums.positions[:, None]) if kind is Statistic.MEAN_STD else None
            return sums.mean if std is None else torch.cat([sums.mean, std], dim=1)
        sums = moments(features, mask, center=True)
        covariance = sums.second / sums.positions[:, None, None]
        return from_moments(covariance, sums.mean, kind)

    def of_moments(self, moments: reference.Moments) -> Tensor:
        """The statistic of features whose centred moments are known, in the precision of these."""
        covariance = moments.second / moments.positions[:, None, None]
        mean = torch.zeros_like(moments.mean) if self.center else moments.mean
        value = from_moments(covariance, mean, self.statistic)
        if self.norm is Norm.POSITIONS:
            return value
        channels = moments.mean.shape[1]
        share = moments.positions / self.norm.divisor(channels, moments.positions)
        return value * share.reshape(-1, *[1] * (value.ndim - 1))

    @property
    def has_sums(self) -> bool:
        """Whether `of_sums` is as good as features.

        Correlation is not: it must tell a channel that is constant from one that varies by 1e-6 of
        its size, and sums in float32 do not.
        """
        return self.statistic is not Statistic.CORRELATION

    @property
    def wants_wide_sums(self) -> bool:
        """Whether `of_sums` subtracts large numbers, which should be float64."""
        return self.center or not self.statistic.takes_norm

    def of_sums(self, second: Tensor, first: Tensor, positions: int) -> Tensor:
        """The statistic, from sums over positions.

        Args:
            second: of products of channels, (B, C, C); float64 where `wants_wide_sums`.
            first: of channels, (B, C), of the same type.
            positions: P.

        Returns:
            As for features, of the type of `second`.
        """
        kind, channels = self.statistic, first.shape[1]
        divisor = self.norm.divisor(channels, first.new_full((len(first),), float(positions)))
        if self.wants_wide_sums:
            mean = first / positions
            covariance = second / positions - _SQUARE.outer(mean)
            if not kind.takes_norm:
                return from_moments(covariance, mean, kind)
            second = covariance * positions
        if kind is Statistic.DIAGONAL:
            return _SQUARE.diagonal(second) / divisor[:, None]
        whole = second / divisor[:, None, None]
        return _SQUARE.hollow(whole) if kind is Statistic.OFF_DIAGONAL else whole

    def _divisor(self, features: Tensor, sums: reference.Moments) -> Tensor:
        return self.norm.divisor(features.shape[1], sums.positions)


SECOND_MOMENT = GramSettings()
"""``F F' / P``, uncentred."""


def from_moments(covariance: Tensor, mean: Tensor, statistic: Statistic) -> Tensor:
    """Any statistic, normalised by positions, from the first two moments of the features.

    They hold all of them: ``gram`` is ``S + mu mu'``.

    Args:
        covariance: S, (B, C, C).
        mean: mu, (B, C).
        statistic: which.

    Returns:
        (B, ...), in the shape of `Statistic.shape`.
    """
    return _FROM_MOMENTS[statistic](_SQUARE, covariance, mean)


def from_packed_moments(covariance: Tensor, mean: Tensor, statistic: Statistic) -> Tensor:
    """As `from_moments`, of packed covariances and, where the statistic is a matrix, packed.

    Args:
        covariance: upper triangles of S as `pack` gives them, (B, C (C + 1) / 2).
        mean: mu, (B, C).
        statistic: which.

    Returns:
        (B, C (C + 1) / 2) for matrices; in the shape of `Statistic.shape` for others.
    """
    if statistic is Statistic.GAUSSIAN:
        return _gaussian(_SQUARE, unpack(covariance), mean)
    return _FROM_MOMENTS[statistic](_Triangle(mean.shape[1], mean.device), covariance, mean)


class _Square:
    """Symmetric matrices as they are, (B, C, C)."""

    def outer(self, x: Tensor) -> Tensor:
        """``x x'`` of vectors (B, C)."""
        return x[:, :, None] * x[:, None, :]

    def diagonal(self, matrices: Tensor) -> Tensor:
        """(B, C)."""
        return matrices.diagonal(dim1=1, dim2=2)

    def hollow(self, matrices: Tensor) -> Tensor:
        """The same with a diagonal of 0."""
        return matrices - torch.diag_embed(self.diagonal(matrices))


class _Triangle(_Square):
    """Symmetric matrices as packed upper triangles, (B, C (C + 1) / 2)."""

    def __init__(self, channels: int, device: torch.device) -> None:
        rows, columns = torch.triu_indices(channels, channels, device=device)
        self.on_diagonal = rows == columns

    def outer(self, x: Tensor) -> Tensor:
        """``x x'`` of vectors (B, C)."""
        return torch.cat([x[:, one, None] * x[:, one:] for one in range(x.shape[1])], dim=1)

    def diagonal(self, matrices: Tensor) -> Tensor:
        """(B, C)."""
        return matrices[:, self.on_diagonal]

    def hollow(self, matrices: Tensor) -> Tensor:
        """The same with a diagonal of 0."""
        return matrices.masked_fill(self.on_diagonal, 0)


_SQUARE = _Square()


def _second(layout: _Square, covariance: Tensor, mean: Tensor) -> Tensor:
    return covariance + layout.outer(mean)


def _diagonal(layout: _Square, covariance: Tensor, mean: Tensor) -> Tensor:
    return layout.diagonal(covariance) + mean.square()


def _gaussian(layout: _Square, covariance: Tensor, mean: Tensor) -> Tensor:
    return torch.cat([covariance, mean[..., None]], dim=2)


def _mean_std(layout: _Square, covariance: Tensor, mean: Tensor) -> Tensor:
    return torch.cat([mean, safe_sqrt(layout.diagonal(covariance))], dim=1)


def _off_diagonal(layout: _Square, covariance: Tensor, mean: Tensor) -> Tensor:
    return layout.hollow(_second(layout, covariance, mean))


def _correlation(layout: _Square, covariance: Tensor, mean: Tensor) -> Tensor:
    variance = layout.diagonal(covariance)  # (B, C)
    alive = variance > DEAD_VARIANCE * (variance + mean.square())
    scale = torch.where(alive, variance, 1).rsqrt() * alive
    return (covariance * layout.outer(scale)).clamp(-1, 1)


_FROM_MOMENTS: dict[Statistic, Callable[[_Square, Tensor, Tensor], Tensor]] = {
    Statistic.GRAM: _second,
    Statistic.COVARIANCE: lambda layout, covariance, mean: covariance,
    Statistic.CORRELATION: _correlation,
    Statistic.GAUSSIAN: _gaussian,
    Statistic.OFF_DIAGONAL: _off_diagonal,
    Statistic.DIAGONAL: _diagonal,
    Statistic.MEAN: lambda layout, covariance, mean: mean,
    Statistic.MEAN_STD: _mean_std,
}


def checked_mask(features: Tensor, mask: Tensor | None) -> Tensor | None:
    """Return `mask` as (B, H, W) weights for `features` (B, C, H, W).

    Raises:
        TypeError: if it is not a floating-point or boolean tensor.
        ValueError: if its shape does not fit, a weight is negative or not finite, or an image
            has no weight at all.
    """
    if mask is None:
        return None
    check.one_of_type("mask", mask, Tensor)
    if not (mask.is_floating_point() or mask.dtype == torch.bool):
        raise TypeError(f"mask must be floating point or bool, got {mask.dtype}")
    wanted = (features.shape[0], *features.shape[2:])
    if tuple(mask.shape) not in (wanted, wanted[1:]):
        raise ValueError(
            f"mask must hold one weight per position, (B, H, W) = {wanted} or (H, W), got shape "
            f"{tuple(mask.shape)}: resize it with gramstyle.images.resize_mask"
        )
    kind = torch.float64 if features.dtype == torch.float64 else torch.float32
    mask = check.finite(mask.to(device=features.device, dtype=kind), "mask").expand(wanted)
    if not torch.compiler.is_compiling():
        if bool((mask < 0).any()):
            raise ValueError(f"mask must hold weights of 0 or more, got {float(mask.min()):.4g}")
        if bool((mask.flatten(1).sum(1) == 0).any()):
            raise ValueError("mask must leave weight in every image of the batch, got one that is all zero")
    return mask
