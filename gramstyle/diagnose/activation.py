"""How single values of a feature map, or entries of a Gram matrix, are spread."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import shapes
from gramstyle.numerics import safe_divide

NEAR_ZERO = 0.01
"""Standard deviations within which a value of a signed layer counts as zero."""

TINY = 1e-30
"""Stands for 0 under a logarithm whose value is then multiplied by 0."""

# Every function below takes values (B, ...): a feature map (B, C, H, W) or a Gram matrix (B, C, C).
# Entries are read in their own precision (half precision in float32) and summed in float64.


def entropy(values: Tensor) -> Tensor:
    """``-sum q ln q / ln n`` with ``q = |v| / sum |v|``; 0 (one value) to 1 (all alike).

    Source: Wang, Li and Vasconcelos 2021 (SWAG) measure the entropy of activations and of Gram
    matrices. They look at rectified maps, where |v| = v; signed layers are taken by magnitude.

    Args:
        values: (B, ...), n values each.

    Returns:
        (B,) float64; NaN for n = 1 or where all are zero.

    Raises:
        ValueError: if an entry of the batch holds no value.
    """
    a = shapes.batch("values", values).abs()
    total = _sum(a)
    logs = _sum(a * a.clamp_min(TINY).log())
    found = total.log() - safe_divide(logs, total, math.nan)
    return safe_divide(found, found.new_tensor(math.log(a.shape[1])), math.nan).clamp(0, 1)


def softmax_entropy(values: Tensor, temperature: float = 1.0) -> Tensor:
    """``-sum q ln q / ln n`` with ``q = softmax(v / (T s))``, s the standard deviation; 0 to 1.

    Source: the smoothing of Wang et al. 2021 (SWAG), whose printed formula has no temperature;
    here T counts standard deviations of the image's own values, else scale would pass for shape.

    Args:
        values: (B, ...), n values each.
        temperature: T.

    Returns:
        (B,) float64; 1 where all values are the same, NaN for n = 1.

    Raises:
        ValueError: if an entry holds no value, or `temperature` is not positive.
    """
    v = shapes.batch("values", values)
    check.positive("temperature", temperature)
    std = v.std(1, correction=0, keepdim=True)
    z = (v - v.amax(1, keepdim=True)) * safe_divide(torch.ones_like(std), temperature * std, 0.0)
    e = z.exp()
    total = _sum(e)
    found = total.log() - _sum(e * z) / total
    return safe_divide(found, found.new_tensor(math.log(v.shape[1])), math.nan).clamp(0, 1)


def peak(values: Tensor) -> Tensor:
    """The largest magnitude, (B,) float64; in the units of `values` (B, ...)."""
    return shapes.batch("values", values).abs().amax(1).double()


def peak_over_mean(values: Tensor) -> Tensor:
    """``max |v| / mean |v|`` of `values` (B, ...); (B,) float64, 1 to n; NaN where all are zero."""
    v = shapes.batch("values", values)
    return safe_divide(v.abs().amax(1).double() * v.shape[1], _norm(v, 1), math.nan)


def share_not_positive(values: Tensor) -> Tensor:
    """Share of `values` (B, ...) that are 0 or less: sparsity of rectified maps; (B,) float64."""
    v = shapes.batch("values", values)
    return (v <= 0).count_nonzero(1).double() / v.shape[1]


def share_near_zero(values: Tensor, epsilon: float = NEAR_ZERO) -> Tensor:
    """Share of values with ``|v| < epsilon s``, s their standard deviation: sparsity of signed maps.

    Args:
        values: (B, ...).
        epsilon: in standard deviations.

    Returns:
        (B,) float64, 0 to 1; 0 where all values are the same.

    Raises:
        ValueError: if an entry holds no value, or `epsilon` is not positive.
    """
    v = shapes.batch("values", values)
    check.positive("epsilon", epsilon)
    near = v.abs() < epsilon * v.std(1, correction=0, keepdim=True)
    return near.count_nonzero(1).double() / v.shape[1]


def hoyer(values: Tensor) -> Tensor:
    """``(sqrt n - |v|_1 / |v|_2) / (sqrt n - 1)``; 0 (all alike) to 1 (one value). Hoyer 2004.

    Args:
        values: (B, ...), n values each.

    Returns:
        (B,) float64; NaN for n = 1 or where all are zero.
    """
    v = shapes.batch("values", values)
    root = math.sqrt(v.shape[1])
    ratio = safe_divide(_norm(v, 1), _norm(v, 2), math.nan)
    return safe_divide(root - ratio, ratio.new_tensor(root - 1), math.nan).clamp(0, 1)


def treves_rolls(values: Tensor) -> Tensor:
    """``(mean |v|)^2 / mean v^2``: 1 (all alike) down to 1/n (one value); small is sparse.

    Source: Treves and Rolls 1991. It is Hoyer's |v|_1 / |v|_2, squared, over n.

    Args:
        values: (B, ...), n values each.

    Returns:
        (B,) float64; NaN where all are zero.
    """
    v = shapes.batch("values", values)
    ratio = safe_divide(_norm(v, 1), _norm(v, 2), math.nan)
    return ratio.square() / v.shape[1]


def gini(values: Tensor) -> Tensor:
    """``2 sum_i i a_i / (n sum a) - (n + 1) / n``, a the magnitudes in rising order; 0 to 1 - 1/n.

    Source: Hurley and Rickard 2009, the one of their measures that meets all of their criteria.

    Args:
        values: (B, ...), n values each; energies of channels (B, C) too.

    Returns:
        (B,) float64; NaN where all are zero.
    """
    a = shapes.batch("values", values).detach().abs()
    n = a.shape[1]
    # numpy sorts a map of VGG's first block 20 times as fast as torch (2.15) does on a cpu
    rising = torch.from_numpy(np.sort(a.cpu().numpy(), axis=1)).double()
    ranks = torch.arange(1, n + 1, dtype=torch.float64)
    found = safe_divide(2 * (rising @ ranks), n * rising.sum(1), math.nan) - (n + 1) / n
    return found.clamp_min(0).to(values.device)


def excess_kurtosis(values: Tensor) -> Tensor:
    """``m_4 / m_2^2 - 3`` of central moments: 0 for a Gaussian, from -2.

    Args:
        values: (B, ...).

    Returns:
        (B,) float64; NaN where all values are the same.
    """
    v = shapes.batch("values", values)
    centred = v - v.mean(1, keepdim=True, dtype=torch.float64).to(v.dtype)
    ratio = safe_divide(_norm(centred.square(), 2), _norm(centred, 2).square(), math.nan)
    return ratio.square() * v.shape[1] - 3


def _sum(x: Tensor) -> Tensor:
    return x.sum(1, dtype=torch.float64)


def _norm(x: Tensor, order: int) -> Tensor:
    return torch.linalg.vector_norm(x, ord=order, dim=1, dtype=torch.float64)
