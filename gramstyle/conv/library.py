"""A convolution by the library that torch calls."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from gramstyle.conv.geometry import Geometry, pad


def library(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """`torch.nn.functional.conv2d` or ``conv3d``: oneDNN on a CPU, cuDNN on a GPU.

    The library pads with zeros of its own; any other padding is a step before it.
    """
    conv = functional.conv2d if len(geometry.size) == 2 else functional.conv3d
    padding = tuple(before for before, _ in geometry.padding)
    if geometry.mode != "zeros" or any(before != after for before, after in geometry.padding):
        x, padding = pad(x, geometry), (0,) * len(geometry.size)
    return conv(x, weight, None, geometry.stride, padding, geometry.dilation, geometry.groups)
