"""Corpora of Gaussian descriptors with effects of known size."""

from __future__ import annotations

import numpy as np

from gramstyle.study.labels import Labels


def euclidean(points):
    """Distances of every point to every other, (N, D) -> (N, N)."""
    products = points @ points.T
    squares = np.diag(products)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * products, 0))
    np.fill_diagonal(distances, 0)
    return (distances + distances.T) / 2


def corpus(draw, styles, sources, images=1, dims=6, style=0.0, source=0.0):
    """Distances and labels: styles, each of some sources, each of some images.

    Styles lie `style` standard deviations of an image apart in each dimension, sources `source`.
    """
    points = (
        style * draw.standard_normal((styles, 1, 1, dims))
        + source * draw.standard_normal((styles, sources, 1, dims))
        + draw.standard_normal((styles, sources, images, dims))
    )
    names = [(f"s{s}", f"s{s} u{u}") for s in range(styles) for u in range(sources) for _ in range(images)]
    labels = Labels(styles=[one for one, _ in names], sources=[one for _, one in names])
    return euclidean(points.reshape(-1, dims)), labels


def random_matrix(draw, size, levels=None):
    """A symmetric matrix that is no metric; of few different values where `levels` is given."""
    upper = draw.random((size, size)) if levels is None else draw.integers(0, levels, (size, size))
    upper = np.triu(upper, 1).astype(float)
    return upper + upper.T


def principal_axes(matrix):
    """Coordinates on every axis (N, K), and 1 for real axes, -1 for imaginary ones (Gower 1966)."""
    size = len(matrix)
    centring = np.eye(size) - 1 / size
    values, vectors = np.linalg.eigh(-0.5 * centring @ matrix**2 @ centring)
    return vectors * np.sqrt(np.abs(values)), np.sign(values)
