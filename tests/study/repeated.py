"""How often each pair of images is in each resample."""

from __future__ import annotations

import numpy as np


def weights(resamples, first, second):
    """(draws, P) weights of pairs, one pair after another."""
    columns = []
    for i, j in zip(first, second, strict=True):
        slot = resamples.slots[resamples.source[i], resamples.source[j]]
        counts = resamples.images[:, i].astype(int) * resamples.images[:, j]
        columns.append(counts if slot < 0 else resamples.together[:, slot].astype(int))
    return np.stack(columns, axis=1)
