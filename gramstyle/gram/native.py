"""Sums over positions by the native operator: the same numbers as the reference."""

from __future__ import annotations

from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.gram.reference import Moments
from gramstyle.gram.reference import flatten as flatten_wide
from gramstyle.gram.reference import mean as weighted_mean
from gramstyle.kernels import Kernel, gram_is_native
from gramstyle.kernels import gram as native_gram


def takes(kernel: Kernel, features: Tensor, mask: Tensor | None) -> bool:
    """Whether `moments` is what `kernel` stands for.

    Raises:
        StyleError: for kernel ``fused`` and a mask that needs a gradient. Weights enter as their
            square roots, whose gradient at 0 is infinite.
    """
    if mask is not None and mask.requires_grad:
        if kernel == "fused":
            raise StyleError("kernel fused has no gradient for the mask: use kernel reference")
        return False
    return gram_is_native(kernel, features.device)


def moments(features: Tensor, mask: Tensor | None, *, center: bool) -> Moments:
    """As `gramstyle.gram.reference.moments`; half precision is not copied unless it must be."""
    if mask is None and not center:
        sums = native_gram(features, sums=True)
        assert sums.first is not None  # asked for
        count = features.shape[2] * features.shape[3]
        whole = sums.first.new_full((len(features),), float(count))
        return Moments(sums.second, sums.first / count, whole)
    wide, weights, positions = flatten_wide(features, mask)
    mean = weighted_mean(wide, weights, positions)
    if center:
        wide = wide - mean[..., None]
    if weights is not None:
        wide = wide * weights.sqrt()[:, None]
    return Moments(native_gram(wide[:, :, None]).second, mean, positions)
