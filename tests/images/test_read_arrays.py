"""Arrays, tensors and Pillow images instead of files."""

import io
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from images.image_files import png16
from PIL import Image

from gramstyle.images import load_image, read_image

RNG = np.random.default_rng(23)
RGB = RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8)


def white_of(dtype):
    return {"u": lambda: np.iinfo(dtype).max, "f": lambda: 1, "b": lambda: 1}[np.dtype(dtype).kind]()


def expected(values):
    """(H, W, C) in [0, 1] -> RGB over white and alpha, in float64."""
    channels = values.shape[-1]
    alpha = values[..., -1:] if channels in (2, 4) else None
    colour = values[..., : channels - (alpha is not None)]
    colour = np.broadcast_to(colour, (*values.shape[:2], 3))
    return (colour, None) if alpha is None else (colour * alpha + 1 - alpha, alpha[..., 0])


STORED = hnp.arrays(
    st.sampled_from([np.uint8, np.uint16, np.bool_]), hnp.array_shapes(min_dims=3, max_dims=3, max_side=4)
)
REAL = hnp.arrays(
    st.sampled_from([np.float16, np.float32, np.float64]),
    hnp.array_shapes(min_dims=3, max_dims=3, max_side=4),
    elements=st.floats(0, 1, width=16),
)


@given(values=STORED | REAL)
def test_arrays_and_tensors_of_every_kind(values):
    colour, alpha = expected(values.astype(np.float64) / white_of(values.dtype))
    tensor = torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))
    for picture, name in ((read_image(values), "array"), (read_image(tensor), "tensor")):
        assert picture.name == name
        assert picture.pixels.dtype == torch.float32
        np.testing.assert_allclose(picture.pixels.permute(1, 2, 0).numpy(), colour, atol=3e-7)
        assert (picture.alpha is None) == (alpha is None)
        if alpha is not None:
            np.testing.assert_allclose(picture.alpha.numpy(), alpha, atol=3e-7)


def test_two_dimensional_array():
    assert load_image(RGB[..., 0]).equal(load_image(RGB[..., :1]))


@pytest.mark.parametrize(
    "view",
    [RGB[::-1, ::2], np.asfortranarray(RGB), (RGB * 257.0 / 65535), (RGB * np.uint16(257)).astype(">u2")],
    ids=["strided", "fortran", "float64", "big-endian"],
)
def test_memory_layouts(view):
    white = {1: 255, 2: 65535}.get(view.dtype.itemsize, 1)
    np.testing.assert_allclose(load_image(view).permute(1, 2, 0).numpy(), view / white, atol=1e-6)


def test_long_doubles():
    values = (RGB / 255).astype(np.longdouble)
    np.testing.assert_allclose(load_image(values).permute(1, 2, 0).numpy(), RGB / 255, atol=1e-6)


@pytest.mark.parametrize("shape", [(4, 4, 3), (4, 4), (1, 4, 3)])
def test_arrays_are_copied_even_when_read_only(shape):
    values = RNG.random(shape).astype(np.float32)
    values.flags.writeable = False
    pixels = load_image(values)
    pixels.zero_()
    assert values.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_gradients_flow_through_tensors(dtype, channels):
    tensor = torch.full((channels, 2, 2), 0.5, dtype=dtype, requires_grad=True)
    read_image(tensor).pixels.sum().backward()
    # grey counts thrice; alpha of 0.5 halves the colour; white minus colour is 0.5 per channel
    by_channels = {1: [3], 2: [1.5, -1.5], 3: [1, 1, 1], 4: [0.5, 0.5, 0.5, -1.5]}[channels]
    assert tensor.grad[:, 0, 0].tolist() == by_channels


def test_a_grey_picture_can_be_written_to():
    pixels = load_image(torch.zeros(1, 2, 2))
    pixels[0, 0, 0] = 1
    assert pixels.sum() == 1


def test_half_precision_round_off_is_clamped_with_a_note():
    picture = read_image(torch.tensor([-0.0005, 0.5, 1.0005]).reshape(3, 1, 1))
    assert picture.pixels.flatten().tolist() == [0, 0.5, 1]
    assert picture.notes == ("clamped to [0, 1]: values ran from -0.0005 to 1.0005",)


