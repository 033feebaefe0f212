"""What the operators of the CUDA half are asked, emulated and on a GPU: types, layouts, convolutions."""

from __future__ import annotations

import torch

TYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
# of a sum of products: a truncating chain of at most 4096 positions, or three products of TF32 for one
ROUNDING = {torch.float64: 1e-14, torch.float32: 1e-6, torch.bfloat16: 1e-4, torch.float16: 1e-4}


def drawn(generator, shape, dtype):
    return (torch.randn(shape, generator=generator, dtype=torch.float64) + 0.3).to(dtype)


VIEWS = {
    "contiguous": lambda x: x,
    "channels-last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "every other channel": lambda x: x[:, ::2],
    "some channels of a channels-last map": lambda x: x.contiguous(memory_format=torch.channels_last)[
        :, 3:16
    ],
    "every other image": lambda x: x[::2],
    "a crop": lambda x: x[:, :, 1:-1, 2:-1],
    "every other column": lambda x: x[..., ::2],
    "rows and columns exchanged": lambda x: x.transpose(2, 3),
    "channels and rows exchanged": lambda x: x.transpose(1, 2),
    "batch last": lambda x: x.permute(1, 2, 3, 0),
    "one image for all": lambda x: x[:1].expand(3, -1, -1, -1),
    "one channel for all": lambda x: x[:, :1].expand(-1, 18, -1, -1),
    "one position for all": lambda x: x[..., :1, :1].expand(-1, -1, 4, 5),
    "an offset of one element": lambda x: x.flatten()[1:].view(-1)[: 3 * 5 * 30].view(3, 5, 5, 6),
    "one position": lambda x: x[..., :1, :1],
    "one channel": lambda x: x[:, :1],
    "one row": lambda x: x[:, :, :1],
}


def agrees(found, exact, size, share):
    assert torch.isfinite(found).all()
    error = ((found.double() - exact).abs() / size.clamp_min(1e-300)).max().item()
    assert error <= share


def alike(found, expected):
    """Shape, type and strides: what the registered shapes promise."""
    assert [(one.shape, one.dtype, one.stride()) for one in found] == [
        (one.shape, one.dtype, one.stride()) for one in expected
    ]


# inputs, outputs, kernel, stride, padding, dilation, groups, activation, channels-last, type
CONVOLUTIONS = {
    "stem": (3, 64, 3, 1, 1, 1, 1, "relu", False, torch.bfloat16),
    "strided stem": (3, 32, 3, 2, 1, 1, 1, "silu", True, torch.float16),
    "expansion": (16, 96, 1, 1, 0, 1, 1, "relu6", True, torch.bfloat16),
    "expansion of a planar map": (24, 144, 1, 1, 0, 1, 1, "relu6", False, torch.bfloat16),
    "strided 1x1": (16, 40, 1, 2, 0, 1, 1, "none", True, torch.float16),
    "dilated": (2, 20, 3, 1, 2, 2, 1, "relu", True, torch.bfloat16),
    "odd channels": (5, 37, 3, 1, 1, 1, 1, "silu", False, torch.float16),
    "float32": (3, 16, 3, 1, 1, 1, 1, "relu", False, torch.float32),
    "float64": (3, 16, 3, 1, 1, 1, 1, "silu", True, torch.float64),
    "many inputs": (20, 16, 3, 1, 1, 1, 1, "relu", True, torch.bfloat16),
    "many outputs": (4, 260, 1, 1, 0, 1, 1, "none", True, torch.bfloat16),
    "depthwise": (24, 24, 3, 1, 1, 1, 24, "relu6", True, torch.bfloat16),
    "grouped": (8, 16, 3, 2, 1, 1, 4, "relu", False, torch.float16),
}


def arguments(name, generator, shape=(2, 9, 11), bias=True):
    inputs, outputs, kernel, stride, padding, dilation, groups, activation, last, dtype = CONVOLUTIONS[name]
    x = drawn(generator, (shape[0], inputs, *shape[1:]), dtype)
    weight = drawn(generator, (outputs, inputs // groups, kernel, kernel), dtype) / (inputs // groups) ** 0.5
    if last:
        x = x.contiguous(memory_format=torch.channels_last)
    added = drawn(generator, (outputs,), dtype) if bias else None
    return x, weight, added, [stride] * 2, [padding] * 2, [dilation] * 2, groups, activation
