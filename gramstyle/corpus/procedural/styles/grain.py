"""Styles that lay noise over a picture."""

from __future__ import annotations

from numpy.random import Generator

from gramstyle.corpus.procedural.flow import along, flow
from gramstyle.corpus.procedural.noise import FINEST, noise
from gramstyle.corpus.procedural.raster import Field, blur

STRENGTH = 0.19
"""Standard deviation of the noise; that of the picture is about 0.2."""


def pink_noise(tone: Field, draw: Generator) -> Field:
    """Noise whose power falls as 1 / f, in waves of 28 units to 2."""
    return tone + STRENGTH * noise(draw, tone.shape[0], 28, FINEST, 0.5)


def band_noise(tone: Field, draw: Generator) -> Field:
    """Noise of one octave, in waves of 7 units to 3.5."""
    return tone + STRENGTH * noise(draw, tone.shape[0], 7, 3.5)


def flow_lines(tone: Field, draw: Generator) -> Field:
    """Noise drawn out along the forms."""
    angle = flow(tone, draw, 4.0)
    lines = along(noise(draw, tone.shape[0], 12, FINEST), angle, 12)
    return blur(tone, 1.0) + 0.26 * lines / lines.std()
