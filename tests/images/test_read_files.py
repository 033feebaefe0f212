"""Files of every kind, against what was written into them."""

import contextlib
import io

import numpy as np
import piexif
import pytest
import tifffile
import torch
from images.image_files import SIGNATURE, chunk, header, png16, png16_filtered
from PIL import Image
from skimage import data as skdata

from gramstyle.images import load_image, read_image

RNG = np.random.default_rng(20)
RGB = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (6, 5, 4)).astype(np.uint16)


@pytest.fixture
def write(tmp_path):
    def write(data, name="image.png"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def rows(pixels):
    return pixels.permute(1, 2, 0).numpy()


def exact(pixels, values, white):
    """Equal to values / white within the rounding of float32."""
    np.testing.assert_allclose(rows(pixels), values / white, atol=1e-7, rtol=0)


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "PPM", "TGA", "WEBP"])
def test_lossless_rgb_is_exact_in_every_format(write, form):
    options = {"lossless": True} if form == "WEBP" else {}
    picture = read_image(write(saved(Image.fromarray(RGB), form, **options), f"image.{form.lower()}"))
    exact(picture.pixels, RGB, 255)
    assert picture.pixels.dtype == torch.float32
    assert picture.pixels.is_contiguous()
    assert picture.alpha is None
    assert picture.notes == ()
    assert (picture.height, picture.width) == (6, 5)


def test_load_image_is_the_pixels_of_read_image_and_names_are_kept(write):
    path = write(saved(Image.fromarray(RGB), "PNG"))
    assert torch.equal(load_image(path), read_image(str(path)).pixels)
    assert read_image(path).name == str(path)
    assert read_image(path, name="mine").name == "mine"


ORIENTED = {  # what a viewer does to the stored pixels, by the EXIF standard
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: lambda x: np.rot90(np.fliplr(x), 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(np.fliplr(x), -1),
    8: lambda x: np.rot90(x, 1),
}


@pytest.mark.parametrize("orientation", ORIENTED)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "deep TIFF", "deep PNG"])
def test_exif_orientation_is_undone(write, form, orientation):
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})
    if form == "deep TIFF":
        buffer = io.BytesIO()
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(buffer, DEEP[..., :3], photometric="rgb", extratags=[tag])
        data, stored = buffer.getvalue(), DEEP[..., :3] / 65535
    elif form == "deep PNG":  # the chunk may come after the pixels
        data, stored = png16(DEEP[..., :3], after=chunk(b"eXIf", exif[6:])), DEEP[..., :3] / 65535
    else:
        options = {"lossless": True} if form == "WEBP" else {}
        data, stored = saved(Image.fromarray(RGB), form, exif=exif, **options), RGB / 255
    picture = read_image(write(data))
    exact(picture.pixels, ORIENTED[orientation](stored), 1)
    verb = "rotated" if orientation in (3, 6, 8) else "mirrored"
    said = [note for note in picture.notes if "EXIF" in note]
    assert said == ([] if orientation == 1 else [f"{verb} by EXIF orientation {orientation}"])


def test_exif_orientation_of_a_jpeg(write):
    step = np.zeros((16, 32), np.uint8)
    step[:, 16:] = 255  # dark left, bright right
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: 6}})
    pixels = load_image(write(saved(Image.fromarray(step), "JPEG", exif=exif)))
    assert pixels.shape == (3, 32, 16)
    assert pixels[:, :12].max() < 0.1
    assert pixels[:, 20:].min() > 0.9


@pytest.mark.parametrize("orientation", [0, 9, 300])
def test_an_orientation_that_does_not_exist_is_left_aside(write, orientation):
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}})
    exact(load_image(write(saved(Image.fromarray(RGB), "PNG", exif=exif))), RGB, 255)


