"""Complex convolutions by real ones: three of them (Gauss), or one of twice the channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gramstyle.conv.geometry import Geometry
from gramstyle.conv.library import library

Real = Callable[[Tensor, Tensor], Tensor]
"""A real convolution of an input with a kernel."""


class Planes(NamedTuple):
    """Complex numbers as two tensors of one shape (the planar layout).

    Torch's complex tensors interleave: the parts of a number lie side by side. Real convolutions read one
    part at a time, so layers in a row are faster on planes, which nothing has to take apart and put together.
    """

    real: Tensor
    imag: Tensor

    @classmethod
    def of(cls, x: Tensor, memory_format: torch.memory_format = torch.contiguous_format) -> Planes:
        """The parts of a complex tensor, each in one piece; ``torch.channels_last`` suits CPUs best."""
        return cls(*(part.contiguous(memory_format=memory_format) for part in (x.real, x.imag)))

    def joined(self) -> Tensor:
        """A complex tensor."""
        return torch.complex(self.real, self.imag)


def gauss(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """Three real convolutions by torch, on the planes of complex tensors: see `by_three`.

    A real tensor has nothing to save: `gramstyle.conv.mixed` makes one real convolution of it.
    """
    if not x.is_complex():
        return library(x, weight, geometry)
    return by_three(Planes.of(x), Planes.of(weight), lambda a, w: library(a, w, geometry)).joined()


def stacked(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """One real convolution by torch: see `by_blocks`. Real tensors as in `gauss`."""
    if not x.is_complex():
        return library(x, weight, geometry)
    found = by_blocks(
        Planes(x.real, x.imag),
        blocks(Planes(weight.real, weight.imag)),
        lambda a, w: library(a, w, geometry),
        geometry.groups,
    )
    return found.joined()


def by_three(x: Planes, weight: Planes, conv: Real) -> Planes:
    """``(a + ib)(c + id)`` by three products for four: Gauss's trick, or Ungar's (Knuth, TAOCP 2, 4.6.4).

    With ``k = c(a + b)``: ``k - b(c + d) + i(k + a(d - c))``. Torch's own complex convolution has three, too,
    on numbers that it takes apart first. The parts are differences of larger numbers: the error is bounded by
    the size of the complex number, not by that of each part (Higham 1992, SIAM J. Matrix Anal. Appl. 13).
    In half precision, where sums are rounded before they are multiplied, it is more than twice that of four
    products: `by_blocks` is for that.
    """
    shared = conv(x.real + x.imag, weight.real)
    real = shared - conv(x.imag, weight.real + weight.imag)
    return Planes(real, shared + conv(x.real, weight.imag - weight.real))


def by_blocks(x: Planes, kernel: Tensor, conv: Real, groups: int) -> Planes:
    """``[[c, -d], [d, c]] [a, b]``: four products, in one real convolution of 2C channels to 2N.

    Args:
        x: (B, C, space).
        kernel: as `blocks` gives it; or any other that is linear in the two parts.
        conv: the real convolution.
        groups: each has its real channels first, then its imaginary ones.
    """
    outputs, inputs = kernel.shape[1], kernel.shape[3]
    parts = [part.unflatten(1, (groups, -1)) for part in x]
    both = torch.stack(parts, 2).flatten(1, 3)  # (B, G 2 C / G, ...)
    rows = kernel.unflatten(1, (groups, -1)).movedim(0, 1)  # (G, 2, N / G, 2, C / G, taps)
    found = conv(both, rows.reshape(2 * outputs, 2 * inputs, *kernel.shape[4:]))
    real, imag = found.unflatten(1, (groups, 2, -1)).unbind(2)
    return Planes(real.flatten(1, 2), imag.flatten(1, 2))


def blocks(weight: Planes) -> Tensor:
    """(2, N, 2, C / G, taps): what each part of the output takes of each part of the input."""
    to_real = torch.stack([weight.real, -weight.imag], 1)
    return torch.stack([to_real, torch.stack([weight.imag, weight.real], 1)])


def reason_against_real(geometry: Geometry) -> str | None:
    """Why tensors have no planes to convolve apart; None if one of them is complex."""
    return None if geometry.complex else "its tensors are real"
