"""ICC profiles against matrices and curves worked out here, and against LittleCMS."""

import io
import zlib

import numpy as np
import pytest
import tifffile
from images.image_files import (
    chunk,
    cmyk_profile,
    gamma,
    grey_profile,
    linear,
    matrix_profile,
    parametric,
    png16,
    table,
)
from PIL import Image, ImageCms

from gramstyle.images import read_image
from gramstyle.images.icc import matrix_profile as parsed

RNG = np.random.default_rng(21)
RGB = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))  # as in HP's profile
SWAPPED = (SRGB[1], SRGB[2], SRGB[0])
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def saved(values, icc, form="PNG", mode=None):
    image = (
        Image.fromarray(values)
        if mode is None
        else Image.frombytes(mode, values.shape[1::-1], values.tobytes())
    )
    buffer = io.BytesIO()
    image.save(buffer, form, icc_profile=icc)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    def read(data, **options):
        path = tmp_path / "image"
        path.write_bytes(data)
        return read_image(path, **options)

    return read


def rows(picture):
    return picture.pixels.permute(1, 2, 0).numpy()


def encode(linear_light):
    clipped = np.clip(linear_light, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)


def decode(encoded):
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def srgb_to_xyz():
    """The matrix of sRGB under D50, from its chromaticities and Bradford's cone responses."""
    x, y = np.array([0.64, 0.30, 0.15]), np.array([0.33, 0.60, 0.06])
    primaries = np.stack([x / y, np.ones(3), (1 - x - y) / y])
    d65 = np.array([0.3127 / 0.3290, 1, (1 - 0.3127 - 0.3290) / 0.3290])
    d50 = np.array([0.9642, 1, 0.8249])
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    adapt = np.linalg.inv(cones) @ np.diag((cones @ d50) / (cones @ d65)) @ cones
    return adapt @ primaries * np.linalg.solve(primaries, d65)


def by_hand(values, columns, curve):
    """Device values in [0, 1] -> sRGB, through XYZ."""
    to_srgb = np.linalg.inv(srgb_to_xyz()) @ np.array(columns).T
    return encode(curve(values) @ to_srgb.T)


def test_swapped_primaries_swap_channels(read):
    picture = read(saved(RGB, matrix_profile("Swapped", SWAPPED, SRGB_CURVE)))
    assert picture.notes == ("converted from ICC profile 'Swapped'",)
    np.testing.assert_allclose(rows(picture), RGB[..., [2, 0, 1]] / 255, atol=2e-3)


@pytest.mark.parametrize("depth", [8, 16, 32])
def test_adobe_rgb(read, depth):
    icc = matrix_profile("Adobe RGB (1998)", ADOBE, gamma(2.2))
    values = RNG.random((6, 5, 3))
    if depth == 8:
        values = np.rint(values * 255) / 255
        data = saved((values * 255).astype(np.uint8), icc)
    elif depth == 16:
        values = np.rint(values * 65535) / 65535
        data = png16(
            (values * 65535).round().astype(np.uint16), chunk(b"iCCP", b"x\0\0" + zlib.compress(icc))
        )
    else:
        values = values.astype(np.float32)
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, values, photometric="rgb", iccprofile=icc)
        data = buffer.getvalue()
    picture = read(data)
    assert "converted from ICC profile 'Adobe RGB (1998)'" in picture.notes
    exponent = round(2.2 * 256) / 256
    # 1e-3: D65 is known to four digits, and sRGB is 13 times as steep near black
    np.testing.assert_allclose(rows(picture), by_hand(values, ADOBE, lambda x: x**exponent), atol=1e-3)


CURVES = {
    "linear": linear(),
    "gamma": gamma(1.8),
    "table": table((np.linspace(0, 1, 33) ** 2.6 * 65535).round()),
    "para 0": parametric(0, 1.8),
    "para 1": parametric(1, 2.0, 1.1, -0.1),
    "para 2": parametric(2, 2.0, 0.9, 0.05, 0.02),
    "para 3": SRGB_CURVE,
    "para 4": parametric(4, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0.01, 0.01),
}


