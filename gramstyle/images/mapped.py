"""Images whose samples stay in their file until they are read."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gramstyle.images import tiff
from gramstyle.images.samples import Samples


def mapped_file(path: str, max_pixels: int) -> Samples | None:
    """Samples of a file that holds them as they are; None where it must be decoded, or cannot be read.

    Raises:
        ValueError: if the image is too large.
    """
    try:
        if not Path(path).is_file():
            return None
        with Path(path).open("rb") as file:
            if not tiff.is_tiff(file.read(4)):
                return None
    except (OSError, ValueError):  # whoever reads all of it says why
        return None
    return tiff.mapped(path, max_pixels)


def let_go(values: NDArray[Any]) -> None:
    """Take the pages of a mapping out of the memory of the process; they are read again when needed.

    Without it an image that was read once counts as memory, until the system needs that for something
    else. Only of mappings that nobody writes to: changes that are in no file would be lost.
    """
    if not isinstance(values, np.memmap) or values.mode != "r" or not hasattr(mmap, "MADV_DONTNEED"):
        return
    owner: Any = values
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)
