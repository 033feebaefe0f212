"""Convolutions of a real input with a complex kernel, and of a complex input with a real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from gramstyle.conv.geometry import Geometry

Run = Callable[[Tensor, Tensor, Geometry], Tensor]


def mixed(x: Tensor, weight: Tensor, geometry: Geometry, run: Run) -> Tensor:
    """`run` on tensors that it knows: both real or both complex.

    A convolution is linear in its kernel, so the two parts of a complex kernel are 2N real filters on one
    input; and linear in its input, whose parts are 2B real images under one kernel. Either is half of the
    products that a complex convolution has by its definition.
    """
    if x.is_complex() == weight.is_complex():
        return run(x, weight, geometry)
    if weight.is_complex():
        filters = torch.view_as_real(weight.resolve_conj()).movedim(-1, 1).flatten(0, 1)  # (2N, C / G, taps)
        parts = run(x, filters, replace(geometry, outputs=2 * geometry.outputs, complex=False))
        return _joined(parts.unflatten(1, (-1, 2)).movedim(2, -1))
    images = torch.view_as_real(x.resolve_conj()).movedim(-1, 1).flatten(0, 1)  # (2B, C, space)
    parts = run(images, weight, replace(geometry, batch=2 * geometry.batch, complex=False))
    return _joined(parts.unflatten(0, (-1, 2)).movedim(1, -1))


def _joined(parts: Tensor) -> Tensor:
    """Complex numbers of (..., 2)."""
    return torch.view_as_complex(parts.contiguous())
