"""Features (B, C, H, W) -> Gram matrices and their relatives."""

from __future__ import annotations

from torch import Tensor

from gramstyle import check
from gramstyle.gram.normalize import NORMS as NORMS
from gramstyle.gram.normalize import Norm as Norm
from gramstyle.gram.packing import pack as pack
from gramstyle.gram.packing import unpack as unpack
from gramstyle.gram.parts import gradient_of_part as gradient_of_part
from gramstyle.gram.parts import joined as joined
from gramstyle.gram.parts import moments_of_part as moments_of_part
from gramstyle.gram.reference import Moments as Moments
from gramstyle.gram.statistics import SECOND_MOMENT as SECOND_MOMENT
from gramstyle.gram.statistics import STATISTICS as STATISTICS
from gramstyle.gram.statistics import GramSettings as GramSettings
from gramstyle.gram.statistics import Statistic as Statistic
from gramstyle.gram.statistics import checked_mask
from gramstyle.gram.statistics import from_moments as from_moments
from gramstyle.gram.statistics import from_packed_moments as from_packed_moments
from gramstyle.kernels import Kernel, checked_kernel


def gram(
    features: Tensor,
    norm: Norm | str = Norm.POSITIONS,
    center: bool = False,
    *,
    statistic: Statistic | str = Statistic.GRAM,
    mask: Tensor | None = None,
    kernel: Kernel = "auto",
) -> Tensor:
    """The Gram matrix of a feature map, or one of its relatives.

    Args:
        features: (B, C, H, W), floating point. Half precision is accumulated in float32 and
            gives float32; float64 stays float64.
        norm: divisor of the sum over positions, by name; see `Norm`.
        center: remove the channel means first.
        statistic: what is kept, by name; see `Statistic`.
        mask: weight of each position, 0 or more, (B, H, W) or (H, W); P becomes the sum of
            the weights.
        kernel: ``reference`` computes in plain torch, ``fused`` by the native operator (see
            ``gramstyle doctor``), ``auto`` by the operator where it is there.

    Returns:
        (B, C, C) for gram, covariance, correlation and off-diagonal; (B, C, C + 1) for gaussian; (B, C) for
        diagonal and mean; (B, 2C) for mean-std.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if it is not four-dimensional, has no position or is not finite, or if the
            mask does not fit.
        UnknownNameError: for a norm, statistic or kernel that does not exist.
        StyleError: for a norm or centring of a statistic that has none, and for kernel fused
            with a mask that needs a gradient.
        NativeUnavailableError: for kernel fused where its library was not built.
    """
    checked_kernel(kernel)
    settings = GramSettings(
        statistic=check.member(STATISTICS, "statistic", statistic),
        norm=check.member(NORMS, "norm", norm),
        center=center,
    )
    check.finite(check.feature_map(features), "features")
    return settings(features, checked_mask(features, mask), kernel)


def covariance(features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Channel covariance (B, C, C), divided by P; see `gram`."""
    return gram(features, statistic=Statistic.COVARIANCE, mask=mask)


def correlation(features: Tensor, mask: Tensor | None = None) -> Tensor:
    """Channel correlation (B, C, C), in [-1, 1]; see `gram`."""
    return gram(features, statistic=Statistic.CORRELATION, mask=mask)
