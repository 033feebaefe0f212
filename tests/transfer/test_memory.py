"""What is counted of memory, and what is chosen by it, against tensors that are really there."""

import gc

import pytest
import torch

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.tiles.grid import Grid
from gramstyle.transfer import (
    Objective,
    OptimizerSettings,
    Parameterization,
    SegmentedObjective,
    Style,
    TiledObjective,
    Transfer,
    bands,
)
from gramstyle.transfer import planner as limits
from gramstyle.transfer.canvas import canvas_of
from gramstyle.transfer.memory import KEPT_MOST, Budget, copy_of, network_bytes
from gramstyle.transfer.optimizer import Optimizer
from gramstyle.transfer.rehearsal import Rehearsal, Watch
from gramstyle.transfer.targets import StyleImage

from .conftest import TINY, picture

SIZE = (40, 48)
LBFGS = OptimizerSettings(name="lbfgs", step_size=1.0, history=10)


@pytest.fixture(scope="module")
def extractor():
    return Extractor(TINY, ("act1", "layer1", "layer2"), device="cpu", check_range=False)


def test_a_watch_counts_what_is_there_at_one_time():
    given = torch.zeros(1000)
    with Watch() as seen:
        first = given + 1  # 4000 bytes
        second = first.double()  # 8000 more
        del first
        shared = second.view(10, 100).T  # nothing
        given.add_(1)
        parts = second.split(500)
        third = shared + 1  # 8000 again, beside 8000
        del second, shared, parts, third
        gc.collect()
        given * 2
    assert seen.most == 16000


@pytest.mark.parametrize("optimizer", [OptimizerSettings(), LBFGS], ids=lambda one: one.name)
def test_an_optimiser_holds_no_more_than_is_counted(optimizer, settings, extractor):
    """On a curved bowl, until L-BFGS has all its pairs."""
    canvas = canvas_of(picture(1)[None], Parameterization.PIXELS, clamp=False)
    made, wanted, steep = Optimizer(canvas, optimizer), picture(2)[None], picture(3)[None] + 0.1

    def closure():
        made.zero_grad()
        loss = (steep * (canvas.image() - wanted) ** 4).sum()
        loss.backward()
        return loss

    for _ in range(optimizer.history + 3):
        made.step(closure)
    held = sum(one.nbytes for one in made.state().values() if one.ndim)
    counted = Budget(extractor, settings(optimizer=optimizer), 0, 0).of_image(SIZE)
    beside = 3 * copy_of(SIZE)  # numbers, gradient and average
    assert held + beside <= counted <= held + 10 * copy_of(SIZE)
    large = (4000, 4800)  # beside which what is fixed is nothing
    budget = Budget(extractor, settings(optimizer=optimizer), 0, 0)
    assert budget.peak(large, 0) >= budget.of_image(large) + 100**2 * 2 * held  # a snapshot, and its file


def test_what_a_limit_counts_adds_up(settings, extractor):
    def of(held=0, regions=0, **changes):
        return Budget(extractor, settings(**changes), held, regions)

    image = torch.zeros(3, *SIZE).nbytes
    assert copy_of(SIZE) == image
    assert of(held=12345).fixed - of().fixed == 12345
    assert of(regions=1).fixed == of().fixed  # one region, or all
    moments = 8 * (32 * 32 + 48 * 48)  # of act1 and layer2, in float64
    assert of(regions=3).fixed - of(regions=1).fixed == pytest.approx(2 * moments * 8, rel=0.5)
    mask = torch.zeros(SIZE).nbytes
    assert mask <= of(regions=1).of_image(SIZE) - of().of_image(SIZE) <= 2 * mask
    assert of().peak(SIZE, 0, 10**6) - of().peak(SIZE, 0) >= 10**6
    large = 10**9  # whose copies at a smaller size are made beside it
    assert of(held=large).peak(SIZE, 0) >= of(held=large).fixed + of().of_image(SIZE) + 2 * large
    assert of().of_maps(10**6) <= 2 * 10**6
    assert of().of_maps(10**11) == 10**11 + KEPT_MOST
    assert of().peak(SIZE, 10**9) >= 1.05 * (of().fixed + of().of_maps(10**9))
    fourier = {"parameterization": Parameterization.FOURIER}
    assert of(**fourier).peak(SIZE, 0) > of().peak(SIZE, 0) + 4 * image