LEVELS = np.linspace(0, 255, 27).reshape(3, 3, 3)
MISTAKES = [
    (RGB.astype(np.int64), TypeError,
     "source must be uint8, uint16, bool or floating point in [0, 1], got int64: use"),
    (RGB.astype(np.uint32), TypeError, "got uint32: use .astype(numpy.uint8) for values in 0..255"),
    (RGB.astype(np.complex64), TypeError, "got complex64"),
    (np.array([["a"]]), TypeError, "got <U1"),
    (torch.zeros(3, 2, 2, dtype=torch.int32), TypeError,
     "got torch.int32: use .to(torch.uint8) for values in 0..255"),
    (np.full((1, 1), 1.01), ValueError, "got 1.01 to 1.01: clamp them if an interpolation overshot"),
    (LEVELS, ValueError, "source must lie in [0, 1], got 0 to 255: divide by 255"),
    (LEVELS * 257, ValueError, "got 0 to 65535: divide by 65535"),
    (torch.tensor([-1.0, 0, 1]).view(3, 1, 1), ValueError,
     "got -1 to 1: if they are meant to lie in [-1, 1], use (x + 1) / 2"),
    (torch.tensor([-5.0, 0, 9]).view(3, 1, 1), ValueError, "got -5 to 9: clamp or rescale them"),
    (torch.tensor([torch.nan, 0, torch.inf]).view(3, 1, 1), ValueError,
     "source must be finite, got 1 NaN and 1 infinite values"),
    (RGB[0, 0], ValueError, "source must be (H, W) or (H, W, C) with C from 1 to 4, got shape (3,)"),
    (RGB.transpose(2, 0, 1), ValueError, "got shape (3, 6, 5): channels come last, use .transpose(1, 2, 0)"),
    (RGB[None], ValueError, "got shape (1, 6, 5, 3): pass one image at a time"),
    (torch.zeros(6, 5, 3), ValueError,
     "source must be (C, H, W) with C from 1 to 4, got shape (6, 5, 3): channels come first, use "
     ".permute(2, 0, 1)"),
    (torch.zeros(6, 5), ValueError, "got shape (6, 5): for a grey image use .unsqueeze(0)"),
    (torch.zeros(1, 3, 6, 5), ValueError, "got shape (1, 3, 6, 5): pass one image at a time"),
    (torch.zeros(3, 0, 5), ValueError, "source must have at least one pixel, got shape (3, 0, 5)"),
    (np.zeros((0, 5, 3)), ValueError, "source must have at least one pixel"),
    (b"bytes", TypeError,
     "source must be a path, a Pillow image, a NumPy array or a torch.Tensor, got bytes: read bytes with"),
    (["a.png"], TypeError, "got list"),
    (None, TypeError, "got NoneType"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "kind", "message"), MISTAKES)
def test_mistakes_say_what_was_expected_what_came_and_what_to_do(source, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        read_image(source)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"background": (255, 255, 255)},
         "background must be three numbers in [0, 1], got (255, 255, 255): divide by 255"),
        ({"background": (0.5, 0.5)}, "background must be three numbers in [0, 1], got (0.5, 0.5)"),
        ({"background": "white"}, "background must be three numbers in [0, 1], got 'white'"),
        ({"background": (0, 0, float("nan"))}, "background must be three numbers"),
        ({"max_pixels": 0}, "max_pixels must be a whole number greater than 0, got 0"),
        ({"max_pixels": 1.5}, "max_pixels must be a whole number greater than 0, got 1.5"),
    ],
)  # fmt: skip
def test_options(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        read_image(RGB, **options)


def test_pillow_images():
    picture = read_image(Image.fromarray(RGB))
    np.testing.assert_allclose(picture.pixels.permute(1, 2, 0).numpy(), RGB / 255, atol=1e-7)
    assert picture.name == "image"
    assert read_image(Image.fromarray(RGB), name="mine").name == "mine"


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "F", "I;16"]
)
def test_pillow_modes(mode):
    grey = Image.new("L", (3, 2), 255)
    image = (
        Image.new(mode, (3, 2), {"F": 1.0, "I;16": 65535}[mode])
        if mode in ("F", "I;16")
        else grey.convert(mode)
    )
    pixels = load_image(image)
    np.testing.assert_allclose(pixels.numpy(), np.ones((3, 2, 3)), atol=1e-6)


@pytest.mark.parametrize(("mode", "colour"), [("RGBa", (64, 32, 0, 128)), ("La", (64, 128))])
def test_premultiplied_pillow_modes(mode, colour):
    picture = read_image(Image.new(mode, (1, 1), colour), background=(0, 0, 0))
    np.testing.assert_allclose(picture.pixels[0, 0, 0], 64 / 255, atol=1 / 255)


def test_a_pillow_image_is_read_at_its_frame_and_left_there():
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "lime", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    image = Image.open(buffer)
    image.seek(1)
    picture = read_image(image)
    assert picture.pixels[:, 0, 0].tolist() == [0, 1, 0]
    assert picture.notes == ("number 2 of 3 frames",)
    assert image.tell() == 1


def test_a_pillow_image_of_16_bit_colour_says_what_it_lost():
    values = RNG.integers(0, 65536, (4, 4, 3)).astype(np.uint16)
    picture = read_image(Image.open(io.BytesIO(png16(values))))
    assert picture.notes == ("reduced to 8 bits by Pillow",)
