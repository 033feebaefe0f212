"""Whole, checkpointed or in tiles: the same transfer, and what is chosen for which memory."""

import re
from dataclasses import replace

import pytest
import torch
from conftest import assert_close

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.gram import Statistic
from gramstyle.transfer import (
    Asked,
    Objective,
    OptimizerSettings,
    Parameterization,
    SegmentedObjective,
    Style,
    StyleImage,
    Transfer,
)
from gramstyle.transfer import planner as limits
from gramstyle.transfer.memory import Budget, copy_of
from gramstyle.transfer.rehearsal import Rehearsal, Watch
from gramstyle.transfer.tiled import TiledObjective

from .conftest import picture

WAYS = {
    "adam": {},
    "lbfgs": {"optimizer": OptimizerSettings(name="lbfgs", step_size=1.0, history=3)},
    "fourier": {"parameterization": Parameterization.FOURIER},
}


def run(settings, content, style, **options):
    options = {"device": "cpu", **options}
    return list(Transfer(content, style, settings, **options).states())


FEW = {"first_iterations": 2, "iterations": 2}
CASES = [*((way, {"tile": 20}) for way in WAYS), ("adam", {"gradient_checkpointing": True})]


@pytest.mark.parametrize(("way", "options"), CASES)
def test_the_result_is_that_of_the_whole_image(way, options, settings, content, style):
    """To float32 rounding of the image: the network is float64."""
    metric = "squared-wasserstein", Statistic.GAUSSIAN
    chosen = settings(*metric, ridge=1e-3, color_weight=0.2, **FEW, **WAYS[way])
    whole = run(chosen, content, style, dtype=torch.float64)
    other = run(chosen, content, style, dtype=torch.float64, **options)
    assert len(whole) == len(other) == 4
    for a, b in zip(whole, other, strict=True):
        assert b.losses == pytest.approx(dict(a.losses), rel=1e-4)
        assert_close(b.image, a.image, tolerance=1e-4)


def test_regions_in_single_precision(settings, content, style):
    left = (torch.arange(48) < 20).float().expand(40, 48)
    options = {"regions": {"left": left, "right": 1 - left}}
    styles = [Style(pixels=style, region="left"), Style(pixels=1 - style, region="right", weight=2.0)]
    whole = run(settings(size=32, relative=True), content, styles, **options)
    tiled = run(settings(size=32, relative=True), content, styles, tile=17, **options)
    assert_close(tiled[-1].image, whole[-1].image, tolerance=1e-3)
    assert tiled[0].losses == pytest.approx(dict(whole[0].losses), rel=1e-5)


def test_a_run_may_go_on_in_another_way(settings, content, style):
    """The digest is that of the result, which does not depend on how it is run."""
    chosen = settings(**FEW)
    first = Transfer(content, style, chosen, device="cpu", tile=20)
    for _, _ in zip(range(3), first.states(), strict=False):
        pass
    second = Transfer(content, style, chosen, device="cpu")
    second.restore(first.snapshot())
    rest = [one.image for one in second.states()]
    whole = [one.image for one in run(chosen, content, style)]
    assert len(rest) == 1
    assert_close(rest[-1], whole[-1], tolerance=1e-3)


def test_two_runs_in_tiles_give_the_same_bits(settings, content, style):
    first, second = (run(settings(size=32), content, style, tile=20)[-1].image for _ in range(2))
    assert torch.equal(first, second)


def test_tiles_report_their_progress(settings, content, style):
    told = []
    run(settings(size=32, **FEW), content, style, tile=20, progress=lambda *each: told.append(each))
    assert ("gradient of tiles at act1", 4, 4) in told


@pytest.mark.parametrize(
    ("asked", "regional", "changes"),
    [
        ("whole", False, {}),
        ("whole", True, {}),
        ("whole", True, {"histogram_weight": 1.0}),
        ("whole", False, {"remedy": "softmax-channel"}),
        ("segmented", False, {}),
        ("tiles", True, {}),
    ],
    ids=["whole", "regions", "histograms", "softmax", "segmented", "tiles"],
)
def test_a_rehearsal_holds_what_a_step_holds(asked, regional, changes, settings, lively):
    """The tensors of a real step, counted, beside those of one without values."""
    taps = ("relu1_1", "relu2_1")
    named = lively("vgg16", (*taps, "relu2_2"))
    chosen = settings("squared-wasserstein", Statistic.GAUSSIAN, color_weight=0.1, ridge=1e-3, **changes)
    extractor = Extractor(named, (*taps, "relu2_2"), device="cpu", check_range=False)
    style = replace(chosen.style, backbone=named, taps=taps, tap_weights=None)
    chosen = replace(chosen, style=style, content_taps=("relu2_2",))
    size = (60, 70)
    content, image = (picture(seed, *size)[None] for seed in (1, 2))
    regions = {"a": torch.rand(size), "b": torch.rand(size)} if regional else {}
    styles = [StyleImage(pixels=content, region=name) for name in regions or [""]]
    rehearsal = Rehearsal(extractor, chosen, tuple(regions))
    if asked == "tiles":
        objective = TiledObjective(extractor, chosen, content, styles, regions, tile=24)
        expected = rehearsal.tiles(size, 24)
    else:
        kind = Objective if asked == "whole" else SegmentedObjective
        objective = kind(extractor, chosen, content, styles, regions)
        expected = rehearsal.whole(size, segmented=asked == "segmented") - rehearsal.content(size)
    objective.evaluate(image)  # transforms filters
    with Watch() as seen:
        objective.evaluate(image)
    statistics = 8 * sum(extractor.channels[tap] ** 2 for tap in taps) * max(1, len(regions))
    assert 0.7 * expected < seen.most < 1.1 * expected + 8 * statistics


