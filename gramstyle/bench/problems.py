"""Convolutions to be timed: of networks, of growing kernels, of banks of filters, and a user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gramstyle.bench.layers import layers_of
from gramstyle.conv.geometry import Geometry, Numbers, geometry_of
from gramstyle.conv.sparse.prune import check_sparsity


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A convolution without its numbers.

    Attributes:
        sweep: what it belongs to.
        name: within the sweep.
        x: shape of the input, (B, C, ...).
        weight: (N, C / groups, taps of each dimension).
        stride: as of `torch.nn.functional.conv2d`.
        padding: likewise, of zeros.
        dilation: likewise.
        groups: likewise.
        complex: whether its numbers are.
        sparsity: share of weights that sparse kernels leave out; None where none is timed.
    """

    sweep: str
    name: str
    x: tuple[int, ...]
    weight: tuple[int, ...]
    stride: Numbers = 1
    padding: Numbers = 0
    dilation: Numbers = 1
    groups: int = 1
    complex: bool = False
    sparsity: float | None = None

    def tensors(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """Input and weight of normal numbers, the same every time."""
        generator = torch.Generator().manual_seed(0)
        kind = torch.complex64 if self.complex else torch.float32
        found = (torch.randn(shape, generator=generator, dtype=kind) for shape in (self.x, self.weight))
        x, weight = (one.to(device, dtype.to_complex() if self.complex else dtype) for one in found)
        return x, weight

    def geometry(self, x: Tensor, weight: Tensor) -> Geometry:
        """Sizes, strides and padding."""
        space = len(self.x) - 2
        shape = (self.stride, self.padding, self.dilation, self.groups)
        return geometry_of(x, weight, None, *shape, "zeros", space)

    @property
    def kind(self) -> str:
        """In words: what the networks call it."""
        taps = " x ".join(map(str, self.weight[2:]))
        steps = self.stride if isinstance(self.stride, int) else max(self.stride)
        step = "" if steps == 1 else f" / {steps}"
        if self.groups == self.x[1] > 1:
            return f"depthwise {taps}{step}"
        return f"{'first ' if self.x[1] <= 3 else ''}{taps}{step}"


def of_network(backbone: str, size: int) -> Iterator[Problem]:
    """Every convolution of a backbone that differs from those before it, at images of `size` x `size`."""
    for layer in layers_of(backbone, size):
        stride, padding, dilation, groups = layer.shape
        yield Problem(
            sweep="networks",
            name=f"{backbone.partition('@')[0]} {layer.name}",
            x=layer.x,
            weight=tuple(layer.weight.shape),
            stride=tuple(stride),
            padding=tuple(padding),
            dilation=tuple(dilation),
            groups=groups,
        )


def of_taps() -> Iterator[Problem]:
    """The same map under larger and larger kernels."""
    for channels, outputs, side, groups in ((3, 16, 128, 1), (32, 32, 64, 1), (32, 32, 128, 32)):
        for taps in (1, 3, 5, 7, 9, 11, 15, 21, 31):
            yield _square("taps", 1, channels, side, outputs, taps, groups)


def of_banks() -> Iterator[Problem]:
    """Many filters on one image, and many images under one bank of filters."""
    for taps in (3, 15):
        for filters in (1, 8, 64):
            yield _square("banks", 1, 1, 256, filters, taps, 1)
        for images in (8, 32):
            yield _square("banks", images, 1, 128, 8, taps, 1)


def of_volumes() -> Iterator[Problem]:
    """Along three dimensions."""
    for channels, side, outputs, taps in ((1, 32, 16, 3), (16, 16, 32, 3), (8, 24, 8, 7)):
        yield Problem(
            sweep="volumes",
            name=f"{channels} -> {outputs}, {taps} taps, {side} ^ 3",
            x=(1, channels, side, side, side),
            weight=(outputs, channels, taps, taps, taps),
            padding=taps // 2,
        )


def of_complex() -> Iterator[Problem]:
    """Complex input under complex kernels."""
    for channels, outputs, side, taps in (
        (3, 32, 112, 7),
        (16, 16, 112, 3),
        (64, 64, 56, 3),
        (64, 128, 56, 1),
        (256, 256, 28, 3),
        (16, 16, 64, 15),
    ):
        yield replace(_square("complex", 1, channels, side, outputs, taps, 1), complex=True)


def of_sparse() -> Iterator[Problem]:
    """Kernels of which more and more weights are zero."""
    for channels, side, taps in ((256, 56, 3), (256, 56, 1), (128, 112, 3)):
        dense = _square("sparse", 1, channels, side, channels, taps, 1)
        for sparsity in (0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.98):
            yield replace(dense, name=f"{dense.name}, {sparsity:.0%} zero", sparsity=sparsity)


def of_text(
    text: str,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    complex: bool = False,
    sparsity: float | None = None,
) -> Problem:
    """A user's own: ``BxCxHxW:NxTAPSxTAPS``, or with three dimensions of space, padded by half of the taps.

    Raises:
        ValueError: if it is written differently, or cannot be convolved; for a sparsity of complex numbers or
            volumes.
    """
    matched = re.fullmatch(r"(\d+(?:x\d+){3,4}):(\d+(?:x\d+){2,3})", text)
    x, (outputs, *taps) = (
        (tuple(map(int, part.split("x"))) for part in matched.groups()) if matched else ((), (0,))
    )
    if len(x) != len(taps) + 2:
        raise ValueError(
            "shape must be BxCxHxW:NxTAPSxTAPS, such as 1x64x56x56:128x3x3, or with a third dimension of "
            f"space and taps, got {text!r}"
        )
    if groups < 1 or x[1] % groups or outputs % groups or min(*x, outputs, *taps) < 1:
        raise ValueError(f"shape must have channels that groups {groups} divides, and no zeros, got {text!r}")
    if sparsity is not None and (complex or len(taps) > 2):
        raise ValueError(f"sparsity is timed of real numbers in two dimensions, got {text!r}: leave it out")
    steps = "" if stride == 1 else f", stride {stride}"
    spread = "" if dilation == 1 else f", dilation {dilation}"
    parts = "" if groups == 1 else f", {groups} groups"
    zero = "" if sparsity is None else f", {check_sparsity(sparsity):.4g} zero"
    return Problem(
        sweep="shapes",
        name=f"{text}{steps}{spread}{parts}{', complex' if complex else ''}{zero}",
        x=x,
        weight=(outputs, x[1] // groups, *taps),
        stride=stride,
        padding=tuple(dilation * (one // 2) for one in taps),
        dilation=dilation,
        groups=groups,
        complex=complex,
        sparsity=sparsity,
    )


def _square(
    sweep: str, images: int, channels: int, side: int, outputs: int, taps: int, groups: int
) -> Problem:
    batch = "" if images == 1 else f"{images} images, "
    each = "" if groups == 1 else ", depthwise"
    return Problem(
        sweep=sweep,
        name=f"{batch}{channels} -> {outputs}{each}, {taps} x {taps}, {side} x {side}",
        x=(images, channels, side, side),
        weight=(outputs, channels // groups, taps, taps),
        padding=taps // 2,
        groups=groups,
    )
