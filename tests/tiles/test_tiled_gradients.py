"""Gradients through tiles are those of the whole image; and those of finite differences."""

from __future__ import annotations

import pytest
import torch
from conftest import assert_close
from heavy import each

from gramstyle import StyleDistance
from gramstyle.errors import StyleError
from gramstyle.extract import backbones
from gramstyle.gram import GramSettings, Norm, Statistic
from gramstyle.images import resize_mask
from gramstyle.tiles import Tiling

from .conftest import enlivened, image_of

NAMES = [spec.name for spec in backbones()]
SUMS = GramSettings(norm=Norm.ELEMENTS)
ROUNDING = 1e-10


def loss_of(values):
    """A function of all entries in which no two weigh alike; some taps count negatively."""
    total = torch.zeros((), dtype=torch.float64)
    for at, one in enumerate(values):
        flat = one.double().flatten()
        ramp = torch.cos(torch.arange(len(flat), dtype=torch.float64) + at)
        total = (
            total + (ramp * flat).sum() / flat.detach().norm() + (flat / flat.detach().norm()).square().sum()
        )
    return total


def compared(extractor, image, tile, settings=SUMS, mask=None, tolerance=ROUNDING):
    """Gradients of one loss through the whole image and through tiles."""
    whole, tiled = (image.clone().requires_grad_() for _ in range(2))
    features = extractor(whole)
    weights = {
        tap: None if mask is None else resize_mask(mask, one.shape[2:])[None] for tap, one in features.items()
    }
    loss_of([settings(one, weights[tap]) for tap, one in features.items()]).backward()
    moments = Tiling(extractor, tile).moments(tiled, mask)
    loss_of([settings.of_moments(one) for one in moments.values()]).backward()
    assert float(whole.grad.abs().max()) > 0
    assert_close(tiled.grad, whole.grad, tolerance=tolerance)


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        *(pytest.param(*one.values, "auto", marks=one.marks) for one in each(NAMES)),
        ("efficientnet_b0", "reference"),
    ],
)
def test_every_backbone(name, kernel, extractor_of, some_taps):
    taps = {
        "efficientnet_b0": ("stem", "block1_depthwise", "block2", "block3_depthwise"),
        "vgg16": ("relu1_1", "relu2_1", "relu3_1"),
        "vgg16_bn": ("conv1_2", "relu3_1"),
        "vgg19": ("relu2_2", "pool3"),
    }.get(name) or some_taps(name)[:4]
    compared(extractor_of(name, taps, kernel=kernel), image_of(37, 43), 20)


