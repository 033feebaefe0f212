"""Colours as a press or printer reproduces them."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from PIL import Image, ImageCms
from torch import Tensor

from gramstyle import check
from gramstyle.errors import ImageError, StyleError
from gramstyle.images.picture import Picture
from gramstyle.images.save import levels
from gramstyle.images.shapes import check_pixels
from gramstyle.images.stored import file_bytes

ProofIntent: TypeAlias = Literal["relative", "perceptual"]
INTENTS: tuple[ProofIntent, ...] = get_args(ProofIntent)

_THERE = {
    "relative": ImageCms.Intent.RELATIVE_COLORIMETRIC,
    "perceptual": ImageCms.Intent.PERCEPTUAL,
}
_MODES = {"CMYK": "CMYK", "RGB": "RGB", "GRAY": "L"}
_CLASSES = ("prtr", "mntr", "spac")  # ICC.1:2022, 7.2.5: output, display, colour space
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION | ImageCms.Flags.NOOPTIMIZE


class SoftProof:
    """Colours as a device reproduces them, in sRGB: what it cannot reproduce becomes what it can.

    sRGB goes to the device with `intent` and back with the relative colorimetric one, both with black point
    compensation (ISO 18619): white stays white, black stays about black, and colours that the device has stay
    what they are, so that a proof that is printed with these settings changes no more, but for rounding and
    what the profile's tables do. `buildProofTransform` would not do: LittleCMS then compensates on the way
    there alone (`cmsCreateProofingTransformTHR`, cmsxform.c): blacks become the grey of ink, and in print a
    paler one.

    LittleCMS evaluates profiles as they are, without the coarser tables that it makes of them by default.
    Pillow hands it 8 bits: pixels, device colours and results are rounded to these, by half a level each.

    Args:
        profile: path of an ICC profile of an output device, display or colour space, for CMYK, RGB or grey,
            that converts both ways.
        intent: ``relative`` keeps colours that the device has and clips others to these; ``perceptual``
            moves all of them, as the profile's maker chose, so that vivid ones stay apart.

    Raises:
        ImageError: if the file cannot be read; the message names it.
        StyleError: if it is no such profile.
        UnknownNameError: for another intent.
    """

    def __init__(self, profile: str | os.PathLike[str], intent: ProofIntent = "relative") -> None:
        check.name_in("intent", intent, INTENTS)
        self.path, self.intent = os.fspath(profile), intent
        device = _opened(self.path)
        self.name = (device.profile.profile_description or "").strip() or "unnamed"
        mode, srgb = _mode(self.path, device), ImageCms.createProfile("sRGB")
        try:
            self._there = ImageCms.buildTransform(srgb, device, "RGB", mode, _THERE[intent], _FLAGS)
            self._back = ImageCms.buildTransform(device, srgb, mode, "RGB", _THERE["relative"], _FLAGS)
        except ImageCms.PyCMSError as error:
            raise StyleError(
                f"proof must be an ICC profile that converts to its device and back, and {self.path!r} does "
                "not: tables (A2B and B2A) or curves and matrix are missing or damaged. Give the profile of "
                "a press, printer or display"
            ) from error

    def __call__(self, pixels: Tensor) -> Tensor:
        """An image as the device reproduces it.

        Args:
            pixels: sRGB-encoded in [0, 1], (3, H, W); values outside are clipped.

        Returns:
            The same shape, dtype and device, of 8 bits; no gradient flows through.

        Raises:
            TypeError, ValueError: for other pixels.
        """
        check_pixels("pixels", pixels)
        if pixels.ndim != 3:
            raise ValueError(f"pixels must be (3, H, W), got shape {tuple(pixels.shape)}")
        check.finite(pixels, "pixels")
        printed = self._there.apply(Image.fromarray(levels(pixels, None, 8)))
        seen = np.asarray(self._back.apply(printed))  # (H, W, 3)
        return torch.from_numpy(seen.transpose(2, 0, 1).copy()).to(pixels) / 255

    def of(self, picture: Picture) -> Picture:
        """A picture as the device reproduces it; a note says so."""
        note = f"proofed with ICC profile '{self.name}', {self.intent}"
        return replace(picture, pixels=self(picture.pixels), notes=(*picture.notes, note))


def _opened(path: str) -> ImageCms.ImageCmsProfile:
    if Path(path).is_dir():
        raise ImageError(f"cannot read {path!r}: proof must be an ICC profile, this is a folder")
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(file_bytes(path)))
    except ImageError:
        raise
    except OSError as error:
        raise StyleError(f"proof must be an ICC profile (.icc, .icm), and {path!r} is none") from error


def _mode(path: str, device: ImageCms.ImageCmsProfile) -> str:
    """Of Pillow's images in the device's colours.

    Raises:
        StyleError: if there is none, or the profile is of no device.
    """
    kind, space = device.profile.device_class.strip(), device.profile.xcolor_space.strip()
    if kind not in _CLASSES:
        raise StyleError(
            f"proof must be the ICC profile of a press, printer or display; {path!r} is of class {kind!r}, "
            "not prtr, mntr or spac"
        )
    if space not in _MODES:
        raise StyleError(
            f"proof must be an ICC profile of CMYK, RGB or GRAY colours; those of {path!r} are {space}"
        )
    return _MODES[space]
