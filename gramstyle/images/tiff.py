"""TIFF samples of more than 8 bits, which Pillow would reduce or refuse."""

from __future__ import annotations

import io
import logging
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gramstyle.images import orientation
from gramstyle.images.samples import Samples, Space, check_size, unit

if TYPE_CHECKING:
    import tifffile

_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NATIVE = "<" if sys.byteorder == "little" else ">"
_ORIENTATION, _PROFILE = 274, 34675
_ASSOCIATED, _UNASSOCIATED = 1, 2  # ExtraSamples: premultiplied or plain alpha
_CHANNELS: dict[str, tuple[Space, int]] = {
    "MINISBLACK": ("grey", 1),
    "MINISWHITE": ("grey", 1),
    "RGB": ("rgb", 3),
    "SEPARATED": ("cmyk", 4),
}


def is_tiff(data: bytes) -> bool:
    """Whether these are the bytes of a TIFF or BigTIFF."""
    return data.startswith(_SIGNATURES)


def read(data: bytes, max_pixels: int) -> Samples | str | None:
    """Samples of the first page of a TIFF of more than 8 bits.

    Returns:
        The samples; or why they cannot be had at full depth; or None if the file holds 8 bits
        or fewer, or is so damaged that only Pillow can say what is wrong with it.

    Raises:
        ValueError: if the image is too large, its kind of sample has no known white, or its
            pixels are damaged.
    """
    import tifffile

    _silence()
    try:
        file = tifffile.TiffFile(io.BytesIO(data))
        page = file.pages.first
        bits = page.bitspersample
    except Exception:  # tifffile meets damage with many classes; Pillow's turn
        return None
    with file:
        if not isinstance(page, tifffile.TiffPage) or not isinstance(bits, int) or bits <= 8:
            return None
        check_size(page.imagewidth, page.imagelength, max_pixels)
        values = _pixels(page)
        return values if isinstance(values, str) else _page_samples(page, values, _pages(file))


def mapped(path: str, max_pixels: int) -> Samples | None:
    """Samples of the first page of a TIFF file, left in the file.

    Returns:
        What `read`, or Pillow for 8 bits, would give; None where samples do not lie in the file as they
        are: in one piece, uncompressed, 8 or 16 bits, grey or RGB, without alpha.

    Raises:
        ValueError: if the image is too large.
    """
    import tifffile

    _silence()
    try:
        file = tifffile.TiffFile(path)
    except Exception:  # tifffile meets damage with many classes; whoever decodes it says what is wrong
        return None
    with file:
        try:
            page = file.pages.first
            if not isinstance(page, tifffile.TiffPage) or not _is_plain(page):
                return None
            values = page.asarray(out="memmap")
        except Exception:  # as above; also a file that ends too early
            return None
        check_size(page.imagewidth, page.imagelength, max_pixels)
        return _page_samples(page, values if values.ndim == 3 else values[..., None], _pages(file))


def _is_plain(page: tifffile.TiffPage) -> bool:
    colour = {("RGB", 3), ("MINISBLACK", 1)}
    return (
        page.is_memmappable
        and page.bitspersample in (8, 16)
        and page.dtype in (np.uint8, np.uint16)
        and (page.bitspersample == 8 or page.parent.byteorder == _NATIVE)
        and (getattr(page.photometric, "name", ""), page.samplesperpixel) in colour
        and page.axes in ("YX", "YXS")
        and not page.extrasamples
    )


def _silence() -> None:
    """Keep what tifffile logs about damaged files from standard error."""
    logger = logging.getLogger("tifffile")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _pages(file: tifffile.TiffFile) -> int:
    """Number of pages that can be walked to."""
    try:
        return len(file.pages)
    except Exception:  # as above; the first page is all that is needed
        return 1


def _pixels(page: tifffile.TiffPage) -> NDArray[Any] | str:
    """Pixels (H, W, C) of a page in native byte order, or why they cannot be had."""
    try:
        values = np.asarray(page.asarray())
    except (ValueError, KeyError, ImportError) as error:
        if "imagecodecs" in str(error):
            return f"tifffile: {str(error).strip(chr(34))}"
        raise
    if page.axes == "SYX":  # planar
        values = np.moveaxis(values, 0, -1)
    elif page.axes == "YX":
        values = values[..., None]
    elif page.axes != "YXS":
        raise ValueError(f"a TIFF page with axes {page.axes} is not one image")
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _page_samples(page: tifffile.TiffPage, values: NDArray[Any], pages: int) -> Samples:
    """Interpret the channels of a page."""
    photometric = getattr(page.photometric, "name", str(page.photometric))
    if photometric not in _CHANNELS:
        raise ValueError(
            f"a TIFF with {page.bitspersample} bits of {photometric} cannot be read: convert it to RGB"
        )
    space, count = _CHANNELS[photometric]
    if values.shape[-1] < count:
        raise ValueError(f"a {photometric} TIFF must have {count} channels, got {values.shape[-1]}")
    notes: tuple[str, ...] = (f"first of {pages} frames",) if pages > 1 else ()
    depth = f"{page.bitspersample}-bit"
    if page.bitspersample != 8:
        notes += (f"{depth} float, taken as sRGB-encoded" if values.dtype.kind == "f" else depth,)
    values, alpha = _widen(values, page.bitspersample), None
    extra = [int(kind) for kind in page.extrasamples]
    if extra and extra[0] in (_ASSOCIATED, _UNASSOCIATED) and values.shape[-1] > count:
        alpha = values[..., count]
    colours = values[..., :count]
    if photometric == "MINISWHITE":
        colours = 1 - unit(colours)
    if alpha is not None and extra[0] == _ASSOCIATED:
        colours, alpha = _unpremultiplied(unit(colours), unit(alpha)), unit(alpha)
    profile = page.tags.valueof(_PROFILE)
    return Samples(
        values=colours,
        space=space,
        alpha=alpha,
        profile=profile if isinstance(profile, bytes) else None,
        orientation=orientation.valid(page.tags.valueof(_ORIENTATION, 1)),
        notes=notes,
    )


def _widen(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Integers of fewer bits than their type become floats, so that full scale is 1."""
    if values.dtype.kind != "u" or bits == 8 * values.dtype.itemsize:
        return values
    return values.astype(np.float32) / np.float32((1 << bits) - 1)


def _unpremultiplied(colours: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours (H, W, C) divided by alpha (H, W); 0 where nothing is covered."""
    covered = np.where(alpha > 0, alpha, 1)[..., None]
    return np.minimum(np.where(alpha[..., None] > 0, colours / covered, 0), 1).astype(np.float32)
