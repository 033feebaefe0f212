"""A bank of complex Gabor filters at several scales: features without weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gramstyle import check
from gramstyle.conv import conv2d
from gramstyle.numerics import safe_sqrt

COLOURS = 3
PARTS = 3
"""Of a band: the real part, the imaginary part, the amplitude."""

OPPONENT = ((1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (1.0, 1.0, -2.0))
"""Brightness, red against green, yellow against blue; divided by their lengths, an orthonormal basis."""

BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)
"""Sixteenths along each axis: the low-pass filter of Burt and Adelson 1983 with a = 3/8."""

ONE = 2**24
"""What 1 is in kernels, which are whole numbers: they are the same, and sum to 0, in every type of float."""

ROUNDING = 1 / 255 / math.sqrt(12)
"""Amplitude below which bands are not compressed: the standard deviation of the rounding of 8-bit images."""


@dataclass(frozen=True, kw_only=True)
class Bank:
    """What defines a bank.

    Attributes:
        scales: octaves; the image is halved between two.
        orientations: K of them, spread evenly over half a turn.
        wavelength: of a filter, in positions of its scale; more than 2.
        bandwidth: of a filter at half height, in octaves.
        reach: positions from the middle of a kernel to its end.

    Raises:
        ValueError: for numbers out of range.
    """

    scales: int = 5
    orientations: int = 4
    wavelength: float = 3.0
    bandwidth: float = 1.0
    reach: int = 5

    def __post_init__(self) -> None:
        for name in ("scales", "orientations", "reach"):
            check.positive(name, getattr(self, name))
        if not self.wavelength > 2:
            raise ValueError(f"wavelength must be more than 2 positions, got {self.wavelength}")
        if not self.bandwidth > 0:
            raise ValueError(f"bandwidth must be more than 0 octaves, got {self.bandwidth}")

    @property
    def sigma(self) -> float:
        """Standard deviation of the Gaussian, in positions.

        The transfer function is one half at two frequencies that lie `bandwidth` octaves apart.
        """
        wide = 2**self.bandwidth
        return self.wavelength / math.pi * math.sqrt(math.log(2) / 2) * (wide + 1) / (wide - 1)

    def channels(self, scale: int) -> int:
        """C at a scale, counted from 1: bands of its own, and the amplitudes of every finer scale."""
        return COLOURS * self.orientations * (PARTS + scale - 1)


GABOR_1 = Bank()
"""The bank behind ``filterbank@gabor-1``. Other numbers would have another name."""


def gabor(bank: Bank) -> Tensor:
    """Kernels (K, side, side), complex, in multiples of 1 / `ONE`, on the cpu.

    ``2 g(k) (exp(-i w.k) - m)`` with a round Gaussian g of sum 1 (Daugman 1985), and m so that the kernel
    sums to 0. The wave vector w of orientation j points ``pi j / K`` from the axis of columns towards that of
    rows, so that a grating ``a cos(w.p + phase)`` gives about ``a exp(i (w.p + phase))``.
    """
    at = torch.arange(-bank.reach, bank.reach + 1, dtype=torch.float64, device="cpu")
    window = torch.exp(-(at[:, None] ** 2 + at**2) / (2 * bank.sigma**2))
    window = window / window.sum()
    found = []
    for orientation in range(bank.orientations):
        angle = math.pi * orientation / bank.orientations
        along = at * math.cos(angle) + at[:, None] * math.sin(angle)
        turns = -2 * math.pi / bank.wavelength * along
        real, imaginary = 2 * window * turns.cos(), 2 * window * turns.sin()
        real = ((real - window * real.sum()) * ONE).round()
        real[bank.reach, bank.reach] -= real.sum()  # what rounding left
        found.append(torch.complex(real, (imaginary * ONE).round()))
    return torch.stack(found)


class OrientedBands(nn.Module):
    """Complex bands of each colour, compressed: real parts, imaginary parts, amplitudes.

    A band z becomes ``y = z / (|z|^2 + e^2)^(1/4)`` with e of `ROUNDING`: the square root of its amplitude,
    and its phase; ``|y|`` is the amplitude. Gradients are finite, and 0 for ``|y|`` where z is 0. It runs in
    float32 at least, because spectra of half precision do not exist on every device.

    Args:
        bank: of which the kernels are.
    """

    def __init__(self, bank: Bank) -> None:
        super().__init__()
        self.reach = bank.reach
        kernels = gabor(bank)[:, None]
        self.register_buffer("real", kernels.real.to(torch.int32))
        self.register_buffer("imaginary", kernels.imag.to(torch.int32))

    real: Tensor
    imaginary: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3 C K, H, W) of `x` (B, C, H, W), whose outermost positions go on outside."""
        return self.unpadded(F.pad(x, (self.reach,) * 4, mode="replicate"))

    def unpadded(self, x: Tensor) -> Tensor:
        """Of `x`, which comes with all that its windows read: nothing is added."""
        z = self.bands(x)
        square = z.real.square() + z.imag.square()
        root = (square + ROUNDING**2) ** 0.25
        return torch.cat((z.real / root, z.imag / root, safe_sqrt(square) / root), 1).to(x.dtype)

    def bands(self, x: Tensor) -> Tensor:
        """Complex responses (B, C K, H', W') of `x` (B, C, H, W), without padding and compression."""
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        kernels = torch.complex(self.real.to(wide.dtype), self.imaginary.to(wide.dtype)) / ONE
        alone = wide.reshape(-1, 1, *x.shape[2:])  # each colour is an image
        z = conv2d(alone.to(kernels.dtype), kernels, algorithm="fft")
        return z.reshape(x.shape[0], -1, *z.shape[2:])


