"""Bootstrap resamples of styles and sources, shared by all matrices of a study."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gramstyle import check
from gramstyle.study.labels import Labels

BLOCK_BYTES = 32 * 2**20
"""Memory of one block of intermediate float64 values."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Resamples:
    """How often each image, and each pair of sources of one style, is in each resample.

    A pair of images of two styles weighs the product of the images' counts. A pair of one style
    weighs sum over copies k of c_ik c_jk, c being how often its sources were drawn in the k-th
    copy of that style: pairs across two copies of one style are in no resample, because the copies
    stand for two styles and the pair would be a near one among far ones. Two images of one source
    (the crop protocol) are a pair once for each copy of it. No image is a pair with its duplicate.

    Attributes:
        images: (draws, N).
        source: unit of each image, (N,).
        slots: column of `together` for two sources of one style, -1 for two of different styles,
            (U, U).
        together: (draws, Q), Q pairs of sources of one style, a source with itself included.
    """

    images: NDArray[np.uint16]
    source: NDArray[np.intp]
    slots: NDArray[np.intp]
    together: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.images)

    def slots_of(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.intp]:
        """Columns of `together` for pairs of images, (P,) each; -1 where they are of two styles."""
        return self.slots[self.source[first], self.source[second]]

    def sums(
        self, first: NDArray[np.intp], second: NDArray[np.intp], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Weighted sums over pairs of images, without a table of pairs by draws.

        Args:
            first: rows of images, (P,).
            second: likewise.
            values: K numbers per pair, (K, P).

        Returns:
            (draws, K).
        """
        slots, size = self.slots_of(first, second), self.images.shape[1]
        same = slots >= 0
        apart = np.zeros((len(values), size, size))
        apart[:, first[~same], second[~same]] = values[:, ~same]
        alike = np.stack(
            [np.bincount(slots[same], one[same], minlength=self.together.shape[1]) for one in values], axis=1
        )  # (Q, K)
        total = np.empty((len(self), len(values)))
        for rows in blocks(len(self), self.together.shape[1] + size):
            counts = self.images[rows].astype(np.float64)
            total[rows] = self.together[rows].astype(np.float64) @ alike
            for column, one in enumerate(apart):
                total[rows, column] += np.einsum("bi,bi->b", counts @ one, counts)
        return total


def draw_resamples(labels: Labels, draws: int = 2000, seed: int = 0) -> Resamples:
    """Draw styles with replacement, and the sources of each drawn style with replacement.

    A drawn source brings all its images; a style of one source keeps them all, so under the crop
    protocol the source image is the unit. As many styles, and as many sources of a style, are drawn
    as there are. Multi-stage resampling of nested data: Davison and Hinkley 1997, section 3.8.

    Args:
        labels: of the N images.
        draws: how many resamples, B.
        seed: of the draw; the same labels and seed give the same resamples.

    Raises:
        ValueError: if `draws` is not positive.
    """
    check.positive("draws", draws)
    generator = np.random.default_rng(seed)
    units, styles = labels.style_of_source, len(labels.style)
    sources = np.zeros((draws, len(units)), dtype=np.uint16)
    slots, columns = _slots(units)
    # A source is drawn more than 30 times with probability below 1e-30, so that 16 bits suffice.
    together = np.zeros((draws, columns), dtype=np.uint16)
    copies = generator.multinomial(styles, np.full(styles, 1 / styles), size=draws)  # (B, S)
    for style in range(styles):
        mine = np.flatnonzero(units == style)
        one, other = np.triu_indices(len(mine))
        place = slots[mine[one], mine[other]]
        for copy in range(int(copies[:, style].max())):
            drawn = np.flatnonzero(copies[:, style] > copy)
            count = generator.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=len(drawn))
            sources[np.ix_(drawn, mine)] += count.astype(np.uint16)
            for rows in blocks(len(drawn), 2 * len(place)):
                both = count[rows][:, one] * np.where(one == other, 1, count[rows][:, other])
                together[drawn[rows, None], place] += both.astype(np.uint16)
    return Resamples(
        images=sources[:, labels.source.codes], source=labels.source.codes, slots=slots, together=together
    )


def blocks(count: int, width: int) -> Iterator[slice]:
    """Rows of blocks of float64 rows of `width` that are about `BLOCK_BYTES` each."""
    step = max(1, BLOCK_BYTES // max(1, 8 * width))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _slots(units: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
    """A number for each unordered pair of units of one style, -1 elsewhere, (U, U); how many there are."""
    first, second = np.triu_indices(len(units))
    same = units[first] == units[second]
    slots = np.full((len(units), len(units)), -1, dtype=np.intp)
    slots[first[same], second[same]] = slots[second[same], first[same]] = np.arange(same.sum())
    return slots, int(same.sum())
