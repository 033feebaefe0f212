"""What every layout of a sparse kernel offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from torch import Tensor
from typing_extensions import Self

from gramstyle import check

if TYPE_CHECKING:
    from gramstyle.conv.sparse.csr import Csr

Shape = tuple[int, int, int, int]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseKernel(ABC):
    """A kernel (N, C / groups, taps down, taps across) of which some values are stored; all others are 0.

    Attributes:
        values: what is stored, in the order of its layout; gradients flow to it.
        shape: of the dense kernel.
    """

    layout: ClassVar[str]
    values: Tensor
    shape: Shape

    @cached_property
    @abstractmethod
    def places(self) -> Tensor:
        """(nnz,) int64: where each of the values, flattened, lies in the dense kernel, flattened."""

    @abstractmethod
    def csr(self) -> Csr:
        """The same kernel in compressed rows; all that is stored stays stored."""

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """What is made of the values: made once, and again after they were changed in place.

        Nothing is kept of values that gradients are asked for, nor of those that torch does not count the
        changes of (inference tensors), nor in a graph that is compiled.
        """
        values = self.values
        asked = values.requires_grad and torch.is_grad_enabled()
        if torch.compiler.is_compiling() or asked or values.is_inference():
            return make()
        known = self.__dict__.setdefault("_kept", {})
        if name not in known or known[name][0] != values._version:
            known[name] = (values._version, make())
        found: T = known[name][1]
        return found

    def __getstate__(self) -> dict[str, Any]:
        """Copies count the changes of their own values."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @property
    def width(self) -> int:
        """Columns of the kernel as a matrix of N rows: C / groups x taps."""
        return prod(self.shape[1:])

    @property
    def density(self) -> float:
        """Share of the dense kernel's values that is stored, from 0 to 1."""
        return self.values.numel() / prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Of all tensors of the layout."""
        return sum(one.nbytes for one in self.tensors().values())

    def tensors(self) -> dict[str, Tensor]:
        """Name of the attribute -> tensor."""
        named = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: one for name, one in named.items() if isinstance(one, Tensor)}

    def to_dense(self) -> Tensor:
        """(N, C / groups, taps down, taps across), with gradients to the values."""
        flat = self.values.new_zeros(prod(self.shape))
        return flat.index_put((self.places,), self.values.flatten()).reshape(self.shape)

    def with_values(self, values: Tensor) -> Self:
        """The same places with other values, of the same shape.

        Raises:
            TypeError, ValueError: as for a new kernel.
        """
        return replace(self, values=values)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """On another device; its values of another type."""
        moved: dict[str, Any] = {name: one.to(device) for name, one in self.tensors().items()}
        return replace(self, **moved | {"values": moved["values"].to(dtype or self.values.dtype)})


def checked_weight(weight: Tensor) -> Tensor:
    """`weight`, if it can be a kernel.

    Raises:
        TypeError: if it is no dense tensor of floating-point or complex numbers.
        ValueError: if it is not (N, C / groups, taps down, taps across), too large, or not finite.
    """
    check.dense_numbers("weight", weight)
    checked_shape(tuple(weight.shape), "weight")
    return check.finite(weight, "weight")


def checked_shape(shape: tuple[int, ...], argument: str = "shape") -> Shape:
    """`shape`, if it is one of kernels.

    Raises:
        ValueError: otherwise.
    """
    whole = all(isinstance(one, int) and one > 0 for one in shape)
    if len(shape) != 4 or not whole:
        raise ValueError(
            f"{argument} must be (N, C / groups, taps down, taps across), none of them 0, got {shape}"
        )
    if prod(shape) >= 2**31:
        raise ValueError(f"{argument} must have fewer than 2^31 values in all, got {shape}")
    return shape


def check_tensor(name: str, one: Tensor, values: Tensor, kind: torch.dtype, shape: tuple[int, ...]) -> None:
    """Whether a tensor of places is of its type and shape and lies where the values do.

    Raises:
        TypeError: for another type.
        ValueError: for another shape or device.
    """
    check.one_of_type(name, one, Tensor)
    if one.dtype != kind:
        raise TypeError(f"{name} must be {kind}, got {one.dtype}")
    if tuple(one.shape) != shape:
        raise ValueError(f"{name} must be {shape}, got shape {tuple(one.shape)}")
    if one.device != values.device:
        raise ValueError(f"{name} must be on the device of values, {values.device}, got {one.device}")
