"""The table of diagnostics."""

from __future__ import annotations

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import shapes
from gramstyle.diagnose.channel_rows import CORRELATION, ENERGY, SPECTRUM
from gramstyle.diagnose.diagnostic import Diagnostic
from gramstyle.diagnose.sample import FeatureSample, ImageSample, MomentSample
from gramstyle.diagnose.value_rows import ACTIVATION, IMAGES, NOISE

DIAGNOSTICS: dict[str, Diagnostic] = {
    one.name: one for one in (*CORRELATION, *SPECTRUM, *ACTIVATION, *ENERGY, *NOISE, *IMAGES)
}
"""Name -> diagnostic, in the order of listings."""

PER_IMAGE = tuple(name for name, one in DIAGNOSTICS.items() if one.level != "images")
"""Those that `diagnose_features` gives."""

OF_MOMENTS = tuple(name for name, one in DIAGNOSTICS.items() if one.level in ("moments", "gram"))
"""Those that `diagnose_moments` gives."""

OF_IMAGES = tuple(name for name, one in DIAGNOSTICS.items() if one.level == "images")
"""Those that `diagnose_images` gives."""


def diagnose_features(features: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
    """Every diagnostic of single images, sharing what they have in common.

    Args:
        features: of one tap, (B, C, H, W).
        generator: for the two nulls, on the cpu.

    Returns:
        Name, in the order of `PER_IMAGE`, -> (B,) float64; NaN where a diagnostic is not defined.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else, or it is not finite.
    """
    sample = FeatureSample.of(check.finite(check.feature_map(features), "features"), generator)
    return {name: DIAGNOSTICS[name].function(sample) for name in PER_IMAGE}


def diagnose_moments(covariance: Tensor, mean: Tensor, positions: int) -> dict[str, Tensor]:
    """Every diagnostic that needs no more than moments, such as those pooled over images.

    Args:
        covariance: (B, C, C), divided by the number of positions.
        mean: (B, C).
        positions: how many positions they are of.

    Returns:
        Name, in the order of `OF_MOMENTS`, -> (B,) float64; NaN where a diagnostic is not defined.

    Raises:
        TypeError: if a moment is not a floating-point tensor.
        ValueError: if their shapes do not fit, they are not finite, or `positions` is not positive.
    """
    S, mu = shapes.moments(covariance, mean)
    check.positive("positions", positions)
    sample = MomentSample(
        covariance=check.finite(S, "covariance"), mean=check.finite(mu, "mean"), positions=positions
    )
    return {name: DIAGNOSTICS[name].function(sample) for name in OF_MOMENTS}


def diagnose_images(energies: Tensor, kernel: Tensor) -> dict[str, Tensor]:
    """Every diagnostic of how images differ.

    Args:
        energies: diagonals of N Gram matrices, (N, C).
        kernel: inner products of the Gram matrices, (N, N).

    Returns:
        Name, in the order of `OF_IMAGES`, -> scalar float64; NaN for a single image.

    Raises:
        TypeError: if one is not a floating-point tensor.
        ValueError: if their shapes do not fit.
    """
    E = shapes.vectors("energies", energies)
    if kernel.shape != (len(E), len(E)):
        raise ValueError(
            f"kernel must be (N, N) = ({len(E)}, {len(E)}), one row per row of energies, got shape "
            f"{tuple(kernel.shape)}"
        )
    sample = ImageSample(energies=E, kernel=shapes.floating("kernel", kernel).double())
    return {name: DIAGNOSTICS[name].function(sample) for name in OF_IMAGES}