def test_alpha_turns_with_its_image(write):
    rgba = RNG.integers(0, 256, (3, 2, 4), dtype=np.uint8)
    exif = piexif.dump({"0th": {piexif.ImageIFD.Orientation: 6}})
    picture = read_image(write(saved(Image.fromarray(rgba), "PNG", exif=exif)))
    np.testing.assert_allclose(picture.alpha.numpy(), np.rot90(rgba[..., 3], -1) / 255, atol=1e-7)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_keeps_its_depth(write, channels):
    values = DEEP[..., :channels]
    picture = read_image(write(png16(values)))
    assert "16-bit" in picture.notes
    scaled = values / 65535
    if channels in (2, 4):
        alpha = scaled[..., -1:]
        np.testing.assert_allclose(picture.alpha.numpy(), alpha[..., 0], atol=1e-7)
        scaled = scaled[..., :-1] * alpha + (1 - alpha)
    exact(picture.pixels, np.broadcast_to(scaled, (6, 5, 3)), 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_with_a_transparent_colour(write, channels):
    key = DEEP[2, 3, :channels]
    picture = read_image(
        write(png16(DEEP[..., :channels], before=chunk(b"tRNS", key.astype(">u2").tobytes())))
    )
    assert picture.alpha.tolist() == [[0.0 if (y, x) == (2, 3) else 1.0 for x in range(5)] for y in range(6)]
    assert picture.pixels[:, 2, 3].tolist() == [1, 1, 1]


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png_with_every_filter(write, channels, interlaced):
    values = RNG.integers(0, 65536, (11, 13, channels)).astype(np.uint16)
    filtered = png16_filtered(values, interlaced)
    assert {0, 1, 2, 3, 4} <= set(filtered.filters)
    picture = read_image(write(filtered.data), background=(0, 0, 0))
    scaled = values / 65535
    if channels in (2, 4):
        scaled = scaled[..., :-1] * scaled[..., -1:]
    exact(picture.pixels, np.broadcast_to(scaled, (11, 13, 3)), 1)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_16_bit_tiff(write, planar, compression, byteorder):
    values = DEEP[..., :3] if planar == "contig" else DEEP[..., :3].transpose(2, 0, 1)
    buffer = io.BytesIO()
    options = {"planarconfig": planar, "compression": compression, "byteorder": byteorder}
    tifffile.imwrite(buffer, np.ascontiguousarray(values), photometric="rgb", **options)
    picture = read_image(write(buffer.getvalue(), "image.tif"))
    exact(picture.pixels, DEEP[..., :3], 65535)
    assert picture.notes == ("16-bit",)


@pytest.mark.parametrize(("photometric", "flip"), [("minisblack", False), ("miniswhite", True)])
@pytest.mark.parametrize("dtype", [np.uint16, np.uint32])
def test_deep_grey_tiff(write, photometric, flip, dtype):
    white = np.iinfo(dtype).max
    values = RNG.integers(0, white, (6, 5), dtype=dtype, endpoint=True)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric=photometric)
    grey = values / white
    expected = np.repeat((1 - grey if flip else grey)[..., None], 3, -1)
    np.testing.assert_allclose(rows(load_image(write(buffer.getvalue()))), expected, atol=2e-7)


def test_tiff_alpha_plain_and_premultiplied(write):
    colour, alpha = DEEP[..., :3] / 65535, np.full((6, 5, 1), 0.25)
    expected = colour * alpha + (1 - alpha)
    for kind, stored in (("unassalpha", colour), ("assocalpha", colour * alpha)):
        buffer = io.BytesIO()
        values = np.rint(np.concatenate([stored, alpha], -1) * 65535).astype(np.uint16)
        tifffile.imwrite(buffer, values, photometric="rgb", extrasamples=[kind])
        picture = read_image(write(buffer.getvalue()))
        np.testing.assert_allclose(rows(picture.pixels), expected, atol=1 / 65535)
        assert picture.alpha.allclose(torch.tensor(0.25), atol=1 / 65535)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float_tiff_in_the_unit_range(write, dtype):
    values = RNG.random((6, 5, 3)).astype(dtype)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric="rgb")
    picture = read_image(write(buffer.getvalue()))
    np.testing.assert_allclose(rows(picture.pixels), values, atol=1e-7)
    assert picture.notes == (f"{8 * values.itemsize}-bit float, taken as sRGB-encoded",)


def test_16_bit_lzw_tiff_is_read_and_says_what_it_lost(write, monkeypatch):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, DEEP[..., :3], photometric="rgb", compression="zlib")

    def refuse(*args, **kwargs):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", refuse)
    picture = read_image(write(buffer.getvalue()))
    reason = "tifffile: <COMPRESSION.LZW: 5> requires the 'imagecodecs' package"
    assert picture.notes == (f"reduced to 8 bits by Pillow: {reason}",)
    np.testing.assert_allclose(rows(picture.pixels), DEEP[..., :3] / 65535, atol=1 / 255)


