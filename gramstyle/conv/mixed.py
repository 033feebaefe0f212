"""Convolutions of a real tensor with a complex one, as real convolutions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from gramstyle.conv.geometry import Geometry


class Problem(NamedTuple):
    """A convolution of tensors that are both real or both complex.

    Attributes:
        x: the input.
        weight: the kernel.
        geometry: of the two.
        joined: what makes of its output that of the convolution that was asked for.
    """

    x: Tensor
    weight: Tensor
    geometry: Geometry
    joined: Callable[[Tensor], Tensor]


def unmixed(x: Tensor, weight: Tensor, geometry: Geometry) -> Problem:
    """The same convolution, without a real tensor beside a complex one.

    A convolution is linear in its kernel, so the two parts of a complex kernel are 2N real filters on one
    input; and linear in its input, whose parts are 2B real images under one kernel. Either is half of the
    products that a complex convolution has by its definition.
    """
    if x.is_complex() == weight.is_complex():
        return Problem(x, weight, geometry, lambda found: found)
    if weight.is_complex():
        filters = _parts(weight).flatten(0, 1)  # (2N, C / G, taps)
        own = replace(geometry, outputs=2 * geometry.outputs, complex=False)
        return Problem(x, filters, own, lambda found: _joined(found.unflatten(1, (-1, 2)).movedim(2, -1)))
    own = replace(geometry, batch=2 * geometry.batch, complex=False)
    images = _parts(x).flatten(0, 1)  # (2B, C, space)
    return Problem(images, weight, own, lambda found: _joined(found.unflatten(0, (-1, 2)).movedim(1, -1)))


def _parts(x: Tensor) -> Tensor:
    """(N, 2, ...) of (N, ...)."""
    return torch.stack([x.real, x.imag], 1)


def _joined(parts: Tensor) -> Tensor:
    """Complex numbers of (..., 2)."""
    return torch.view_as_complex(parts.contiguous())
