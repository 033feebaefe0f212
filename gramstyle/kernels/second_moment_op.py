"""The operator gramstyle::second_moment, its shapes and its gradient."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor

from gramstyle.kernels.native import require

TYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)

_lock = threading.Lock()
_registered = False


def _register() -> None:
    """Load the native half and tell torch the operator's shapes and gradient, once."""
    global _registered
    if torch.compiler.is_compiling():
        raise RuntimeError(
            "load the native half before torch.compile: call gramstyle.kernels.second_moment once"
        )
    require()
    with _lock:
        if not _registered:
            _describe()
            _registered = True


def _describe() -> None:
    """Shapes and gradient, which the stable interface cannot declare in C++."""

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
        TypeError: if `x` is neither float64, float32, float16 nor bfloat16.
        ValueError: if `x` is not (B, C, P) on the cpu.
    """
    if not _registered:  # a plain flag: torch.compile reads it as a constant
        _register()
    if x.dtype not in TYPES:
        raise TypeError(f"x must be float64, float32, float16 or bfloat16, got {x.dtype}")
    if x.ndim != 3 or x.device.type != "cpu":
        raise ValueError(f"x must be (B, C, P) on the cpu, got {tuple(x.shape)} on {x.device}")
    result: Tensor = torch.ops.gramstyle.second_moment.default(x)
    return result
