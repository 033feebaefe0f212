"""How a convolution is computed: one file per algorithm, one door."""

from __future__ import annotations

from typing import Literal, overload

from torch import Tensor

from gramstyle import check
from gramstyle.conv.algorithms import ALGORITHMS as ALGORITHMS
from gramstyle.conv.algorithms import algorithm_for
from gramstyle.conv.batchnorm import batch_norm2d as batch_norm2d
from gramstyle.conv.batchnorm import fold as fold
from gramstyle.conv.choice import Choice as Choice
from gramstyle.conv.choice import choose
from gramstyle.conv.complex import Planes as Planes
from gramstyle.conv.complex_batchnorm import complex_batch_norm2d as complex_batch_norm2d
from gramstyle.conv.complex_batchnorm import fold_complex as fold_complex
from gramstyle.conv.geometry import Geometry as Geometry
from gramstyle.conv.geometry import Numbers, geometry_of
from gramstyle.conv.mixed import unmixed
from gramstyle.conv.planar import complex_conv2d as complex_conv2d
from gramstyle.conv.planar import complex_conv3d as complex_conv3d
from gramstyle.conv.sparse import SPARSE_ALGORITHMS as SPARSE_ALGORITHMS
from gramstyle.conv.sparse import Blocks as Blocks
from gramstyle.conv.sparse import Csr as Csr
from gramstyle.conv.sparse import SparseKernel as SparseKernel
from gramstyle.conv.sparse import TwoFour as TwoFour
from gramstyle.conv.sparse import load_sparse as load_sparse
from gramstyle.conv.sparse import save_sparse as save_sparse
from gramstyle.conv.sparse import sparse_conv2d as sparse_conv2d
from gramstyle.errors import StyleError


@overload
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
    algorithm: str = "auto",
    explain: Literal[False] = False,
) -> Tensor: ...


@overload
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
    algorithm: str = "auto",
    explain: Literal[True],
) -> tuple[Tensor, Choice]: ...


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
    algorithm: str = "auto",
    explain: bool = False,
) -> Tensor | tuple[Tensor, Choice]:
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
        algorithm: one of `ALGORITHMS`; or ``auto``, the fastest here as measured, which is measured the first
            time that a geometry is met and then kept (`Choice`). Results of two algorithms agree to rounding:
            name one where bits must be the same on all machines.
        explain: also return why this algorithm was taken.

    Returns:
        (B, N, H', W'), complex if the input or the weight is; with `explain` a `Choice` beside it.

    Raises:
        TypeError: for integer tensors, or different precisions.
        ValueError: for shapes that cannot be convolved, and where a named algorithm goes by transforms and
            meets a value that is not finite.
        UnknownNameError: for an algorithm or mode that does not exist.
        StyleError: for an algorithm that cannot do this; the message names those that can. For `explain`
            where nothing is measured.
    """
    shape = (stride, padding, dilation, groups, padding_mode)
    geometry = geometry_of(input, weight, bias, *shape, 2)
    return _convolved(input, weight, bias, geometry, algorithm, explain)


@overload
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
    algorithm: str = "auto",
    explain: Literal[False] = False,
) -> Tensor: ...


@overload
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
    algorithm: str = "auto",
    explain: Literal[True],
) -> tuple[Tensor, Choice]: ...


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
    algorithm: str = "auto",
    explain: bool = False,
) -> Tensor | tuple[Tensor, Choice]:
    """As `conv2d`, for volumes (B, C, D, H, W) and kernels (N, C / groups, taps of each dimension)."""
    shape = (stride, padding, dilation, groups, padding_mode)
    geometry = geometry_of(input, weight, bias, *shape, 3)
    return _convolved(input, weight, bias, geometry, algorithm, explain)


def _convolved(
    x: Tensor, weight: Tensor, bias: Tensor | None, geometry: Geometry, algorithm: str, explain: bool
) -> Tensor | tuple[Tensor, Choice]:
    check.name_in("algorithm", algorithm, (*ALGORITHMS, "auto"))
    choice = None
    problem = unmixed(x, weight, geometry)
    if algorithm == "auto":
        found, choice = _chosen(*problem[:3])
    elif explain:
        raise ValueError(f"explain says why auto takes an algorithm: use it with auto, not with {algorithm}")
    else:
        algorithm_for("algorithm", algorithm, geometry)
        found = _named(*problem[:3], algorithm)
    if explain and choice is None:
        raise StyleError("explain needs times, which torch.compile, vmap and tensors without values have not")
    found = problem.joined(found)
    found = found if bias is None else found + bias.reshape(-1, *(1,) * len(geometry.size))
    return (found, choice) if explain and choice is not None else found


def _named(x: Tensor, weight: Tensor, geometry: Geometry, algorithm: str) -> Tensor:
    one = ALGORITHMS[algorithm]
    found = one(x, weight, geometry)
    if one.transforms and not check.is_finite(found):
        check.finite(x, "input")
        check.finite(weight, "weight")
        check.finite(found, f"what algorithm {algorithm} makes of these numbers (use direct)")
    return found


def _chosen(x: Tensor, weight: Tensor, geometry: Geometry) -> tuple[Tensor, Choice | None]:
    """By the algorithm of `choose`; by torch's own where there are no values to time."""
    if not (check.has_values(x) and check.has_values(weight) and x.numel()):
        return ALGORITHMS["library"](x, weight, geometry), None
    choice = choose(x, weight, geometry)
    one = ALGORITHMS[choice.algorithm]
    found = one(x, weight, geometry)
    if one.transforms and not check.is_finite(found):
        found = ALGORITHMS["library"](x, weight, geometry)  # what is not finite spoils its neighbours only
    return found, choice
