"""Decoding of image files through Pillow."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageFile

from gramstyle.images import orientation, png, tiff
from gramstyle.images.bitmap import Bitmap
from gramstyle.images.quiet import quiet
from gramstyle.images.samples import Samples, check_size

_ORIENTATION = 0x0112

# Stubs without a decoder, and EPS and WMF, which hand the file to another program.
_UNREADABLE = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})

# Formats whose header gives the size that decoding will give. Not among them are those that hold
# several sizes to choose from (ICO, ICNS) and those that nobody has checked.
_SIZED = frozenset({"AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"})
_WIDTH, _LENGTH = 256, 257


def readable_extensions() -> frozenset[str]:
    """Extensions of the formats that can be read, lower case, each with its dot."""
    extensions = Image.registered_extensions()
    readable = {ext for ext, form in extensions.items() if form in Image.OPEN and form not in _UNREADABLE}
    return frozenset(readable | {".tif", ".tiff"})


def decode(data: bytes, max_pixels: int) -> Samples | Bitmap:
    """The first image in the bytes of a file, whole or as a bitmap that gives rectangles too.

    16-bit PNG and TIFF of more than 8 bits keep their depth; 16-bit colour in any other format
    is read at Pillow's 8 bits.

    Raises:
        Exception: of whatever class the decoder chose, if the bytes cannot be decoded. The
            door in `gramstyle.images.io` turns it into an `ImageError`.
    """
    with quiet():
        if not tiff.is_tiff(data):
            return from_pillow(_open(data), max_pixels, data)
        found = tiff.read(data, max_pixels)
        if isinstance(found, Samples):
            return found
        if found is None:
            return from_pillow(_open(data), max_pixels)
        try:
            return from_pillow(_open(data), max_pixels, reason=found)
        except Exception as error:  # two decoders failed: say both
            raise ValueError(f"{error}; {found}") from error


def upright_size(data: bytes) -> tuple[int, int] | None:
    """Height and width that the first image in the bytes of a file has once it stands upright.

    Only the header is read; None where that is not enough, or is damaged.
    """
    with quiet():
        try:
            image = _open(data)
            if image.format not in _SIZED or (image.format == "PNG" and not png.described_first(data)):
                return None
            turned = _orientation(image, Image.Image.getexif) in (5, 6, 7, 8)  # that of PNG decodes
        except Exception:  # decoding will say what is wrong with the file
            return None
    width, height = image.size
    if image.format == "TIFF":  # releases of Pillow differ in whether the size is already turned
        tags = getattr(image, "tag_v2", {})
        if _WIDTH not in tags or _LENGTH not in tags:
            return None
        width, height = tags[_WIDTH], tags[_LENGTH]
    return (width, height) if turned else (height, width)


def from_pillow(image: Image.Image, max_pixels: int, data: bytes = b"", reason: str = "") -> Samples | Bitmap:
    """An open Pillow image, read at the frame where it stands.

    Args:
        image: loaded or not.
        max_pixels: most pixels that it may claim.
        data: bytes of its file, where known.
        reason: why no other decoder than Pillow could take it, for the note on lost depth.

    Returns:
        The bitmap, or samples where a rectangle cut out by Pillow would not mean what it means in the whole.
    """
    check_size(*image.size, max_pixels)
    lossy = _loses_depth(image)  # before anything below makes Pillow load it
    notes = _frames(image)
    before = _orientation(image)
    image.load()
    after = _orientation(image)  # Pillow turns TIFFs itself when it loads them
    if before != after:
        notes += orientation.note(before)
    deep = png.is_16_bit(data)
    if lossy and not deep:
        notes += ("reduced to 8 bits by Pillow" + (f": {reason}" if reason else ""),)
    bitmap = Bitmap(
        image=image,
        profile=image.info.get("icc_profile") if image.mode != "LAB" else None,
        orientation=after,
        notes=notes,
        remarks=_gamma(image),
    )
    if deep:
        return bitmap.described(png.read(data))
    return bitmap.samples() if image.mode == "LAB" or image.mode.startswith(("I", "F")) else bitmap


def _open(data: bytes) -> ImageFile.ImageFile:
    """Open the header of an image, as `Image.open` does.

    `Image.open` compares the size with a global of Pillow's and warns or raises by itself; the
    limit here is the caller's, and another thread's Pillow must not see it.
    """
    messages = []
    for register in (Image.preinit, Image.init):
        register()
        for form in Image.ID:
            if form in _UNREADABLE:
                continue
            factory, accept = Image.OPEN[form]
            try:
                accepted = accept(data[:16]) if accept is not None else True
                if isinstance(accepted, str):
                    messages.append(accepted)
                elif accepted:
                    return _corrected(factory(io.BytesIO(data), ""), data)
            except (SyntaxError, IndexError, TypeError, struct.error) as error:
                if accept is not None:
                    messages.append(f"{form}: {error}")
    hint = f" ({'; '.join(dict.fromkeys(messages))})" if messages else ""
    raise ValueError(f"not an image in a format that can be read{hint}")


def _corrected(image: ImageFile.ImageFile, data: bytes) -> ImageFile.ImageFile:
    """`image` with what its plugin gets wrong put right."""
    if image.format == "PNG" and "transparency" in image.info:
        level = png.transparent_level(data)
        if level is not None:
            image.info["transparency"] = level
    return image


def _frames(image: Image.Image) -> tuple[str, ...]:
    """The note on which of several frames is read."""
    if image.format == "PSD":  # frames are layers, and Pillow shows the merged picture
        return ()
    try:
        count = int(getattr(image, "n_frames", 1))
        at = image.tell()
    except Exception:  # a later frame is damaged, in any of the ways of forty plugins
        return ("first of several frames",)
    which = "first" if at == 0 else f"number {at + 1}"
    return (f"{which} of {count} frames",) if count > 1 else ()


def _orientation(image: Image.Image, exif: Callable[[Any], Image.Exif] | None = None) -> int:
    """EXIF orientation; 1 if there is none or the EXIF data cannot be parsed."""
    try:
        value = (image.getexif() if exif is None else exif(image)).get(_ORIENTATION, 1)
    except (SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error):
        return orientation.UPRIGHT
    return orientation.valid(value)


def _loses_depth(image: Image.Image) -> bool:
    """Whether Pillow is about to halve 16-bit colour; known until the image is loaded."""
    if image.mode.startswith(("I", "F")):
        return False
    for tile in getattr(image, "tile", ()):
        args = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if any(isinstance(arg, str) and ";16" in arg for arg in args):
            return True
        if image.format == "PPM" and len(args) > 1 and isinstance(args[1], int) and args[1] > 255:
            return True
    return False


def _gamma(image: Image.Image) -> tuple[str, ...]:
    """The note on a PNG gamma other than sRGB's, which is not applied."""
    gamma = image.info.get("gamma")
    tagged = "icc_profile" in image.info or "srgb" in image.info
    if tagged or not isinstance(gamma, float) or abs(gamma - 0.45455) < 1e-3:
        return ()
    return (f"gamma {gamma:g} in the file ignored, taken as sRGB",)
