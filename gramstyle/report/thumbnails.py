"""Small pictures that travel inside a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image

from gramstyle.images import Picture

SIDES = (160, 128, 96, 72, 48)
"""Longer side of a thumbnail in pixels; the first with which all of a page stay within `BUDGET`."""

BUDGET = 600_000
QUALITY = 82


@dataclass(frozen=True)
class Thumbnail:
    """A small JPEG as a data URI, and its size."""

    uri: str
    width: int
    height: int


def small(pictures: Sequence[Picture]) -> list[Thumbnail]:
    """Thumbnails of `pictures`, all within one longest side, none enlarged.

    Together they take at most `BUDGET` bytes, unless there are so many that the smallest side
    takes more.
    """
    images = [_image(picture) for picture in pictures]
    encoded: list[bytes] = []
    for side in SIDES:
        for image in images:
            image.thumbnail((side, side), PIL.Image.Resampling.LANCZOS)
        encoded = [_jpeg(image) for image in images]
        if sum(map(len, encoded)) <= BUDGET:
            break
    return [
        Thumbnail(data_uri(data, "image/jpeg"), image.width, image.height)
        for data, image in zip(encoded, images, strict=True)
    ]


def data_uri(data: bytes, kind: str) -> str:
    """`data` as a URI that holds it all; `kind` is its media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _image(picture: Picture) -> PIL.Image.Image:
    levels = (picture.pixels.detach().cpu().float().clamp(0, 1) * 255).round().numpy().astype(np.uint8)
    image = PIL.Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))
    image.thumbnail((SIDES[0], SIDES[0]), PIL.Image.Resampling.LANCZOS)  # one large image at a time
    return image


def _jpeg(image: PIL.Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()
