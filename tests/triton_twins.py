"""Second moment and fused convolution in Triton: the same tiles in another language.

Traps of its interpreter: `tl.dot` multiplies the bits of bfloat16, and float32 is truncated to
bfloat16, not rounded. So UPCAST widens the factors there, and bfloat16 is left to real devices.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def gram_kernel(
    X, Partials, P, channel_stride, position_stride, EACH,
    C: tl.constexpr, WIDTH: tl.constexpr, STEP: tl.constexpr, UPCAST: tl.constexpr,
):  # fmt: skip
    """Partial sums of positions [program EACH, (program + 1) EACH), in steps of STEP."""
    program = tl.program_id(0)
    channel = tl.arange(0, WIDTH)
    total = tl.zeros((WIDTH, WIDTH), dtype=tl.float32)
    for start in range(program * EACH, tl.minimum((program + 1) * EACH, P), STEP):
        position = start + tl.arange(0, STEP)
        there = (channel[:, None] < C) & (position[None, :] < P)
        at = channel[:, None] * channel_stride + position[None, :] * position_stride
        x = tl.load(X + at, mask=there, other=0.0)
        if UPCAST:
            x = x.to(tl.float32)
        total = tl.dot(x, tl.trans(x), total, input_precision="ieee")
    place = program * WIDTH * WIDTH + channel[:, None] * WIDTH + channel[None, :]
    tl.store(Partials + place, total)


@triton.jit
def conv_gram_kernel(
    X, Weight, Bias, Features, Partials, P, HEIGHT, WIDTH_IN, WIDTH_OUT, EACH,
    INPUTS: tl.constexpr, OUTPUTS: tl.constexpr, SIDE: tl.constexpr, STRIDE: tl.constexpr, PAD: tl.constexpr,
    ROWS: tl.constexpr, PRODUCTS: tl.constexpr, STEP: tl.constexpr, UPCAST: tl.constexpr,
):  # fmt: skip
    """Windows as columns of a matrix, one product for the convolution and one for the second moment."""
    program = tl.program_id(0)
    row = tl.arange(0, ROWS)
    k = tl.arange(0, PRODUCTS)
    real = k < INPUTS * SIDE * SIDE
    weight = tl.load(
        Weight + row[:, None] * (INPUTS * SIDE * SIDE) + k[None, :],
        mask=(row[:, None] < OUTPUTS) & real[None, :],
        other=0.0,
    )
    bias = tl.load(Bias + row, mask=row < OUTPUTS, other=0.0).to(tl.float32)
    tap = k % (SIDE * SIDE)
    total = tl.zeros((ROWS, ROWS), dtype=tl.float32)
    for start in range(program * EACH, tl.minimum((program + 1) * EACH, P), STEP):
        position = start + tl.arange(0, STEP)
        y = (position // WIDTH_OUT * STRIDE - PAD)[None, :] + (tap // SIDE)[:, None]
        x = (position % WIDTH_OUT * STRIDE - PAD)[None, :] + (tap % SIDE)[:, None]
        inside = (y >= 0) & (y < HEIGHT) & (x >= 0) & (x < WIDTH_IN) & real[:, None] & (position < P)[None, :]
        at = (y * WIDTH_IN + x) * INPUTS + (k // (SIDE * SIDE))[:, None]
        window = tl.load(X + at, mask=inside, other=0.0)
        if UPCAST:
            sums = tl.dot(weight.to(tl.float32), window.to(tl.float32), input_precision="ieee")
        else:
            sums = tl.dot(weight, window)
        there = (row[:, None] < OUTPUTS) & (position[None, :] < P)
        kept = tl.where(there, tl.maximum(sums + bias[:, None], 0.0), 0.0).to(Features.dtype.element_ty)
        tl.store(Features + position[None, :] * OUTPUTS + row[:, None], kept, mask=there)
        factor = kept.to(tl.float32) if UPCAST else kept
        total = tl.dot(factor, tl.trans(factor), total, input_precision="ieee")
    place = program * ROWS * ROWS + row[:, None] * ROWS + row[None, :]
    tl.store(Partials + place, total)


STEP = 16
"""Positions of one product."""


def whole_steps(positions: int, parts: int) -> int:
    """Positions of each part: whole steps, so that no two parts share one."""
    return triton.cdiv(triton.cdiv(positions, parts), STEP) * STEP


def gram(x: Tensor, parts: int = 3) -> Tensor:
    """(B, C, C) of x (B, C, P) with any strides, in float64 from float32 partial sums."""
    _, channels, positions = x.shape
    width = max(16, triton.next_power_of_2(channels))
    found = []
    for one in x:
        partials = torch.empty(parts, width, width, device=x.device)
        each = whole_steps(positions, parts)
        gram_kernel[(parts,)](
            one, partials, positions, *one.stride(), each,
            C=channels, WIDTH=width, STEP=STEP, UPCAST=not x.is_cuda,
        )  # fmt: skip
        found.append(partials.double().sum(0)[:channels, :channels])
    return torch.stack(found) if found else x.new_zeros(0, channels, channels, dtype=torch.float64)


def conv_gram(x: Tensor, weight: Tensor, bias: Tensor, stride: int, pad: int) -> tuple[Tensor, Tensor]:
    """Features (P, N) and second moment (N, N) of one image x (H, W, C) after convolution and ReLU."""
    height, width, inputs = x.shape
    outputs, _, side, _ = weight.shape
    out_height, out_width = ((size + 2 * pad - side) // stride + 1 for size in (height, width))
    positions, parts, rows = out_height * out_width, 3, max(16, triton.next_power_of_2(outputs))
    features = torch.empty(positions, outputs, dtype=x.dtype, device=x.device)
    partials = torch.empty(parts, rows, rows, device=x.device)
    conv_gram_kernel[(parts,)](
        x, weight, bias, features, partials, positions, height, width, out_width,
        whole_steps(positions, parts),
        INPUTS=inputs, OUTPUTS=outputs, SIDE=side, STRIDE=stride, PAD=pad, ROWS=rows,
        PRODUCTS=max(16, triton.next_power_of_2(inputs * side * side)), STEP=STEP, UPCAST=not x.is_cuda,
    )  # fmt: skip
    return features, partials.double().sum(0)[:outputs, :outputs]
