"""Complex convolutions of planes, which layers in a row hand on as they are."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.conv.algorithms import algorithm_for
from gramstyle.conv.complex import Planes, Real, blocks, by_blocks, by_three
from gramstyle.conv.geometry import Geometry, Numbers, geometry_of
from gramstyle.errors import StyleError

ROUTES = ("gauss", "stacked")
"""How real convolutions make a complex one."""


def complex_conv2d(
    input: Planes | Tensor,
    weight: Planes | Tensor,
    bias: Planes | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    algorithm: str,
    real: str = "library",
) -> Planes:
    """`gramstyle.conv.conv2d` for complex numbers in planes, with gradients.

    Args:
        input: (B, C, H, W) each, floating point; or a real tensor, whose convolution is half of the work.
        weight: (N, C / groups, taps down, taps across) each. Or a real tensor (2, N, 2, C / groups, taps
            down, taps across), what each part of the output takes of each part of the input, as
            `fold_complex` gives it.
        bias: (N,) each.
        stride: a number, or one for each dimension.
        padding: likewise, on both sides; or ``same`` or ``valid``.
        dilation: positions from one tap to the next.
        groups: parts of the channels that do not see each other.
        padding_mode: what stands in the padding: zeros, reflect, replicate or circular.
        algorithm: ``gauss``, three real convolutions; or ``stacked``, one of twice the channels, which is as
            exact as the products themselves, in half precision too.
        real: who computes these, one of `ALGORITHMS`.

    Returns:
        (B, N, H', W') each.

    Raises:
        TypeError: for other types, integer tensors, or different precisions.
        ValueError: for shapes that cannot be convolved, and values that are not finite.
        UnknownNameError: for an algorithm or mode that does not exist.
        StyleError: for an algorithm that cannot do this; the message names those that can.
    """
    shape = (stride, padding, dilation, groups, padding_mode)
    return _convolved(input, weight, bias, shape, 2, algorithm, real)


def complex_conv3d(
    input: Planes | Tensor,
    weight: Planes | Tensor,
    bias: Planes | None = None,
    stride: Numbers = 1,
    padding: Numbers | str = 0,
    dilation: Numbers = 1,
    groups: int = 1,
    *,
    padding_mode: str = "zeros",
    algorithm: str,
    real: str = "library",
) -> Planes:
    """As `complex_conv2d`, for volumes (B, C, D, H, W)."""
    shape = (stride, padding, dilation, groups, padding_mode)
    return _convolved(input, weight, bias, shape, 3, algorithm, real)


def _convolved(
    x: Planes | Tensor,
    weight: Planes | Tensor,
    bias: Planes | None,
    shape: tuple[Numbers, Numbers | str, Numbers, int, str],
    space: int,
    algorithm: str,
    real: str,
) -> Planes:
    check.name_in("algorithm", algorithm, ROUTES)
    check_parts("input", x)
    check_parts("weight", weight)
    if isinstance(weight, Tensor) and (
        weight.ndim != space + 4 or weight.shape[0] != 2 or weight.shape[2] != 2
    ):
        raise ValueError(f"weight must be Planes, or (2, N, 2, C / groups, taps), got {tuple(weight.shape)}")
    if bias is not None:
        check_parts("bias", bias, planes=True)
    first = x if isinstance(x, Tensor) else x.real
    kernel = weight[0, :, 0] if isinstance(weight, Tensor) else weight.real
    geometry = geometry_of(first, kernel, None if bias is None else bias.real, *shape, space)
    chosen = algorithm_for("real", real, geometry)

    def conv(x: Tensor, weight: Tensor) -> Tensor:
        own = replace(geometry, channels=x.shape[1], outputs=weight.shape[0])
        return chosen(x, weight, own)

    found = _routed(x, weight, conv, geometry, algorithm)
    if bias is None:
        return found
    real_bias, imag_bias = (part.reshape(-1, *(1,) * space) for part in bias)
    return Planes(found.real + real_bias, found.imag + imag_bias)


def _routed(
    x: Planes | Tensor, weight: Planes | Tensor, conv: Real, geometry: Geometry, algorithm: str
) -> Planes:
    if isinstance(x, Tensor):
        if isinstance(weight, Tensor):
            raise StyleError("input must be Planes where weight is of both their parts: Planes(x, 0 * x) is")
        filters = torch.stack([part.unflatten(0, (geometry.groups, -1)) for part in weight], 1)
        parts = conv(x, filters.flatten(0, 2)).unflatten(1, (geometry.groups, 2, -1)).unbind(2)
        return Planes(*(part.flatten(1, 2) for part in parts))
    if isinstance(weight, Planes) and algorithm == "gauss":
        return by_three(x, weight, conv)
    if algorithm == "gauss":
        raise StyleError(
            "algorithm gauss cannot do this convolution: its weight is no complex number per tap; stacked can"
        )
    return by_blocks(x, weight if isinstance(weight, Tensor) else blocks(weight), conv, geometry.groups)


def check_parts(name: str, value: Planes | Tensor, *, planes: bool = False) -> None:
    """Raise unless `value` is real: a tensor, or two of one shape, type and device.

    Raises:
        TypeError: for another type.
        ValueError: for parts of different shapes, and values that are not finite.
    """
    check.one_of_type(name, value, *((Planes,) if planes else (Planes, Tensor)))
    parts = (
        {name: value}
        if isinstance(value, Tensor)
        else {f"{name}.real": value.real, f"{name}.imag": value.imag}
    )
    first = next(iter(parts.values()))
    for one, part in parts.items():
        check.one_of_type(one, part, Tensor)
        if not part.is_floating_point():
            hint = (
                "Planes.of gives its planes, and conv2d takes it as it is"
                if part.is_complex()
                else "use .float()"
            )
            raise TypeError(f"{one} must be floating point, got {part.dtype}: {hint}")
        if (part.dtype, part.device) != (first.dtype, first.device):
            raise TypeError(
                f"{one} must be of the type of {name}.real, {first.dtype} on {first.device}; "
                f"got {part.dtype} on {part.device}"
            )
        if part.shape != first.shape:
            raise ValueError(
                f"{one} must be of the shape of {name}.real, {tuple(first.shape)}, got {tuple(part.shape)}"
            )
        check.finite(part, one)
