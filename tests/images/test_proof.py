"""Colours of a device, against matrices worked out here and luminances."""

import numpy as np
import pytest
import torch
from images.image_files import (
    black_press,
    cmyk_profile,
    constant_lut,
    gamma,
    grey_profile,
    matrix_profile,
    profile,
)
from images.test_colour import decode, encode, srgb_to_xyz

from gramstyle import ImageError, StyleError, UnknownNameError
from gramstyle.images import Picture, SoftProof

RNG = np.random.default_rng(7)
LEVEL = 1 / 255
PALE = 0.7 * np.eye(3) + 0.1  # linear sRGB of a device's primaries: each has a tenth of the two others
EXPONENT = 563 / 256


@pytest.fixture
def proof(tmp_path):
    """`SoftProof` of a profile's bytes."""

    def of(data, *intent):
        path = tmp_path / "device.icc"
        path.write_bytes(data)
        return SoftProof(path, *intent)

    return of


def pale():
    return matrix_profile("Pale", (srgb_to_xyz() @ PALE).T, gamma(EXPONENT))


def image(values):
    """(N, 3) -> (3, 1, N)."""
    return torch.from_numpy(np.asarray(values, np.float32)).T[:, None].contiguous()


def colours(pixels):
    return pixels[:, 0].T.double().numpy()


def eight(values):
    return np.rint(values * 255) / 255


def test_colours_beyond_the_primaries_are_clipped_to_them(proof):
    """Linear light of the device, clipped to [0, 1] and kept in 8 bits, is what is seen."""
    values = eight(np.concatenate([np.eye(3), 1 - np.eye(3), RNG.random((500, 3))]))
    device = (decode(values) @ np.linalg.inv(PALE).T).clip(0, 1)
    clipped = (device == 0).any(1) | (device == 1).any(1)
    assert 0.2 < clipped.mean() < 0.8
    expected = encode(eight(device ** (1 / EXPONENT)) ** EXPONENT @ PALE.T)
    seen = colours(proof(pale())(image(values)))
    np.testing.assert_allclose(seen, expected, atol=1.01 * LEVEL)
    assert np.abs(seen - values)[~clipped].max() <= 2.01 * LEVEL
    np.testing.assert_allclose(seen[0], encode(PALE[:, 0]), atol=1.01 * LEVEL)  # red


def test_a_second_proof_changes_no_more_than_rounding(proof):
    pale_proof = proof(pale())
    once = pale_proof(image(RNG.random((500, 3))))
    assert float((pale_proof(once) - once).abs().max()) <= 1.01 * LEVEL


def luminance(values):
    return decode(values) @ srgb_to_xyz()[1]


@pytest.mark.parametrize(
    "data", [black_press("News", 25), black_press("Ink", 0), grey_profile("Grey", gamma(1.8))],
    ids=["grey ink", "black ink", "grey"],
)  # fmt: skip
def test_without_coloured_inks_luminance_is_what_stays(proof, data):
    """However grey its black: compensation there and back cancel, and do not without one of them."""
    values = eight(RNG.uniform(0.3, 1, (300, 3)))
    seen = colours(proof(data)(image(values)))
    np.testing.assert_allclose(seen, encode(luminance(values))[:, None].repeat(3, 1), atol=2.5 * LEVEL)
    ends = colours(proof(data)(image([[0, 0, 0], [1, 1, 1]])))
    np.testing.assert_allclose(ends, [[0] * 3, [1] * 3], atol=3 * LEVEL)


def test_the_intent_is_of_the_way_there(proof):
    """Tables of the perceptual intent that print nothing, and see all as red: white paper is seen."""
    data = black_press("Odd", 25, B2A0=constant_lut(3, 0, 0, 0, 0), A2B0=constant_lut(4, 128, 255, 128))
    values = RNG.uniform(0.3, 1, (50, 3))
    np.testing.assert_allclose(colours(proof(data, "perceptual")(image(values))), 1, atol=LEVEL)
    expected = encode(luminance(values))[:, None].repeat(3, 1)
    np.testing.assert_allclose(colours(proof(data, "relative")(image(values))), expected, atol=2.5 * LEVEL)


