"""Checks of arguments, with one phrasing of every complaint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, TypeVar

import torch
from torch import Tensor

from gramstyle.errors import UnknownNameError

E = TypeVar("E", bound=Enum)


def nearest_first(name: str, valid: Iterable[str]) -> list[str]:
    """The valid names, most similar to `name` first; equal similarity keeps their order."""

    def similarity(candidate: str) -> float:
        return difflib.SequenceMatcher(None, name.lower(), candidate.lower()).ratio()

    return sorted(valid, key=similarity, reverse=True)


def name_in(argument: str, name: str, valid: Iterable[str], hint: str = "") -> str:
    """Return `name` if it is one of `valid`.

    Raises:
        UnknownNameError: otherwise; the message lists the valid names, nearest first.
    """
    names = list(valid)
    if name in names:
        return name
    listed = ", ".join(nearest_first(str(name), names))
    more = f" ({hint})" if hint else ""
    raise UnknownNameError(f"{argument} must be one of: {listed}{more}; got {name!r}")


def member(known: Mapping[str, E], argument: str, value: E | str) -> E:
    """The member of an Enum that `value` is or names.

    `known` maps names to members. It is a table and not the Enum itself because torch.compile
    (2.10) cannot look members up by name.

    Raises:
        UnknownNameError: if there is none; the message lists the names, nearest first.
    """
    if isinstance(value, Enum):
        return value
    return known[name_in(argument, value, known)]


def feature_map(x: Tensor, argument: str = "features") -> Tensor:
    """Return `x` if it is a feature map (B, C, H, W) with at least one position.

    Raises:
        TypeError: if it is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    if not isinstance(x, Tensor):
        raise TypeError(f"{argument} must be a torch.Tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"{argument} must be floating point, got {x.dtype}")
    if x.ndim != 4:
        raise ValueError(f"{argument} must be (B, C, H, W), got shape {tuple(x.shape)}")
    if x.shape[1] == 0 or x.shape[2] * x.shape[3] == 0:
        raise ValueError(
            f"{argument} must have at least one channel and one position, got shape {tuple(x.shape)}"
        )
    return x


def has_values(x: Tensor) -> bool:
    """Whether values can be looked at: not on ``meta``, in a graph that is compiled, under `torch.vmap`."""
    if torch.compiler.is_compiling() or x.device.type == "meta":
        return False
    functorch: Any = torch._C._functorch
    while functorch.is_functorch_wrapped_tensor(x):
        if functorch.is_batchedtensor(x):
            return False
        x = functorch.get_unwrapped(x)
    return True


def is_finite(x: Tensor) -> bool:
    """Whether every value is finite; where they cannot be looked at (`has_values`), yes.

    A sum of what is not finite is not, and reads a tensor once without a map of answers; where a sum of
    finite values overflows they are asked one by one.
    """
    if not has_values(x):
        return True
    known = x.detach()
    return bool(known.sum().isfinite()) or bool(known.isfinite().all())


def finite(x: Tensor, argument: str) -> Tensor:
    """Return `x` if every value is finite.

    Raises:
        ValueError: otherwise; the message counts NaN and infinite values.
    """
    if is_finite(x):
        return x
    nan = int(torch.isnan(x).sum())
    infinite = int(torch.isinf(x).sum())
    raise ValueError(
        f"{argument} must be finite, got {nan} NaN and {infinite} infinite values in {tuple(x.shape)}"
    )


NUMBERS = (
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.complex64,
    torch.complex128,
)
"""Types that sums of products are taken of."""


def dense_numbers(argument: str, value: Tensor, hint: str = "use .to_dense()") -> None:
    """Raise `TypeError` unless `value` is a tensor of `NUMBERS` that lie side by side.

    Args:
        argument: what messages call it.
        value: anything.
        hint: what to do with a tensor that torch holds sparse, or in another layout.
    """
    one_of_type(argument, value, Tensor)
    if value.dtype not in NUMBERS:
        better = ".to(torch.complex64)" if value.is_complex() else ".float()"
        known = ", ".join(str(one).removeprefix("torch.") for one in NUMBERS)
        raise TypeError(
            f"{argument} must be floating point or complex, one of {known}; got {value.dtype}: use {better}"
        )
    if value.layout != torch.strided:
        raise TypeError(f"{argument} must be a dense tensor, got layout {value.layout}: {hint}")


def one_of_type(argument: str, value: object, *types: type) -> None:
    """Raise `TypeError` unless `value` is an instance of one of `types`."""
    if not isinstance(value, types):
        expected = " or ".join(kind.__name__ for kind in types)
        raise TypeError(f"{argument} must be {expected}, got {type(value).__name__}")


def positive(argument: str, value: float) -> float:
    """Return `value` if it is greater than zero, else raise `ValueError`."""
    if not value > 0:
        raise ValueError(f"{argument} must be greater than 0, got {value}")
    return value
