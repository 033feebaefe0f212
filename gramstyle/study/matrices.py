"""From the moments of features to matrices of distances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gramstyle.distance import csls, metric_named
from gramstyle.distance.pairwise import each_pairwise
from gramstyle.gram import STATISTICS, Statistic, from_moments, from_packed_moments, pack, unpack
from gramstyle.study.arms import Reference, channel_arm
from gramstyle.study.collect import generator
from gramstyle.study.results import AS_IS, Condition
from gramstyle.study.sweep import CSLS

BLOCK_BYTES = 128 * 2**20
"""Memory of one block of unpacked float64 matrices."""


class Moments:
    """Covariances and means of N images at one tap.

    Args:
        covariance: packed triangles, (N, C (C + 1) / 2).
        mean: (N, C).
        positions: P of each image, (N,); what pooling weighs images by.
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
        chosen = torch.arange(len(self)) if rows is None else torch.as_tensor(list(rows))
        weights = self.positions[chosen].double()
        weights = weights / weights.sum()
        mean = weights @ self.mean[chosen].double()
        about = self.mean[chosen].double() - mean
        within = unpack((weights.to(self.covariance.dtype) @ self.covariance[chosen]).double())
        return Reference(covariance=within + about.mT @ (weights[:, None] * about), mean=mean)


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
    if channels == AS_IS:
        made = [
            from_packed_moments(moments.covariance[rows], moments.mean[rows], statistic).flatten(1)
            for rows in moments.blocks()
        ]
        return torch.cat(made)
    change = channel_arm(channels).build(
        moments.pooled(fit), generator(seed, channels, str(moments.channels))
    )
    made = []
    for rows in moments.blocks():
        covariance, mean = change.moments(
            unpack(moments.covariance[rows].double()), moments.mean[rows].double()
        )
        value = from_moments(covariance, mean, statistic)
        made.append((pack(value) if statistic.is_matrix else value.flatten(1)).float())
    return torch.cat(made)


def matrices(
    moments: Moments, wanted: Sequence[Condition], fit: Sequence[int], seed: int
) -> Iterator[tuple[Condition, NDArray[np.float64]]]:
    """Distances (N, N) of each of `wanted`, which differ in channels, statistic and metric only."""

    def made_of(one: Condition) -> tuple[str, str]:
        return one.channels, one.statistic

    for (channels, statistic), group in groupby(sorted(wanted, key=made_of), key=made_of):
        kind = STATISTICS[statistic]
        described = descriptors(moments, channels, kind, fit, seed)
        alike = list(group)
        plain = dict.fromkeys(one.metric.removesuffix(CSLS) for one in alike)
        found = each_pairwise(described, None, [metric_named(name) for name in plain], kind)
        for one in alike:
            distances = found[one.metric.removesuffix(CSLS)].cpu().numpy()
            yield one, csls(distances) if one.metric.endswith(CSLS) else distances