def test_a_profile_with_one_pair_of_tables_has_both_intents(proof):
    data = black_press("One", 0).replace(b"A2B1", b"xxx1").replace(b"B2A1", b"xxx2")
    values = image(RNG.uniform(0.3, 1, (50, 3)))
    assert torch.equal(proof(data, "relative")(values), proof(black_press("Two", 0))(values))
    assert torch.equal(proof(data, "perceptual")(values), proof(data, "relative")(values))


def test_pictures_keep_all_but_their_pixels(proof):
    grey = proof(black_press("News", 25))
    picture = Picture(pixels=torch.rand(3, 4, 5), alpha=torch.rand(4, 5), name="a.png", notes=("16-bit",))
    seen = grey.of(picture)
    assert torch.equal(seen.pixels, grey(picture.pixels))
    assert seen.alpha is picture.alpha
    assert (seen.name, seen.notes) == ("a.png", ("16-bit", "proofed with ICC profile 'News', relative"))


def test_pixels_of_any_precision(proof):
    pixels = torch.rand(3, 5, 6, dtype=torch.float64, requires_grad=True)
    before = pixels.detach().clone()
    grey = proof(pale())
    seen = grey(pixels)
    assert (seen.dtype, seen.shape, seen.requires_grad) == (torch.float64, (3, 5, 6), False)
    assert torch.equal(pixels.detach(), before)
    assert torch.equal(seen.float(), grey(pixels.float()))
    assert torch.equal(grey(2 * pixels), grey((2 * pixels).clamp(0, 1)))
    seen_half = grey(torch.ones(3, 1, 1, dtype=torch.bfloat16))
    assert seen_half.tolist() == [[[1.0]]] * 3
    with pytest.raises(ValueError, match=r"pixels must be \(3, H, W\), got shape \(1, 3, 2, 2\)"):
        grey(torch.rand(1, 3, 2, 2))
    with pytest.raises(ValueError, match="pixels must be finite, got 12 NaN"):
        grey(torch.full((3, 2, 2), float("nan")))
    with pytest.raises(TypeError, match="pixels must be floating point"):
        grey(torch.zeros(3, 2, 2, dtype=torch.uint8))


WRONG = {
    "no profile": (b"#!/bin/sh\n" * 40, r"an ICC profile \(.icc, .icm\), and .*device.icc' is none"),
    "abstract": (profile("A", b"Lab ", {}, pcs=b"Lab ", kind=b"abst"), "is of class 'abst', not prtr, mntr"),
    "named": (profile("N", b"CMYK", {}, pcs=b"Lab ", kind=b"nmcl"), "is of class 'nmcl', not prtr, mntr"),
    "link": (profile("L", b"RGB ", {}, pcs=b"RGB ", kind=b"link"), "is of class 'link', not prtr, mntr"),
    "scanner": (profile("S", b"RGB ", {}, kind=b"scnr"), "is of class 'scnr', not prtr, mntr"),
    "six inks": (
        profile("6", b"6CLR", {}, pcs=b"Lab ", kind=b"prtr"),
        r"of CMYK, RGB or GRAY colours; those of .*device.icc' are 6CLR",
    ),
    "one way": (cmyk_profile("C", lambda c, m, y, k: (100 * (1 - k), 0, 0)), "to its device and back"),
    "cut off": (pale()[:-30], "or curves and matrix are missing or damaged"),
    "nothing in it": (profile("E", b"RGB ", {}), "are missing or damaged"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_other_profiles_are_refused(proof, kind):
    data, message = WRONG[kind]
    with pytest.raises(StyleError, match=f"^proof must be .*{message}"):
        proof(data)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ImageError, match=r"cannot read .*none.icc': no such file"):
        SoftProof(tmp_path / "none.icc")
    with pytest.raises(ImageError, match="proof must be an ICC profile, this is a folder"):
        SoftProof(tmp_path)
    (tmp_path / "empty.icc").touch()
    with pytest.raises(ImageError, match="the file is empty"):
        SoftProof(tmp_path / "empty.icc")
    with pytest.raises(UnknownNameError, match="intent must be one of: relative, perceptual; got 'absolute'"):
        SoftProof(tmp_path / "none.icc", "absolute")
