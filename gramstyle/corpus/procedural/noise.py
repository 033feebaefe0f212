"""Noise and scattered points."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gramstyle.corpus.procedural.raster import SIDE, Field

FINEST = 2.0
"""Shortest wave of any noise, in units: what a sheet of `SIDE` pixels can show."""


def noise(draw: Generator, size: int, longest: float, shortest: float, fall: float = 0.0) -> Field:
    """Periodic Gaussian noise of mean 0 and variance 1, (size, size).

    The coefficients are drawn for `SIDE` x `SIDE` frequencies whatever the size, so that a larger
    sheet shows the same noise in higher resolution.

    Args:
        draw: where the coefficients come from.
        size: pixels on a side, `SIDE` or more.
        longest: longest wave, in units.
        shortest: shortest wave, in units.
        fall: amplitude falls as frequency ** -fall; with 0.5 power falls as 1 / f, which is pink.
    """
    half = SIDE // 2
    drawn = draw.standard_normal((2, SIDE, half + 1), dtype=np.float32)
    rows = np.fft.fftfreq(SIDE, 1 / SIDE).astype(int)
    frequency = np.hypot(rows[:, None], np.arange(half + 1)[None])
    kept = (frequency >= SIDE / longest) & (frequency <= min(SIDE / shortest, half - 1))
    amplitude = kept * np.maximum(frequency, 1) ** -fall
    spectrum = np.zeros((size, size // 2 + 1), dtype=np.complex64)
    spectrum[rows, : half + 1] = (drawn[0] + 1j * drawn[1]) * amplitude
    shift = np.pi / size  # half a pixel: values are those at pixel centres
    spectrum *= np.exp(1j * shift * np.arange(size // 2 + 1))[None]
    spectrum *= np.exp(1j * shift * np.fft.fftfreq(size, 1 / size))[:, None]
    field = np.fft.irfft2(spectrum, s=(size, size))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def smooth_noise(draw: Generator, size: int, shortest: float) -> Field:
    """Noise of mean 0 and variance 1 without waves shorter than `shortest` units, strong in long ones."""
    return noise(draw, size, SIDE, shortest, 1.0)


def grain(draw: Generator, size: int) -> Field:
    """The grain of paper: noise of mean 0 and variance 1 with waves of 2.5 to 20 units."""
    return noise(draw, size, 20, 2.5, 0.3)


def scattered(draw: Generator, period: float, jitter: float = 0.5) -> NDArray[np.float64]:
    """Points of a square lattice, each displaced by up to `jitter` periods; they reach beyond the sheet.

    Returns:
        (N, 2), in units.
    """
    line = np.arange(-1, np.ceil(SIDE / period) + 2)
    lattice = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    shift = draw.uniform(-0.5, 0.5, 2)
    return (lattice + shift + draw.uniform(-jitter, jitter, lattice.shape)) * period
