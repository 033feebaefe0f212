"""A convolution by the library that torch was built with: oneDNN on a CPU, cuDNN on a GPU."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from gramstyle.conv.geometry import Geometry, pad

CONVOLUTIONS = {2: functional.conv2d, 3: functional.conv3d}


def library(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """`torch.nn.functional.conv2d` or `conv3d`, which pads by zeros itself where both sides are alike."""
    own = geometry.mode == "zeros" and all(before == after for before, after in geometry.padding)
    sides = [before if own else 0 for before, _ in geometry.padding]
    run = CONVOLUTIONS[len(geometry.size)]
    source = x if own else pad(x, geometry)
    return run(source, weight, None, geometry.stride, sides, geometry.dilation, geometry.groups)
