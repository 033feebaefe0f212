"""The operator gramstyle::second_moment, its shapes and its gradient."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from gramstyle.kernels.native import require


@cache
def _register() -> None:
    require()

    def fake(x: Tensor) -> Tensor:
        kind = torch.float64 if x.dtype == torch.float64 else torch.float32
        return x.new_empty((x.shape[0], x.shape[1], x.shape[1]), dtype=kind)

    def save(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])

    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return ((gradient + gradient.mT) @ x.to(gradient.dtype)).to(x.dtype)

    torch.library.register_fake("gramstyle::second_moment", fake)
    torch.library.register_autograd("gramstyle::second_moment", backward, setup_context=save)


def second_moment(x: Tensor) -> Tensor:
    """``sum_p x[:, i, p] x[:, j, p]`` of x (B, C, P) on the cpu: (B, C, C).

    Half precision is accumulated in float32 without a widened copy; strides are free.

    Raises:
        NativeUnavailableError: if the native half is not there.
        ValueError: if `x` is not (B, C, P) on the cpu.
    """
    _register()
    if x.ndim != 3 or x.device.type != "cpu":
        raise ValueError(f"x must be (B, C, P) on the cpu, got {tuple(x.shape)} on {x.device}")
    result: Tensor = torch.ops.gramstyle.second_moment.default(x)
    return result
