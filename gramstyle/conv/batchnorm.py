"""Batch normalisation of maps, and the convolution that it becomes part of."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor

from gramstyle import check

OVER = (0, 2, 3)
"""The dimensions of (B, C, H, W) that a channel's statistics are taken over."""


def batch_norm2d(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    batches: Tensor | None = None,
) -> Tensor:
    """``gamma (x - mu) / sqrt(sigma^2 + eps) + beta``, for each channel: Ioffe and Szegedy 2015, 1502.03167.

    Why per channel (section 3.2): a convolution computes a channel by one filter at every position, so
    normalised features should still be one function of their window, wherever it is. Hence the values of a
    channel at all B H W places are one sample of that filter's output, with one mean, one variance, one gamma
    and one beta.

    The variance that normalises is that of the batch, divided by B H W; the running one estimates that of the
    data and is divided by B H W - 1 (Algorithm 2; torch does so, too). As in torch, momentum is the share of
    the batch in the running statistics; the paper leaves it open.

    Args:
        x: (B, C, H, W), floating point. Statistics of half precision are float32.
        running_mean: (C,), what inference subtracts; training moves it, in place. None: there is none.
        running_var: (C,), likewise.
        weight: gamma, (C,); None is 1.
        bias: beta, (C,); None is 0.
        training: normalise by the statistics of the batch, not by the running ones.
        momentum: 0 to 1; None gives every batch the same share, which `batches` tells.
        eps: greater than 0, in units of the variance.
        batches: how many have been seen; training adds 1, in place.

    Returns:
        (B, C, H, W), of the type of `x`.

    Raises:
        TypeError: for integer and complex tensors.
        ValueError: for shapes that do not fit, values that are not finite, variances below 0, one value per
            channel in training, or statistics that are asked for and not there.
    """
    check.finite(check.feature_map(x, "x"), "x")
    channels = x.shape[1]
    check.positive("eps", eps)
    for name, one in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        check_channels(name, one, (channels,))
    if running_var is not None and check.has_values(running_var) and bool((running_var < 0).any()):
        raise ValueError(f"running_var must be 0 or more, got {float(running_var.min()):.4g}")
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    if training:
        count = sample_size(x)
        mean = check_moment(wide.mean(OVER))
        variance = check_moment((wide - column(mean)).square().mean(OVER))
        share = share_of_batch(momentum, batches)
        move(running_mean, mean, share)
        move(running_var, variance * (count / (count - 1)), share)
    else:
        mean, variance = needed(running_mean, running_var)
        mean, variance = mean.to(wide.dtype), variance.to(wide.dtype)
    scale = (variance + eps).rsqrt()
    found = (wide - column(mean)) * column(scale if weight is None else scale * weight)
    return (found if bias is None else found + column(bias)).to(x.dtype)


def fold(
    weight: Tensor,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that is this one with batch normalisation after it.

    In inference the normalisation is a scale and a shift per channel, and ``gamma (w x + b - mu) /
    sqrt(sigma^2 + eps) + beta`` is a convolution again (Ioffe and Szegedy 2015, section 3.1). Computed in
    float64.

    Args:
        weight: (N, C / groups, taps), any number of dimensions.
        bias: (N,), or None.
        mean: mu, running, (N,).
        variance: sigma^2, running, (N,).
        gamma: (N,); None is 1.
        beta: (N,); None is 0.
        eps: greater than 0.

    Returns:
        Weight and bias, of the type of `weight`.

    Raises:
        TypeError: for integer tensors.
        ValueError: for shapes that do not fit.
    """
    check.positive("eps", eps)
    named = {"bias": bias, "mean": mean, "variance": variance, "gamma": gamma, "beta": beta}
    for name, one in named.items():
        check_channels(name, one, (len(weight),))
    scale = (variance.double() + eps).rsqrt()
    if gamma is not None:
        scale = scale * gamma.double()
    shift = (-mean.double() if bias is None else bias.double() - mean.double()) * scale
    if beta is not None:
        shift = shift + beta.double()
    scaled = weight.double() * scale.reshape(-1, *(1,) * (weight.ndim - 1))
    return scaled.to(weight.dtype), shift.to(weight.dtype)


def column(x: Tensor) -> Tensor:
    """(C,) beside (B, C, H, W)."""
    return x[:, None, None]


def sample_size(x: Tensor) -> int:
    """Values of a channel of (B, C, H, W); raises `ValueError` where there is one, which has no variance."""
    count = prod([x.shape[axis] for axis in OVER])
    if count < 2:
        raise ValueError(
            f"x must have two values per channel or more in training, got shape {tuple(x.shape)}"
        )
    return count


def share_of_batch(momentum: float | None, batches: Tensor | None) -> float:
    """Of a batch in the running statistics; counts it.

    Raises:
        ValueError: if momentum is not between 0 and 1, or None without a counter.
    """
    if momentum is not None and not 0 <= momentum <= 1:
        raise ValueError(f"momentum must be between 0 and 1, or None, got {momentum}")
    if batches is not None:
        batches.add_(1)
    if momentum is not None:
        return momentum
    if batches is None:
        raise ValueError(
            "momentum None gives every batch the same share: pass batches, how many have been seen"
        )
    return 1 / int(batches)


def move(running: Tensor | None, value: Tensor, share: float) -> None:
    """A running statistic towards that of a batch, in place."""
    if running is not None:
        running.lerp_(value.detach().to(running.dtype), share)


def needed(mean: Tensor | None, spread: Tensor | None) -> tuple[Tensor, Tensor]:
    """Both running statistics; raises `ValueError` if one is not there."""
    if mean is None or spread is None:
        raise ValueError(
            "running statistics must be there where training is False: pass both, or training=True"
        )
    return mean, spread


def check_moment(moment: Tensor) -> Tensor:
    """Return a moment if it is finite; what is not would stay in the running statistics for ever."""
    if not check.is_finite(moment):
        raise ValueError("x must have a mean and variance in its type, got sums beyond it: use .double()")
    return moment


def check_channels(name: str, value: Tensor | None, shape: tuple[int, ...], *, complex: bool = False) -> None:
    """Raise unless `value` is None, or has this shape and finite values.

    Raises:
        TypeError: for a type that is not floating point, or complex where that is asked for.
        ValueError: for another shape, and values that are not finite.
    """
    if value is None:
        return
    check.one_of_type(name, value, Tensor)
    if not (value.is_complex() if complex else value.is_floating_point()):
        raise TypeError(f"{name} must be {'complex' if complex else 'floating point'}, got {value.dtype}")
    if tuple(value.shape) != shape:
        raise ValueError(f"{name} must be {shape}, one per channel, got {tuple(value.shape)}")
    check.finite(value, name)
