"""2:4: two of each four neighbouring channels, as tensor cores read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from typing_extensions import Self

from gramstyle import check
from gramstyle.conv.sparse.csr import Csr, Order, compressed, order_of
from gramstyle.conv.sparse.kernel import (
    SparseKernel,
    check_tensor,
    checked_shape,
    checked_weight,
)
from gramstyle.errors import StyleError


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoFour(SparseKernel):
    """Two values of each four neighbouring input channels, at each tap of each output.

    Mishra et al. 2021 (arXiv 2104.08378). Where fewer than two are not zero, zeros are stored.

    Attributes:
        values: (N, taps, C / groups / 4, 2).
        positions: uint8, of values from 0 to 3 among their four: 2 bits each, so a byte holds those of two
            fours, the first in its low bits. Of an odd number of fours the last byte is half empty.
        shape: of the dense kernel.
    """

    layout = "2:4"
    positions: Tensor

    def __post_init__(self) -> None:
        """Check that all of it fits together."""
        check.dense_numbers("values", self.values)
        outputs, channels, down, across = checked_shape(self.shape)
        _check_channels(channels)
        expected = (outputs, down * across, channels // 4, 2)
        if tuple(self.values.shape) != expected:
            raise ValueError(f"values must be {expected}, got shape {tuple(self.values.shape)}")
        fours = self.values.numel() // 2
        check_tensor("positions", self.positions, self.values, torch.uint8, ((fours + 1) // 2,))
        first, second = self._pairs.unbind(1)
        if bool((first >= second).any()):
            at = int((first >= second).nonzero()[0])
            raise ValueError(
                f"positions must ascend within each four; four {at} has {int(first[at])}, {int(second[at])}"
            )

    @classmethod
    def from_dense(cls, weight: Tensor) -> Self:
        """Two of each four channels of a kernel that has no more, with gradients to it.

        Args:
            weight: (N, C / groups, taps down, taps across).

        Raises:
            TypeError, ValueError: if it cannot be a kernel, is not finite, or four does not divide its
                channels.
            StyleError: if three of four channels are not zero; the message says where.
        """
        shape = checked_shape(tuple(checked_weight(weight).shape))
        _check_channels(shape[1])
        fours = weight.flatten(2).mT.unflatten(2, (-1, 4))  # (N, taps, C / 4, 4)
        kept = fours.detach() != 0
        counts = kept.sum(3)
        if bool((counts > 2).any()):
            n, tap, four = (int(one) for one in (counts > 2).nonzero()[0])
            raise StyleError(
                f"weight must have at most two of each four neighbouring channels that are not zero; output "
                f"{n} has {int(counts[n, tap, four])} of channels {4 * four} to {4 * four + 3} at tap "
                f"{tuple(divmod(tap, shape[3]))}: prune it first, or take layout csr"
            )
        pairs = kept.byte().argsort(dim=3, descending=True, stable=True)[..., :2].sort(3).values
        low, high = pairs.flatten(0, 2).unbind(1)
        nibbles = torch.nn.functional.pad(low | high << 2, (0, low.numel() % 2))
        positions = (nibbles[0::2] | nibbles[1::2] << 4).byte()
        return cls(values=fours.gather(3, pairs), positions=positions, shape=shape)

    @cached_property
    def _pairs(self) -> Tensor:
        """(fours, 2): the positions, unpacked."""
        each = self.positions[:, None] >> torch.tensor([0, 2, 4, 6], device=self.positions.device).byte()
        return (each & 3).reshape(-1, 2)[: self.values.numel() // 2].long()

    @cached_property
    def places(self) -> Tensor:
        """(nnz,), by output, tap and channel."""
        outputs, channels, down, across = self.shape
        count = torch.arange(outputs * channels * down * across, device=self.values.device)
        fours = count.reshape(outputs, channels, -1).mT.reshape(-1, 4)
        return fours.gather(1, self._pairs).flatten()

    @cached_property
    def _order(self) -> Order:
        return order_of(self.places, self.shape)

    def csr(self) -> Csr:
        """In compressed rows, with the zeros that fill fours."""
        return self.kept("csr", lambda: compressed(self.values, self._order, self.shape))


def _check_channels(channels: int) -> None:
    if channels % 4:
        raise ValueError(
            f"weight must have a multiple of 4 channels per group for layout 2:4, got {channels}: take "
            "layout csr or blocks"
        )
