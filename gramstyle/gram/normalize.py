"""Normalisations of a Gram matrix, as published."""

from __future__ import annotations

from enum import Enum

from torch import Tensor


class Norm(Enum):
    """What the sum over positions, ``F F'`` with F (C, P), is divided by.

    Published under these names (file and commit of each system in docs/formulas.md):

    * ``none``: ``F F'``. Gatys et al. 2016, CVPR, eq. 3 (its loss divides by ``4 C^2 P^2``); piq.
    * ``positions``: ``F F' / P``, the raw second moment. Gatys' PyTorch code, pystiche, pastiche.
      The only one that depends neither on the size of the image nor on the number of channels.
    * ``channels``: ``F F' / C``. The VGG Gram baseline of Somepalli et al. 2024 (CSD).
    * ``elements``: ``F F' / (C P)``. Johnson et al. 2016, eq. 3; jcjohnson/neural-style.
    """

    NONE = "none"
    POSITIONS = "positions"
    CHANNELS = "channels"
    ELEMENTS = "elements"

    def divisor(self, channels: int, positions: Tensor) -> Tensor:
        """The divisor for C `channels` and P `positions` (B,), which may be a sum of weights."""
        if self is Norm.NONE:
            return positions.new_ones(positions.shape)
        if self is Norm.CHANNELS:
            return positions.new_full(positions.shape, float(channels))
        return positions if self is Norm.POSITIONS else positions * channels


NORMS = {one.value: one for one in Norm}
"""Name -> normalisation."""
