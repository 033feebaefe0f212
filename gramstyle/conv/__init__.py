"""How a convolution is computed: one file per algorithm, one door."""

from __future__ import annotations

from torch import Tensor

from gramstyle import check
from gramstyle.conv.algorithms import ALGORITHMS as ALGORITHMS
from gramstyle.conv.algorithms import algorithm_for
from gramstyle.conv.batchnorm import batch_norm2d as batch_norm2d
from gramstyle.conv.batchnorm import fold as fold
from gramstyle.conv.complex import Planes as Planes
from gramstyle.conv.complex_batchnorm import complex_batch_norm2d as complex_batch_norm2d
from gramstyle.conv.complex_batchnorm import fold_complex as fold_complex
from gramstyle.conv.geometry import Geometry as Geometry
from gramstyle.conv.geometry import Numbers, geometry_of
from gramstyle.conv.mixed import mixed
from gramstyle.conv.planar import complex_conv2d as complex_conv2d
from gramstyle.conv.planar import complex_conv3d as complex_conv3d


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    algorithm: str,
) -> Tensor:
    """`torch.nn.functional.conv2d` by an algorithm that is named; gradients flow through all of them.

    Args:
        input: (B, C, H, W), floating point or complex.
        weight: (N, C / groups, taps down, taps across), of the same precision; one of the two may be complex
            and the other real, which is half of the work of two complex ones.
        bias: (N,), complex only where the input or the weight is.
        stride: a number, or one for each dimension.
        padding: likewise, on both sides; or ``same`` or ``valid``.
        dilation: positions from one tap to the next.
        groups: parts of the channels that do not see each other.
        padding_mode: what stands in the padding: zeros, reflect, replicate or circular.
        algorithm: one of `ALGORITHMS`.

    Returns:
        (B, N, H', W'), complex if the input or the weight is.

    Raises:
        TypeError: for integer tensors, or different precisions.
        ValueError: for shapes that cannot be convolved, and values that are not finite.
        UnknownNameError: for an algorithm or mode that does not exist.
        StyleError: for an algorithm that cannot do this; the message names those that can.
    """
    shape = (stride, padding, dilation, groups, padding_mode)
    return _convolved(input, weight, bias, geometry_of(input, weight, bias, *shape, 2), algorithm)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    algorithm: str,
) -> Tensor:
    """As `conv2d`, for volumes (B, C, D, H, W) and kernels (N, C / groups, taps of each dimension)."""
    shape = (stride, padding, dilation, groups, padding_mode)
    return _convolved(input, weight, bias, geometry_of(input, weight, bias, *shape, 3), algorithm)


def _convolved(x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, algorithm: str) -> Tensor:
    for name, one in (("input", x), ("weight", weight), ("bias", bias)):
        if one is not None and one.device.type != "meta":
            check.finite(one, name)
    found = mixed(x, weight, geometry, algorithm_for("algorithm", algorithm, geometry).run)
    return found if bias is None else found + bias.reshape(-1, *(1,) * len(geometry.size))