@pytest.mark.parametrize("kind", list(Statistic))
def test_every_statistic_with_and_without_weights(kind, extractor_of):
    extractor = extractor_of("efficientnet_b0", ("stem", "block1"))
    settings = GramSettings(statistic=kind)
    mask = torch.rand(30, 33, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    mask[:20, :20] = 0  # a tile that weighs nothing
    compared(extractor, image_of(30, 33), 16, settings)
    compared(extractor, image_of(30, 33), 16, settings, mask)


@pytest.mark.parametrize("tile", [9, 16, 64])
def test_every_tile(tile, extractor_of):
    compared(extractor_of("resnet18", ("stem", "pool1", "layer2_0")), image_of(45, 31), tile)


def test_single_precision_to_its_rounding(extractor_of):
    extractor = extractor_of("mobilenet_v2", ("stem", "block3"), dtype=torch.float32)
    compared(extractor, image_of(50, 41, torch.float32), 20, tolerance=1e-5)


@pytest.mark.parametrize("padding", ["replicate", "reflect"])
def test_padding_by_pixels_passes_their_gradient_on(padding, extractor_of):
    compared(extractor_of("resnet18", ("stem",), first_padding=padding), image_of(21, 26), 8)


def test_finite_differences_through_squeeze_and_excite(extractor_of):
    """Against no derivative at all: a pixel moves every mean, and through them every position."""
    tiling = Tiling(extractor_of("efficientnet_b0", ("block2",)), 12)
    image = image_of(20, 24).requires_grad_()
    ramp = torch.cos(torch.arange(24 * 24, dtype=torch.float64)).reshape(24, 24)

    def loss(x):
        return (SUMS.of_moments(tiling.moments(x)["block2"]) * ramp).sum()

    loss(image).backward()
    step = 1e-5
    with torch.no_grad():
        for channel, row, column in ((0, 0, 0), (1, 11, 12), (2, 19, 23), (0, 13, 5)):
            ends = []
            for sign in (1, -1):
                moved = image.detach().clone()
                moved[0, channel, row, column] += sign * step
                ends.append(float(loss(moved)))
            slope = (ends[0] - ends[1]) / (2 * step)
            found = float(image.grad[0, channel, row, column])
            assert found == pytest.approx(slope, rel=1e-5, abs=1e-7 * float(image.grad.abs().max()))


def test_only_the_taps_that_are_asked_are_run_again(extractor_of):
    told = []
    tiling = Tiling(extractor_of("efficientnet_b0", ("stem", "block1", "block2")), 16)
    image = image_of(30, 33).requires_grad_()
    moments = tiling.moments(image, progress=lambda *each: told.append(each))
    told.clear()
    moments["stem"].mean.sum().backward()
    assert dict.fromkeys(told) == {("gradient of tiles at stem", done, 6): None for done in range(1, 7)}
    told.clear()
    moments = tiling.moments(image, progress=lambda *each: told.append(each))
    told.clear()
    moments["block1"].second.sum().backward()
    assert list(dict.fromkeys(what for what, _, _ in told)) == [
        "gradient of tiles at block1",
        "gradient of tiles for global means, round 1 of 2",
    ]


def test_an_image_that_needs_no_gradient_gets_no_graph(extractor_of):
    tiling = Tiling(extractor_of("resnet18", ("stem",)), 16)
    assert not tiling.moments(image_of(32, 32))["stem"].second.requires_grad
    with torch.no_grad():
        assert not tiling.moments(image_of(32, 32).requires_grad_())["stem"].second.requires_grad
    found = tiling.moments(image_of(32, 32).requires_grad_())["stem"]
    assert found.second.requires_grad
    assert not found.positions.requires_grad


def test_a_distance_in_tiles_is_the_distance_with_its_gradient():
    """Style transfer: forward and backward through the public door, two images of two sizes."""
    options = {"backbone": "mobilenet_v2@random", "taps": ("block1", "block3"), "device": "cpu"}
    whole, tiled = StyleDistance(**options), StyleDistance(tile=20, **options)
    for one in (whole, tiled):
        enlivened(one.extractor)
    a, b = (
        torch.cat([image_of(45, 38, seed=seed) for seed in (1, 2)]).float(),
        image_of(33, 50).float().repeat(2, 1, 1, 1),
    )
    grads, values = [], []
    for one in (whole, tiled):
        x = a.clone().requires_grad_()
        values.append(one(x, b))
        values[-1].sum().backward()
        grads.append(x.grad)
    assert values[1].dtype == values[0].dtype
    assert_close(values[1], values[0], tolerance=1e-5)
    assert_close(grads[1], grads[0], tolerance=1e-4)


def test_what_has_no_gradient_is_said(extractor_of):
    tiling = Tiling(extractor_of("resnet18", ("stem",)), 16)
    mask = torch.rand(32, 32, requires_grad=True)
    with pytest.raises(StyleError, match="tiles have no gradient for the mask: detach it, or run the whole"):
        tiling.moments(image_of(32, 32), mask)
    image = image_of(32, 32).requires_grad_()
    (gradient,) = torch.autograd.grad(
        tiling.moments(image)["stem"].mean.square().sum(), image, create_graph=True
    )
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_an_image_changed_in_between_is_noticed(extractor_of):
    tiling = Tiling(extractor_of("resnet18", ("stem",)), 16)
    image = image_of(32, 32).requires_grad_()
    total = tiling.moments(image)["stem"].mean.sum()
    with torch.no_grad():
        image.mul_(0.5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()
