"""Blocks: values that are kept or lost together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from typing_extensions import Self

from gramstyle import check
from gramstyle.conv.sparse.csr import Csr, Order, check_rows, compressed, ends, order_of
from gramstyle.conv.sparse.kernel import (
    SparseKernel,
    check_tensor,
    checked_shape,
    checked_weight,
)
from gramstyle.errors import StyleError
from gramstyle.kernels import places_of

BLOCK = (16, 1, 1, 1)
"""Outputs, channels and taps of a block where none is named: 16 outputs that read one input."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Blocks(SparseKernel):
    """The blocks of a kernel that hold anything but zeros, each whole.

    Attributes:
        values: (blocks, outputs, channels, taps down, taps across), by row of blocks and column.
        columns: (blocks,) int32, into the blocks of C / groups x taps, ascending in each row.
        rows: (N / outputs + 1,) int32, where each row of blocks begins, and the end.
        shape: of the dense kernel.
    """

    layout = "blocks"
    columns: Tensor
    rows: Tensor

    def __post_init__(self) -> None:
        """Check that all of it fits together."""
        check.dense_numbers("values", self.values)
        checked_shape(self.shape)
        if self.values.ndim != 5:
            raise ValueError(
                "values must be (blocks, outputs, channels, taps down, taps across), "
                f"got shape {tuple(self.values.shape)}"
            )
        counts = _counts(self.shape, self.block)
        check_tensor("columns", self.columns, self.values, torch.int32, (len(self.values),))
        check_tensor("rows", self.rows, self.values, torch.int32, (counts[0] + 1,))
        check_rows(self.columns, self.rows, counts[1] * counts[2] * counts[3])

    @property
    def block(self) -> tuple[int, ...]:
        """Outputs, channels, taps down and across of a block."""
        return tuple(self.values.shape[1:])

    @classmethod
    def from_dense(cls, weight: Tensor, block: Sequence[int] = BLOCK) -> Self:
        """The blocks that hold anything but zeros, with gradients to `weight`.

        Args:
            weight: (N, C / groups, taps down, taps across).
            block: its sides, each a divisor of that of `weight`.

        Raises:
            TypeError, ValueError: if `weight` cannot be a kernel, or is not finite.
            StyleError: if blocks do not fit into it.
        """
        shape = checked_shape(tuple(checked_weight(weight).shape))
        counts = _counts(shape, tuple(block))
        split = [number for pair in zip(counts, block, strict=True) for number in pair]
        blocks = weight.reshape(split).permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(1, 3)  # (rows, columns, ...)
        kept = (blocks.detach() != 0).flatten(2).any(2)
        return cls(
            values=blocks[kept], columns=kept.nonzero()[:, 1].int(), rows=ends(kept.sum(1)), shape=shape
        )

    @cached_property
    def places(self) -> Tensor:
        """(nnz,), block by block."""
        counts = _counts(self.shape, self.block)
        all_places = torch.arange(torch.Size(self.shape).numel(), device=self.values.device)
        split = [number for pair in zip(counts, self.block, strict=True) for number in pair]
        blocks = all_places.reshape(split).permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(0, 3)
        return blocks[places_of(self.columns, self.rows, counts[1] * counts[2] * counts[3])].flatten()

    @cached_property
    def _order(self) -> Order:
        return order_of(self.places, self.shape)

    def csr(self) -> Csr:
        """In compressed rows, with the zeros of blocks."""
        return self.kept("csr", lambda: compressed(self.values, self._order, self.shape))


def _counts(shape: tuple[int, ...], block: tuple[int, ...]) -> tuple[int, ...]:
    """Blocks along each side."""
    if len(block) != 4 or any(one < 1 or side % one for one, side in zip(block, shape, strict=True)):
        raise StyleError(
            f"block must have four sides, each a divisor of the kernel's {shape}, got {block}: take another "
            "block, or layout csr, which needs none"
        )
    return tuple(side // one for one, side in zip(block, shape, strict=True))
