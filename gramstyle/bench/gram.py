"""Gram matrices of maps in memory: the native operator beside torch's batched matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from gramstyle.bench.machine import Machine
from gramstyle.bench.timing import Contender, Row, take_turns
from gramstyle.kernels import gram

SHAPES: tuple[tuple[int, int], ...] = (
    (64, 1),
    (128, 2),
    (256, 4),
    (512, 8),
    (512, 16),
    (16, 2),
    (24, 4),
    (96, 2),
    (144, 4),
    (192, 8),
    (576, 16),
    (1280, 32),
)
"""C, and pixels of the image per position: VGG16's taps, then some of MobileNetV2's and EfficientNet's."""


def time_gram(size: int, repeat: int, dtype: torch.dtype, machine: Machine) -> Iterator[Row]:
    """One row per shape of `SHAPES`, for an image of `size` x `size`.

    Contenders are ``bmm`` on channels-first and on channels-last maps, and the native operator on both.
    """
    generator = torch.Generator().manual_seed(0)
    for channels, reduction in SHAPES:
        side = max(1, size // reduction)
        x = torch.randn(1, channels, side, side, generator=generator).relu().to(dtype)
        last = x.contiguous(memory_format=torch.channels_last)
        contenders = [
            Contender(name="bmm", run=partial(second_moment, x)),
            Contender(name="bmm, channels-last", run=partial(second_moment, last)),
            Contender(name="native", run=partial(gram, x)),
            Contender(name="native, channels-last", run=partial(gram, last)),
        ]
        with torch.inference_mode():
            exact = second_moment(x.double())
            error = (gram(x).second - exact).norm() / exact.norm()
            seconds = take_turns(contenders, repeat)
        needed = channels * (channels + 1) * side**2  # half of the products: the matrix is symmetric
        row = Row(
            job=f"{channels} x {side} x {side}",
            facts={"channels": channels, "side": side, "error": float(error)},
            seconds=seconds,
        )
        least = machine.least(needed, x.numel() * x.element_size())
        row.facts["roof"] = least / row.median("native, channels-last")
        yield row


def second_moment(maps: torch.Tensor) -> torch.Tensor:
    """(B, C, C) of `maps` (B, C, H, W): torch's product of the maps with themselves."""
    flat = maps.flatten(2)
    return torch.bmm(flat, flat.mT)
