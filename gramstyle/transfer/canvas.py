"""The image that is optimised, and the numbers that stand for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor

from gramstyle.numerics import safe_sqrt


class Parameterization(Enum):
    """What the optimiser's numbers are.

    * ``pixels``: sRGB values themselves.
    * ``fourier``: the spectrum of decorrelated colours, scaled by the inverse of its frequency, behind a
      sigmoid: a step changes all frequencies of a natural image alike, and high ones are not favoured.
      Mordvintsev et al. 2018 (Differentiable Image Parameterizations), Olah et al. 2017 (Feature
      Visualization), with lucid's numbers.
    """

    PIXELS = "pixels"
    FOURIER = "fourier"


PARAMETERIZATIONS = {one.value: one for one in Parameterization}
"""Name -> parameterisation."""

COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""Square root of the covariance of colours of ImageNet, as lucid has it; columns are directions."""

EDGE = 1e-3
"""How near to 0 and 1 a pixel may lie when it passes the inverse of a sigmoid."""


class Canvas(ABC):
    """An image as a tensor of numbers that an optimiser may change.

    Attributes:
        numbers: the leaf that is optimised.
        size: (H, W) of the image.
    """

    def __init__(self, numbers: Tensor, size: tuple[int, int]) -> None:
        self.numbers = numbers.detach().clone().requires_grad_()
        self.size = size

    @abstractmethod
    def image(self) -> Tensor:
        """(1, 3, H, W), differentiable with respect to `numbers`."""

    @abstractmethod
    def resized(self, moment: Tensor, size: tuple[int, int], *, positive: bool) -> Tensor:
        """A tensor beside `numbers`, such as an optimiser's average of gradients, for an image of `size`."""

    def constrain(self) -> None:
        """Bring `numbers` back to where the image is one, if they can leave it; called after each step."""
        return


class Pixels(Canvas):
    """See `Parameterization`.

    Args:
        image: to begin with, (1, 3, H, W).
        clamp: whether pixels are held within [0, 1].
    """

    def __init__(self, image: Tensor, *, clamp: bool = True) -> None:
        super().__init__(image, (image.shape[2], image.shape[3]))
        self.clamp = clamp

    def image(self) -> Tensor:
        """The numbers."""
        return self.numbers

    @torch.no_grad()
    def constrain(self) -> None:
        """Clamp to [0, 1]."""
        if self.clamp:
            self.numbers.clamp_(0, 1)

    def resized(self, moment: Tensor, size: tuple[int, int], *, positive: bool) -> Tensor:
        """By bicubic interpolation; where it must stay positive, bilinear."""
        mode = "bilinear" if positive else "bicubic"
        made = F.interpolate(moment, size=size, mode=mode, align_corners=False)
        return made.clamp_min(0) if positive else made


class Fourier(Canvas):
    """See `Parameterization`.

    Args:
        image: to begin with, (1, 3, H, W) in [0, 1]; values are kept `EDGE` away from 0 and 1.
    """

    def __init__(self, image: Tensor) -> None:
        size = image.shape[2], image.shape[3]
        self._colours = _colour_root(image)
        self._scale = _frequency_scale(size, image)
        inside = image.detach().clamp(EDGE, 1 - EDGE).logit()
        apart = torch.einsum("dc,bchw->bdhw", torch.linalg.inv(self._colours), inside)
        spectrum = torch.fft.rfft2(apart, norm="ortho") / self._scale
        super().__init__(torch.view_as_real(spectrum), size)

    def image(self) -> Tensor:
        """Spectrum -> decorrelated colours -> sRGB."""
        spectrum = torch.view_as_complex(self.numbers) * self._scale
        apart = torch.fft.irfft2(spectrum, s=self.size, norm="ortho")
        return torch.einsum("dc,bchw->bdhw", self._colours, apart).sigmoid()

    def resized(self, moment: Tensor, size: tuple[int, int], *, positive: bool) -> Tensor:
        """Frequencies that both sizes have keep their value; new ones begin at 0."""
        height, width = size[0], size[1] // 2 + 1
        made = moment.new_zeros(*moment.shape[:2], height, width, 2)
        rows, columns = min(height, moment.shape[2]), min(width, moment.shape[3])
        top, bottom = (rows + 1) // 2, rows // 2  # frequencies from 0 up, and the negative ones
        made[:, :, :top, :columns] = moment[:, :, :top, :columns]
        if bottom:
            made[:, :, -bottom:, :columns] = moment[:, :, -bottom:, :columns]
        return made


def canvas_of(image: Tensor, kind: Parameterization, *, clamp: bool) -> Canvas:
    """A canvas that shows `image` (1, 3, H, W)."""
    return Fourier(image) if kind is Parameterization.FOURIER else Pixels(image, clamp=clamp)


def _colour_root(like: Tensor) -> Tensor:
    """`COLOURS`, scaled so that its longest column has length 1, as lucid does."""
    root = like.new_tensor(COLOURS)
    return root / safe_sqrt(root.square().sum(0)).max()


def _frequency_scale(size: tuple[int, int], like: Tensor) -> Tensor:
    """Inverse frequency in cycles per pixel, (H, W // 2 + 1), bounded at the lowest one there is."""
    rows = torch.fft.fftfreq(size[0], device=like.device, dtype=like.dtype)[:, None]
    columns = torch.fft.rfftfreq(size[1], device=like.device, dtype=like.dtype)[None]
    return 1 / (rows.square() + columns.square()).sqrt().clamp_min(1 / max(size))
