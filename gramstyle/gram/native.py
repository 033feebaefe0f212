"""Sums over positions by the native operator: the same numbers as the reference."""

from __future__ import annotations

import torch
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.gram.reference import Moments
from gramstyle.gram.reference import flatten as flatten_wide
from gramstyle.gram.reference import mean as weighted_mean
from gramstyle.kernels import second_moment


def moments(features: Tensor, mask: Tensor | None, *, center: bool) -> Moments:
    """As `gramstyle.gram.reference.moments`; half precision is not copied unless it must be.

    Raises:
        StyleError: for a mask that needs a gradient. Weights enter as their square roots, whose
            gradient at 0 is infinite.
    """
    if mask is not None and mask.requires_grad:
        raise StyleError("backend native has no gradient for the mask: use backend torch")
    if mask is None and not center:
        flat = features.flatten(2)
        kind = torch.float64 if flat.dtype == torch.float64 else torch.float32
        count = torch.full((flat.shape[0],), float(flat.shape[2]), dtype=kind, device=flat.device)
        return Moments(second_moment(flat), flat.mean(2, dtype=kind), count)
    wide, weights, positions = flatten_wide(features, mask)
    mean = weighted_mean(wide, weights, positions)
    if center:
        wide = wide - mean[..., None]
    if weights is not None:
        wide = wide * weights.sqrt()[:, None]
    return Moments(second_moment(wide), mean, positions)
