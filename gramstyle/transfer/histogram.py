"""The histogram of each channel, as a target."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

LEVELS = 1024
"""Quantiles that are kept of each channel of a style."""


class HistogramTarget:
    """The distribution of values of each channel, and the loss of others beside it.

    The loss is the squared 2-Wasserstein distance between the histograms of a channel, mean over channels:
    ``mean_c sum_p w_p (f_cp - Q_c(u_cp))^2``, where Q_c is the target's quantile function and u_cp the
    share of weight below f_cp, its own by half. That is the histogram loss of Risser, Wilmot and Barnes 2017
    (Stable and Controllable Neural Texture Synthesis), eq. 9, whose histogram matching takes f to Q(u):
    as there, u and so Q is a constant to the gradient.

    Args:
        parts: (C, P) features and weights (P,) of each style, together one distribution.
        relative: divide by the value for features that are all 0.
    """

    def __init__(self, parts: Sequence[tuple[Tensor, Tensor]], relative: bool = False) -> None:
        values = torch.cat([part for part, _ in parts], 1).float()
        weights = torch.cat([weight for _, weight in parts]).double()
        counted = weights > 0  # quantiles at the ends would be drawn towards values of no weight
        values, weights = values[:, counted], weights[counted]
        ordered, order = values.sort(1)
        at = _shares(weights[order])  # (C, P)
        levels = (torch.arange(LEVELS, dtype=at.dtype, device=at.device) + 0.5) / LEVELS
        self._quantiles = _interpolated(at, ordered.to(at.dtype), levels.expand(len(values), -1)).float()
        energy = float(self._quantiles.double().square().mean())
        self._unit = energy if relative and energy > 0 else 1.0

    def loss(self, features: Tensor, weights: Tensor | None = None) -> Tensor:
        """Of features (1, C, H, W) with weights (H, W) of positions, a number."""
        return histogram_loss(features, self._quantiles, weights) / self._unit


def histogram_loss(features: Tensor, quantiles: Tensor, weights: Tensor | None = None) -> Tensor:
    """The loss of features (1, C, H, W) beside quantiles (C, `LEVELS`); see `HistogramTarget`."""
    flat = features[0].flatten(1).to(torch.promote_types(features.dtype, torch.float32))
    share = flat.new_ones(flat.shape[1]) if weights is None else weights.flatten().to(flat.dtype)
    share = share / share.sum()
    with torch.no_grad():
        order = flat.argsort(1)
        at = _shares(share[order].double())
        wanted = torch.empty_like(flat).scatter_(1, order, _at(at, quantiles).to(flat.dtype))
    return ((flat - wanted).square() * share).sum(1).mean()


def _at(shares: Tensor, quantiles: Tensor) -> Tensor:
    """Quantiles at (C, P) shares, linear between those that are kept, level beyond."""
    places = (shares * LEVELS - 0.5).clamp(0, LEVELS - 1)
    low = places.floor().long().clamp_max(LEVELS - 2)
    part = (places - low).to(quantiles.dtype)
    return torch.lerp(quantiles.gather(1, low), quantiles.gather(1, low + 1), part)


def _shares(weights: Tensor) -> Tensor:
    """Share of the weight below each of (C, P) in order, its own by half."""
    sums = weights.cumsum(1)
    return (sums - weights / 2) / sums[:, -1:]


def _interpolated(places: Tensor, values: Tensor, wanted: Tensor) -> Tensor:
    """Values (C, P) at ascending places, linear between them, at (C, N) others; level beyond."""
    if places.shape[1] == 1:
        return values.expand(-1, wanted.shape[1])
    after = torch.searchsorted(places.contiguous(), wanted.contiguous()).clamp(1, places.shape[1] - 1)
    low, high = places.gather(1, after - 1), places.gather(1, after)
    part = ((wanted - low) / (high - low).clamp_min(torch.finfo(places.dtype).tiny)).clamp(0, 1)
    return torch.lerp(values.gather(1, after - 1), values.gather(1, after), part)
