"""Tones: of a content before a style renders it, and of what the style made of it."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gramstyle.corpus.procedural.raster import Field

MEAN, DEVIATION = 0.52, 0.23
"""What the tones of a content are brought to, nearly, before a style sees them."""

TIES = 1e-5
"""Standard deviation of what is added to break ties, as a share of that of the tones."""


def balanced(tone: Field) -> Field:
    """A content's tones at `MEAN` and `DEVIATION`, then bent to stay within 0 and 1, which takes some."""
    centred = (tone - tone.mean()) / max(float(tone.std()), 1e-6)
    return (0.5 + 0.5 * np.tanh(2 * (MEAN - 0.5 + DEVIATION * centred))).astype(np.float32)


def evened(field: Field, draw: Generator) -> NDArray[np.float64]:
    """Tones in the order of `field`, each of (k + 1/2) / P for k = 0 .. P - 1 once; P pixels.

    Exact histogram specification (Coltuc, Bolon and Chassery 2006) to the uniform distribution.
    Every image of a size then has the same tones, and under one palette the same colours, in
    another arrangement: mean, deviation and every other statistic of single pixels tell nothing
    of style or content. Pixels of equal value, rare by the making of the styles, are put in
    random order.
    """
    values = field.ravel() + TIES * float(field.std()) * draw.standard_normal(field.size)
    tones = np.empty(field.size)
    tones[np.argsort(values, kind="stable")] = (np.arange(field.size) + 0.5) / field.size
    return tones.reshape(field.shape)