def test_8_bit_lzw_tiff(write):
    data = saved(Image.fromarray(RGB), "TIFF", compression="tiff_lzw")
    exact(load_image(write(data)), RGB, 255)


def test_grey_and_grey_with_alpha(write):
    grey = RGB[..., 0]
    exact(load_image(write(saved(Image.fromarray(grey), "PNG"))), np.repeat(grey[..., None], 3, -1), 255)
    both = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(RGB[..., 1])])
    alpha = RGB[..., 1:2] / 255
    composed = np.repeat(grey[..., None] / 255 * alpha + 0.5 * (1 - alpha), 3, -1)
    picture = read_image(write(saved(both, "PNG")), background=(0.5, 0.5, 0.5))
    exact(picture.pixels, composed, 1)
    assert picture.notes == ("alpha composited on (0.5, 0.5, 0.5) in encoded sRGB",)


def test_one_bit(write):
    bits = RGB[..., 0] > 127
    picture = load_image(write(saved(Image.fromarray(bits), "PNG")))
    exact(picture, np.repeat(bits[..., None], 3, -1), 1)


@pytest.mark.parametrize("transparency", [None, 1, bytes([255, 0, 128])])
def test_palette(write, transparency):
    colours = np.array([[255, 0, 0], [0, 200, 0], [0, 0, 100]], np.uint8)
    indices = RNG.integers(0, 3, (6, 5)).astype(np.uint8)
    indexed = Image.frombytes("P", (5, 6), indices.tobytes())
    indexed.putpalette(colours.tobytes())
    options = {} if transparency is None else {"transparency": transparency}
    picture = read_image(write(saved(indexed, "PNG", **options)), background=(0, 0, 0))
    opacity = {None: [1, 1, 1], 1: [1, 0, 1]}.get(transparency, [1, 0, 128 / 255])
    alpha = np.array(opacity)[indices]
    exact(picture.pixels, colours[indices] / 255 * alpha[..., None], 1)
    if transparency is None:
        assert picture.alpha is None
    else:
        np.testing.assert_allclose(picture.alpha.numpy(), alpha, atol=1e-7)
        assert picture.notes == ("alpha composited on black in encoded sRGB",)


def test_rgb_with_a_transparent_colour(write):
    picture = read_image(write(saved(Image.fromarray(RGB), "PNG", transparency=tuple(map(int, RGB[1, 2])))))
    assert picture.alpha[1, 2] == 0
    assert picture.alpha.sum() == 29
    assert picture.pixels[:, 1, 2].tolist() == [1, 1, 1]


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_grey_png_of_few_bits_with_a_transparent_level(write, depth):
    import zlib

    levels = np.arange(1 << min(depth, 4))
    white = (1 << depth) - 1
    packed = "".join(f"{level:0{depth}b}" for level in levels)
    row = (
        int(packed, 2).to_bytes(-(-len(packed) // 8), "big")
        if len(packed) % 8 == 0
        else bytes([int(packed, 2) << 6])
    )
    data = SIGNATURE + header(len(levels), 1, depth, 0) + chunk(b"tRNS", b"\0\1")
    data += chunk(b"IDAT", zlib.compress(b"\0" + row)) + chunk(b"IEND", b"")
    picture = read_image(write(data), background=(0, 0, 0))
    assert picture.alpha[0].tolist() == [float(level != 1) for level in levels]
    expected = np.where(levels == 1, 0, levels / white)
    np.testing.assert_allclose(picture.pixels[0, 0].numpy(), expected, atol=1e-7)


def test_opaque_alpha_is_kept_and_says_nothing(write):
    opaque = np.concatenate([RGB, np.full((6, 5, 1), 255, np.uint8)], -1)
    picture = read_image(write(saved(Image.fromarray(opaque), "PNG")))
    exact(picture.pixels, RGB, 255)
    assert picture.alpha.eq(1).all()
    assert picture.notes == ()


def test_cmyk_without_a_profile(write):
    inks = RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8)
    image = Image.frombytes("CMYK", (5, 6), inks.tobytes())
    picture = read_image(write(saved(image, "TIFF")))
    paper = 1 - inks / 255
    exact(picture.pixels, paper[..., :3] * paper[..., 3:], 1)
    assert picture.notes == ("CMYK converted without a profile",)


def test_cmyk_jpeg_is_not_inverted(write):
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))  # full cyan
    pixels = load_image(write(saved(image, "JPEG", quality=100)))
    np.testing.assert_allclose(pixels[:, 8, 8].numpy(), [0, 1, 1], atol=0.02)