@pytest.mark.parametrize("curve", CURVES)
def test_every_kind_of_curve_agrees_with_littlecms(read, curve):
    icc = matrix_profile("Odd", SWAPPED, CURVES[curve])
    image = Image.fromarray(RGB)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    reference = ImageCms.profileToProfile(
        image,
        opened,
        ImageCms.createProfile("sRGB"),
        renderingIntent=1,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    # LittleCMS rounds its 8-bit matrix path to 15 bits before a steep curve, hence 1.6 and not 0.5
    np.testing.assert_allclose(rows(read(saved(RGB, icc))), np.asarray(reference) / 255, atol=1.6 / 255)


@pytest.mark.parametrize("made", ["littlecms", "by hand"])
def test_srgb_profiles_change_nothing(read, made):
    icc = matrix_profile("sRGB IEC61966-2.1", SRGB, SRGB_CURVE)
    if made == "littlecms":
        icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = read(saved(RGB, icc))
    np.testing.assert_allclose(rows(picture), RGB / 255, atol=1e-7)
    assert picture.notes == ()


def test_a_linear_profile_named_srgb_is_not_taken_for_srgb(read):
    picture = read(saved(RGB, matrix_profile("Linear sRGB", SRGB, linear())))
    np.testing.assert_allclose(rows(picture), encode(RGB / 255), atol=1e-3)


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_profile(read, depth):
    icc = grey_profile("Dot Gain", gamma(1.0))
    grey = RGB[..., 0]
    if depth == 8:
        data = saved(grey, icc)
    else:
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, grey.astype(np.uint16) * 257, photometric="minisblack", iccprofile=icc)
        data = buffer.getvalue()
    expected = np.repeat(encode(grey / 255)[..., None], 3, -1)
    np.testing.assert_allclose(rows(read(data)), expected, atol=1e-5)


def test_a_grey_image_with_an_rgb_profile_follows_its_curve(read):
    picture = read(saved(RGB[..., 0], matrix_profile("Linear", SRGB, linear())))
    np.testing.assert_allclose(rows(picture)[..., 0], encode(RGB[..., 0] / 255), atol=1e-3)
    assert picture.notes == ("converted from ICC profile 'Linear'",)


def test_an_rgb_image_with_a_grey_profile_ignores_it(read):
    picture = read(saved(RGB, grey_profile("Grey", gamma(1.0))))
    np.testing.assert_allclose(rows(picture), RGB / 255, atol=1e-7)
    assert picture.notes == ("ICC profile 'Grey' ignored: it is for grey samples, these are rgb",)


def test_alpha_is_composited_after_the_profile(read):
    pixel = np.array([[[128, 128, 128, 51]]], np.uint8)
    picture = read(saved(pixel, matrix_profile("Linear", SRGB, linear())), background=(0, 0, 0))
    np.testing.assert_allclose(rows(picture), encode(128 / 255) * 0.2, atol=1e-3)
    assert picture.alpha.tolist() == [[pytest.approx(0.2)]]


def test_cmyk_follows_its_table(read):
    icc = cmyk_profile("Press", lambda c, m, y, k: (0 if k else 100 - 50 * c - 15 * m - 5 * y, 0, 0))
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255]]], np.uint8)
    picture = read(saved(inks, icc, "TIFF", "CMYK"))
    luminance = ((50 + 16) / 116) ** 3  # of L* = 50
    expected = [1, encode(luminance), 0]
    np.testing.assert_allclose(picture.pixels[:, 0].numpy(), [expected] * 3, atol=2 / 255)
    assert picture.notes == ("converted from ICC profile 'Press'",)


def test_deep_cmyk_with_a_table_says_that_it_becomes_8_bits(read):
    icc = cmyk_profile("Press", lambda c, m, y, k: (100 * (1 - k), 0, 0))
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((2, 2, 4), np.uint16), photometric="separated", iccprofile=icc)
    picture = read(buffer.getvalue())
    assert picture.notes == (
        "16-bit",
        "converted from ICC profile 'Press', in 8 bits because it is made of tables",
    )
    np.testing.assert_allclose(rows(picture), 1, atol=1 / 255)


@pytest.mark.parametrize("damage", ["garbage", "short", "empty table"])
def test_a_broken_profile_is_left_aside_and_said_so(read, damage):
    icc = matrix_profile("Swapped", SWAPPED, gamma(2.2))
    broken = {"garbage": b"not a profile" * 20, "short": icc[:200], "empty table": icc[:128] + b"\0\0\0\0"}[
        damage
    ]
    picture = read(saved(RGB, broken))
    np.testing.assert_allclose(rows(picture), RGB / 255, atol=1e-7)
    assert len(picture.notes) == 1
    assert "ICC profile" in picture.notes[0]
    assert "ignored" in picture.notes[0]


def test_damaged_profiles_raise_value_errors_only():
    icc = matrix_profile("Swapped", SWAPPED, table(range(40)))
    for end in range(len(icc)):
        with pytest.raises(ValueError, match="ICC"):
            parsed(icc[:end])
    assert parsed(icc) is not None
