"""Exponential averages of the iterates of an optimisation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class Average:
    """``m <- d m + (1 - d) x``, divided by ``1 - d^n`` after n values, so that early ones do not count as 0.

    Adam's correction of Kingma and Ba 2015, applied to the iterate itself, as in
    crowsonkb/style-transfer-pytorch.

    Args:
        decay: d, from 0 (the last value) to below 1.
    """

    def __init__(self, decay: float) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, got {decay}")
        self.decay = decay
        self._sum: Tensor | None = None
        self._left = 1.0  # d^n

    def add(self, value: Tensor) -> None:
        """One more value."""
        value = value.detach()
        self._left *= self.decay
        if self.decay == 0:
            self._sum = value.clone()
        elif self._sum is None:
            self._sum = value * (1 - self.decay)
        else:
            self._sum.mul_(self.decay).add_(value, alpha=1 - self.decay)

    @property
    def value(self) -> Tensor:
        """The average.

        Raises:
            RuntimeError: before the first value.
        """
        if self._sum is None:
            raise RuntimeError("an average of no values: call add first")
        return self._sum / (1 - self._left)

    def state(self) -> dict[str, Tensor]:
        """What `restore` goes on from."""
        if self._sum is None:
            return {}
        return {"sum": self._sum, "left": torch.tensor(self._left, dtype=torch.float64)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`."""
        if not state:
            self._sum, self._left = None, 1.0
            return
        self._sum, self._left = state["sum"].clone(), float(state["left"])
