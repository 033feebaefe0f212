"""Colours of an image brought to a given mean and covariance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.numerics import wide

MatchMethod: TypeAlias = Literal["symmetric", "cholesky", "pca"]

RIDGE = 1 / (12 * 255**2)
"""Least variance that a direction of colour is taken to have, 1.3e-6.

It is the variance that rounding to 8 bits alone gives. A grey image has none across the grey axis,
and would need infinite gain there to become colourful.
"""

TOLERANCE = 1e-6
"""Share of its largest entry by which a covariance may fail to be symmetric and semi-definite."""


def color_moments(pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the colours of an image over its positions.

    Args:
        pixels: (3, H, W), floating point.

    Returns:
        The mean (3,) and the covariance (3, 3), divided by P and not P - 1, both in float64.

    Raises:
        TypeError: if `pixels` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    colours = wide(_check_image(pixels)).flatten(1)  # (3, P)
    mean = colours.mean(1)
    centred = colours - mean[:, None]
    return mean, centred @ centred.mT / colours.shape[1]


@torch.no_grad()
def match_color(
    pixels: Tensor,
    mean: Tensor,
    covariance: Tensor,
    *,
    method: MatchMethod = "symmetric",
    clip: bool = False,
) -> Tensor:
    """Give an image the mean and covariance of colours that are asked for: x -> A (x - m) + mean.

    Every A with A S A' = `covariance`, S the covariance of the image, does so; the methods differ by
    a rotation of colours:

    * ``symmetric``: A = S^(-1/2) (S^(1/2) T S^(1/2))^(1/2) S^(-1/2), T the target, the linear
      Monge-Kantorovitch map of Pitie and Kokaram 2007: of all linear maps the one that changes
      colours least, in mean squared difference.
    * ``cholesky``: A = L_T L_S^-1 with lower triangular factors; depends on the order of channels.
    * ``pca``: A = T^(1/2) S^(-1/2), with symmetric roots.

    The last two are the "Cholesky" and "Image Analogies" transfers of Gatys et al. 2016 (Preserving
    Color in Neural Artistic Style Transfer). The code of Gatys et al. 2017 (Controlling Perceptual
    Factors in Neural Style Transfer), leongatys/NeuralImageSynthesis, has all three as `sym`, `chol`
    and `pca`; it adds 1e-5 to both diagonals and clips, where this is exact and clips on request.

    Directions of colour in which the image varies less than `RIDGE` are taken to vary that much, so a
    grey image stays near grey instead of showing its compression noise as colour: the result then
    has the mean that was asked for, and at most the covariance.

    Args:
        pixels: (3, H, W), floating point.
        mean: target, (3,).
        covariance: target, (3, 3), symmetric and positive semi-definite.
        method: which of the maps.
        clip: whether the result is clamped to [0, 1], which changes its moments.

    Returns:
        (3, H, W), same dtype and device, computed in float64 without gradients.

    Raises:
        TypeError: if an argument is not a floating-point tensor.
        ValueError: if a shape is something else, the image or a target is not finite, or
            `covariance` is no covariance.
        UnknownNameError: if there is no such method.
    """
    check.name_in("method", method, MAPS)
    own_mean, own = color_moments(check.finite(_check_image(pixels), "pixels"))
    target_mean, target = _check_target(mean, covariance, own)
    change = MAPS[method](_floored(own), target)  # (3, 3)
    colours = change @ (wide(pixels).flatten(1) - own_mean[:, None]) + target_mean[:, None]
    matched = colours.reshape(pixels.shape).to(pixels.dtype)
    return matched.clamp(0, 1) if clip else matched


def _check_image(pixels: Tensor) -> Tensor:
    check.one_of_type("pixels", pixels, Tensor)
    if not pixels.is_floating_point():
        raise TypeError(
            f"pixels must be floating point in [0, 1], got {pixels.dtype}: divide by its largest value"
        )
    if pixels.ndim != 3 or pixels.shape[0] != 3 or pixels.numel() == 0:
        raise ValueError(f"pixels must be (3, H, W) with at least one pixel, got shape {tuple(pixels.shape)}")
    return pixels


def _check_target(mean: Tensor, covariance: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Both targets as `like`, the covariance made exactly symmetric."""
    for name, value, shape in (("mean", mean, (3,)), ("covariance", covariance, (3, 3))):
        check.one_of_type(name, value, Tensor)
        if not value.is_floating_point():
            raise TypeError(f"{name} must be floating point, got {value.dtype}")
        if tuple(value.shape) != shape:
            raise ValueError(f"{name} must be {shape}, got shape {tuple(value.shape)}")
        check.finite(value, name)
    matrix = covariance.to(like)
    allowed = TOLERANCE * float(matrix.abs().max())
    if float((matrix - matrix.mT).abs().max()) > allowed:
        raise ValueError(f"covariance must be symmetric, got {matrix.tolist()}")
    matrix = (matrix + matrix.mT) / 2
    lowest = float(torch.linalg.eigvalsh(matrix)[0])
    if lowest < -allowed:
        raise ValueError(f"covariance must be positive semi-definite, got an eigenvalue of {lowest:.6g}")
    return mean.to(like), matrix


def _floored(covariance: Tensor) -> Tensor:
    """The covariance with eigenvalues of at least `RIDGE`."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp_min(RIDGE)) @ vectors.mT


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Power of a symmetric positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0) ** exponent) @ vectors.mT


def _symmetric(own: Tensor, target: Tensor) -> Tensor:
    root, inverse = _power(own, 0.5), _power(own, -0.5)
    return inverse @ _power(root @ target @ root, 0.5) @ inverse


def _pca(own: Tensor, target: Tensor) -> Tensor:
    return _power(target, 0.5) @ _power(own, -0.5)


def _cholesky(own: Tensor, target: Tensor) -> Tensor:
    lower = torch.linalg.cholesky(own)
    return torch.linalg.solve_triangular(lower, _triangular(target), upper=False, left=False)


def _triangular(matrix: Tensor) -> Tensor:
    """The Cholesky factor of a matrix that may be singular, from R of its root = Q R."""
    factor = torch.linalg.qr(_power(matrix, 0.5)).R.mT
    return factor * torch.where(factor.diagonal() < 0, -1.0, 1.0)


MAPS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "symmetric": _symmetric,
    "cholesky": _cholesky,
    "pca": _pca,
}
"""Method -> (covariance of the image, target) -> A."""
