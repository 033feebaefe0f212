"""How much Gram matrices differ because positions are few."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import shapes
from gramstyle.diagnose.energy import DEAD
from gramstyle.diagnose.moments import moments, second_moment
from gramstyle.numerics import safe_divide


class EffectivePositions(NamedTuple):
    """As how many independent positions those of a map count; each (B,) float64.

    Attributes:
        covariances: for the covariance and the centred Gram matrix.
        means: for the channel means; smaller, as means forget less of their neighbours.
    """

    covariances: Tensor
    means: Tensor


def effective_positions(features: Tensor) -> EffectivePositions:
    """N over the sum of the spatial autocorrelation r, or of its square, over all displacements d.

    ``means = N / sum_d w_d r_d`` and ``covariances = N / sum_d w_d r_d^2``, with
    ``r_d = tr S_d / tr S``, ``S_d`` the covariance of a position with the one d away (so channels
    count by their energy), and ``w_d`` the share of positions that have one d away. The first is
    N / (1 + 2 sum r) over half of the displacements; the second is its counterpart for products of
    Gaussian features, whose covariances decay as r^2 (Bartlett 1946 for series). On a Gaussian
    blur of white noise the second is twice the first. Both are at most N.

    Truncation: the sample autocorrelation of centred maps sums to 0, so sums must end. They run
    over rings ``max(|dy|, |dx|) = 0, 1, 2, ...`` up to half of the map, and end before the first ring
    whose sum is not positive, as Geyer 1992 ends sums over lags.

    Args:
        features: (B, C, H, W).

    Returns:
        Two numbers per image, (B,) float64; NaN where no channel varies.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    height, width = check.feature_map(features).shape[2:]
    sums, rows, columns = _lagged_products(features)
    down, right = (height - rows.abs())[:, None], (width - columns.abs())[None]
    weight = (down * right).double() / (height * width)
    r = safe_divide(sums / weight, sums[:, :1, :1], math.nan)  # (B, 2 H/2 + 1, 2 W/2 + 1)
    ring = torch.maximum(rows.abs()[:, None], columns.abs()[None]).flatten()
    first, second = (_by_ring((weight * one).flatten(1), ring) for one in (r, r.square()))
    kept = (first > 0).cumprod(1).bool()
    N = height * width
    total = [torch.where(kept, one, 0).sum(1) for one in (second, first)]
    return EffectivePositions(*(safe_divide(torch.full_like(one, N), one, math.nan) for one in total))


