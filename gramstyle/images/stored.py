"""Files and Pillow images, decoded, with their colours as they are stored."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from gramstyle.errors import ImageError
from gramstyle.images.bitmap import Bitmap
from gramstyle.images.decode import decode, from_pillow
from gramstyle.images.quiet import quiet
from gramstyle.images.samples import Samples


def stored_file(path: str, max_pixels: int) -> Samples | Bitmap:
    """The first image of a file.

    Raises:
        ImageError: if it cannot be read; the message names it and says why.
    """
    data = file_bytes(path)
    with reading(repr(path)):
        return decode(data, max_pixels)


def stored_pillow(image: Image.Image, called: str, max_pixels: int) -> Samples | Bitmap:
    """A Pillow image; one that was opened lazily is decoded here.

    Raises:
        ImageError: as `stored_file`.
    """
    with reading(f"the Pillow image {called!r}"):
        return from_pillow(image, max_pixels)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """A block whose every error becomes an `ImageError` about `what`; decoders raise every class there is."""
    try:
        with quiet():
            yield
    except Exception as error:
        raise ImageError(f"cannot read {what}: {_why(error)}") from error


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


def _why(error: Exception) -> str:
    """What an error says, on one line; its class if it says nothing."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "not enough memory"
    if isinstance(error, (ValueError, OSError, SyntaxError, ImportError)) and text:
        return text
    return f"damaged, {type(error).__name__}: {text}" if text else f"damaged, {type(error).__name__}"
