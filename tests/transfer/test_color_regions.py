"""Masks drawn in colours."""

import pytest
import torch
from conftest import assert_close

from gramstyle.errors import StyleError
from gramstyle.images import ResizePolicy, resize
from gramstyle.transfer import color_regions

RED, GREEN, BLUE = (torch.eye(3)[at][:, None, None] for at in range(3))


def flag():
    """Red above, green below on the left, blue below on the right."""
    image = RED.expand(3, 40, 60).clone()
    image[:, 20:, :30], image[:, 20:, 30:] = GREEN, BLUE
    return image


def test_a_mask_per_colour():
    found = color_regions(flag())
    assert list(found) == ["#0000ff", "#00ff00", "#ff0000"]
    assert (found["#ff0000"][:20] == 1).all()
    assert [float(one.mean()) for one in found.values()] == [0.25, 0.25, 0.5]


def test_soft_edges_are_shared():
    soft = resize(flag(), ResizePolicy("exact", (50, 75)))  # edges blur
    found = color_regions(soft)
    assert list(found) == ["#0000ff", "#00ff00", "#ff0000"]
    assert_close(sum(found.values()), torch.ones(50, 75))
    assert any(((one > 0.05) & (one < 0.95)).any() for one in found.values())
    assert float(found["#ff0000"].mean()) == pytest.approx(0.5, abs=0.02)


def test_a_pixel_between_two_colours_has_their_shares():
    image = RED.expand(3, 20, 20).clone()
    image[:, 10:] = BLUE
    image[:, 9, 0] = torch.tensor([64 / 255, 0, 191 / 255])
    found = color_regions(image)
    assert float(found["#ff0000"][9, 0]) == pytest.approx(64 / 255)
    assert float(found["#0000ff"][9, 0]) == pytest.approx(191 / 255)


def test_colours_are_those_of_eight_bits():
    """Whatever they were rounded to as float32, and up to 16 of them; of 0.49 % of the pixels, too."""
    image = (RED * 254.6 / 255).expand(3, 100, 100).clone()
    image[:, :9, :9] = BLUE * 199.6 / 255  # 7 x 7 of them among eight neighbours
    assert list(color_regions(image)) == ["#0000c8", "#ff0000"]
    levels = torch.arange(17) / 32
    bands = levels.repeat_interleave(5).expand(3, 20, 85)
    assert len(color_regions(bands[..., 5:])) == 16
    with pytest.raises(StyleError, match="one per region, got 17"):
        color_regions(bands)


def test_a_pixel_beyond_both_colours_is_of_the_nearer():
    """As where an edge was sharpened."""
    image = (RED * 200 / 255).expand(3, 20, 20).clone()
    image[:, 10:] = RED * 100 / 255
    image[:, 9:10], image[:, 10:11] = RED * 250 / 255, RED * 50 / 255
    light, dark = color_regions(image)["#c80000"], color_regions(image)["#640000"]
    assert torch.equal(light, (torch.arange(20) < 10).float()[:, None].expand(20, 20))
    assert torch.equal(dark, 1 - light)


def test_masks_of_two_rows():
    assert len(color_regions(torch.cat([RED.expand(3, 2, 4), BLUE.expand(3, 2, 4)], 2))) == 2


def test_one_colour_is_one_region():
    image = RED.expand(3, 30, 30).clone()
    image[:, 0, 0] = GREEN[:, 0, 0]
    (mask,) = color_regions(image).values()
    assert (mask == 1).all()


def test_a_photograph_is_no_mask(generator):
    with pytest.raises(StyleError, match="a mask must have 1 to 16 flat colours, one per region, got 0"):
        color_regions(torch.rand(3, 40, 40, generator=generator))
    with pytest.raises(ValueError, match=r"pixels must be \(3, H, W\)"):
        color_regions(torch.rand(1, 4, 4))
