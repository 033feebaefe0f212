"""The one door through which images come in."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from gramstyle.errors import ImageError
from gramstyle.images.arrays import from_numpy, from_tensor
from gramstyle.images.colour import to_srgb
from gramstyle.images.decode import decode, from_pillow, upright_size
from gramstyle.images.orientation import note, upright
from gramstyle.images.quiet import quiet
from gramstyle.images.samples import MAX_PIXELS, Samples, clamp_note, unit

ImageSource: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[Any] | Tensor
"""What `read_image` reads."""

WHITE = (1.0, 1.0, 1.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """An image and what was done to get it.

    Attributes:
        pixels: sRGB-encoded RGB in [0, 1], float32, (3, H, W).
        alpha: coverage in [0, 1], float32, (H, W), or None if the source had none. `pixels` are
            already composited by it.
        name: the path as given, or "array", "tensor", "image".
        notes: every choice made while reading, in words.
    """

    pixels: Tensor = field(repr=False)
    alpha: Tensor | None = field(repr=False)
    name: str
    notes: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """H."""
        return self.pixels.shape[1]

    @property
    def width(self) -> int:
        """W."""
        return self.pixels.shape[2]


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
    colour = _background(background)
    if not isinstance(max_pixels, int) or max_pixels < 1:
        raise ValueError(f"max_pixels must be a whole number greater than 0, got {max_pixels!r}")
    if isinstance(source, Tensor):
        return _from_tensor(source, "tensor" if name is None else name, colour)
    if isinstance(source, np.ndarray):
        return _from_tensor(from_numpy(source), "array" if name is None else name, colour)
    if isinstance(source, Image.Image):
        return _from_pillow(source, name, colour, max_pixels)
    if isinstance(source, (str, os.PathLike)):
        return _from_file(os.fspath(source), name, colour, max_pixels)
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


def _background(background: Sequence[float]) -> tuple[float, float, float]:
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
    return _composited(pixels, alpha, name, notes, background)


def _from_file(
    path: str, name: str | None, background: tuple[float, float, float], max_pixels: int
) -> Picture:
    data = file_bytes(path)
    try:
        return _developed(decode(data, max_pixels), path if name is None else name, background)
    except Exception as error:  # decoders meet hostile bytes with every class there is
        raise ImageError(f"cannot read {path!r}: {_reason(error)}") from error


def _from_pillow(
    image: Image.Image, name: str | None, background: tuple[float, float, float], max_pixels: int
) -> Picture:
    called = (str(getattr(image, "filename", "")) or "image") if name is None else name
    try:
        with quiet():
            return _developed(from_pillow(image, max_pixels), called, background)
    except Exception as error:  # an image opened lazily is decoded here
        raise ImageError(f"cannot read the Pillow image {called!r}: {_reason(error)}") from error


def file_bytes(path: str) -> bytes:
    """Contents of the file of an image.

    Raises:
        ImageError: if there are none; the message names it and says why.
    """
    try:
        kind = Path(path).stat().st_mode
        if stat.S_ISDIR(kind):
            raise ImageError(f"cannot read {path!r}: it is a folder, use find_images to list its images")
        if not stat.S_ISREG(kind) and not stat.S_ISFIFO(kind):
            raise ImageError(f"cannot read {path!r}: it is a device or socket, not a file")
        data = Path(path).read_bytes()
    except ImageError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ImageError(f"cannot read {path!r}: {_file_reason(path, error)}") from error
    if not data:
        raise ImageError(f"cannot read {path!r}: the file is empty (0 bytes)")
    return data


def _file_reason(path: str, error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    if error.errno == errno.ENOENT:
        if "://" in path:
            return "no such file; addresses are not fetched, download it first"
        return "it is a link to a missing file" if Path(path).is_symlink() else "no such file"
    return (error.strerror or str(error)).lower()


def _reason(error: Exception) -> str:
    """What an error says, on one line; its class if it says nothing."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, (ValueError, OSError, SyntaxError, ImportError)) and text:
        return text
    return f"damaged, {type(error).__name__}: {text}" if text else f"damaged, {type(error).__name__}"


def _developed(samples: Samples, name: str, background: tuple[float, float, float]) -> Picture:
    """Samples -> colours -> upright -> composited."""
    notes = samples.notes + note(samples.orientation)
    if samples.values.dtype.kind == "f" and samples.values.size:
        notes += clamp_note(float(samples.values.min()), float(samples.values.max()))
    colours, said = to_srgb(samples)  # (H, W, 3)
    pixels = _tensor(upright(colours, samples.orientation).transpose(2, 0, 1))
    alpha = None if samples.alpha is None else _tensor(upright(unit(samples.alpha), samples.orientation))
    return _composited(pixels, alpha, name, notes + said, background)


def _tensor(values: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.array(values, order="C", copy=True))


def _composited(
    colours: Tensor,
    alpha: Tensor | None,
    name: str,
    notes: tuple[str, ...],
    background: tuple[float, float, float],
) -> Picture:
    """Put colours (3, H, W) on the background where alpha (H, W) is less than 1."""
    if alpha is None:
        return Picture(pixels=colours, alpha=None, name=name, notes=notes)
    if bool((alpha < 1).any()):
        under = torch.tensor(background, dtype=colours.dtype, device=colours.device)[:, None, None]
        colours = colours * alpha + under * (1 - alpha)
        known = {(1.0, 1.0, 1.0): "white", (0.0, 0.0, 0.0): "black"}
        notes += (f"alpha composited on {known.get(background, background)} in encoded sRGB",)
    return Picture(pixels=colours, alpha=alpha, name=name, notes=notes)
