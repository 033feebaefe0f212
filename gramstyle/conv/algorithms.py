"""The algorithms of this room, by name, and what each cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from gramstyle.conv.direct import direct
from gramstyle.conv.fft import fft
from gramstyle.conv.geometry import Geometry
from gramstyle.conv.im2col import im2col, im2row, implicit
from gramstyle.conv.pointwise import pointwise, reason_against_pointwise


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """A way of computing a convolution.

    Attributes:
        run: from input (B, C, ...), weight (N, C / groups, taps) and geometry to the output without bias.
        summary: in a line.
        reason_against: why it cannot do a geometry; None where it can.
    """

    run: Callable[[Tensor, Tensor, Geometry], Tensor]
    summary: str
    reason_against: Callable[[Geometry], str | None] = lambda geometry: None


ALGORITHMS: dict[str, Algorithm] = {
    "direct": Algorithm(run=direct, summary="the definition: a sum over taps"),
    "im2col": Algorithm(run=im2col, summary="windows as columns of one matrix product"),
    "im2row": Algorithm(run=im2row, summary="windows as rows, for channels-last maps"),
    "implicit": Algorithm(run=implicit, summary="im2col by bands that stay in a cache"),
    "pointwise": Algorithm(
        run=pointwise,
        summary="one tap: a matrix product of channels",
        reason_against=reason_against_pointwise,
    ),
    "fft": Algorithm(run=fft, summary="a product of spectra, block by block"),
}
"""Name -> algorithm."""


def able(geometry: Geometry) -> list[str]:
    """Names of those that can do a geometry."""
    return [name for name, one in ALGORITHMS.items() if one.reason_against(geometry) is None]
