"""The loss at one scale, against the distances and moments that it is made of."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import assert_close
from ot.gaussian import bures_wasserstein_barycenter

import gramstyle
from gramstyle.distance import distance
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.gram import Statistic, gram
from gramstyle.transfer import Objective, Parameterization, StyleImage
from gramstyle.transfer.canvas import canvas_of
from gramstyle.transfer.palette import palette_features
from gramstyle.transfer.stage import Stage
from gramstyle.transfer.targets import Target

METRICS = [
    ("mse", Statistic.GRAM),
    ("squared-wasserstein", Statistic.GAUSSIAN),
    ("squared-frobenius", Statistic.MEAN_STD),
]


def extractor_of(settings, dtype=torch.float32):
    return Extractor(settings.style.backbone, settings.taps, device="cpu", dtype=dtype, check_range=False)


def objective_of(settings, content, *styles, regions=None, dtype=torch.float32):
    given = [one if isinstance(one, StyleImage) else StyleImage(pixels=one[None]) for one in styles]
    return Objective(extractor_of(settings, dtype), settings, content[None], given, regions)


@pytest.mark.parametrize(("metric", "statistic"), METRICS)
def test_the_style_term_is_the_style_distance(metric, statistic, settings, content, style):
    chosen = settings(metric, statistic, style_weight=3.0)
    terms = objective_of(chosen, content, style).terms(content[None])
    found = sum(float(one) for name, one in terms.items() if name.startswith("style "))
    distance = gramstyle.StyleDistance(chosen.style, device="cpu")(content[None], style[None])
    assert found == pytest.approx(3 * float(distance), rel=1e-4)


def test_an_image_is_at_no_distance_from_itself(settings, content):
    terms = objective_of(settings(color_weight=1.0, tv_weight=0.0), content, content).terms(content[None])
    assert set(terms) == {"content layer1", "style act1", "style layer2", "color"}
    assert max(float(one) for one in terms.values()) < 1e-6


@pytest.mark.parametrize(("metric", "statistic"), METRICS)
def test_relative_terms_are_one_for_features_that_are_not_there(metric, statistic, settings, content, style):
    chosen = settings(metric, statistic, relative=True, tv_weight=0.0, color_weight=2.0)
    objective = objective_of(chosen, content, style)
    objective.extractor = lambda image: {
        tap: torch.zeros(1, channels, 4, 4)
        for tap, channels in {"act1": 32, "layer1": 32, "layer2": 48}.items()
    }
    objective._contents = {
        tap: (torch.full((1, 32, 4, 4), 1.0) * unit**0.5, unit)
        for tap, (_, unit) in objective._contents.items()
    }
    terms = {name: float(one) for name, one in objective.terms(torch.zeros(1, 3, 8, 8)).items()}
    expected = {"content layer1": 0.5, "style act1": 2.0, "style layer2": 1.0, "color": 2.0}
    assert terms == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("metric", "statistic"), METRICS)
def test_gradient_to_the_image(metric, statistic, settings, content, style):
    """Against central differences along drawn directions."""
    chosen = settings(metric, statistic, color_weight=0.3, tv_weight=0.2, relative=True, ridge=1e-3)
    objective = objective_of(chosen, content.double(), style.double(), dtype=torch.float64)
    # no two pixels alike: where maxima tie there is no derivative
    noise = torch.rand(content.shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    image = (0.5 * content.flip(2) + 0.5 * noise)[None].requires_grad_()

    def total(one):
        return sum(term.double() for term in objective.terms(one).values())

    total(image).backward()
    generator = torch.Generator().manual_seed(5)
    for _ in range(3):
        direction = torch.randn(image.shape, generator=generator, dtype=torch.float64)
        step = 1e-6
        with torch.no_grad():
            slope = (total(image + step * direction) - total(image - step * direction)) / (2 * step)
        assert_close((image.grad * direction).sum(), slope, tolerance=5e-5)


@pytest.mark.parametrize("kind", Parameterization)
def test_the_gradient_reaches_what_the_optimiser_changes(kind, settings, content, style):
    chosen = settings(color_weight=0.3, parameterization=kind)
    objective = objective_of(chosen, content, style)
    canvas = canvas_of(content.flip(2)[None], kind, clamp=True)
    expected = sum(term.double() for term in objective.terms(canvas.image()).values())
    (slope,) = torch.autograd.grad(expected, canvas.numbers)
    terms = Stage(canvas, objective, chosen, None).step()
    assert sum(terms.values()) == pytest.approx(float(expected.detach()), rel=1e-6)
    assert_close(canvas.numbers.grad, slope, tolerance=1e-6)


def test_blended_styles_are_a_sum_of_losses_for_the_mean_square_of_grams(settings, content, style):
    """|G - (3 A + B) / 4|^2 and (3 |G - A|^2 + |G - B|^2) / 4 have one gradient."""
    chosen = settings(content_weight=0.0, tv_weight=0.0)
    other = style.flip(1).roll(3, 0) ** 2

    def slope(*styles):
        image = content[None].clone().requires_grad_()
        sum(objective_of(chosen, content, *styles).terms(image).values()).backward()
        return image.grad

    blended = slope(StyleImage(pixels=style[None], weight=6.0), StyleImage(pixels=other[None], weight=2.0))
    assert_close(blended, (3 * slope(style) + slope(other)) / 4, tolerance=1e-3)


def test_a_blend_is_the_style_of_both_images_side_by_side(settings, content):
    """For statistics of pixels no tap looks across the seam."""
    left, right = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(4))
    chosen = settings(content_weight=0.0, tv_weight=0.0, style_weight=0.0, color_weight=1.0)
    blended = objective_of(chosen, content, left, right).terms(content[None])["color"]
    together = objective_of(chosen, content, torch.cat([left, right], 2)).terms(content[None])["color"]
    assert_close(blended, together, dtype=torch.float32)


def test_a_geodesic_is_the_barycenter_of_the_gaussians_of_styles(settings, content):
    """By POT, of colours and of features with more positions than channels."""
    left, right = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(4)).double()
    images, shares = (left**3, right, 1 - left * right), (3.0, 1.0, 2.0)
    chosen = settings("squared-wasserstein", Statistic.GAUSSIAN, color_weight=1.0, blend="geodesic")
    styles = [StyleImage(pixels=one[None], weight=share) for one, share in zip(images, shares, strict=True)]
    objective = objective_of(chosen, content.double(), *styles, dtype=torch.float64)
    terms = objective.terms(content.double()[None])
    extractor = extractor_of(chosen, torch.float64)

    def expected(features):
        made = torch.cat([gram(features(one[None]), statistic="gaussian") for one in images])
        weights = np.array(shares) / sum(shares)
        mean, covariance = bures_wasserstein_barycenter(
            made[..., -1].numpy(), made[..., :-1].numpy(), weights=weights, num_iter=100
        )
        middle = torch.cat([torch.from_numpy(covariance), torch.from_numpy(mean)[:, None]], 1)[None]
        seen = gram(features(content.double()[None]), statistic="gaussian")
        nothing = torch.zeros_like(middle)
        return [float(distance(one, middle, "squared-wasserstein")) for one in (seen, nothing)]

    found, _ = expected(lambda image: extractor(image)["act1"])
    assert float(terms["style act1"]) == pytest.approx(2 * found, rel=1e-4)
    found, unit = expected(lambda image: image)
    assert float(terms["color"]) == pytest.approx(found / unit, rel=1e-2)  # a ridge of 1e-4


def test_a_geodesic_of_one_style_is_that_style(settings, content, style):
    plain = settings("squared-wasserstein", Statistic.GAUSSIAN)
    alone = StyleImage(pixels=style[None], weight=2.0)
    without = StyleImage(pixels=1 - style[None], weight=0.0)
    terms = [
        objective_of(one, content, alone, without).terms(content[None])
        for one in (plain, replace(plain, blend="geodesic"))
    ]
    first, second = ({name: float(one) for name, one in each.items()} for each in terms)
    assert second == pytest.approx(first, rel=1e-5)


def test_a_geodesic_needs_gaussians(settings):
    with pytest.raises(StyleError, match=r"blend geodesic .* needs the statistic gaussian, got gram"):
        settings("mse", Statistic.GRAM, blend="geodesic")


def test_shares_of_a_blend_do_not_depend_on_sizes(settings, content):
    """A small image four times over is the same distribution, and the same share."""
    left, right = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(4))
    small = right[:, :20, :20]
    chosen = settings(content_weight=0.0, tv_weight=0.0, style_weight=0.0, color_weight=1.0)
    blended = objective_of(chosen, content, left**2, small).terms(content[None])["color"]
    tiled = objective_of(chosen, content, left**2, small.repeat(1, 2, 2)).terms(content[None])["color"]
    assert_close(blended, tiled, dtype=torch.float32)


def test_regions_count_by_their_area(settings, content, style):
    """A quarter in one style and the rest in another: the mean of the distances of the parts, so weighed."""
    quarter = torch.zeros(40, 48)
    quarter[:, :12] = 1
    other = 1 - style
    chosen = settings(content_weight=0.0, tv_weight=0.0, style_weight=0.0, color_weight=1.0)
    styles = [StyleImage(pixels=style[None], region="a"), StyleImage(pixels=other[None], region="b")]
    regions = {"a": quarter, "b": 1 - quarter}
    found = objective_of(chosen, content, *styles, regions=regions).terms(content[None])["color"]
    parts = (content[:, :, :12], content[:, :, 12:])
    alone = [
        float(objective_of(chosen, content, one).terms(part[None])["color"])
        for one, part in zip((style, other), parts, strict=True)
    ]
    assert float(found) == pytest.approx(alone[0] / 4 + 3 * alone[1] / 4, rel=1e-4)


def test_content_taps_are_averaged(settings, content, style):
    def contents(*taps):
        chosen = settings(content_taps=taps, content_norm="half-sum")
        terms = objective_of(chosen, content, style).terms(content.flip(2)[None])
        return {name: float(one) for name, one in terms.items() if name.startswith("content")}

    both = contents("layer1", "layer2")
    expected = {name: value / 2 for one in ("layer1", "layer2") for name, value in contents(one).items()}
    assert both == pytest.approx(expected, rel=1e-5)


def test_the_mean_over_taps_is_that_of_the_style_distance(settings, content, style):
    chosen = settings()
    chosen = replace(chosen, style=replace(chosen.style, combine=gramstyle.Combine.MEAN))
    terms = objective_of(chosen, content, style).terms(content[None])
    found = sum(float(one) for name, one in terms.items() if name.startswith("style "))
    distance = gramstyle.StyleDistance(chosen.style, device="cpu")(content[None], style[None])
    assert found == pytest.approx(float(distance), rel=1e-4)


def test_a_region_that_is_all_is_no_region(settings, content, style):
    chosen = settings(color_weight=1.0)
    plain = objective_of(chosen, content, style).terms(content[None])
    everywhere = {"all": torch.ones(40, 48)}
    masked = objective_of(
        chosen, content, StyleImage(pixels=style[None], region="all"), regions=everywhere
    ).terms(content[None])
    assert {name: float(one) for name, one in masked.items()} == pytest.approx(
        {name: float(one) for name, one in plain.items()}, rel=1e-4
    )


def test_each_region_is_compared_with_its_own_style(settings, content):
    """An image whose halves are those of two styles, each half with its own."""
    half = torch.zeros(40, 48)
    half[:, :24] = 1
    chosen = settings(content_weight=0.0, tv_weight=0.0, style_weight=0.0, color_weight=1.0)

    def color(left, right):
        styles = [
            StyleImage(pixels=left[None], region="left"),
            StyleImage(pixels=right[None], region="right"),
        ]
        regions = {"left": half, "right": 1 - half}
        return float(objective_of(chosen, content, *styles, regions=regions).terms(content[None])["color"])

    left, right = content[:, :, :24], content[:, :, 24:]
    assert color(left, right) < 1e-6
    assert color(right, left) > 1e-3


def test_masked_parts_of_a_style_do_not_count(settings, content, style):
    chosen = settings(style_weight=0.0, color_weight=1.0, content_weight=0.0, tv_weight=0.0)
    spoiled = torch.cat([style, torch.ones(3, 44, 20)], 2)
    mask = torch.cat([torch.ones(44, 36), torch.zeros(44, 20)], 1)
    masked = objective_of(chosen, content, StyleImage(pixels=spoiled[None], mask=mask)).terms(content[None])
    assert_close(
        masked["color"], objective_of(chosen, content, style).terms(content[None])["color"], torch.float32
    )


def test_the_colour_term_is_the_wasserstein_distance_of_palettes(settings, content, style):
    chosen = settings(style_weight=0.0, color_weight=1.0, content_weight=0.0, tv_weight=0.0)
    found = float(objective_of(chosen, content, style).terms(content[None])["color"])
    palettes = (palette_features(one[None].double()) for one in (content, style))
    a, b = (gram(one, statistic="gaussian") for one in palettes)
    apart = gramstyle.pairwise_distance(a, b, "squared-wasserstein", statistic="gaussian")
    nothing = gramstyle.pairwise_distance(torch.zeros_like(b), b, "squared-wasserstein", statistic="gaussian")
    assert found == pytest.approx(float(apart / nothing), rel=2e-2)  # a ridge of 1e-4


def test_the_colour_term_tells_palettes_of_one_mean_and_covariance_apart(settings, content):
    """Half of one colour and half of another beside an eighth of each extreme and three quarters between."""
    two = torch.tensor([0.25, 0.75]).repeat_interleave(32)
    three = torch.tensor([0.0] + 6 * [0.5] + [1.0]).repeat_interleave(8)
    assert torch.equal(two.var(), three.var())
    images = [torch.stack([one, 1 - one, torch.full_like(one, 0.5)]).view(3, 8, 8) for one in (two, three)]
    chosen = settings(style_weight=0.0, color_weight=1.0, content_weight=0.0, tv_weight=0.0)
    plain = settings(
        "squared-wasserstein", Statistic.GAUSSIAN, style_weight=0.0, color_weight=1.0, content_weight=0.0,
        tv_weight=0.0, blend="geodesic",
    )  # fmt: skip
    for one, other in (images, images[::-1]):
        assert float(objective_of(plain, content, other).terms(one[None])["color"]) < 1e-6
        assert float(objective_of(chosen, content, other).terms(one[None])["color"]) > 0.01


def test_a_ridge_is_a_share_of_the_mean_variance_of_the_style(generator):
    scales = torch.tensor([3.0, 1.0, 0.2, 0.0]).view(1, 4, 1, 1).double()
    style, image = (
        gram(scales * torch.rand(1, 4, 9, 9, generator=generator).double(), statistic="gaussian")
        for _ in range(2)
    )
    ridge = 0.01 * style[0].diagonal().mean() * torch.eye(4, 5, dtype=torch.float64)
    found = Target(style, "squared-wasserstein", Statistic.GAUSSIAN, relative=False, ridge=0.01).loss(image)
    assert_close(found, distance(image + ridge, style + ridge, "squared-wasserstein")[0], tolerance=1e-10)


def test_targets_of_many_channels_and_of_nothing(generator):
    """Without a ridge as exact as it is: of fewer positions than channels. Of nothing there is no unit."""
    style, image = (
        gram(torch.rand(1, 80, 5, 6, generator=generator).double(), statistic="gaussian") for _ in range(2)
    )
    given = "squared-wasserstein", Statistic.GAUSSIAN
    found = Target(style, *given, relative=False, ridge=0.0).loss(image)
    assert_close(found, distance(image, style, "squared-wasserstein")[0], tolerance=1e-6)  # roots of 1e-16
    nothing = Target(torch.zeros_like(style), *given, relative=True, ridge=0.0).loss(image)
    assert_close(nothing, image[0, :, :80].trace() + image[0, :, 80].square().sum(), tolerance=1e-6)


def test_regions_and_styles_must_fit(settings, content, style):
    mask = {"sky": torch.ones(40, 48)}
    with pytest.raises(StyleError, match="got a style for 'sea'; regions are 'sky'"):
        objective_of(
            settings(),
            content,
            StyleImage(pixels=style[None], region="sky"),
            StyleImage(pixels=style[None], region="sea"),
            regions=mask,
        )
    with pytest.raises(StyleError, match=r"each region needs a style .* got none for 'sky'"):
        objective_of(settings(), content, StyleImage(pixels=style[None], region="sea"), regions=mask)
    nothing = StyleImage(pixels=style[None], region="sky", weight=0.0)
    with pytest.raises(
        StyleError, match=r"each region needs a style with a weight above 0, got none for 'sky"
    ):
        objective_of(settings(), content, nothing, regions=mask)
    chosen = settings()
    chosen = replace(chosen, style=replace(chosen.style, combine=gramstyle.Combine.ROOT_SUM_SQUARES))
    with pytest.raises(StyleError, match="combine must be sum or mean"):
        objective_of(chosen, content, style)