def test_the_bytes_of_a_network(extractor, lively):
    """Of VGG16 up to its second layer: weights, biases and what winograd makes of them, 36 for 9."""
    network = Extractor(lively("vgg16", ("relu1_2",)), ("relu1_2",), device="cpu")
    weights = 4 * (64 * 3 * 9 + 64 + 64 * 64 * 9 + 64)
    assert network_bytes(extractor) >= sum(one.nbytes for one in extractor.state_dict().values())
    assert weights + 4 * 64 * 64 * 36 <= network_bytes(network) <= 4 * weights + 4 * 4 * 64 * 64 * 36


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_features_that_tiles_keep_take_what_is_said(dtype, settings, monkeypatch):
    """And are read, rather than made again."""
    chosen = settings(content_taps=("act1", "layer1"))
    network = Extractor(TINY, chosen.taps, device="cpu", dtype=dtype, check_range=False)
    content, style = picture(1)[None].to(dtype), StyleImage(pixels=picture(2)[None].to(dtype))
    objective = TiledObjective(network, chosen, content, [style], tile=20, keep_content=True)
    stored = {one.untyped_storage().data_ptr(): one for one in objective._content._kept.values()}
    rehearsal = Rehearsal(network, chosen)
    assert sum(one.untyped_storage().nbytes() for one in stored.values()) == rehearsal.content(SIZE)
    monkeypatch.setattr("gramstyle.tiles.Work.features", None)
    assert objective.evaluate(picture(3)[None].to(dtype)).terms["content act1"] > 0
    assert Rehearsal(network, settings(content_weight=0.0)).content(SIZE) == 0
    assert objective._style_tile == 20


def test_what_is_rehearsed_is_all_that_is_asked_for(settings, extractor):
    """More terms, more regions and more of the network take more."""

    def of(*regions, **changes):
        return Rehearsal(extractor, settings(**changes), regions)

    size = (80, 96)
    assert of("a", "b").whole(size) > of("a").whole(size) > of().whole(size)
    assert of().tiles(size, 24) > of(content_weight=0.0).tiles(size, 24)
    assert of().tiles(size, 48) > of().tiles(size, 24)
    assert of().whole(size) - of(content_weight=0.0).whole(size) >= 2 * of().content(size)
    assert of().whole(size, segmented=True) < of().whole(size)


COLOURS = {"color_weight": 1.0, "style_weight": 0.0, "content_weight": 0.0}


@pytest.mark.parametrize(
    "changes",
    [{}, {"histogram_weight": 1.0}, {"remedy": "softmax-global"}, {"color_weight": 1.0}, COLOURS],
    ids=str,
)
def test_what_is_rehearsed_is_what_happens(changes, settings, extractor, monkeypatch):
    monkeypatch.setattr(bands, "ON_CPU", 1000)
    size, chosen = (80, 96), settings(**changes)
    content, image = (picture(seed, *size)[None] for seed in (1, 2))
    objective = Objective(extractor, chosen, content, [StyleImage(pixels=content)])
    rehearsal = Rehearsal(extractor, chosen)
    with Watch() as seen:
        objective.evaluate(image)
    assert seen.most == pytest.approx(rehearsal.whole(size) - rehearsal.content(size), rel=0.15)


def test_segments_keep_nothing_of_statistics(settings, extractor):
    """However many regions have some: beside maps at taps there are masks alone."""

    def kept(count):
        content, sizes = picture(1, 80, 96)[None], {}
        regions = {str(at): torch.rand(80, 96) for at in range(count)}
        styles = [StyleImage(pixels=content, region=name) for name in regions]
        objective = SegmentedObjective(extractor, settings(), content, styles, regions)

        def pack(tensor):
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            objective.terms(content.clone().requires_grad_())
        return sum(sizes.values())

    assert kept(3) < 1.3 * kept(1)