def test_deep_cmyk_tiff(write):
    inks = RNG.integers(0, 65536, (6, 5, 4)).astype(np.uint16)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, inks, photometric="separated")
    picture = read_image(write(buffer.getvalue()))
    paper = 1 - inks / 65535
    exact(picture.pixels, paper[..., :3] * paper[..., 3:], 1)


def test_ycbcr_jpeg_of_a_photograph(write):
    photograph = skdata.astronaut()[::4, ::4]
    pixels = rows(load_image(write(saved(Image.fromarray(photograph), "JPEG", quality=95, subsampling=0))))
    assert np.abs(pixels - photograph / 255).mean() < 0.02


def test_cielab_tiff(write):
    lab = np.zeros((2, 2, 3), np.uint8)
    lab[..., 0] = 128  # L* = 50.2, neutral
    image = Image.frombytes("LAB", (2, 2), lab.tobytes())
    picture = read_image(write(saved(image, "TIFF")))
    np.testing.assert_allclose(picture.pixels.numpy(), 119 / 255, atol=1.5 / 255)
    assert picture.notes == ("converted from CIELAB",)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_read_and_said_so(write, form):
    frames = [Image.new("RGB", (4, 3), colour) for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    options = {"lossless": True} if form == "WEBP" else {}
    data = saved(frames[0], form, save_all=True, append_images=frames[1:], **options)
    picture = read_image(write(data))
    assert picture.pixels[:, 0, 0].tolist() == [1, 0, 0]
    assert picture.notes == ("first of 3 frames",)


def test_deep_tiff_of_several_pages(write):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.stack([DEEP[..., 0], DEEP[..., 1]]), photometric="minisblack")
    picture = read_image(write(buffer.getvalue()))
    exact(picture.pixels, np.repeat(DEEP[..., :1], 3, -1), 65535)
    assert picture.notes == ("first of 2 frames", "16-bit")


def test_16_bit_pgm_and_ppm(write):
    grey = DEEP[..., 0]
    data = b"P5 5 6 65535\n" + grey.astype(">u2").tobytes()
    exact(load_image(write(data, "image.pgm")), np.repeat(grey[..., None], 3, -1), 65535)
    colour = b"P6 5 6 65535\n" + DEEP[..., :3].astype(">u2").tobytes()
    picture = read_image(write(colour, "image.ppm"))
    assert picture.notes == ("reduced to 8 bits by Pillow",)
    np.testing.assert_allclose(rows(picture.pixels), DEEP[..., :3] / 65535, atol=1 / 255)


def test_a_gamma_that_is_not_applied_is_said(write):
    gamma = chunk(b"gAMA", (100_000).to_bytes(4, "big"))
    assert read_image(write(png16(DEEP[..., :3], before=gamma))).notes == (
        "16-bit",
        "gamma 1 in the file ignored, taken as sRGB",
    )
    usual = chunk(b"gAMA", (45455).to_bytes(4, "big"))
    assert read_image(write(png16(DEEP[..., :3], before=usual))).notes == ("16-bit",)


def test_compositing_by_hand(write):
    pixel = np.array([[[200, 100, 0, 51]]], np.uint8)  # alpha 0.2
    picture = read_image(write(saved(Image.fromarray(pixel), "PNG")), background=(0.0, 0.5, 1.0))
    expected = [200 / 255 * 0.2, 100 / 255 * 0.2 + 0.5 * 0.8, 0.8]
    np.testing.assert_allclose(picture.pixels[:, 0, 0].numpy(), expected, atol=1e-6)
    assert picture.alpha.tolist() == [[pytest.approx(0.2)]]


def test_nothing_is_printed_by_any_decoder(write, capfd):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, DEEP[..., :3], photometric="rgb")
    lzw = saved(Image.fromarray(RGB), "TIFF", compression="tiff_lzw")
    odd = chunk(b"iCCP", b"name\0\0garbage") + chunk(b"cHRM", b"\0" * 32)
    for data in (png16(DEEP[..., :3], before=odd), buffer.getvalue()[:200], lzw[:-40]):
        with contextlib.suppress(OSError):
            read_image(write(data))
    assert capfd.readouterr() == ("", "")
