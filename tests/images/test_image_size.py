"""Sizes of image files, from their headers where those tell."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
import tifffile
from images.image_files import chunk
from PIL import Image, ImageFile

from gramstyle.errors import ImageError
from gramstyle.images import image_size, read_image

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8))
TURNABLE = ("jpg", "png", "webp", "tif", "mpo")
STRAIGHT = ("bmp", "gif", "ppm", "jp2", "ico", "icns", "tga")


@pytest.mark.parametrize("suffix", TURNABLE)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_those_of_the_upright_image(tmp_path, suffix, orientation):
    path = tmp_path / f"x.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    PICTURE.save(path, exif=exif)
    assert image_size(path) == ((40, 24) if orientation > 4 else (24, 40))
    picture = read_image(path)
    assert image_size(str(path)) == (picture.height, picture.width)


@pytest.mark.parametrize("suffix", STRAIGHT)
def test_sizes_of_formats_that_are_never_turned(tmp_path, suffix):
    path = tmp_path / f"x.{suffix}"
    PICTURE.save(path)
    picture = read_image(path)
    assert image_size(path) == (picture.height, picture.width)


@pytest.mark.parametrize("place", [0, 1])
def test_pngs_that_say_after_their_pixels_how_to_turn_them(tmp_path, place):
    buffer = io.BytesIO()
    PICTURE.save(buffer, "PNG")
    data = buffer.getvalue()
    exif = Image.Exif()
    exif[0x0112] = 6
    at = data.index(b"IEND" if place else b"IDAT") - 4
    path = tmp_path / "x.png"
    path.write_bytes(data[:at] + chunk(b"eXIf", exif.tobytes()[6:]) + data[at:])
    assert image_size(path) == (40, 24)
    assert read_image(path).height == 40


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_tiffs_that_pillow_cannot_open(tmp_path, orientation, dtype):
    path = tmp_path / "x.tif"
    values = np.zeros((24, 40, 3), dtype=dtype)
    tifffile.imwrite(path, values, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    picture = read_image(path)
    assert image_size(path) == (picture.height, picture.width)
    assert image_size(path) == ((40, 24) if orientation == 6 else (24, 40))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp", "gif", "ppm", "jp2"])
def test_pixels_are_not_decoded(tmp_path, suffix, monkeypatch):
    path = tmp_path / f"x.{suffix}"
    PICTURE.save(path)

    def refuse(self, *args):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", refuse)
    assert image_size(path) == (24, 40)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ImageError, match=re.escape(f"cannot read '{tmp_path / 'no.png'}': no such file")):
        image_size(tmp_path / "no.png")
    (tmp_path / "x.png").write_text("text")
    with pytest.raises(ImageError, match=re.escape(f"cannot read '{tmp_path / 'x.png'}': not an image")):
        image_size(tmp_path / "x.png")