def _lagged_products(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``sum_c sum_p f_c(p) f_c(p + d)`` of centred features, and the rows and columns of d.

    Displacements of up to half of the map; d = 0 stands first, and negative d at the end. The
    transform is padded by as much, so that nothing wraps around, and runs in the features' own
    precision: 1e-6 of a sum over thousands of positions is far below its sampling error.
    """
    x = features.float() if features.dtype in (torch.float16, torch.bfloat16) else features
    mean = x.mean((2, 3), keepdim=True, dtype=torch.float64).to(x.dtype)
    reach = [side // 2 for side in x.shape[2:]]
    size = [side + far for side, far in zip(x.shape[2:], reach, strict=True)]
    spectrum = torch.fft.rfft2((x - mean).contiguous(), s=size)
    power = (spectrum.real.square() + spectrum.imag.square()).sum(1, dtype=torch.float64)
    sums = torch.fft.irfft2(power, s=size)
    energy = torch.linalg.vector_norm(x, dim=(1, 2, 3), dtype=torch.float64).square()
    constant = sums[:, 0, 0] <= DEAD**2 * energy  # what is left is rounding
    sums = sums.masked_fill(constant[:, None, None], 0.0)
    lags = [_lags(far, x.device) for far in reach]
    return sums[:, lags[0]][:, :, lags[1]], lags[0], lags[1]


def _lags(reach: int, device: torch.device) -> Tensor:
    """0, 1, ..., reach, -reach, ..., -1, which count from the end as indices do."""
    lags = torch.arange(2 * reach + 1, device=device)
    return torch.where(lags > reach, lags - (2 * reach + 1), lags)


def _by_ring(values: Tensor, ring: Tensor) -> Tensor:
    """Sums of values (B, n) over the entries of each ring, (B, rings)."""
    sums = values.new_zeros(len(values), int(ring.max()) + 1)
    return sums.index_add(1, ring, values)


def split_half_positions(features: Tensor) -> Tensor:
    """Effective positions from how far the covariances of two halves of one map lie apart.

    Halves a and b of n positions each, if independent samples of one Gaussian, have
    ``E |S_a - S_b|_F^2 = 2 [(tr S)^2 + tr S^2] / n_eff``. The whole map of N positions then counts
    as ``N_eff = (N / n) 2 [(tr S)^2 + tr S^2] / |S_a - S_b|_F^2``: of halves that leave nothing out
    N / n = 2, so the factor is 4. S is the mean of S_a and S_b. Upper against lower and left against
    right half are both taken, and 1 / N_eff averaged over the two; of an odd side the middle line
    is left out. What differs between the halves of a picture, and not only chance, makes it smaller
    than `effective_positions`. One degree of freedom per half goes into its mean.

    Args:
        features: (B, C, H, W).

    Returns:
        (B,) float64; NaN for a single position, or where both halves have the same covariance.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    check.feature_map(features)
    inverse = [_split_noise(features, side) for side in (2, 3) if features.shape[side] > 1]
    if not inverse:
        return torch.full((len(features),), math.nan, dtype=torch.float64, device=features.device)
    mean = torch.stack(inverse).mean(0)
    return safe_divide(torch.ones_like(mean), mean, math.nan)


def _split_noise(features: Tensor, side: int) -> Tensor:
    """1 / N_eff, from halves along one side."""
    length = features.shape[side]
    half = length // 2
    a, _ = moments(features.narrow(side, 0, half))
    b, _ = moments(features.narrow(side, length - half, half))
    squared = (a - b).square().sum((1, 2))
    return half / length * safe_divide(squared, 2 * _bracket((a + b) / 2), math.nan)


def noise_ratio(covariance: Tensor, positions: Tensor | float) -> Tensor:
    """``2 (PR + 1) / N_eff``: expected squared distance of two Gram matrices of one style, over |S|_F^2.

    Two images of one Gaussian N(0, S) with N_eff independent positions have ``E |G_a - G_b|_F^2 =
    2 [(tr S)^2 + tr S^2] / N_eff``; PR is the participation ratio of S. Near or above 1 nothing but
    chance is seen of styles that differ less than they are large. S of a single image has a PR below
    its true one, which is at most about N_eff: see `corrected_participation_ratio`.

    Args:
        covariance: S, (B, C, C).
        positions: N_eff, one number or (B,); `effective_positions` has it as `covariances`.

    Returns:
        (B,) float64, from 0; NaN where S or N_eff is.

    Raises:
        ValueError: if `covariance` is no batch of square matrices, or N_eff is not positive.
    """
    S = shapes.matrices("covariance", covariance)
    N = shapes.positions("positions", positions, S)
    return safe_divide(2 * _bracket(S), N * S.square().sum((1, 2)), math.nan)


def gram_noise_ratio(
    covariance: Tensor, mean: Tensor, positions: Tensor | float, positions_of_means: Tensor | float
) -> Tensor:
    """The same for the uncentred Gram matrix G = S + mu mu', over |G|_F^2.

    ``2 { [(tr S)^2 + tr S^2] / N_eff + [2 |mu|^2 tr S + 2 mu' S mu] / N_mean } / |G|_F^2``. The second
    bracket is the error of the mean, which has effective positions of its own.

    Args:
        covariance: S, (B, C, C).
        mean: mu, (B, C).
        positions: N_eff of covariances, one number or (B,).
        positions_of_means: N_eff of means, one number or (B,).

    Returns:
        (B,) float64, from 0.

    Raises:
        ValueError: if the moments do not fit each other, or an N_eff is not positive.
    """
    S, mu = shapes.moments(covariance, mean)
    N = shapes.positions("positions", positions, S)
    N_mean = shapes.positions("positions_of_means", positions_of_means, S)
    trace = S.diagonal(dim1=1, dim2=2).sum(1)
    along = torch.einsum("bi,bij,bj->b", mu, S, mu)
    error = _bracket(S) / N + 2 * (mu.square().sum(1) * trace + along) / N_mean
    return safe_divide(2 * error, second_moment(S, mu).square().sum((1, 2)), math.nan)


def corrected_participation_ratio(covariance: Tensor, positions: Tensor | float) -> Tensor:
    """Participation ratio of the Gaussian that S was sampled from, without what sampling takes off.

    tr S^2 of a sample is too large by (tr S)^2 / n, which bounds its participation ratio by n
    however many directions there are. With the estimate of tr S^2 of Srivastava 2005 it is
    ``PR = (tr S)^2 / { n^2 / ((n - 1)(n + 2)) [tr S^2 - (tr S)^2 / n] }``.

    Args:
        covariance: S, (B, C, C).
        positions: n, independent positions: N_eff, one number or (B,).

    Returns:
        (B,) float64; NaN where sampling explains all of tr S^2, or n is at most 1.

    Raises:
        ValueError: if `covariance` is no batch of square matrices, or n is not positive.
    """
    S = shapes.matrices("covariance", covariance)
    n = shapes.positions("positions", positions, S)
    squared = S.diagonal(dim1=1, dim2=2).sum(1).square()
    factor = n**2 / ((n - 1) * (n + 2))
    corrected = factor * (S.square().sum((1, 2)) - squared / n)
    return torch.where((corrected > 0) & (n > 1), safe_divide(squared, corrected, math.nan), math.nan)


def predicted_contrast(squared_difference: Tensor, covariance: Tensor, positions: Tensor | float) -> Tensor:
    """How much further two styles lie apart than two images of one, from sampling noise alone.

    ``c = sqrt(1 + |dS|_F^2 N_eff / (2 [(tr S)^2 + tr S^2])) - 1`` for zero-mean Gaussian features and
    Frobenius distances. A contrast is no separability: see the AUC of `gramstyle.separation`.

    Args:
        squared_difference: |dS|_F^2, squared Frobenius distance of the two styles' covariances, (B,).
        covariance: S within a style, (B, C, C).
        positions: N_eff, one number or (B,).

    Returns:
        (B,) float64, from 0.

    Raises:
        ValueError: if shapes do not fit, or N_eff is not positive.
    """
    S = shapes.matrices("covariance", covariance)
    N = shapes.positions("positions", positions, S)
    squared = shapes.floating("squared_difference", squared_difference).double()
    if squared.shape != S.shape[:1]:
        raise ValueError(
            f"squared_difference must be (B,) = ({len(S)},) as the covariance is, got shape "
            f"{tuple(squared.shape)}"
        )
    return safe_divide(squared * N, 2 * _bracket(S), math.nan).add(1).sqrt() - 1


def _bracket(S: Tensor) -> Tensor:
    """``(tr S)^2 + tr S^2``, (B,)."""
    return S.diagonal(dim1=1, dim2=2).sum(1).square() + S.square().sum((1, 2))
