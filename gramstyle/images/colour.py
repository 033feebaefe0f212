"""Conversion of stored colours to sRGB."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from gramstyle.images.icc import matrix_profile
from gramstyle.images.samples import Samples, Space, unit

_PROFILE_SPACES: dict[str, Space] = {"GRAY": "grey", "RGB": "rgb", "CMYK": "cmyk"}
_MODES: dict[Space, str] = {"grey": "L", "rgb": "RGB", "cmyk": "CMYK"}


def to_srgb(samples: Samples) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Colours of `samples` as sRGB (H, W, 3) in [0, 1], and notes on how.

    An embedded ICC profile is followed with the relative colorimetric intent and black point
    compensation: colours inside sRGB stay what they are, colours outside are clipped. Curves and
    matrices are evaluated in floating point, tables by LittleCMS in 8 bits. A profile that is
    broken, or made for other channels than these, is left aside, and a note says so. Without
    one, grey and RGB are taken to be sRGB-encoded, CMYK to be ideal inks.

    Raises:
        ValueError: if float samples are not in [0, 1].
        TypeError: if the samples are signed integers.
    """
    if samples.profile is None:
        return _without_profile(samples)
    try:
        name, space = _describe(samples.profile)
        values = samples.values
        if space == "rgb" and samples.space == "grey":  # grey JPEGs often keep their RGB profile
            values = np.repeat(values, 3, axis=-1)
        elif space != samples.space:
            reason = f"it is for {space or 'other'} samples, these are {samples.space}"
            return _without_profile(samples, f"ICC profile '{name}' ignored: {reason}")
        return _with_profile(samples, values, space, name)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        return _without_profile(samples, f"broken ICC profile ignored ({error})")


def _describe(profile: bytes) -> tuple[str, Space | None]:
    """Name of an ICC profile and the kind of samples that it is for."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    name = ImageCms.getProfileDescription(opened).strip() or "unnamed"
    return name, _PROFILE_SPACES.get(opened.profile.xcolor_space.strip())


def _with_profile(
    samples: Samples, values: NDArray[Any], space: Space, name: str
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    note = f"converted from ICC profile '{name}'"
    profile = samples.profile or b""
    curves = matrix_profile(profile)
    if curves is None:
        reduced = "" if values.dtype == np.uint8 else ", in 8 bits because it is made of tables"
        return _by_tables(profile, values, space), (note + reduced,)
    if curves.is_srgb():
        return _without_profile(samples)
    return _three(curves.to_srgb(values)), (note,)


def _without_profile(samples: Samples, *notes: str) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    values = unit(samples.values)
    if samples.space != "cmyk":
        return _three(values), notes
    ink = 1 - values
    return ink[..., :3] * ink[..., 3:], (*notes, "CMYK converted without a profile")


def _by_tables(profile: bytes, values: NDArray[Any], space: Space) -> NDArray[np.float32]:
    """Convert through LittleCMS, in 8 bits."""
    eight = values if values.dtype == np.uint8 else np.rint(unit(values) * 255).astype(np.uint8)
    height, width = values.shape[:2]
    source = Image.frombytes(_MODES[space], (width, height), np.ascontiguousarray(eight).tobytes())
    converted = ImageCms.profileToProfile(
        source,
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        outputMode="RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return unit(np.asarray(converted))


def _three(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, 1 | 3) -> (H, W, 3)."""
    return np.repeat(values, 3, axis=-1) if values.shape[-1] == 1 else values
