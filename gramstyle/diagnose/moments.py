"""First and second moments of features, in float64."""

from __future__ import annotations

from torch import Tensor

from gramstyle import check
from gramstyle.gram import reference


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Channel covariance, divided by P, and channel means.

    Args:
        features: (B, C, H, W), floating point.

    Returns:
        (B, C, C) and (B, C), float64.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    sums = reference.moments(check.feature_map(features).double(), None, center=True)
    return sums.second / sums.positions[:, None, None], sums.mean


def second_moment(covariance: Tensor, mean: Tensor) -> Tensor:
    """The Gram matrix divided by P, ``S + mu mu'``, (B, C, C)."""
    return covariance + mean[:, :, None] * mean[:, None, :]
