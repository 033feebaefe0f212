"""Images written to files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.files import replacing
from gramstyle.images.shapes import check_pixels

Bits: TypeAlias = Literal[8, 16]

QUALITY = 95
"""Of JPEG and WebP; colours are not subsampled."""

KEYWORD = "gramstyle"
"""Name under which words about an image are kept in it, where the format has names."""

_DESCRIPTION = 0x010E  # ImageDescription of TIFF and EXIF
_EIGHT = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"}
_SIXTEEN = {".png", ".tif", ".tiff"}


def check_saveable(path: str | PathLike[str], bits: Bits = 8) -> None:
    """Raise `StyleError` unless an image can be written to a file of that name, so deep."""
    if bits not in (8, 16):
        raise StyleError(f"bits must be 8 or 16, got {bits}")
    suffix = Path(path).suffix.lower()
    known = _EIGHT if bits == 8 else _SIXTEEN
    if suffix not in known:
        raise StyleError(
            f"an image of {bits} bits must be written to a file that ends in {', '.join(sorted(known))}; "
            f"got {Path(path).name}"
        )


def save_image(
    path: str | PathLike[str],
    pixels: Tensor,
    *,
    alpha: Tensor | None = None,
    bits: Bits = 8,
    about: str = "",
) -> None:
    """Write an image with an sRGB profile, whole or not at all.

    Args:
        path: .png, .jpg, .webp or .tif.
        pixels: sRGB-encoded in [0, 1], (3, H, W); values outside are clipped.
        alpha: coverage in [0, 1], (H, W); JPEG has none.
        bits: per channel, 8, or 16 for .png and .tif.
        about: kept in the file: a text chunk of PNG, the image description of TIFF and EXIF. EXIF is ASCII,
            and other characters are escaped there.

    Raises:
        StyleError: for a format that does not exist, or does not hold what it is given.
        TypeError, ValueError: as for other pixels.
        OSError: if the file cannot be written.
    """
    check_saveable(path, bits)
    check_pixels("pixels", pixels)
    suffix = Path(path).suffix.lower()
    if alpha is not None and suffix in (".jpg", ".jpeg"):
        raise StyleError(f"JPEG has no transparency: write {Path(path).stem}.png instead")
    values = levels(pixels, alpha, bits)
    with replacing(path) as temporary:
        if suffix in (".tif", ".tiff"):
            _write_tiff(temporary, values, about)
        elif bits == 16:
            temporary.write_bytes(_png_16(values, about))
        else:
            Image.fromarray(values).save(temporary, **_options(suffix, about))


def srgb_profile() -> bytes:
    """An ICC profile of sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def levels(pixels: Tensor, alpha: Tensor | None, bits: Bits) -> NDArray[Any]:
    """Pixels (3, H, W) and alpha (H, W) in [0, 1] as (H, W, 3 or 4), rounded to the nearest level."""
    channels = [*pixels.detach().cpu().double()]
    if alpha is not None:
        channels.append(alpha.detach().cpu().double())
    top = 2**bits - 1
    values = np.stack([one.numpy() for one in channels], axis=-1).clip(0, 1) * top
    return np.ascontiguousarray(np.rint(values).astype(np.uint8 if bits == 8 else np.uint16))


def _options(suffix: str, about: str) -> Mapping[str, Any]:
    """What Pillow is told."""
    profile = srgb_profile()
    if suffix == ".png":
        words = PngInfo()
        if about:
            words.add_itxt(KEYWORD, about)
        return {"icc_profile": profile, "pnginfo": words}
    exif = Image.Exif()
    if about:
        exif[_DESCRIPTION] = about.encode("ascii", "backslashreplace").decode()
    found: dict[str, Any] = {"icc_profile": profile, "quality": QUALITY, "exif": exif.tobytes()}
    if suffix != ".webp":
        found["subsampling"] = 0
    return found


def _write_tiff(path: Path, values: NDArray[Any], about: str) -> None:
    import tifffile

    extra = ["unassalpha"] if values.shape[2] == 4 else None
    tifffile.imwrite(
        path,
        values,
        photometric="rgb",
        extrasamples=extra,
        compression="zlib",
        predictor=True,
        iccprofile=srgb_profile(),
        description=about.encode() if about else None,
        metadata=None,
    )


def _png_16(values: NDArray[np.uint16], about: str) -> bytes:
    """What Pillow does not write: ISO/IEC 15948, 16 bits, types 2 and 6, each row minus the one above."""
    height, width, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, -1)
    above = np.zeros_like(rows)
    above[1:] = rows[:-1]
    filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = 2  # filter "up"
    filtered[:, 1:] = rows - above
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"iCCP", b"sRGB\0\0" + zlib.compress(srgb_profile()))]
    if about:
        chunks.append((b"iTXt", KEYWORD.encode() + b"\0\1\0\0\0" + zlib.compress(about.encode())))
    chunks += [(b"IDAT", zlib.compress(filtered.tobytes(), 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
