"""Functions of symmetric positive semi-definite matrices, with gradients that stay finite."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gramstyle.numerics import safe_divide, safe_sqrt, wide


class _Spectral(torch.autograd.Function):
    """f(A) = V f(lambda) V', differentiated by the formula of Daleckii and Krein.

    The gradient of `torch.linalg.eigh` divides by differences of eigenvalues and is NaN where
    two coincide, as they do in every Gram matrix of fewer positions than channels. Divided
    differences of f have no such poles. A second derivative is refused.
    """

    @staticmethod
    def forward(ctx: Any, matrices: Tensor, name: str) -> Tensor:
        values, vectors = torch.linalg.eigh(matrices)
        values = values.clamp_min(0)
        ctx.save_for_backward(values, vectors)
        ctx.name = name
        applied = safe_sqrt(values) if name == "sqrt" else values.log()
        return (vectors * applied[..., None, :]) @ vectors.mT

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        values, vectors = ctx.saved_tensors
        one, other = values[..., :, None], values[..., None, :]
        if ctx.name == "sqrt":
            differences = safe_divide(torch.ones_like(one), safe_sqrt(one) + safe_sqrt(other), 0.0)
        else:
            # (log a - log b) / (a - b), through log1p so that a near b loses no digits; the smaller
            # of the two divides, so that a far from b loses none either
            smaller = torch.minimum(one, other)
            ratio = (one - other).abs() / smaller
            differences = safe_divide(ratio.log1p(), ratio, 1.0) / smaller
        (gradient,) = gradients
        inner = vectors.mT @ ((gradient + gradient.mT) / 2) @ vectors
        return vectors @ (differences * inner) @ vectors.mT, None


def matrix_sqrt(matrices: Tensor) -> Tensor:
    """Square roots of symmetric positive semi-definite matrices (N, C, C), in float64.

    Negative eigenvalues, which only rounding can leave, count as 0.
    """
    root: Tensor = _Spectral.apply(wide(matrices), "sqrt")
    return root


def matrix_log(matrices: Tensor, ridge: float) -> Tensor:
    """Logarithms of symmetric positive semi-definite matrices (N, C, C), in float64.

    Args:
        matrices: A, (N, C, C).
        ridge: the logarithm is that of ``A + ridge * tr(A) / C * I``: with fewer positions than
            channels A is singular and its own logarithm infinite.

    Raises:
        ValueError: if a matrix is zero, whose logarithm no ridge makes finite.
    """
    matrices = wide(matrices)
    level = matrices.diagonal(dim1=-2, dim2=-1).mean(-1)  # (N,)
    if not torch.compiler.is_compiling() and bool((level <= 0).any()):
        raise ValueError(
            f"log-euclidean needs features that are not all zero, got {int((level <= 0).sum())} zero "
            "matrices: read a shallower tap, or use another metric"
        )
    eye = torch.eye(matrices.shape[-1], dtype=matrices.dtype, device=matrices.device)
    log: Tensor = _Spectral.apply(matrices + (ridge * level)[:, None, None] * eye, "log")
    return log


def signed_sqrt(x: Tensor) -> Tensor:
    """``sign(x) sqrt(|x|)`` of each entry, in float64."""
    x = wide(x)
    return x.sign() * safe_sqrt(x.abs())
