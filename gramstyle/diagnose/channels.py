"""What if channels were mixed, dropped or scaled: affine maps of the channels of every position."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import shapes
from gramstyle.gram import pack, unpack
from gramstyle.gram.packing import channels_of

STD_FLOOR = 1e-2
"""Smallest standard deviation that is divided by, as a share of their root mean square."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelMap:
    """``x -> A (x - b)`` at every position.

    Attributes:
        name: what tables call it.
        matrix: A, (C', C) float64.
        offset: b, (C,) float64; None takes nothing off.

    Raises:
        ValueError: if the shapes do not fit each other.
    """

    name: str
    matrix: Tensor = field(repr=False)
    offset: Tensor | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if shapes.floating("matrix", self.matrix).ndim != 2 or self.matrix.numel() == 0:
            raise ValueError(f"matrix must be (C', C), got shape {tuple(self.matrix.shape)}")
        wanted = self.matrix.shape[1:]
        if self.offset is not None and shapes.floating("offset", self.offset).shape != wanted:
            raise ValueError(f"offset must be (C,) = {tuple(wanted)}, got shape {tuple(self.offset.shape)}")

    def features(self, features: Tensor) -> Tensor:
        """Mapped features.

        Args:
            features: (B, C, H, W); half precision is widened to float32.

        Returns:
            (B, C', H, W).

        Raises:
            TypeError: if `features` is not a floating-point tensor.
            ValueError: if it has another number of channels than A.
        """
        flat = check.feature_map(features).flatten(2)
        self._check_channels("features", flat.shape[1])
        flat = flat.float() if flat.dtype in (torch.float16, torch.bfloat16) else flat
        if self.offset is not None:
            flat = flat - self.offset.to(flat)[:, None]
        return (self.matrix.to(flat) @ flat).view(len(flat), -1, *features.shape[2:])

    def moments(self, covariance: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
        """Moments of the mapped features, ``A S A'`` and ``A (mu - b)``, without the features.

        Args:
            covariance: S, (B, C, C).
            mean: mu, (B, C).

        Returns:
            (B, C', C') and (B, C'), float64.

        Raises:
            ValueError: if the moments do not fit each other or A.
        """
        S, mu = shapes.moments(covariance, mean)
        self._check_channels("covariance", S.shape[1])
        A = self.matrix.to(S)
        if self.offset is not None:
            mu = mu - self.offset.to(mu)
        return A @ S @ A.mT, mu @ A.mT

    def packed_moments(self, covariance: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
        """As `moments`, of upper triangles as `gramstyle.gram.pack` gives them, in their own dtype.

        Maps that only pick and scale channels take time and memory of one triangle.

        Args:
            covariance: (B, C (C + 1) / 2), floating point.
            mean: (B, C).

        Returns:
            (B, C' (C' + 1) / 2) and (B, C').

        Raises:
            ValueError: if the triangles are none, or have another number of channels than A.
        """
        self._check_channels("covariance", channels_of(covariance.shape[-1]))
        picked = self._picked()
        if picked is None:
            S, mu = self.moments(unpack(covariance), mean)
            return pack(S).to(covariance), mu.to(covariance)
        kept, factors = picked
        rows, columns = torch.triu_indices(len(kept), len(kept))
        first, second = kept[rows], kept[columns]
        places = first * (2 * self.matrix.shape[1] - first - 1) // 2 + second
        S = covariance.index_select(-1, places.to(covariance.device))
        S *= (factors[rows] * factors[columns]).to(covariance)
        mu = mean.double() if self.offset is None else mean.double() - self.offset.to(mean.device)
        return S, (mu[:, kept.to(mean.device)] * factors.to(mean.device)).to(covariance)

    def _picked(self) -> tuple[Tensor, Tensor] | None:
        """Channels and factors of a map that picks channels in their order and scales them; else None."""
        nonzero = self.matrix.cpu() != 0
        kept = nonzero.byte().argmax(1)
        if not bool((nonzero.sum(1) == 1).all()) or not bool((kept.diff() > 0).all()):
            return None
        return kept, self.matrix.cpu().double().gather(1, kept[:, None])[:, 0]

    def _check_channels(self, argument: str, channels: int) -> None:
        if channels != self.matrix.shape[1]:
            raise ValueError(
                f"{argument} must have the {self.matrix.shape[1]} channels that the map {self.name} is "
                f"for, got {channels}"
            )


def rotation(channels: int, generator: torch.Generator) -> ChannelMap:
    """An orthogonal map drawn uniformly (Haar), by QR with the signs of R fixed (Mezzadri 2007).

    ``|Q (G_a - G_b) Q'|_F = |G_a - G_b|_F``: it leaves every Frobenius distance of Gram matrices,
    covariances and their spectra as they are, and changes correlations at will. So mean
    inter-channel correlation cannot by itself determine how Gram matrices contrast styles.

    Args:
        channels: C.
        generator: on the cpu.

    Raises:
        ValueError: if `channels` is not positive.
    """
    return ChannelMap(name="rotation", matrix=_orthogonal(channels, generator))


def eigenbasis(covariance: Tensor) -> ChannelMap:
    """The rotation into the eigenvectors of a pooled covariance, largest first.

    In that basis no two channels of the pool are correlated; distances are what they were.

    Args:
        covariance: pooled over images, (C, C).

    Raises:
        ValueError: if `covariance` is not a square matrix, or is not finite.
    """
    _, vectors = _eigen(covariance)
    return ChannelMap(name="eigenbasis", matrix=vectors.mT.flip(0).contiguous())


def whitening(covariance: Tensor, ridge: float = 1e-3) -> ChannelMap:
    """ZCA: ``(S + r I)^(-1/2)``, r = ridge tr S / C. Source: Bell and Sejnowski 1997.

    The pooled covariance becomes the identity, but for what the ridge keeps down. Unlike a
    rotation it is another metric, in which weak directions count as much as strong ones.

    Args:
        covariance: S, pooled over images, (C, C).
        ridge: share of the mean eigenvalue.

    Raises:
        ValueError: if `covariance` is not a square matrix, is not finite or zero, or `ridge` is not
            positive.
    """
    check.positive("ridge", ridge)
    values, vectors = _eigen(covariance)
    mean = float(values.clamp_min(0).mean())
    if mean == 0:
        raise ValueError("covariance must not be zero: there is nothing to whiten")
    roots = (values.clamp_min(0) + ridge * mean).rsqrt()
    return ChannelMap(name="whitening", matrix=(vectors * roots) @ vectors.mT)


def projection(channels: int, kept: int, generator: torch.Generator) -> ChannelMap:
    """A projection to C' random orthonormal directions, times ``sqrt(C / C')``.

    The factor keeps the trace of the Gram matrix on average, so that energies at any C' are of one
    size; contrast and AUC of a metric do not feel it. With C' = C it is `rotation`.

    Args:
        channels: C.
        kept: C', at most C.
        generator: on the cpu.

    Raises:
        ValueError: if `kept` is not between 1 and `channels`.
    """
    _check_kept(kept, channels)
    rows = _orthogonal(channels, generator)[:kept]
    return ChannelMap(name=f"projection to {kept}", matrix=rows * (channels / kept) ** 0.5)


def subset(channels: int, kept: int, generator: torch.Generator) -> ChannelMap:
    """C' of the C channels, drawn without replacement, in their order and as they are.

    Args:
        channels: C.
        kept: C', at most C.
        generator: on the cpu.

    Raises:
        ValueError: if `kept` is not between 1 and `channels`.
    """
    _check_kept(kept, channels)
    chosen = torch.randperm(channels, generator=generator)[:kept].sort().values
    return ChannelMap(name=f"subset of {kept}", matrix=_rows(channels, chosen))


def drop_top(energies: Tensor, count: int) -> ChannelMap:
    """All but the `count` channels of the largest energy.

    Args:
        energies: G_ii averaged over reference images, (C,).
        count: how many to drop, 0 or more, fewer than C.

    Raises:
        ValueError: if `energies` is no vector, or nothing or a negative number would be left.
    """
    if shapes.floating("energies", energies).ndim != 1:
        raise ValueError(f"energies must be (C,), got shape {tuple(energies.shape)}")
    channels = len(energies)
    if not 0 <= count < channels:
        raise ValueError(f"count must be between 0 and C - 1 = {channels - 1}, got {count}")
    kept = energies.argsort(descending=True, stable=True)[count:].sort().values
    return ChannelMap(name=f"without top {count}", matrix=_rows(channels, kept))


def standardisation(mean: Tensor, std: Tensor, floor: float = STD_FLOOR) -> ChannelMap:
    """``(x_i - m_i) / max(s_i, floor rms(s))`` for each channel, m and s of reference images.

    Fit it on images that are not measured with it. The floor keeps channels that hardly vary from
    becoming noise as large as the rest.

    Args:
        mean: m, (C,).
        std: s, 0 or more, (C,).
        floor: share of the root mean square of s.

    Raises:
        ValueError: if the vectors do not fit each other, `std` is all zero, or `floor` is not
            positive.
    """
    check.positive("floor", floor)
    m, s = shapes.floating("mean", mean).double(), shapes.floating("std", std).double()
    if m.ndim != 1 or m.shape != s.shape or len(m) == 0:
        raise ValueError(f"mean and std must both be (C,), got shapes {tuple(m.shape)} and {tuple(s.shape)}")
    typical = s.square().mean().sqrt()
    if not bool(typical > 0):
        raise ValueError("std must be greater than 0 for at least one channel")
    return ChannelMap(name="standardisation", matrix=torch.diag(1 / s.clamp_min(floor * typical)), offset=m)


def _orthogonal(channels: int, generator: torch.Generator) -> Tensor:
    check.positive("channels", channels)
    gaussian = torch.randn(channels, channels, generator=generator, dtype=torch.float64)
    Q, R = torch.linalg.qr(gaussian)
    return Q * R.diagonal().sign()


def _eigen(covariance: Tensor) -> tuple[Tensor, Tensor]:
    S = shapes.floating("covariance", covariance)
    if S.ndim != 2 or S.shape[0] != S.shape[1] or len(S) == 0:
        raise ValueError(f"covariance must be (C, C), pooled over images, got shape {tuple(S.shape)}")
    values, vectors = torch.linalg.eigh(check.finite(S.double(), "covariance"))
    return values, vectors


def _rows(channels: int, kept: Tensor) -> Tensor:
    """The rows `kept` of the identity, (C', C)."""
    return torch.eye(channels, dtype=torch.float64, device=kept.device)[kept]


def _check_kept(kept: int, channels: int) -> None:
    if not 0 < kept <= channels:
        raise ValueError(f"kept must be between 1 and the number of channels, {channels}, got {kept}")
