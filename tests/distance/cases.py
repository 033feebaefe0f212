"""Descriptors to compare, shared by the tests of this folder."""

import numpy as np
import torch

from gramstyle.distance import METRICS
from gramstyle.gram import gram

CASES = [(name, kind.value) for name, metric in METRICS.items() for kind in metric.statistics]
# Squares and cosines are none. |a - b| / (|a| + |b|) is one in a space with an inner product:
# Klamkin and Meir 1981, by Ptolemy's inequality.
TRIANGLE = (
    "relative-frobenius",
    "frobenius",
    "signed-sqrt",
    "matrix-sqrt",
    "log-euclidean",
    "wasserstein",
    "wasserstein-diagonal",
)


def features(seed, count, channels=4, side=6, rank=None):
    """Features (count, channels, side, side) of images that differ in mean, scale and mixing."""
    source = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    inner = channels if rank is None else rank
    raw = normal(count, inner, side * side) + normal(count, inner, 1)
    mixed = normal(count, channels, inner) @ raw
    return (mixed + 0.1 * normal(1, channels, 1)).unflatten(2, (side, side))


def descriptors(kind, seed, count, channels=4, side=6):
    return gram(features(seed, count, channels, side), statistic=kind)


def oracle_table(function, a, b):
    return np.array([[function(x, y) for y in b.numpy()] for x in a.numpy()])
