"""Who computes: plain torch, which defines every result, or the native operators."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.kernels.native import available, require
from gramstyle.kernels.operators import DEVICES
from gramstyle.kernels.register import is_ready

Kernel = Literal["auto", "reference", "fused"]
"""``reference`` is plain torch; ``fused`` the native operators, or an error where they cannot be had;
``auto`` the native operators where they are there and faster. Results agree to rounding."""

KERNELS = get_args(Kernel)


def checked_kernel(kernel: str) -> Kernel:
    """`kernel`, if it is one and can be had.

    Raises:
        UnknownNameError: for a name that does not exist.
        NativeUnavailableError: for ``fused`` where the native half was not built.
    """
    check.name_in("kernel", kernel, KERNELS)
    if kernel == "fused":
        require()
    return kernel  # type: ignore[return-value]


def gram_is_native(kernel: Kernel, x: Tensor) -> bool:
    """Whether the Gram matrix of `x` (B, C, H, W) is the native operator's to compute."""
    if kernel != "auto":
        return kernel == "fused"
    if torch.compiler.is_compiling() and not is_ready():
        return False  # nothing can be loaded within a graph
    return x.device.type in DEVICES and available()
