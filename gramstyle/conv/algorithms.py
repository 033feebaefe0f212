"""The algorithms of this room, by name, and what each cannot do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.conv.complex import gauss, reason_against_real, stacked
from gramstyle.conv.cost import Cost, of_columns, of_definition, of_depthwise, of_direct, of_fft, of_winograd
from gramstyle.conv.depthwise import depthwise, reason_against_depthwise
from gramstyle.conv.direct import direct
from gramstyle.conv.fft import fft
from gramstyle.conv.geometry import Geometry
from gramstyle.conv.im2col import im2col, im2row, implicit
from gramstyle.conv.library import library
from gramstyle.conv.pointwise import pointwise, reason_against_pointwise
from gramstyle.conv.separable import reason_against_separable, separable
from gramstyle.conv.winograd import reason_against_winograd, winograd
from gramstyle.errors import StyleError

HALVES = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """A way of computing a convolution.

    Attributes:
        run: from input (B, C, ...), weight (N, C / groups, taps) and geometry to the output without bias.
        summary: in a line.
        reason_against: why it cannot do a geometry; None where it can.
        transforms: whether it goes by transforms, which half precision cannot hold, and in which a value that
            is not finite spoils all others of its block.
        cost: what a cost model multiplies by rates.
        not_automatic: why it is taken by name only; None where it may be chosen.
    """

    run: Callable[[Tensor, Tensor, Geometry], Tensor]
    summary: str
    reason_against: Callable[[Geometry], str | None] = lambda geometry: None
    transforms: bool = False
    cost: Callable[[Geometry], Cost] = of_definition
    not_automatic: str | None = None

    def __call__(self, x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        """The output without bias; transforms of half precision in float32."""
        if self.transforms and x.dtype in HALVES:
            return self.run(x.float(), weight.float(), geometry).to(x.dtype)
        return self.run(x, weight, geometry)


INEXACT = "its rounding error is some twenty times that of the definition"

ALGORITHMS: dict[str, Algorithm] = {
    "direct": Algorithm(run=direct, summary="the definition: a sum over taps", cost=of_direct),
    "im2col": Algorithm(run=im2col, summary="windows as columns of one matrix product", cost=of_columns),
    "im2row": Algorithm(run=im2row, summary="windows as rows, for channels-last maps", cost=of_columns),
    "implicit": Algorithm(run=implicit, summary="im2col by bands that stay in a cache", cost=of_columns),
    "pointwise": Algorithm(
        run=pointwise,
        summary="one tap: a matrix product of channels",
        reason_against=reason_against_pointwise,
    ),
    "depthwise": Algorithm(
        run=depthwise,
        summary="one channel a group: sums over taps",
        reason_against=reason_against_depthwise,
        cost=of_depthwise,
    ),
    "separable": Algorithm(
        run=separable,
        summary="columns, then rows, by the rank of the kernels",
        reason_against=reason_against_separable,
        transforms=True,
        not_automatic="the rank of its kernels would have to be found each time",
    ),
    "fft": Algorithm(run=fft, summary="a product of spectra, block by block", transforms=True, cost=of_fft),
    **{
        f"winograd{outputs}": Algorithm(
            run=winograd(outputs),
            summary=f"minimal filtering F({outputs}, taps): fewer products",
            reason_against=reason_against_winograd(outputs),
            transforms=True,
            cost=of_winograd(outputs),
            not_automatic=INEXACT if outputs == 6 else None,
        )
        for outputs in (2, 4, 6)
    },
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
    "library": Algorithm(run=library, summary="what torch was built with: oneDNN or cuDNN"),
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
