"""Distance to one descriptor that stays the same, as an optimisation asks for again and again."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gramstyle import check
from gramstyle.distance.kernels import FIDELITY, gaussian_roots
from gramstyle.distance.metrics import metric_named
from gramstyle.distance.pairwise import apply_form, entries, flatten
from gramstyle.gram import STATISTICS, Statistic
from gramstyle.numerics import safe_divide, safe_sqrt, wide


class DistanceTo:
    """A metric with one of its two descriptors given.

    What depends on the given descriptor alone is computed once; the values are those of
    `gramstyle.distance.distance`, and so are the gradients, which flow to the other descriptor.
    The Wasserstein metrics take one eigendecomposition a call and one product of matrices for the gradient.

    Args:
        target: descriptor of one tap, in the shape that `gramstyle.gram` gives for one image, (1, ...).
        metric: name of a metric.
        statistic: what the descriptors are; None takes the metric's own.
        exact: decompose in float64; else in float32, which takes a third of the time and tells eigenvalues
            below 1e-6 of the largest from 0 no more.

    Raises:
        UnknownNameError: for a metric or statistic that does not exist.
        StyleError: for a statistic the metric is not defined for.
        ValueError: for a target of another shape, or values that are not finite.
    """

    def __init__(
        self,
        target: Tensor,
        metric: str,
        *,
        statistic: Statistic | str | None = None,
        exact: bool = True,
    ) -> None:
        self._exact = exact
        self.metric = metric_named(metric)
        chosen = self.metric.statistics[0] if statistic is None else statistic
        self.statistic: Statistic = check.member(STATISTICS, "statistic", chosen)
        self.metric.check_statistic(self.statistic)
        flat = flatten(target.detach(), self.statistic, "target")
        if len(flat) != 1:
            raise ValueError(f"target must be one descriptor, (1, ...), got {len(flat)}")
        self._shape = tuple(target.shape[1:])
        self._size = entries(flat, self.statistic)
        self._made = self.metric.transform(flat, self.statistic)
        self._norm = self.metric.kernel.norms(self._made, self.statistic)
        if self.metric.kernel is FIDELITY:
            channels = self._shape[0]
            roots = gaussian_roots(flat, self.statistic).reshape(channels, channels + 1)
            self._root, self._mean = roots[:, :-1], roots[:, -1]

    def __call__(self, values: Tensor) -> Tensor:
        """Distance of each of `values` (N, ...) to the target, (N,), float64 (float32 on mps).

        Raises:
            ValueError: for another shape than the target's.
        """
        if tuple(values.shape[1:]) != self._shape:
            raise ValueError(f"values must be (N, {self._shape}), got shape {tuple(values.shape)}")
        if self.metric.kernel is FIDELITY:
            inner, norms = self._fidelity(wide(values))
        else:
            flat = flatten(values, self.statistic, "values")
            made = self.metric.transform(flat, self.statistic)
            norms = self.metric.kernel.norms(made, self.statistic)
            inner = self.metric.kernel.paired(made, self._made.expand_as(made), self.statistic)
        return apply_form(self.metric, inner, norms, self._norm, self._size)

    def _fidelity(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """k(value, target) and k(value, value) of [S | mu] (N, C, C + 1), without the root of S itself."""
        covariance, mean = values[..., :-1], values[..., -1]
        covariance = (covariance + covariance.mT) / 2
        traces: Tensor = _TraceOfRoot.apply(self._root @ covariance @ self._root, self._exact)
        norms = covariance.diagonal(dim1=-2, dim2=-1).sum(-1) + mean.square().sum(-1)
        return traces + mean @ self._mean, norms


class _TraceOfRoot(torch.autograd.Function):
    """``tr A^(1/2)`` of positive semi-definite matrices (N, C, C); its gradient is ``A^(-1/2) / 2``.

    Directions in which A is 0 to rounding get no gradient: there it is infinite.
    """

    @staticmethod
    def forward(ctx: Any, matrices: Tensor, exact: bool) -> Tensor:
        values, vectors = torch.linalg.eigh(matrices if exact else matrices.float())
        ctx.save_for_backward(values, vectors)
        return safe_sqrt(values.to(matrices.dtype)).sum(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        values, vectors = ctx.saved_tensors
        (gradient,) = gradients
        floor = values[..., -1:] * values.shape[-1] * torch.finfo(values.dtype).eps
        kept = torch.where(values > floor, values, 0.0)
        inverse = safe_divide(torch.full_like(kept, 0.5), safe_sqrt(kept), 0.0)
        roots = (vectors * inverse[:, None, :]) @ vectors.mT
        return roots.to(gradient.dtype) * gradient[:, None, None], None
