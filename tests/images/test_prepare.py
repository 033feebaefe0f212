"""Sizes, crops and normalisation."""

import re

import numpy as np
import pytest
import torch
import torchvision.transforms.functional as TF
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gramstyle import errors, types
from gramstyle.images import ResizePolicy, center_crop, crop, denormalize, normalize, resize, resize_mask

SIDES = st.integers(1, 40)
GENERATOR = torch.Generator().manual_seed(24)


def noise(*shape, dtype=torch.float32):
    return torch.rand(*shape, generator=GENERATOR, dtype=dtype)


TEXTS = {
    "512": ResizePolicy("short", 512),
    "short:512": ResizePolicy("short", 512),
    "long:300:down": ResizePolicy("long", 300, upscale=False),
    "exact:256x384": ResizePolicy("exact", (256, 384)),
    "exact:64": ResizePolicy("exact", (64, 64)),
    " NONE ": ResizePolicy(),
}


@pytest.mark.parametrize("text", TEXTS)
def test_policies_are_read_from_text_and_back(text):
    assert ResizePolicy.parse(text) == TEXTS[text]
    assert ResizePolicy.parse(str(TEXTS[text])) == TEXTS[text]


@pytest.mark.parametrize(
    "text", ["", "short", "short:", "exact:3x", "exact:2x3:down", "none:3", "wide:3", "5.5", "-3"]
)
def test_a_policy_that_cannot_be_read_lists_the_forms(text):
    with pytest.raises(ValueError, match="resize must be 'short:512' or plain '512'") as caught:
        ResizePolicy.parse(text)
    for form in (
        "'long:512'",
        "'exact:256x384' (height x width)",
        "'exact:256'",
        "'none'",
        "':down'",
        repr(text),
    ):
        assert form in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("wide", 3), errors.UnknownNameError, "mode must be one of"),
        (("none", 3), errors.StyleError, "size must be None with mode 'none', got 3"),
        (("short", None), ValueError, "size must be a whole number of pixels greater than 0, got None"),
        (("short", 0), ValueError, "greater than 0, got 0"),
        (("long", (3, 4)), ValueError, "greater than 0, got (3, 4)"),
        (("long", 3.5), ValueError, "got 3.5"),
        (("exact", (3, 0)), ValueError,
         "size must be (height, width) or one number, whole and greater than 0, got (3, 0)"),
        (("exact", None), ValueError, "got None"),
        (("exact", 8, False), errors.StyleError, "upscale must be True with mode 'exact'"),
    ],
)  # fmt: skip
def test_policies_that_make_no_sense(arguments, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        ResizePolicy(*arguments)


@given(height=SIDES, width=SIDES, size=SIDES, mode=st.sampled_from(["short", "long"]), upscale=st.booleans())
def test_target_sizes(height, width, size, mode, upscale):
    h, w = ResizePolicy(mode, size, upscale).target(height, width)
    pick = min if mode == "short" else max
    enlarges = pick(height, width) < size
    if enlarges and not upscale:
        assert (h, w) == (height, width)
    else:
        assert pick(h, w) == size
        scale = size / pick(height, width)
        assert abs(h - height * scale) <= 0.5 or h == 1
        assert abs(w - width * scale) <= 0.5 or w == 1


def test_halves_are_rounded_up_and_nothing_vanishes():
    assert ResizePolicy("short", 1).target(2, 5) == (1, 3)
    assert ResizePolicy("long", 2).target(1, 1000) == (1, 2)
    assert ResizePolicy("exact", 7).target(3, 900) == (7, 7)


@given(height=SIDES, width=SIDES, h=SIDES, w=SIDES)
@settings(deadline=None)
def test_resize_is_pillows_antialiased_bicubic(height, width, h, w):
    pixels = noise(3, height, width)
    ours = resize(pixels, ResizePolicy("exact", (h, w)))
    for channel, result in zip(pixels, ours, strict=True):
        image = Image.fromarray(channel.numpy())  # mode F
        reference = np.asarray(image.resize((w, h), Image.Resampling.BICUBIC)).clip(0, 1)
        # torch and Pillow normalise their weights in another order of float32 operations
        np.testing.assert_allclose(result.numpy(), reference, atol=5e-6)


def test_resize_of_a_batch_is_the_resize_of_its_images():
    batch = noise(4, 3, 19, 31)
    policy = ResizePolicy("short", 8)
    together = resize(batch, policy)
    assert together.shape == (4, 3, 8, 13)
    for image, result in zip(batch, together, strict=True):
        torch.testing.assert_close(resize(image, policy), result, atol=1e-6, rtol=0)


@pytest.mark.parametrize("policy", ["none", "short:20", "long:30", "exact:20x30", "short:90:down"])
def test_an_image_of_the_right_size_is_returned_itself(policy):
    pixels = noise(3, 20, 30)
    assert resize(pixels, ResizePolicy.parse(policy)) is pixels


def test_overshoot_is_clamped_and_constants_stay():
    step = torch.zeros(3, 8, 8)
    step[..., 4:] = 1
    enlarged = resize(step, ResizePolicy("short", 32))
    assert enlarged.min() == 0
    assert enlarged.max() == 1
    torch.testing.assert_close(
        resize(torch.full((3, 9, 9), 0.3), ResizePolicy("short", 4)), torch.full((3, 4, 4), 0.3)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_resize_keeps_the_dtype(dtype):
    pixels = noise(3, 21, 17, dtype=torch.float64).to(dtype)
    resized = resize(pixels, ResizePolicy("short", 8))
    assert resized.dtype == dtype
    reference = resize(pixels.double(), ResizePolicy("short", 8))
    torch.testing.assert_close(resized.double(), reference, atol=2 * torch.finfo(dtype).eps, rtol=0)


@pytest.mark.parametrize("size", [(4, 7), (3, 1), (1, 3), (1, 1)])
def test_resize_has_right_gradients(size):
    pixels = (0.4 + 0.2 * noise(3, 6, 5, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: resize(x, ResizePolicy("exact", size)), pixels)


@given(height=SIDES, width=SIDES, h=SIDES, w=SIDES)
@settings(deadline=None)
def test_masks_are_averaged_by_area(height, width, h, w):
    alpha = noise(height, width, dtype=torch.float64)
    resized = resize_mask(alpha, (h, w))
    assert resized.shape == (h, w)
    torch.testing.assert_close(resized.mean(), alpha.mean())
    fine = alpha.repeat_interleave(h, 0).repeat_interleave(w, 1)  # whole pixels in every position
    torch.testing.assert_close(resized, fine.reshape(h, height, w, width).mean((1, 3)))


def test_masks_keep_their_dtype_and_gradients():
    assert resize_mask(torch.ones(5, 5, dtype=torch.float16), (2, 2)).dtype == torch.float16
    alpha = torch.ones(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: resize_mask(x, (2, 3)), alpha)


@pytest.mark.parametrize(
    ("size", "box"), [((4, 6), (8, 12, 4, 6)), (5, (7, 12, 5, 5)), ((20, 30), (0, 0, 20, 30))]
)
def test_center_crop(size, box):
    pixels = noise(2, 3, 20, 30)
    top, left, height, width = box
    assert center_crop(pixels, size).equal(pixels[..., top : top + height, left : left + width])
    assert crop(pixels[0], *box).equal(TF.crop(pixels[0], *box))


MISTAKES = [
    (lambda x: center_crop(x, (21, 5)), ValueError,
     "size must fit into the image of height 20 and width 30, got height 21 and width 5: resize first"),
    (lambda x: center_crop(x, 0), ValueError, "size must be (height, width) or one number"),
    (lambda x: crop(x, -1, 0, 3, 3), ValueError,
     "the crop must lie inside the image of height 20 and width 30, got rows -1 to 2 and columns 0 to 3"),
    (lambda x: crop(x, 0, 28, 3, 3), ValueError, "columns 28 to 31"),
    (lambda x: crop(x, 0, 0, 0, 3), ValueError, "(height, width) must be"),
    (lambda x: resize(x[0], ResizePolicy()), ValueError,
     "pixels must be (3, H, W) or (B, 3, H, W), got shape (20, 30)"),
    (lambda x: resize(x[:, :0], ResizePolicy()), ValueError,
     "pixels must have at least one pixel, got shape (3, 0, 30)"),
    (lambda x: resize((x * 255).byte(), ResizePolicy()), TypeError,
     "pixels must be floating point in [0, 1], got torch.uint8: divide"),
    (lambda x: resize(x.numpy(), ResizePolicy()), TypeError, "pixels must be Tensor, got ndarray"),
    (lambda x: normalize(x, types.IMAGENET), ValueError,
     "images must be (B, 3, H, W), got shape (3, 20, 30)"),
    (lambda x: normalize(x[None].byte(), types.IMAGENET), TypeError,
     "images must be floating point, got torch.uint8"),
    (lambda x: denormalize(x, types.IMAGENET), ValueError,
     "inputs must be (B, 3, H, W), got shape (3, 20, 30)"),
    (lambda x: resize_mask(x, (3, 3)), ValueError,
     "alpha must be (H, W) with at least one pixel, got shape (3, 20, 30)"),
    (lambda x: resize_mask(x[0] > 0.5, (3, 3)), TypeError,
     "alpha must be floating point, got torch.bool: use .float()"),
    (lambda x: resize_mask(x[0], (3, 0)), ValueError, "size must be (height, width)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), MISTAKES)
def test_mistakes(call, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        call(noise(3, 20, 30))


NORMALIZATIONS = [types.IMAGENET, types.INCEPTION, types.CAFFE, types.IDENTITY]


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_normalize_against_torchvision_and_back(normalization):
    images = noise(2, 3, 5, 4, dtype=torch.float64)
    ordered = images.flip(1) if normalization.bgr else images
    reference = TF.normalize(ordered * normalization.scale, list(normalization.mean), list(normalization.std))
    inputs = normalize(images, normalization)
    torch.testing.assert_close(inputs, reference)
    torch.testing.assert_close(denormalize(inputs, normalization), images)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_normalize_keeps_dtype_and_device(dtype):
    assert normalize(torch.rand(1, 3, 2, 2).to(dtype), types.CAFFE).dtype == dtype
    assert normalize(torch.rand(1, 3, 2, 2, device="meta"), types.CAFFE).device.type == "meta"


def test_caffe_is_bgr_minus_its_mean():
    red = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    torch.testing.assert_close(
        normalize(red, types.CAFFE).flatten(), torch.tensor([-103.939, -116.779, 255 - 123.68])
    )


@pytest.mark.parametrize("normalization", [types.IMAGENET, types.CAFFE])
def test_normalize_compiles_to_one_graph(normalization):
    images = noise(2, 3, 4, 4)
    compiled = torch.compile(lambda x: normalize(x, normalization), backend="eager", fullgraph=True)
    assert compiled(images).equal(normalize(images, normalization))


def test_normalize_has_right_gradients():
    images = noise(1, 3, 2, 2, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: normalize(x, types.CAFFE), images)
