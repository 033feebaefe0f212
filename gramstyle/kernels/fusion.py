"""Which convolutions the CUDA half fuses with their Gram matrices, and which of these pay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from gramstyle.kernels.compiling import constant_result

Path = Literal["registers", "shared"]
"""How features reach the second product: as registers hold them, or through shared memory."""

OLDEST = (8, 0)
"""Compute capability of the oldest devices with the instructions that the kernels are made of."""

MOST_PRODUCTS = 64
"""Input channels times filter area: one row of weights in shared memory."""

MOST_IN_REGISTERS = 64
"""Output channels whose sums one warp can hold."""

MOST_OUTPUTS = 256
"""Output channels whose sums one block can hold; beyond, fusing gains nothing (docs/kernels.md)."""

PAYING: frozenset[Path] = frozenset()
"""Paths measured to be at least 1.5 times as fast as convolution and Gram matrix apart. None is: no
GPU has run them yet. The table in docs/kernels.md has what a model of memory and arithmetic promises."""

GRAM_PAYS = False
"""Whether the CUDA operators `gram` and `gram_backward` were measured to be no slower than torch."""


def fusible(dtype: torch.dtype, weight: Sequence[int], groups: int) -> Path | None:
    """How a convolution on CUDA is fused with its Gram matrix; None: one follows the other.

    Args:
        dtype: of maps and weights.
        weight: shape (N, C / groups, kernel height, kernel width).
        groups: of channels.
    """
    outputs, inputs, height, width = weight
    if dtype not in (torch.float16, torch.bfloat16) or groups != 1:
        return None
    if inputs * height * width > MOST_PRODUCTS or outputs > MOST_OUTPUTS:
        return None
    return "registers" if outputs <= MOST_IN_REGISTERS else "shared"


@constant_result
def runs_on(device: torch.device) -> bool:
    """Whether `device`, of CUDA, is new enough."""
    return torch.cuda.get_device_capability(device) >= OLDEST


def pays(dtype: torch.dtype, weight: Sequence[int], groups: int) -> bool:
    """Whether that is faster than one after the other, as measured."""
    return fusible(dtype, weight, groups) in PAYING
