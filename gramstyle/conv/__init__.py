"""How a convolution is computed: one file per algorithm, one door."""

from __future__ import annotations

from torch import Tensor

from gramstyle import check
from gramstyle.conv.algorithms import ALGORITHMS as ALGORITHMS
from gramstyle.conv.algorithms import able
from gramstyle.conv.geometry import Geometry as Geometry
from gramstyle.conv.geometry import Numbers, geometry_of
from gramstyle.conv.sparse import SPARSE_ALGORITHMS as SPARSE_ALGORITHMS
from gramstyle.conv.sparse import Blocks as Blocks
from gramstyle.conv.sparse import Csr as Csr
from gramstyle.conv.sparse import SparseKernel as SparseKernel
from gramstyle.conv.sparse import TwoFour as TwoFour
from gramstyle.conv.sparse import load_sparse as load_sparse
from gramstyle.conv.sparse import save_sparse as save_sparse
from gramstyle.conv.sparse import sparse_conv2d as sparse_conv2d
from gramstyle.errors import StyleError


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
        weight: (N, C / groups, taps down, taps across), of the same type.
        bias: (N,).
        stride: a number, or one for each dimension.
        padding: likewise, on both sides; or ``same`` or ``valid``.
        dilation: positions from one tap to the next.
        groups: parts of the channels that do not see each other.
        padding_mode: what stands in the padding: zeros, reflect, replicate or circular.
        algorithm: one of `ALGORITHMS`.

    Returns:
        (B, N, H', W').

    Raises:
        TypeError: for integer tensors, or different types.
        ValueError: for shapes that cannot be convolved.
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
    chosen = ALGORITHMS[check.name_in("algorithm", algorithm, ALGORITHMS)]
    reason = chosen.reason_against(geometry)
    if reason is not None:
        raise StyleError(
            f"algorithm {algorithm} cannot do this convolution: {reason}; {', '.join(able(geometry))} can"
        )
    found = chosen.run(x, weight, geometry)
    return found if bias is None else found + bias.reshape(-1, *(1,) * len(geometry.size))
