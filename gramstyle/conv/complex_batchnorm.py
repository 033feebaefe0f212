"""Batch normalisation of complex maps: a whitening of two real parts."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.conv.batchnorm import (
    OVER,
    check_channels,
    check_moment,
    column,
    move,
    needed,
    sample_size,
    share_of_batch,
)
from gramstyle.conv.complex import Planes, blocks
from gramstyle.conv.planar import check_parts

Map = TypeVar("Map", Tensor, Planes)


def complex_batch_norm2d(
    x: Map,
    running_mean: Tensor | None,
    running_covariance: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | None = 0.1,
    eps: float = 1e-5,
    batches: Tensor | None = None,
) -> Map:
    """``Gamma V^(-1/2) (x - mu) + beta``, for each channel: Trabelsi et al. 2018, 1705.09792, section 3.5.

    A complex number is two real ones, (real, imag), and V is their 2 x 2 covariance plus eps on its diagonal.
    To scale each part by its own deviation would leave them correlated: an ellipse in the plane would stay
    one. Its inverse root makes it a circle. Statistics are taken over B, H, W, as in `batch_norm2d`, and the
    running covariance is divided by B H W - 1.

    Symmetric 2 x 2 matrices are three numbers: real with real, imag with imag, real with imag.

    Args:
        x: (B, C, H, W), complex; or its planes.
        running_mean: (C,), complex; training moves it, in place. None: there is none.
        running_covariance: (C, 3), without eps; likewise.
        weight: Gamma, (C, 3); None is the identity. The paper begins with 1 / sqrt(2) on the diagonal, so
            that abs(x)^2 has mean 1 and not 2.
        bias: beta, (C,), complex; None is 0.
        training: normalise by the statistics of the batch, not by the running ones.
        momentum: 0 to 1; None gives every batch the same share, which `batches` tells.
        eps: greater than 0, in units of the covariance.
        batches: how many have been seen; training adds 1, in place.

    Returns:
        (B, C, H, W), in the layout and type of `x`.

    Raises:
        TypeError: for real and integer tensors.
        ValueError: for shapes that do not fit, values that are not finite, running covariances that are none,
            one value per channel in training, or statistics that are asked for and not there.
    """
    parts = _parts(x)
    channels = parts.real.shape[1]
    check.positive("eps", eps)
    for name, one in (("running_mean", running_mean), ("bias", bias)):
        check_channels(name, one, (channels,), complex=True)
    check_channels("weight", weight, (channels, 3))
    _check_covariance("running_covariance", running_covariance, channels)
    if training:
        count = sample_size(parts.real)
        mean = torch.complex(*(check_moment(part.mean(OVER)) for part in parts))
        covariance = _covariance(parts, mean)
        share = share_of_batch(momentum, batches)
        move(running_mean, mean, share)
        move(running_covariance, covariance * (count / (count - 1)), share)
    else:
        mean, covariance = needed(running_mean, running_covariance)
    found = _mapped(parts, mean, _whitening(covariance, weight, eps), bias)
    return found.joined() if isinstance(x, Tensor) else found


def fold_complex(
    weight: Planes,
    bias: Planes | None,
    mean: Tensor,
    covariance: Tensor,
    gamma: Tensor | None = None,
    beta: Tensor | None = None,
    eps: float = 1e-5,
) -> tuple[Tensor, Planes]:
    """Weight and bias of the convolution that is this one with complex batch normalisation after it.

    The whitening is linear in the two parts but not in the complex number: with ``z = w x + b - mu`` it is
    ``p z + q conj(z)``, and q is 0 only where the parts do not correlate and have one variance. So no complex
    kernel does it. A real kernel from planes to planes does, exactly, with the four products of ``stacked``.
    Computed in float64.

    Args:
        weight: (N, C / groups, taps) each, any number of dimensions.
        bias: (N,) each, or None.
        mean: mu, running, (N,), complex.
        covariance: V without eps, running, (N, 3).
        gamma: Gamma, (N, 3); None is the identity.
        beta: (N,), complex; None is 0.
        eps: greater than 0.

    Returns:
        A kernel (2, N, 2, C / groups, taps) for `complex_conv2d`, and a bias (N,) each, of the type of
        `weight`.

    Raises:
        TypeError: for other types.
        ValueError: for shapes that do not fit, values that are not finite, and covariances that are none.
    """
    check.positive("eps", eps)
    check_parts("weight", weight, planes=True)
    outputs, kind = len(weight.real), weight.real.dtype
    for name, one in (("mean", mean), ("beta", beta)):
        check_channels(name, one, (outputs,), complex=True)
    check_channels("gamma", gamma, (outputs, 3))
    _check_covariance("covariance", covariance, outputs)
    wide = None if gamma is None else gamma.double()
    whitening = _whitening(covariance.double(), wide, eps)  # (N, 2, 2)
    kernel = torch.einsum("nop,pn...->on...", whitening, blocks(Planes(*(part.double() for part in weight))))
    shift = -torch.view_as_real(mean.resolve_conj()).double()
    if bias is not None:
        check_parts("bias", bias, planes=True)
        shift = shift + torch.stack([part.double() for part in bias], 1)
    shift = (whitening @ shift[..., None])[..., 0]
    if beta is not None:
        shift = shift + torch.view_as_real(beta.resolve_conj()).double()
    return kernel.to(kind), Planes(*(part.to(kind) for part in shift.unbind(1)))


def _parts(x: Tensor | Planes) -> Planes:
    if isinstance(x, Tensor):
        if not x.is_complex():
            raise TypeError(f"x must be complex, or Planes, got {x.dtype}: batch_norm2d takes real maps")
        x = Planes(x.real, x.imag)
    check_parts("x", x, planes=True)
    check.feature_map(x.real, "x")
    if x.real.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"x must be of single or double precision, got {x.real.dtype}: use .float()")
    return x


def _covariance(parts: Planes, mean: Tensor) -> Tensor:
    """(C, 3), divided by the number of values."""
    real, imag = parts.real - column(mean.real), parts.imag - column(mean.imag)
    products = (real.square(), imag.square(), real * imag)
    return torch.stack([check_moment(one.mean(OVER)) for one in products], 1)


def _whitening(covariance: Tensor, weight: Tensor | None, eps: float) -> Tensor:
    """``Gamma V^(-1/2)``, (C, 2, 2), in closed form.

    By Cayley and Hamilton ``V^(1/2) = (V + s I) / t`` with ``s = sqrt(det V)`` and ``t = sqrt(tr V + 2 s)``,
    whose determinant is s. Both eigenvalues of V are eps or more, so its determinant is ``eps (tr V - eps)``
    or more, which rounding does not respect.
    """
    real, imag, both = covariance.unbind(1)
    real, imag = real + eps, imag + eps
    least = eps * (real + imag - eps)
    root = torch.maximum(real * imag - both.square(), least).sqrt()
    scale = 1 / (root * (real + imag + 2 * root).sqrt())
    inverse = _square(torch.stack([(imag + root) * scale, (real + root) * scale, -both * scale], 1))
    return inverse if weight is None else _square(weight.to(inverse.dtype)) @ inverse


def _square(three: Tensor) -> Tensor:
    """(C, 2, 2) of (C, 3)."""
    real, imag, both = three.unbind(1)
    return torch.stack([real, both, both, imag], 1).unflatten(1, (2, 2))


def _mapped(parts: Planes, mean: Tensor, matrix: Tensor, bias: Tensor | None) -> Planes:
    """A real map of the two parts of each channel, and a shift."""
    real, imag = parts.real - column(mean.real), parts.imag - column(mean.imag)
    rows = [column(matrix[:, at, 0]) * real + column(matrix[:, at, 1]) * imag for at in (0, 1)]
    if bias is not None:
        rows = [row + column(part) for row, part in zip(rows, (bias.real, bias.imag), strict=True)]
    return Planes(*(row.to(parts.real.dtype) for row in rows))


def _check_covariance(name: str, value: Tensor | None, channels: int) -> None:
    """Raise `ValueError` unless it is three numbers per channel, of a matrix without negative eigenvalues."""
    check_channels(name, value, (channels, 3))
    if value is None or not check.has_values(value):
        return
    real, imag, both = value.double().unbind(1)
    if bool((real < 0).any() or (imag < 0).any() or (both.square() > real * imag * (1 + 1e-5)).any()):
        raise ValueError(
            f"{name} must hold (variance of real, variance of imag, covariance) of each channel, from 0 on "
            "and within their geometric mean"
        )
