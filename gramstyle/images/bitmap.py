"""Samples of an image that Pillow has decoded, of all of it or of a rectangle."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageCms

from gramstyle.images.samples import Samples, Space

# Modes that Pillow must unfold first -> the mode it unfolds to, without and with transparency.
_UNFOLDED = {
    "1": ("1", "LA"),
    "L": ("L", "LA"),
    "La": ("LA", "LA"),
    "RGB": ("RGB", "RGBA"),
    "RGBa": ("RGBA", "RGBA"),
    "P": ("RGB", "RGBA"),
    "PA": ("RGBA", "RGBA"),
    "RGBX": ("RGB", "RGB"),
    "YCbCr": ("RGB", "RGB"),
    "HSV": ("RGB", "RGB"),
}
_SPACES: dict[str, tuple[Space, bool]] = {  # mode -> space, whether the last channel is alpha
    "1": ("grey", False),
    "L": ("grey", False),
    "F": ("grey", False),
    "LA": ("grey", True),
    "RGB": ("rgb", False),
    "RGBA": ("rgb", True),
    "CMYK": ("cmyk", False),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Bitmap:
    """A loaded Pillow image.

    Attributes:
        image: of any mode; of its rectangles, those of 8 bits per channel or fewer mean what they mean in it.
        profile: embedded ICC profile.
        orientation: EXIF orientation still to be undone, 1 to 8.
        notes: what was done to get here.
        remarks: what was not done.
    """

    image: Image.Image
    profile: bytes | None
    orientation: int
    notes: tuple[str, ...]
    remarks: tuple[str, ...]

    def samples(self, box: tuple[int, int, int, int] | None = None) -> Samples:
        """Samples of a rectangle (left, top, right, bottom) as stored, or of all of it."""
        return self.described(_unfolded(self.image if box is None else self.image.crop(box)))

    def described(self, found: Samples) -> Samples:
        """`found` in this image, with all that is known of it."""
        return replace(
            found,
            profile=self.profile,
            orientation=self.orientation,
            notes=self.notes + found.notes + self.remarks,
        )


def _unfolded(image: Image.Image) -> Samples:
    """Samples of a loaded image, as Pillow has them."""
    if image.mode.startswith("I"):
        return _integers(image)
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        rgb = ImageCms.profileToProfile(image, lab, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return Samples(values=np.asarray(rgb), space="rgb", notes=("converted from CIELAB",))
    mode = _UNFOLDED.get(image.mode, (image.mode, image.mode))[image.has_transparency_data]
    if mode not in _SPACES:
        raise ValueError(f"Pillow mode {image.mode} cannot be read: convert it to RGB")
    space, has_alpha = _SPACES[mode]
    values = np.asarray(image.convert(mode) if mode != image.mode else image)
    values = values[..., None] if values.ndim == 2 else values
    if has_alpha:
        return Samples(values=values[..., :-1], space=space, alpha=values[..., -1])
    notes = ("32-bit float, taken as sRGB-encoded",) if mode == "F" else ()
    return Samples(values=values, space=space, notes=notes)


def _integers(image: Image.Image) -> Samples:
    """Grey of more than 8 bits."""
    if image.mode == "I" and image.format != "PPM":  # which Pillow scales to 16 bits
        raise ValueError("32-bit integers have no known white: convert to 16 bits or to floats in [0, 1]")
    values = np.asarray(image).astype(np.uint16)  # of native byte order
    return Samples(values=values[..., None], space="grey", notes=("16-bit",))
