"""Compressed rows: any values of a kernel, each with its column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor
from typing_extensions import Self

from gramstyle import check
from gramstyle.conv.sparse.kernel import (
    Shape,
    SparseKernel,
    check_tensor,
    checked_shape,
    checked_weight,
)
from gramstyle.kernels import places_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Csr(SparseKernel):
    """Unstructured: a row for each output, of the values that are not zero and their columns.

    Attributes:
        values: (nnz,), by row and column.
        columns: (nnz,) int32, into C / groups x taps, ascending in each row.
        rows: (N + 1,) int32, where each row begins, and the end.
        shape: of the dense kernel.
    """

    layout = "csr"
    columns: Tensor
    rows: Tensor

    def __post_init__(self) -> None:
        """Check that all of it fits together."""
        check.dense_numbers("values", self.values)
        if self.values.ndim != 1:
            raise ValueError(f"values must be (nnz,), got shape {tuple(self.values.shape)}")
        checked_shape(self.shape)
        check_tensor("columns", self.columns, self.values, torch.int32, tuple(self.values.shape))
        check_tensor("rows", self.rows, self.values, torch.int32, (self.shape[0] + 1,))
        check_rows(self.columns, self.rows, self.width)

    @classmethod
    def from_dense(cls, weight: Tensor) -> Self:
        """What is not zero of a kernel, with gradients to it.

        Args:
            weight: (N, C / groups, taps down, taps across).

        Raises:
            TypeError, ValueError: if it cannot be a kernel, or is not finite.
        """
        flat = checked_weight(weight).flatten(1)
        kept = flat.detach() != 0
        return cls(
            values=flat[kept],
            columns=kept.nonzero()[:, 1].int(),
            rows=ends(kept.sum(1)),
            shape=checked_shape(tuple(weight.shape)),
        )

    @cached_property
    def places(self) -> Tensor:
        """(nnz,), ascending."""
        return places_of(self.columns, self.rows, self.width)

    def csr(self) -> Csr:
        """Itself."""
        return self


def ends(counts: Tensor) -> Tensor:
    """(K + 1,) int32: where each of K rows begins, and the end."""
    return torch.nn.functional.pad(counts.cumsum(0), (1, 0)).int()


class Order(NamedTuple):
    """How values are put into compressed rows: which goes where, and the columns and rows that this makes."""

    values: Tensor
    columns: Tensor
    rows: Tensor


def order_of(places: Tensor, shape: Shape) -> Order:
    """The order of values that lie at `places` of a dense kernel, flattened."""
    order, width = places.argsort(), shape[1] * shape[2] * shape[3]
    ascending = places[order]
    counts = torch.bincount(ascending // width, minlength=shape[0])
    return Order(order, (ascending % width).int(), ends(counts))


def compressed(values: Tensor, order: Order, shape: Shape) -> Csr:
    """Compressed rows of values in another order."""
    found = values.flatten()[order.values]
    return Csr(values=found, columns=order.columns, rows=order.rows, shape=shape)


def check_rows(columns: Tensor, rows: Tensor, width: int) -> None:
    """Whether rows are compressed as they should be.

    Raises:
        ValueError: for rows that do not ascend to the number of columns, and columns out of range, unsorted
            or doubled.
    """
    steps = rows.diff()
    if int(rows[0]) != 0 or int(rows[-1]) != len(columns) or bool((steps < 0).any()):
        raise ValueError(f"rows must ascend from 0 to the {len(columns)} columns, got {_some(rows)}")
    if not len(columns):
        return
    least, most = (int(one) for one in columns.aminmax())
    if least < 0 or most >= width:
        raise ValueError(f"columns must be from 0 to {width - 1}, got {least if least < 0 else most}")
    along = places_of(columns, rows, width).diff()
    if bool((along <= 0).any()):
        at = int((along <= 0).nonzero()[0])
        what = "doubled" if int(along[at]) == 0 else "unsorted"
        raise ValueError(
            f"columns must ascend within each row; they are {what} at {at}: "
            f"{int(columns[at])}, {int(columns[at + 1])}"
        )


def _some(x: Tensor) -> str:
    shown = ", ".join(str(int(one)) for one in x[:4])
    return f"[{shown}, ...]" if len(x) > 4 else f"[{shown}]"
