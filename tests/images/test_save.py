"""Files that are written, read back by other libraries and by this one."""

import io

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from gramstyle import read_image
from gramstyle.errors import StyleError
from gramstyle.images import check_saveable, save_image

WORDS = '{"words": "Grüße, 日本"}'


@pytest.fixture
def pixels(generator):
    return torch.rand(3, 13, 10, generator=generator)


@pytest.mark.parametrize("suffix", ["png", "tif", "TIFF"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("transparent", [False, True])
def test_levels_are_kept(suffix, bits, transparent, pixels, generator, tmp_path):
    alpha = torch.rand(13, 10, generator=generator) if transparent else None
    path = tmp_path / f"a.{suffix}"
    save_image(path, pixels, alpha=alpha, bits=bits, about=WORDS)
    top = 2**bits - 1
    found = read_image(path, background=(0.0, 0.0, 0.0))
    level = (pixels.double() * top).round() / top
    if alpha is None:
        assert found.alpha is None
        assert torch.equal((found.pixels.double() * top).round(), level * top)
    else:
        covered = (alpha.double() * top).round() / top
        assert torch.equal((found.alpha.double() * top).round(), covered * top)
        assert float((found.pixels - level * covered).abs().max()) < 1e-5
    assert not any("ICC" in note for note in found.notes)  # sRGB needs no conversion


def test_sixteen_bits_as_tifffile_reads_them(pixels, tmp_path):
    save_image(tmp_path / "a.tif", pixels, bits=16, about=WORDS)
    expected = (pixels.permute(1, 2, 0).double() * 65535).round().numpy().astype(np.uint16)
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), expected)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_profile_and_words_are_in_the_file(suffix, pixels, tmp_path):
    path = tmp_path / f"a.{suffix}"
    save_image(path, pixels, about=WORDS)
    with Image.open(path) as image:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        image.load()
        if suffix == "png":
            assert image.text["gramstyle"] == WORDS
        elif suffix == "tif":
            with tifffile.TiffFile(path) as file:
                assert file.pages[0].tags["ImageDescription"].value == WORDS
        else:
            assert image.getexif()[0x010E] == WORDS.encode("ascii", "backslashreplace").decode()


def test_words_in_a_png_of_16_bits(pixels, tmp_path):
    save_image(tmp_path / "a.png", pixels, bits=16, about=WORDS)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.text["gramstyle"] == WORDS


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_files_are_near(suffix, tmp_path):
    ramp = torch.linspace(0, 1, 32).expand(3, 32, 32).contiguous()
    save_image(tmp_path / f"a.{suffix}", ramp)
    assert float((read_image(tmp_path / f"a.{suffix}").pixels - ramp).abs().max()) < 0.05


def test_colours_of_jpeg_are_not_subsampled(tmp_path):
    stripes = torch.zeros(3, 16, 16)
    stripes[0, :, ::2], stripes[2, :, 1::2] = 1, 1
    save_image(tmp_path / "a.jpg", stripes)
    assert float((read_image(tmp_path / "a.jpg").pixels - stripes).abs().max()) < 0.2


def test_values_outside_are_clipped(tmp_path):
    save_image(tmp_path / "a.png", torch.tensor([-1.0, 0.5, 2.0])[:, None, None].expand(3, 2, 2))
    assert np.asarray(Image.open(tmp_path / "a.png"))[0, 0].tolist() == [0, 128, 255]


def test_what_a_format_does_not_hold_is_refused(pixels, tmp_path):
    with pytest.raises(StyleError, match=r"an image of 16 bits must be written to a file that ends in \.png"):
        save_image(tmp_path / "a.jpg", pixels, bits=16)
    with pytest.raises(StyleError, match=r"got a\.gif"):
        check_saveable(tmp_path / "a.gif")
    with pytest.raises(StyleError, match="bits must be 8 or 16, got 12"):
        check_saveable(tmp_path / "a.png", 12)
    with pytest.raises(StyleError, match=r"JPEG has no transparency: write a\.png instead"):
        save_image(tmp_path / "a.jpg", pixels, alpha=torch.ones(13, 10))
    assert list(tmp_path.iterdir()) == []
