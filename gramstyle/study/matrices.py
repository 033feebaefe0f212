"""From the moments of features to matrices of distances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.distance import csls, metric_named
from gramstyle.distance.pairwise import each_pairwise
from gramstyle.errors import StyleError
from gramstyle.gram import STATISTICS, Statistic, from_packed_moments, unpack
from gramstyle.study.arms import Reference, channel_arm
from gramstyle.study.collect import generator
from gramstyle.study.results import AS_IS, Condition
from gramstyle.study.sweep import CSLS

BLOCK_BYTES = 16 * 2**20
"""Memory of one block of unpacked float64 matrices."""

NEIGHBOURS = 10
"""Of CSLS, as Conneau et al. 2018 take them; all others where there are fewer."""


class Moments:
    """Covariances and means of N images at one tap.

    Args:
        covariance: packed triangles, (N, C (C + 1) / 2).
        mean: (N, C).
        positions: P of each image, or numbers in their proportion, (N,); what pooling weighs images by.
    """

    def __init__(self, covariance: Tensor, mean: Tensor, positions: Tensor) -> None:
        self.covariance, self.mean, self.positions = covariance, mean, positions

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def channels(self) -> int:
        """C."""
        return self.mean.shape[1]

    def blocks(self) -> Iterator[slice]:
        """Rows, so many at once as unpacked float64 covariances have room in `BLOCK_BYTES`."""
        step = max(1, BLOCK_BYTES // (8 * self.channels**2))
        for start in range(0, len(self), step):
            yield slice(start, min(start + step, len(self)))

    def pooled(self, rows: Sequence[int] | None = None) -> Reference:
        """Moments of all positions of all images together, or of those at `rows`.

        The covariance is the mean of the covariances plus that of the means.
        """
        weights = self.positions.double()
        if rows is not None:
            weights = torch.zeros_like(weights).index_copy(0, torch.tensor(rows), weights[list(rows)])
        weights = weights / weights.sum()
        mean = weights @ self.mean.double()
        about = self.mean.double() - mean
        within = torch.zeros(self.covariance.shape[1], dtype=torch.float64)
        for some in self.blocks():
            within += weights[some] @ self.covariance[some].double()
        return Reference(covariance=unpack(within) + about.mT @ (weights[:, None] * about), mean=mean)


def descriptors(
    moments: Moments, channels: str, statistic: Statistic, fit: Sequence[int], seed: int
) -> Tensor:
    """One statistic of every image after a channel arm, flattened, (N, D) float32.

    Args:
        moments: of N images.
        channels: name of a channel arm, or ``as-is``.
        statistic: what is kept.
        fit: rows of the development styles, from which arms are made.
        seed: of arms that are random.
    """
    if channels == AS_IS and statistic is Statistic.COVARIANCE:
        return moments.covariance
    make = _described(moments, channels, statistic, fit, seed)
    found = torch.empty(0)
    for rows in moments.blocks():
        some = make(moments.covariance[rows], moments.mean[rows])
        if rows.start == 0:  # filled and not joined: that would hold them twice
            found = some.new_empty(len(moments), some.shape[1], dtype=torch.float32)
        found[rows] = some
    return found


def _described(
    moments: Moments, channels: str, statistic: Statistic, fit: Sequence[int], seed: int
) -> Callable[[Tensor, Tensor], Tensor]:
    """Packed covariances and means of some images -> their statistic after a channel arm, flattened."""
    if channels == AS_IS:
        return lambda covariance, mean: from_packed_moments(covariance, mean, statistic).flatten(1)
    draw = generator(seed, channels, str(moments.channels))
    change = channel_arm(channels).build(moments.pooled(fit), draw)

    def changed(covariance: Tensor, mean: Tensor) -> Tensor:
        moved = change.packed_moments(covariance, mean)
        return from_packed_moments(*moved, statistic).flatten(1)

    return changed


def matrices(
    moments: Moments, wanted: Sequence[Condition], fit: Sequence[int], seed: int
) -> Iterator[tuple[Condition, NDArray[np.float64]]]:
    """Distances (N, N) of each of `wanted`, which differ in channels, statistic and metric only.

    Raises:
        StyleError: for a channel arm that cannot be made, because no channel varies.
    """

    def made_of(one: Condition) -> tuple[str, str]:
        return one.channels, one.statistic

    for (channels, statistic), group in groupby(sorted(wanted, key=made_of), key=made_of):
        kind, alike = STATISTICS[statistic], list(group)
        try:
            described = descriptors(moments, channels, kind, fit, seed)
        except ValueError as error:
            raise StyleError(f"{alike[0].network} at {alike[0].tap}, channels {channels}: {error}") from error
        plain = dict.fromkeys(one.metric.removesuffix(CSLS) for one in alike)
        found = each_pairwise(described, None, [metric_named(name) for name in plain], kind)
        for one in alike:
            distances = found[one.metric.removesuffix(CSLS)].cpu().numpy()
            if one.metric.endswith(CSLS):
                distances = csls(distances, min(NEIGHBOURS, len(distances) - 1))
            yield one, distances
