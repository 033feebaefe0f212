"""Who computes: plain torch, which defines every result, or the native operators."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.kernels import fusion
from gramstyle.kernels.native import available, require
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
    if device.type == "cpu":
        return available()
    return fusion.GRAM_PAYS and available(device.type) and fusion.runs_on(device)


def conv_gram_is_fused(kernel: Kernel, x: Tensor, weight: Tensor, groups: int) -> bool:
    """Whether a convolution of `x` and its Gram matrix are computed in one pass.

    One pass pays where the convolution is cheap beside the memory it writes: few inputs per output
    (a first layer, an expansion), and many positions. `docs/performance.md` has the measurements on a
    CPU, docs/kernels.md what is known of GPUs.
    """
    if kernel != "auto":
        return kernel == "fused"
    if not gram_is_native(kernel, x.device):
        return False
    if x.device.type != "cpu":
        return fusion.pays(x.dtype, weight.shape, groups)
    outputs, inputs, height, width = weight.shape
    return groups == 1 and inputs * height * width <= 64 and 64 <= outputs <= 256


def conv_is_winograd(kernel: Kernel, x: Tensor, weight: Tensor, groups: int) -> bool:
    """Whether a 3 x 3 convolution of stride 1 goes by minimal filtering.

    Its transforms cost as much as some tens of products per value, so it pays from about 16 channels on,
    at float32: torch's bfloat16 convolutions have matrix units of their own.
    """
    outputs, inputs = weight.shape[:2]
    few = min(inputs, outputs) < 16 or groups != 1 or weight.shape[2:] != (3, 3)
    if few or x.device.type != "cpu" or x.dtype != torch.float32:
        return False
    return gram_is_native(kernel, x.device)