@pytest.fixture
def planned(settings, content, style):
    """Memory limit -> how an image of 333 x 400 is run."""

    def of(limit):
        made = Transfer(content, style, settings(size=400, min_size=400), device="cpu", memory_limit=limit)
        return made.execution(0)

    return of


def test_what_is_chosen_for_which_memory(planned, monkeypatch):
    monkeypatch.setattr(limits, "SIDES", (64, 32, 16))
    whole = planned(10**12)
    assert whole.words == "whole"
    checkpointed = planned(whole.estimate - 1)
    assert checkpointed.words == "whole, with gradient checkpointing"
    assert checkpointed.estimate < whole.estimate
    tiled = planned(checkpointed.estimate - 1)
    assert (tiled.words, tiled.keep_content) == ("in tiles of 64 pixels", True)
    assert tiled.estimate < checkpointed.estimate
    again = planned(tiled.estimate - 1)
    assert (again.words, again.keep_content) == ("in tiles of 64 pixels", False)


def test_a_limit_that_nothing_fits_names_one_that_does(planned, monkeypatch):
    monkeypatch.setattr(limits, "SIDES", (32, 16))
    with pytest.raises(StyleError, match=r"memory_limit must be at least .* of it for libraries") as raised:
        planned(10**6)
    least = round(float(re.search(r"at least ([\d.]+) GB", str(raised.value))[1]) * 1e9)
    assert planned(least).estimate <= least


def test_auto_runs_small_images_whole_and_large_ones_in_tiles(settings, content, style, monkeypatch):
    made = Transfer(content, style, settings(), device="cpu", tile="auto")
    assert made.execution(1).words == "whole"
    monkeypatch.setattr(limits, "SMALL", 0)
    monkeypatch.setattr(limits, "AUTO_BYTES", 10**5)
    monkeypatch.setattr(limits, "SIDES", (32, 16))
    made = Transfer(content, style, settings(), device="cpu", tile="auto")
    assert made.execution(1).words == "in tiles of 16 pixels"


def test_a_network_without_tiles(settings, content, style, monkeypatch):
    taps, chosen = ("stages.0", "stages.1"), settings(size=64, min_size=64, first_iterations=2)
    recipe = replace(chosen.style, backbone="timm:test_convnext@random", taps=taps, tap_weights=None)
    chosen = replace(chosen, style=recipe, content_taps=taps[1:])
    with pytest.raises(StyleError, match="cannot run in tiles because of permute"):
        Transfer(content, style, chosen, device="cpu", tile=32)
    monkeypatch.setattr(limits, "SMALL", 0)
    monkeypatch.setattr(limits, "AUTO_BYTES", 1)
    assert Transfer(content, style, chosen, device="cpu", tile="auto").execution(0).words == "whole"
    whole = Transfer(content, style, chosen, device="cpu", memory_limit=10**12).execution(0)
    assert (whole.words, whole.style_tile) == ("whole", None)
    with pytest.raises(
        StyleError, match=r"memory_limit is 0.01 GB, .* cannot run in tiles because of permute"
    ):
        Transfer(content, style, chosen, device="cpu", memory_limit=10**7)
    whole, segmented = (
        run(chosen, content, style, gradient_checkpointing=one)[-1].image for one in (False, True)
    )
    assert_close(segmented, whole, tolerance=1e-5)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"tile": 0}, ValueError, "tile must be greater than 0"),
        ({"tile": 1.5}, TypeError, "tile must be a whole number of pixels or 'auto', got 1.5"),
        ({"memory_limit": True}, TypeError, "memory_limit must be a whole number of bytes, got True"),
        ({"memory_limit": -1}, ValueError, "memory_limit must be greater than 0"),
        ({"memory_limit": 5, "tile": 5}, StyleError, "give one of memory_limit and tile: each decides"),
        ({"tile": 5, "gradient_checkpointing": True}, StyleError, "give one of tile and gradient_check"),
    ],
)
def test_what_cannot_be_asked_for(options, kind, message):
    with pytest.raises(kind, match=message):
        Asked(**options)


def test_limits_count_optimisers_and_parameterisations(settings):
    """L-BFGS keeps two images a pair, Fourier's numbers are as many as pixels and pass through more hands."""
    extractor = Extractor(settings().style.backbone, settings().taps, device="cpu")
    plain, lbfgs, fourier = (
        Budget(extractor, settings(**WAYS[way]), 0, 0).peak((1000, 1000), 0) for way in WAYS
    )
    assert lbfgs - plain >= 4 * copy_of((1000, 1000))
    assert fourier > plain
