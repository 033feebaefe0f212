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


def gram_is_native(kernel: Kernel, device: torch.device) -> bool:
    """Whether Gram matrices of maps on `device` are the native operator's to compute."""
    if kernel != "auto":
        return kernel == "fused"
    if torch.compiler.is_compiling() and not is_ready():
        return False  # nothing can be loaded within a graph
    return device.type in DEVICES and available()


def conv_gram_is_fused(kernel: Kernel, x: Tensor, weight: Tensor, groups: int) -> bool:
    """Whether a convolution of `x` and its Gram matrix are computed in one pass.

    One pass pays where the convolution is cheap beside the memory it writes: few inputs per output
    (a first layer, an expansion), and many positions. `docs/performance.md` has the measurements.
    """
    if kernel != "auto":
        return kernel == "fused"
    if not gram_is_native(kernel, x.device):
        return False
    outputs, inputs, height, width = weight.shape
    return groups == 1 and inputs * height * width <= 64 and 64 <= outputs <= 256 and x.device.type == "cpu"
