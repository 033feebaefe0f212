"""The algorithms of this room, by name, and what each cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from gramstyle import check
from gramstyle.conv.complex import gauss, reason_against_real, stacked
from gramstyle.conv.direct import direct
from gramstyle.conv.fft import fft
from gramstyle.conv.geometry import Geometry
from gramstyle.conv.im2col import im2col, im2row, implicit
from gramstyle.conv.library import library
from gramstyle.conv.pointwise import pointwise, reason_against_pointwise
from gramstyle.errors import StyleError


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
    "gauss": Algorithm(
        run=gauss,
        summary="a complex convolution as three real ones",
        reason_against=reason_against_real,
    ),
    "stacked": Algorithm(
        run=stacked,
        summary="a complex convolution as one real one, of twice the channels",
        reason_against=reason_against_real,
    ),
    "torch": Algorithm(run=library, summary="torch's own: oneDNN on a CPU, cuDNN on a GPU"),
}
"""Name -> algorithm."""


def able(geometry: Geometry) -> list[str]:
    """Names of those that can do a geometry."""
    return [name for name, one in ALGORITHMS.items() if one.reason_against(geometry) is None]


def algorithm_for(argument: str, name: str, geometry: Geometry) -> Algorithm:
    """The algorithm of that name.

    Raises:
        UnknownNameError: if there is none; the message lists those that exist, nearest first.
        StyleError: if it cannot do a geometry; the message names those that can.
    """
    chosen = ALGORITHMS[check.name_in(argument, name, ALGORITHMS)]
    reason = chosen.reason_against(geometry)
    if reason is not None:
        raise StyleError(
            f"{argument} {name} cannot do this convolution: {reason}; {', '.join(able(geometry))} can"
        )
    return chosen
