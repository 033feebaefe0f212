"""A convolution as one along columns and one along rows, as far as its kernels allow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.conv.direct import direct
from gramstyle.conv.geometry import Geometry
from gramstyle.conv.library import library


class Separable(torch.autograd.Function):
    """`separable` forwards; backwards the definition, since factors of the weight have no gradient."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
        """(B, N, H', W')."""
        return factored(x, *factors(weight, geometry.groups), geometry)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep the arguments."""
        ctx.save_for_backward(*inputs[:2])
        ctx.save_for_forward(*inputs[:2])
        ctx.geometry = inputs[2]

    @staticmethod
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor | None, ...]:
        """By x and weight."""
        again = torch.is_grad_enabled()
        kept = ctx.saved_tensors if again else [one.detach() for one in ctx.saved_tensors]
        wanted = ctx.needs_input_grad[:2]
        with torch.enable_grad():
            inputs = [
                one if again or not want else one.requires_grad_()
                for one, want in zip(kept, wanted, strict=True)
            ]
            output = direct(inputs[0], inputs[1], ctx.geometry)
        chosen = [one for one, want in zip(inputs, wanted, strict=True) if want]
        found = iter(torch.autograd.grad(output, chosen, outer, create_graph=again))
        return *(next(found) if want else None for want in wanted), None

    @staticmethod
    def jvp(ctx: Any, by_x: Tensor | None, by_weight: Tensor | None, _: None) -> Tensor:
        """Forwards: the convolution is linear in both."""
        x, weight = ctx.saved_tensors
        parts = [] if by_x is None else [direct(by_x, weight, ctx.geometry)]
        if by_weight is not None:
            parts.append(direct(x, by_weight, ctx.geometry))
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def separable(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """``weight[n, c, i, j] = sum over r of down[r, c, i] across[n, r, j]``, one convolution for each factor.

    Columns C -> R, then rows R -> N, with the R that the weight needs to rounding (Rigamonti et al. 2013;
    Jaderberg et al. 2014, arXiv 1405.3866): 1 for a Gaussian, 2 for a Gabor filter in a round window, and at
    most min(C taps down, N taps across), where it does not pay.
    """
    found: Tensor = Separable.apply(x, weight, geometry)
    return found


def factors(weight: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """``down`` (G R, C / G, taps down, 1) and ``across`` (N, R, 1, taps across) of a weight, by its SVD.

    R is the largest rank among groups, where singular values below the rounding of the largest count as 0;
    all that there could be, where values cannot be looked at (`torch.compile`, `torch.vmap`).

    Raises:
        ValueError: for a weight that is not finite.
    """
    check.finite(weight, "weight")
    each = weight.detach().unflatten(0, (groups, -1))  # (G, N / G, C / G, down, across)
    count, (inputs, down, across) = each.shape[1], each.shape[2:]
    matrix = each.permute(0, 2, 3, 1, 4).reshape(groups, inputs * down, count * across)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    least = values[:, :1] * torch.finfo(values.dtype).eps * max(matrix.shape[1:])
    seen = int((values > least).sum(1).max()) if check.has_values(values) else values.shape[1]
    rank = max(1, seen)
    scaled = left[:, :, :rank] * values[:, None, :rank]
    first = scaled.mT.reshape(groups * rank, inputs, down, 1)
    second = right[:, :rank].reshape(groups, rank, count, across).transpose(1, 2)
    return first, second.reshape(groups * count, rank, 1, across)


def factored(x: Tensor, down: Tensor, across: Tensor, geometry: Geometry) -> Tensor:
    """The two convolutions; each pads, strides and dilates along its own dimension."""
    middle = down.shape[0]
    one = replace(
        geometry,
        outputs=middle,
        kernel=(geometry.kernel[0], 1),
        stride=(geometry.stride[0], 1),
        padding=(geometry.padding[0], (0, 0)),
        dilation=(geometry.dilation[0], 1),
    )
    between = library(x, down, one)
    other = replace(
        geometry,
        channels=middle,
        size=tuple(between.shape[2:]),
        kernel=(1, geometry.kernel[1]),
        stride=(1, geometry.stride[1]),
        padding=((0, 0), geometry.padding[1]),
        dilation=(1, geometry.dilation[1]),
    )
    return library(between, across, other)


def reason_against_separable(geometry: Geometry) -> str | None:
    """Why it cannot be done in two; None if it can."""
    return None if len(geometry.size) == 2 else "it is not along two dimensions"
