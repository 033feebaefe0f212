"""Flow, warps and occlusions of scenes whose motion is known."""

import math
import sys

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from gramstyle.motion import Motion, consistent, flicker, motion_between, optical_flow, temporal_error, warp
from gramstyle.motion.warp import resized_flow


def texture(seed, height=120, width=140):
    """Blobs of several sizes, (3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        torch.nn.functional.interpolate(
            torch.rand(1, 3, height // cell, width // cell, generator=generator),
            (height, width),
            mode="bicubic",
        )[0]
        for cell in (4, 10, 30)
    ]
    return (sum(layers) / 3).clamp(0, 1)


def moved(wide, x, y, size=(72, 96)):
    """A window of a large picture, x to the right and y down."""
    return wide[:, 10 + y : 10 + y + size[0], 10 + x : 10 + x + size[1]]


def flow_of(u, v, size=(8, 9)):
    return torch.stack([torch.full(size, float(u)), torch.full(size, float(v))])


@pytest.mark.parametrize(("x", "y"), [(0, 0), (3, -2), (-9, 5)])
def test_flow_of_a_translation(x, y):
    """What is at p of the first window is at p - (x, y) of one that looks further right and down."""
    wide = texture(1)
    flow = optical_flow(moved(wide, 0, 0), moved(wide, x, y))
    inside = flow[:, 14:-14, 14:-14]
    assert float((inside[0] + x).abs().mean()) < 0.1
    assert float((inside[1] + y).abs().mean()) < 0.1


def test_flow_of_images_that_are_smaller_than_its_patches():
    assert optical_flow(torch.rand(3, 5, 40), torch.rand(3, 5, 40)).shape == (2, 5, 40)
    wide = texture(1)
    flow = optical_flow(wide[:, 20:32, 20:32], wide[:, 20:32, 21:33])
    assert float((flow[0] + 1).abs().mean()) < 0.08
    assert optical_flow(torch.rand(3, 3, 4), torch.rand(3, 3, 4)).isfinite().all()


@pytest.mark.parametrize("mode", ["bicubic", "bilinear", "nearest"])
def test_a_warp_by_whole_pixels_is_a_slice(mode):
    image = torch.rand(3, 8, 9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    made = warp(image, flow_of(2, -1).double(), mode)
    assert torch.allclose(made[:, 1:, :-2], image[:, :-1, 2:], atol=1e-9)
    assert torch.allclose(made[:, 0, :-2], image[:, 0, 2:], atol=1e-9)  # continued by its edge
    assert torch.allclose(made[:, 1:, -1], image[:, :-1, -1], atol=1e-9)


def test_ways_of_interpolation():
    """Between pixels: the nearest one, their mean, or cubic convolution (Keys 1981) with a of -3/4."""
    row = torch.rand(9, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    image = row.expand(1, 8, 9)
    assert torch.equal(warp(image, flow_of(0.4, 0).double(), "nearest"), image)
    half = flow_of(0.5, 0).double()
    middle = (row[1:-2] + row[2:-1]) / 2
    assert torch.allclose(warp(image, half, "bilinear")[0, 0, 1:-2], middle)
    cubic = (19 * (row[1:-2] + row[2:-1]) - 3 * (row[:-3] + row[3:])) / 32
    assert torch.allclose(warp(image, half)[0, 0, 1:-2], cubic)


def test_what_is_brought_along_stays_in_range():
    board = (torch.arange(8)[:, None] + torch.arange(9)).remainder(2).float().expand(3, 8, 9)
    edges = torch.where(torch.arange(9) < 4, 0.0, 1.0).expand(3, 8, 9)
    for image in (board, edges):
        assert warp(image, flow_of(0.3, 0.3)).aminmax() != image.aminmax()
        made = Motion(flow=flow_of(0.3, 0.3), seen=torch.ones(8, 9)).warped(image)
        assert 0 <= float(made.min()) <= float(made.max()) <= 1


def test_a_warp_is_what_scipy_interpolates():
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(2, 12, 10, generator=generator, dtype=torch.float64)
    flow = 6 * torch.rand(2, 12, 10, generator=generator, dtype=torch.float64) - 3
    y, x = np.mgrid[0:12, 0:10]
    at = [y + flow[1].numpy(), x + flow[0].numpy()]
    expected = [map_coordinates(one.numpy(), at, order=1, mode="nearest") for one in image]
    assert np.allclose(warp(image, flow, "bilinear").numpy(), np.stack(expected), atol=1e-9)


def test_a_flow_of_another_size_leads_to_the_same_place():
    flow = flow_of(3, -2, (10, 20))
    assert torch.equal(resized_flow(flow, (30, 40)), flow_of(6, -6, (30, 40)))
    assert resized_flow(flow, (10, 20)) is flow


def test_what_is_consistent():
    """Each condition alone, at values on both sides of its threshold."""
    grey = torch.full((3, 8, 9), 0.5)

    def share(flow, back, frame=grey, other=grey):
        return float(consistent(flow, back, frame, other).float().mean())

    still = flow_of(0, 0)
    assert share(still, still) == 1
    # there and back: |w + b|^2 against 0.01 (|w|^2 + |b|^2) + 0.5
    assert share(still, flow_of(0.70, 0)) == 1  # 0.49 < 0.5 + 0.0049
    assert share(still, flow_of(0.72, 0)) == 0  # 0.518 > 0.5 + 0.0052
    # out of the frame: its pixels end half a pixel beyond the centres of the last ones
    assert share(flow_of(2, 0), flow_of(-2, 0)) == pytest.approx(7 / 9)
    assert share(flow_of(0, -3), flow_of(0, 3)) == pytest.approx(5 / 8)
    assert share(flow_of(-2, 0), flow_of(2, 0)) == pytest.approx(7 / 9)
    assert share(flow_of(0, 3), flow_of(0, -3)) == pytest.approx(5 / 8)
    assert share(flow_of(0.4, 0), flow_of(-0.4, 0)) == 1
    # boundaries: |grad u|^2 + |grad v|^2 against 0.01 |w|^2 + 0.002
    for slope, expected in ((0.043, 1), (0.047, 0)):
        ramp = flow_of(0, 0)
        ramp[1] = slope * (torch.arange(9.0) - 4)  # up to 0.19 rows, whose square adds at most 0.00035
        middle = consistent(ramp, -ramp, grey, grey)[:, 4]
        assert float(middle.float().mean()) == expected
    # colours
    assert share(still, still, grey, grey + 0.09) == 1
    assert share(still, still, grey, grey + 0.11) == 0
    other = grey.clone()
    other[0] += 0.17  # of one channel alone: 0.17 / sqrt(3) = 0.098
    assert share(still, still, grey, other) == 1


def test_colours_are_compared_along_the_motion():
    slope = 0.03 * torch.arange(20.0).expand(3, 8, 20)
    flow = flow_of(4, 0, (8, 20))
    assert consistent(flow, -flow, slope, slope - 0.12)[:, :15].all()
    assert not consistent(flow, -flow, slope, slope).any()


def test_what_is_consistent_of_fast_motion():
    """Thresholds grow with its length."""
    grey, fast = torch.full((3, 8, 60), 0.5), flow_of(20, 0, (8, 60))

    def found(flow, back, columns):
        return consistent(flow, back, grey, grey)[:, columns].float().mean()

    for back, expected in ((-17.5, 1), (-17, 0)):  # 6.25 < 0.01 (400 + 306) + 0.5; 9 > 0.01 (400 + 289) + 0.5
        assert found(fast, flow_of(back, 0, (8, 60)), slice(0, 35)) == expected
    for slope, expected in ((0.1, 1), (0.3, 0)):  # a boundary: 0.01 < 0.01 * 100 / 20 + 0.002, 0.09 > that
        bent = flow_of(math.sqrt(5), 0, (8, 60))
        bent[1] = slope * torch.arange(8.0)[:, None]  # down the rows
        assert consistent(bent, -bent, grey, grey)[:2, 10:50].float().mean() == expected
    back = flow_of(0, 0, (8, 60))
    back[0, :, 30:] = -20  # is read where the flow leads
    assert found(fast, back, slice(0, 9)) == 0
    assert found(fast, back, slice(11, 35)) == 1


def test_what_a_disc_uncovers_was_not_there():
    """A disc of its own texture moves to the right before another texture."""
    ground, disc = moved(texture(4), 0, 0), moved(texture(5), 0, 0).flip(0)
    y, x = torch.meshgrid(torch.arange(72), torch.arange(96), indexing="ij")

    def scene(right):
        inside = (y - 36) ** 2 + (x - 40 - right) ** 2 < 18**2
        return torch.where(inside, disc.roll(right, 2), ground), inside

    (before, was), (after, now) = scene(0), scene(8)
    motion = motion_between(after, before)
    uncovered = was & ~now
    assert float(motion.seen[uncovered].mean()) < 0.25
    far = (y - 36) ** 2 + (x - 44) ** 2 > 36**2
    assert float(motion.seen[far].mean()) > 0.95
    core = (y - 36) ** 2 + (x - 48) ** 2 < 10**2
    assert float(motion.seen[core].mean()) > 0.9
    u = motion.flow[0][core]
    assert float((u + 8).abs().median()) < 0.3
    assert float((motion.warped(before) - after).abs().mean(0)[motion.seen > 0].mean()) < 0.01


def test_other_scenes_have_little_in_common():
    one, other = moved(texture(6), 0, 0), moved(texture(7), 0, 0)
    assert motion_between(one, one).share == 1
    assert motion_between(one, other).share < 0.1
    assert motion_between(torch.zeros(3, 40, 40), torch.ones(3, 40, 40)).share == 0


def test_flow_is_computed_on_small_frames():
    wide = torch.nn.functional.interpolate(texture(8)[None], scale_factor=3)[0]
    motion = motion_between(wide, wide.roll(6, 2), size=120)
    assert motion.flow.shape == (2, 103, 120)
    assert motion.mask((360, 420)).shape == (360, 420)
    inside = (slice(None), slice(40, -40), slice(40, -40))
    apart = (motion.warped(wide.roll(6, 2)) - wide)[inside]
    assert float(apart.abs().mean()) < 0.02


def test_the_temporal_error_is_the_square_of_what_changed():
    """A moving scene that grows lighter: where it can be followed, by just that."""
    wide = texture(9) * 0.8
    contents = [moved(wide, 2 * at, at) for at in range(3)]
    lighter = [one + 0.05 * at for at, one in enumerate(contents)]
    steady = list(flicker(contents, contents))
    assert len(steady) == 2
    assert max(steady) < 2e-5
    assert list(flicker(lighter, contents)) == pytest.approx([0.05**2] * 2, rel=0.05)
    large = [torch.nn.functional.interpolate(one[None], scale_factor=2)[0] for one in lighter]
    assert list(flicker(large, contents)) == pytest.approx([0.05**2] * 2, rel=0.3)


def test_motion_is_that_of_the_contents():
    """A slope that stays while what is seen moves by two pixels: each is off by two steps of it."""
    wide = texture(9)
    slope = (0.01 * torch.arange(96)).expand(3, 72, 96)
    (error,) = flicker([slope, slope], [moved(wide, 0, 0), moved(wide, 2, 0)])
    assert error == pytest.approx(0.02**2, rel=0.1)


def test_only_pixels_that_were_there_count_in_the_temporal_error():
    seen = torch.zeros(8, 9)
    seen[:, :3] = 1
    motion = Motion(flow=flow_of(0, 0), seen=seen)
    before = torch.full((3, 8, 9), 0.4)
    after = before + torch.tensor([0.1, 0.2, 0.0])[:, None, None]
    after[:, :, 3:] = 1
    assert temporal_error(after, before, motion) == pytest.approx((0.1**2 + 0.2**2) / 3, rel=1e-5)


def test_no_error_where_nothing_was_there():
    black, white = torch.zeros(3, 40, 40), torch.ones(3, 40, 40)
    assert temporal_error(white, black, motion_between(white, black)) is None


def test_wrong_arguments_of_motion():
    with pytest.raises(
        ValueError, match=r"image and other must be of one size, got \(3, 20, 20\) and \(3, 20, 21"
    ):
        motion_between(torch.rand(3, 20, 20), torch.rand(3, 20, 21))
    with pytest.raises(ValueError, match=r"flow must be \(2, H, W\) for an image"):
        warp(torch.rand(3, 20, 20), torch.rand(2, 20, 21))
    with pytest.raises(ValueError, match="zip"):
        list(flicker([torch.rand(3, 20, 20)] * 2, [torch.rand(3, 20, 20)]))


def test_without_opencv_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(ImportError, match=r'needs OpenCV, .*: pip install "gramstyle\[video\]"'):
        optical_flow(torch.rand(3, 20, 20), torch.rand(3, 20, 20))