@pytest.mark.parametrize(("size", "tile"), [((80, 96), 24), ((150, 100), 40)])
def test_tiles_of_each_kind_take_what_all_do(size, tile, settings, extractor, monkeypatch):
    rehearsal = Rehearsal(extractor, settings())
    found = rehearsal.tiles(size, tile)
    monkeypatch.setattr("gramstyle.transfer.rehearsal._Kinds", Grid)
    assert rehearsal.tiles(size, tile) == pytest.approx(found, rel=0.05)


def planned(settings, extractor, height=166, **options):
    content = picture(1, height, 200)
    options = {"extractor": extractor, **options}
    styles = [Style(pixels=picture(2), region=name) for name in options.get("regions", {"": None})]
    return Transfer(content, styles, settings(size=200, min_size=200), **options).execution(0)


def test_an_estimate_is_of_all_that_is_there(settings, extractor):
    size, half = (166, 200), torch.ones(166, 200) / 2
    start = torch.zeros(3, 500, 500)
    found = planned(
        settings, extractor, memory_limit=10**12, start=start, regions={"a": half, "b": half}
    ).estimate
    held = picture(1, *size).nbytes + start.nbytes + 2 * half.nbytes + 2 * picture(2).nbytes
    maps = Rehearsal(extractor, settings(), ("a", "b")).whole(size)
    assert found == Budget(extractor, settings(), held, 2).peak(size, maps)


def test_how_styles_and_contents_are_read(settings, extractor):
    """Styles larger than a whole image in tiles of its size; contents kept up to four copies of the image."""
    assert planned(settings, extractor, memory_limit=10**12).style_tile == 200
    tiled = planned(settings, extractor, tile=64)
    assert (tiled.tile, tiled.style_tile, tiled.keep_content) == (64, 64, True)
    kept = Rehearsal(extractor, settings()).content((166, 200))
    assert kept < limits.KEPT * copy_of((166, 200))
    checkpointed = planned(settings, extractor, gradient_checkpointing=True)
    assert checkpointed.words == "whole, with gradient checkpointing"


def test_checkpointing_is_tried_at_once(settings, extractor, monkeypatch):
    def refused(*_):
        raise StyleError("its operations cannot be listed")

    monkeypatch.setattr(limits, "Segments", refused)
    with pytest.raises(StyleError, match="cannot be listed"):
        planned(settings, extractor, gradient_checkpointing=True)


def test_contents_are_kept_where_they_are_few(settings, extractor, monkeypatch):
    share = Rehearsal(extractor, settings()).content((166, 200)) / copy_of((166, 200))
    for copies, expected in ((0.99 * share, False), (1.01 * share, True)):
        monkeypatch.setattr(limits, "KEPT", copies)
        assert planned(settings, extractor, tile=64).keep_content == expected


def test_tiles_of_a_strip_may_be_larger_than_it_is_high(settings, extractor, monkeypatch):
    monkeypatch.setattr(limits, "SIDES", (64, 16))
    found, limit = [], 10**12
    for _ in range(3):
        found.append(planned(settings, extractor, 32, memory_limit=limit))
        limit = found[-1].estimate - 1
    assert [one.tile for one in found] == [None, None, 64]


def test_auto_keeps_contents_within_its_bounds(settings, extractor, monkeypatch):
    size = (166, 200)
    rehearsal, budget = Rehearsal(extractor, settings()), Budget(extractor, settings(), 0, 0)
    maps = budget.of_maps(rehearsal.tiles(size, 64))
    monkeypatch.setattr(limits, "SMALL", 0)
    monkeypatch.setattr(limits, "SIDES", (64, 16))
    for most, tile, keeps in (
        (maps + rehearsal.content(size), 64, True),
        (maps + rehearsal.content(size) - 1, 64, False),
        (1, 16, False),
    ):
        monkeypatch.setattr(limits, "AUTO_BYTES", most)
        found = planned(settings, extractor, tile="auto")
        assert (found.tile, found.keep_content) == (tile, keeps)
