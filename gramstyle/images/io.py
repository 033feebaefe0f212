"""The one door through which images come in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gramstyle.images.arrays import from_numpy, from_tensor
from gramstyle.images.decode import upright_size
from gramstyle.images.picture import Picture, composited, developed
from gramstyle.images.samples import MAX_PIXELS
from gramstyle.images.stored import file_bytes, reading, stored_file, stored_pillow

ImageSource: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[Any] | Tensor
"""What `read_image` reads."""

WHITE = (1.0, 1.0, 1.0)


def read_image(
    source: ImageSource,
    *,
    name: str | None = None,
    background: Sequence[float] = WHITE,
    max_pixels: int = MAX_PIXELS,
) -> Picture:
    """Read an image as sRGB, upright, without transparency.

    Files are turned by their EXIF orientation, converted from their ICC profile (relative
    colorimetric, black point compensation) and composited on `background`; 16-bit PNG and TIFF
    keep their depth; of several frames the first is read. Each of these leaves a note. Arrays
    and tensors are taken to be sRGB already; gradients flow through tensors, which may share
    their memory with the picture, and nothing else does.

    Args:
        source: path of a file; Pillow image; NumPy array (H, W) or (H, W, C); tensor (C, H, W).
            C is 1 for grey, 2 for grey and alpha, 3 for RGB, 4 for RGB and alpha. Arrays hold
            uint8, uint16, bool, or floats in [0, 1]; floats that leave it by at most 0.001 are
            clamped, with a note.
        name: of the picture, instead of the path, "array", "tensor" or "image".
        background: sRGB colour in [0, 1] under transparent pixels. Compositing is done on
            encoded values, as browsers do.
        max_pixels: a file or Pillow image that claims more is refused before it is decoded.

    Raises:
        ImageError: if a file or Pillow image cannot be read; the message names it and says why.
        TypeError: if `source` is nothing of the above, or an array of another type.
        ValueError: if an array has another shape or other values, or an option is no colour or
            no number of pixels.
    """
    colour = check_options(background, max_pixels)
    if isinstance(source, Tensor):
        return _from_tensor(source, "tensor" if name is None else name, colour)
    if isinstance(source, np.ndarray):
        return _from_tensor(from_numpy(source), "array" if name is None else name, colour)
    if isinstance(source, Image.Image):
        called = pillow_name(source) if name is None else name
        stored = stored_pillow(source, called, max_pixels)
        with reading(f"the Pillow image {called!r}"):
            return developed(stored, called, colour)
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        stored = stored_file(path, max_pixels)
        with reading(repr(path)):
            return developed(stored, path if name is None else name, colour)
    raise TypeError(
        "source must be a path, a Pillow image, a NumPy array or a torch.Tensor, "
        f"got {type(source).__name__}: read bytes with PIL.Image.open(io.BytesIO(data))"
    )


def load_image(
    source: ImageSource, *, background: Sequence[float] = WHITE, max_pixels: int = MAX_PIXELS
) -> Tensor:
    """The pixels of `read_image`: sRGB in [0, 1], float32, (3, H, W)."""
    return read_image(source, background=background, max_pixels=max_pixels).pixels


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of an image file as `read_image` gives them: upright, by EXIF orientation.

    The header tells for the formats in common use; any other file is decoded.

    Raises:
        ImageError: if the file cannot be read; a file that is damaged after its header is not noticed.
    """
    size = upright_size(file_bytes(os.fspath(path)))
    if size is None:
        picture = read_image(path)
        return picture.height, picture.width
    return size


def pillow_name(image: Image.Image) -> str:
    """The file that a Pillow image came from, or "image"."""
    return str(getattr(image, "filename", "")) or "image"


def check_options(background: Sequence[float], max_pixels: int) -> tuple[float, float, float]:
    """Return `background` as a colour.

    Raises:
        ValueError: if it is none, or `max_pixels` is no number of pixels.
    """
    if not isinstance(max_pixels, int) or max_pixels < 1:
        raise ValueError(f"max_pixels must be a whole number greater than 0, got {max_pixels!r}")
    try:
        red, green, blue = (float(value) for value in background)
    except (TypeError, ValueError):
        raise ValueError(f"background must be three numbers in [0, 1], got {background!r}") from None
    if not all(0 <= value <= 1 for value in (red, green, blue)):
        remedy = ": divide by 255" if all(0 <= value <= 255 for value in (red, green, blue)) else ""
        raise ValueError(f"background must be three numbers in [0, 1], got {background!r}{remedy}")
    return red, green, blue


def _from_tensor(tensor: Tensor, name: str, background: tuple[float, float, float]) -> Picture:
    pixels, alpha, notes = from_tensor(tensor)
    return composited(pixels, alpha, name, notes, background)