class Scale(nn.Module):
    """What is read at one scale: its own bands, and the amplitudes of finer scales at these positions.

    Args:
        bank: of which the kernels are.
    """

    def __init__(self, bank: Bank) -> None:
        super().__init__()
        self.bands = OrientedBands(bank)

    def forward(self, x: Tensor, finer: Tensor | None = None) -> Tensor:
        """(B, C, H, W) of colours `x` (B, 3, H, W) and amplitudes `finer` of the same size."""
        own: Tensor = self.bands(x)
        return own if finer is None else torch.cat((own, finer), 1)


class FilterBank(nn.Module):
    """Taps ``scale1`` to ``scaleN``, at 1/1, 1/2, ... of the resolution, and the low-pass ``residual``.

    Opponent colours go down a pyramid of binomial filters (Burt and Adelson 1983), and through the filters
    at each scale. The amplitudes found go down with them, so that Gram matrices hold products of amplitudes
    across scales, and of amplitudes with the phase of coarser bands: docs/formulas.md.

    Args:
        bank: its numbers.
    """

    def __init__(self, bank: Bank = GABOR_1) -> None:
        super().__init__()
        self.bank = bank
        opponent = torch.tensor(OPPONENT, dtype=torch.float64, device="cpu")
        opponent = opponent / opponent.norm(dim=1, keepdim=True)
        self.colour = nn.Conv2d(COLOURS, COLOURS, 1, bias=False, device="cpu")
        self.colour.weight = nn.Parameter(opponent[:, :, None, None].float())
        self.scales = nn.ModuleList(Scale(bank) for _ in range(bank.scales))
        widths = [COLOURS * bank.orientations * scale for scale in range(1, bank.scales)]
        self.halved = nn.ModuleList(_lowpass(COLOURS, 2) for _ in widths)
        self.pooled = nn.ModuleList(_lowpass(width, 2) for width in widths)
        self.residual = _lowpass(COLOURS, 1)
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Tap -> features (B, C, H, W) of `images` (B, 3, H, W), sRGB in [0, 1]."""
        first = (PARTS - 1) * COLOURS * self.bank.orientations  # channel of the first amplitude
        x, finer = self.colour(images), None
        found: dict[str, Tensor] = {}
        for index, scale in enumerate(self.scales):
            if index:
                finer = self.pooled[index - 1](found[f"scale{index}"][:, first:])
                x = self.halved[index - 1](x)
            found[f"scale{index + 1}"] = scale(x, finer)
        found["residual"] = self.residual(x)
        return found


def _lowpass(channels: int, stride: int) -> nn.Conv2d:
    """A binomial filter of each channel by itself; its coefficients are exact in every type of float."""
    line = torch.tensor(BINOMIAL, device="cpu") / sum(BINOMIAL)
    conv = nn.Conv2d(
        channels, channels, 5, stride, 2, groups=channels, bias=False, padding_mode="replicate", device="cpu"
    )
    conv.weight = nn.Parameter((line[:, None] * line).expand(channels, 1, 5, 5).contiguous())
    return conv
