"""One network after another, from images to estimates: against distances computed the plain way."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import assert_close
from study.textures import TINY, textures
from study.tiny_study import COLOUR, COVARIANCE, GRAM, MEAN, RELATIVE, save_weights, settings_of

from gramstyle.corpus import Corpus
from gramstyle.diagnose import OF_MOMENTS, PER_IMAGE, diagnose_moments
from gramstyle.distance import pairwise_distance
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, backbone
from gramstyle.gram import gram
from gramstyle.images import grayscale
from gramstyle.study import Readout, Sweep
from gramstyle.study import measure as module
from gramstyle.study.assess import Assessor
from gramstyle.study.cache import Cache
from gramstyle.study.collect import DIAGNOSTICS
from gramstyle.study.combined import combined
from gramstyle.study.labels import Labels
from gramstyle.study.measure import Bench, diagnostics, facts, load, measure
from gramstyle.study.measured import MeasuredStore
from gramstyle.study.networks import Network
from gramstyle.study.plan import conditions
from gramstyle.study.results import ALL_TAPS, DAMPED, FROM_4, FROM_8, PIXELS, TOGETHER, Condition
from gramstyle.study.survey import spread_over_styles, survey

SIZES = ((48, 48), (48, 64), (64, 48))
DEVELOPMENT = ("style 0", "style 2")
HUBS = Readout(statistic="gram", metric="frobenius+csls")
SWEEPS = (
    Sweep(where="depth", whose=("learned", "pixels"), readouts=(GRAM, RELATIVE, COVARIANCE, HUBS)),
    Sweep(where="ladder", features=("shuffled-independently", "subsample:3"), readouts=(GRAM, COVARIANCE)),
    Sweep(where="last", channels=("rotated", "standardised"), readouts=(GRAM,)),
    Sweep(where="last", inputs=("grayscale", "size:40"), readouts=(GRAM,)),
    Sweep(whose=("random",), where="last", readouts=(GRAM,)),
    Sweep(whose=("pixels",), where="last", readouts=(COLOUR,)),
)


def bench_of(corpus, settings, folder, development=DEVELOPMENT, progress=None):
    looked = survey(corpus, settings.resize)
    labels = Labels(styles=corpus.labels("style"), contents=corpus.labels("content"))
    return Bench(
        settings=settings,
        survey=looked,
        assessor=Assessor(labels, development, draws=20, permutations=39, level=0.95, seed=0),
        cache=Cache(folder / "moments"),
        store=MeasuredStore(folder / "measured", {"corpus": "textures"}),
        fit=tuple(row for row, style in enumerate(labels.styles) if not development or style in development),
        diagnosed=spread_over_styles(corpus, settings.diagnosed),
        batch_size=4,
        progress=progress,
    )


def planned(network, bench):
    smallest = bench.survey.smallest
    return [*conditions(bench.settings, [network], smallest), *combined(network, bench.settings)]


@pytest.fixture(scope="module")
def corpus():
    """Twelve images of three sizes, whose texture is their style."""
    return textures(4, 3, sizes=SIZES)


class Measured:
    """A network that was measured once, and what it was measured with."""

    def __init__(self, corpus, folder):
        self.corpus, self.folder = corpus, folder
        self.name = save_weights(folder / "w.safetensors")
        said = []
        self.settings = settings_of(self.name, sweeps=SWEEPS)
        self.bench = bench_of(corpus, self.settings, folder, progress=lambda *now: said.append(now))
        self.network = Network(self.name, device="cpu")
        self.conditions = planned(self.network, self.bench)
        measure(self.network, self.conditions, self.bench)
        self.said = tuple(said)
        self.sha = self.network.identity["sha256"]
        extractor = Extractor(self.name, [tap.name for tap in self.network.depth], device="cpu")
        images = [item.origin.pixels for item in corpus.items]
        with torch.no_grad():
            self.features = [extractor(one[None]) for one in images]
            self.grey = [extractor(grayscale(one)[None]) for one in images]

    def read(self, condition):
        return self.bench.store.read(condition, self.sha)

    def auc(self, condition, split="all"):
        (found,) = (
            one.value
            for one in self.read(condition)[0].estimates
            if (one.question, one.name, one.split) == ("style", "auc", split)
        )
        return found

    def at(self, tap, **changed):
        return Condition(backbone=self.network.backbone, weights=self.network.weights, tap=tap, **changed)


@pytest.fixture(scope="module")
def measured(corpus, tmp_path_factory):
    return Measured(corpus, tmp_path_factory.mktemp("measured"))


def distances(features, tap, statistic="gram", metric="frobenius"):
    values = torch.cat([gram(one[tap].double(), statistic=statistic) for one in features])
    return pairwise_distance(values, None, metric, statistic=statistic).numpy()


def auc(matrix, styles):
    wins = [
        (far > near) + (far == near) / 2
        for near in (matrix[i, j] for i in range(len(styles)) for j in range(i) if styles[i] == styles[j])
        for far in (matrix[i, j] for i in range(len(styles)) for j in range(i) if styles[i] != styles[j])
    ]
    return np.mean(wins)


def test_every_condition_is_measured(measured):
    # 5 taps x 4 readouts; 2 arms x 2 readouts at all but the last tap, that has one whole window of 48
    # pixels; 2 channel arms; 2 inputs; 4 readouts of 3 sets of taps together, one of
    # them once more with deep taps scaled down
    assert len(measured.conditions) == 20 + 16 + 2 + 2 + 3 * 4 + 1
    assert all(measured.bench.store.has(one, measured.sha) for one in measured.conditions)
    assert len(list((measured.folder / "measured").iterdir())) == len(measured.conditions)


@pytest.mark.parametrize("readout", [GRAM, RELATIVE, COVARIANCE])
def test_distances_are_those_of_the_features_of_each_image(readout, measured):
    for tap in measured.network.depth:
        condition = measured.at(tap.name, statistic=readout.statistic, metric=readout.metric)
        expected = distances(measured.features, tap.name, readout.statistic, readout.metric)
        assert_close(measured.bench.store.matrix(condition, measured.sha), expected, tolerance=1e-5)


def test_estimates_are_those_of_the_distances(measured, corpus):
    styles = corpus.labels("style")
    for tap in measured.network.depth:
        matrix = distances(measured.features, tap.name)
        assert measured.auc(measured.at(tap.name)) == pytest.approx(auc(matrix, styles), abs=1e-9)
        rows = [row for row, style in enumerate(styles) if style not in DEVELOPMENT]
        held_out = auc(matrix[np.ix_(rows, rows)], [styles[row] for row in rows])
        assert measured.auc(measured.at(tap.name), "held-out") == pytest.approx(held_out, abs=1e-9)
    last = measured.network.ladder[-1].name
    for arm in ("rotated", "standardised"):
        assert measured.auc(measured.at(last, channels=arm)) == pytest.approx(
            measured.auc(measured.at(last)), abs=0 if arm == "rotated" else 0.3
        )
    grey = measured.auc(measured.at(last, input="grayscale"))
    assert grey == pytest.approx(auc(distances(measured.grey, last), styles), abs=1e-9)


def test_a_planted_style_is_found(measured):
    aucs = {tap.name: measured.auc(measured.at(tap.name)) for tap in measured.network.depth}
    assert max(aucs.values()) > 0.9
    best = max(aucs, key=aucs.get)
    (tested,) = (
        one.p
        for one in measured.read(measured.at(best))[0].estimates
        if (one.question, one.name, one.split) == ("style", "auc", "all")
    )
    assert tested <= 0.05


def test_what_is_tested_looked_at_closely_and_kept(measured):
    last = measured.network.ladder[-1].name
    for condition in measured.conditions:
        found, _ = measured.read(condition)
        as_is = condition.tap in TOGETHER or condition == measured.at(
            condition.tap, statistic=condition.statistic, metric=condition.metric
        )
        primary = (condition.statistic, condition.metric) == ("gram", "frobenius")
        assert any(one.p is not None for one in found.estimates) is (as_is and primary)
        assert (("content", "auc", "all") in found.draws) is (as_is and primary)
        if as_is:
            measured.bench.store.matrix(condition, measured.sha)
    with pytest.raises(StyleError, match="were not kept"):
        measured.bench.store.matrix(measured.at(last, channels="rotated"), measured.sha)


@pytest.mark.parametrize(
    ("averaged", "taps"),
    [
        (ALL_TAPS, ("blocks.0", "blocks.1", "blocks.2", "blocks.3")),  # not the deepest
        (FROM_4, ("blocks.1", "blocks.2", "blocks.3")),
        (FROM_8, ("blocks.2", "blocks.3")),
    ],
)
def test_taps_together_are_the_mean_of_those_of_their_resolutions(averaged, taps, measured):
    for readout in (GRAM, RELATIVE, HUBS):
        one = measured.at(averaged, statistic=readout.statistic, metric=readout.metric)
        each = [measured.bench.store.matrix(replace(one, tap=tap), measured.sha) for tap in taps]
        assert_close(measured.bench.store.matrix(one, measured.sha), sum(each) / len(each), tolerance=1e-6)


def test_deep_taps_can_be_scaled_down_before_they_are_averaged(measured):
    reductions = [tap.reduction for tap in backbone(TINY).taps[:4]]
    assert [one >= 16 for one in reductions] == [False, False, False, True]
    one = measured.at(DAMPED, statistic="gram", metric="frobenius")
    *shallow, deep = (
        measured.bench.store.matrix(replace(one, tap=tap), measured.sha) for tap in backbone(TINY).scale_taps
    )
    # features times 0.001, so Gram matrices and their distances times 0.000001
    expected = (sum(shallow) + 1e-6 * deep) / 4
    assert_close(measured.bench.store.matrix(one, measured.sha), expected, tolerance=1e-6)


def test_a_second_call_computes_nothing(measured, monkeypatch):
    """Neither features nor distances nor estimates, and no file is written or touched."""

    def refuse(*_, **__):
        raise AssertionError("computed again")

    said = []
    bench = bench_of(
        measured.corpus, measured.settings, measured.folder, progress=lambda *now: said.append(now)
    )
    network = Network(measured.name, device="cpu")
    before = {path: path.stat().st_mtime_ns for path in measured.folder.rglob("*")}
    monkeypatch.setattr(Network, "features", refuse)
    monkeypatch.setattr(Assessor, "assess", refuse)
    monkeypatch.setattr(MeasuredStore, "write", refuse)
    monkeypatch.setattr(module, "matrices", refuse)
    monkeypatch.setattr(module, "load", refuse)
    measure(network, planned(network, bench), bench)
    assert {path: path.stat().st_mtime_ns for path in measured.folder.rglob("*")} == before
    assert said[-1] == (f"{network.name}: distances", len(measured.conditions), len(measured.conditions))


def test_what_is_missing_is_measured_and_nothing_else(measured, monkeypatch, tmp_path):
    asked = []
    assess = Assessor.assess

    def counted(self, condition, *arguments, **options):
        asked.append(condition)
        return assess(self, condition, *arguments, **options)

    def refuse(*_):
        raise AssertionError("computed again")

    store = MeasuredStore(tmp_path, {"corpus": "textures"})
    kept = measured.conditions[3:]
    for condition in kept:
        found, known = measured.read(condition)
        as_is = condition.tap in TOGETHER or condition in measured.conditions[:20]
        store.write(
            found,
            measured.sha,
            measured.bench.store.matrix(condition, measured.sha) if as_is else None,
            known,
        )
    monkeypatch.setattr(Assessor, "assess", counted)
    monkeypatch.setattr(Network, "features", refuse)
    measure(measured.network, measured.conditions, replace(measured.bench, store=store))
    assert sorted(asked) == sorted(measured.conditions[:3])
    for condition in measured.conditions:
        one, other = store.read(condition, measured.sha), measured.read(condition)
        assert one[0].estimates == other[0].estimates or condition.metric == HUBS.metric  # NaN
        assert one[1] == other[1]


def test_progress_ends_where_it_should(measured):
    name = measured.network.name
    images = [(what, done) for what, done, total in measured.said if total == 12]
    for what in (f"{name}: images", f"{name}: images grayscale", f"{name}: images size:40"):
        assert [done for said, done in images if said == what] == [4, 8, 12]
    distances_done = [done for what, done, _ in measured.said if what == f"{name}: distances"]
    assert distances_done == sorted(distances_done)
    assert distances_done[-1] == len(measured.conditions)


def test_facts_of_the_noise_floor_by_numpy(measured, corpus):
    styles = corpus.labels("style")
    for tap in ("blocks.1", "blocks.4"):
        flat = [one[tap][0].flatten(1).double().numpy() for one in measured.features]
        covariances = [np.cov(one, ddof=0) for one in flat]
        traces, squares = (
            np.array([np.trace(one) for one in covariances]),
            np.array([(one**2).sum() for one in covariances]),
        )
        matrix = distances(measured.features, tap, "covariance")
        pairs = [(i, j) for i in range(12) for j in range(i)]
        expected = {
            "near": np.mean([matrix[i, j] ** 2 for i, j in pairs if styles[i] == styles[j]]),
            "far": np.mean([matrix[i, j] ** 2 for i, j in pairs if styles[i] != styles[j]]),
            "participation": np.sort(traces**2 / squares)[5],  # the lower of the two in the middle
            "floor": np.mean(traces**2 + squares),
            "square": np.mean(squares),
        }
        _, found = measured.read(measured.at(tap, statistic="covariance"))
        assert found == pytest.approx(expected, rel=1e-4)
    assert measured.read(measured.at("blocks.1"))[1] == {}


def test_diagnostics_are_quartiles_over_the_images_diagnosed(measured):
    bench, network = measured.bench, measured.network
    found = diagnostics(network, measured.conditions, bench)
    assert [(one.tap, one.name) for one in found] == [
        (tap.name, name) for tap in network.depth for name in PER_IMAGE
    ]
    assert {(one.backbone, one.weights) for one in found} == {(network.backbone, network.weights)}
    rows = sorted(bench.diagnosed)
    assert len(rows) == 4  # one of each style
    wanted = next(one for one in module._wanted(network, measured.conditions, bench) if not one.input.resize)
    room = wanted.room(bench.cache, DIAGNOSTICS)
    for one in found:
        values = room.read([bench.survey.digests[row] for row in rows], f"{one.tap}/{one.name}").numpy()
        kept = values[np.isfinite(values)]
        quartiles = np.quantile(kept, [0.25, 0.5, 0.75]) if len(kept) else [np.nan] * 3
        assert np.array_equal([one.low, one.median, one.high], quartiles, equal_nan=True)
        assert (one.pooled is None) is (one.name not in OF_MOMENTS)


def test_pooled_diagnostics_are_of_all_positions_of_all_images(measured):
    found = diagnostics(measured.network, measured.conditions, measured.bench)
    for tap in ("blocks.0", "blocks.2"):  # whose positions are in proportion to the pixels
        flat = np.concatenate([one[tap][0].flatten(1).double().numpy() for one in measured.features], axis=1)
        whole = diagnose_moments(
            torch.from_numpy(np.cov(flat, ddof=0))[None], torch.from_numpy(flat.mean(1))[None], flat.shape[1]
        )
        pooled = {one.name: one.pooled for one in found if one.tap == tap and one.pooled is not None}
        assert set(pooled) == set(OF_MOMENTS)
        for name, value in pooled.items():
            assert np.isclose(value, float(whole[name]), rtol=1e-3, equal_nan=True), (tap, name)


@pytest.mark.parametrize(
    ("given", "features", "sizes"),
    [
        ("as-is", "as-is", SIZES),
        ("size:40", "as-is", ((40, 40), (40, 53), (53, 40))),
        ("as-is", "subsample:3", ((1, 3), (1, 3), (1, 3))),
    ],
)
def test_images_weigh_as_many_positions_as_they_have(given, features, sizes, measured):
    wanted = {
        one.input.name: one for one in module._wanted(measured.network, measured.conditions, measured.bench)
    }
    moments = load(wanted[given], features, "blocks.4" if given != "as-is" else "blocks.1", measured.bench)
    assert moments.positions.tolist() == [height * width for height, width in sizes * 4]
    assert len(moments) == 12


def test_pixels_are_measured_as_a_network(measured, corpus, tmp_path):
    bench = bench_of(corpus, measured.settings, tmp_path)
    network = Network(PIXELS, device="cpu")
    asked = planned(network, bench)
    assert [(one.tap, one.metric) for one in asked] == [
        ("rgb", readout.metric) for readout in (GRAM, RELATIVE, COVARIANCE, HUBS, COLOUR)
    ]
    measure(network, asked, bench)
    pixels = [{"rgb": item.origin.pixels[None]} for item in corpus.items]
    assert_close(bench.store.matrix(asked[0], ""), distances(pixels, "rgb"), tolerance=1e-5)
    colours, _ = bench.store.read(asked[-1], "")
    assert ("hard", "auc", "all") in colours.draws  # a baseline is looked at closely
    tested = [any(one.p is not None for one in bench.store.read(each, "")[0].estimates) for each in asked]
    assert tested == [True, False, False, False, True]  # the primary readout, and that of colours


def test_random_copies_are_measured_loosely(measured, corpus, tmp_path):
    bench = bench_of(corpus, measured.settings, tmp_path)
    network = Network(f"{TINY}@random:3", like=measured.name, device="cpu")
    asked = planned(network, bench)
    assert [one.tap for one in asked] == ["blocks.4"]
    measure(network, asked, bench)
    found, _ = bench.store.read(asked[0], network.identity["sha256"])
    assert ("content", "auc", "all") not in found.draws
    assert ("style", "auc", "held-out") in found.draws
    room = module._wanted(network, asked, bench)[0].room(bench.cache, "as-is")
    assert all(room.has(digest) for digest in bench.survey.digests)
    assert len(list((tmp_path / "moments").iterdir())) == 1  # nothing was diagnosed


def test_identical_images_lie_nowhere_apart(corpus, measured, tmp_path):
    twin = replace(corpus.items[1], name="again")
    twins = Corpus(name="twins", items=(*corpus.items, twin))
    settings = replace(measured.settings, sweeps=(Sweep(where="last", readouts=(GRAM, HUBS)),))
    bench = bench_of(twins, settings, tmp_path)
    network = Network(measured.name, device="cpu")
    asked = planned(network, bench)
    measure(network, asked, bench)
    matrix = bench.store.matrix(asked[0], measured.sha)
    assert matrix[1, 12] == 0
    assert np.array_equal(matrix[:, 1], matrix[:, 12])
    assert (matrix + np.eye(13))[np.triu_indices(13, 1)].astype(bool).sum() == 13 * 12 / 2 - 1


def test_a_tap_of_one_position_has_no_covariance(measured, tmp_path):
    small = textures(3, 2, sizes=((32, 32),))
    sweep = Sweep(
        where="last", readouts=(GRAM, COVARIANCE, Readout(statistic="correlation", metric="frobenius"))
    )
    bench = bench_of(small, replace(measured.settings, sweeps=(sweep,)), tmp_path, development=())
    network = Network(measured.name, device="cpu")
    asked = planned(network, bench)
    measure(network, asked, bench)
    for condition in asked:
        found, known = bench.store.read(condition, measured.sha)
        values = {one.name: one.value for one in found.estimates if one.question == "style"}
        assert known == {}
        if condition.statistic == "gram":
            assert values["permanova-f"] > 0
        else:
            assert not bench.store.matrix(condition, measured.sha).any()
            assert values["auc"] == 0.5
            assert "permanova-f" not in values


def by_hand(network, *sweeps):
    settings = settings_of(network.name, sweeps=(Sweep(where="last", readouts=(GRAM,)), *sweeps))
    return [(one.tap, one.statistic) for one in combined(network, settings)]


def test_taps_are_combined_where_each_of_them_is_measured_as_it_is(measured):
    learned = measured.network
    means = [(averaged, "mean") for averaged in (ALL_TAPS, FROM_4, FROM_8)]
    grams = [(averaged, "gram") for averaged in TOGETHER]  # once more with deep taps scaled down
    assert by_hand(learned) == []
    assert by_hand(learned, Sweep(where="ladder", readouts=(GRAM,))) == []
    assert by_hand(learned, Sweep(where="depth", readouts=(GRAM, MEAN))) == [*grams, *means]
    twice = (Sweep(where="depth", readouts=(GRAM,)), Sweep(where="depth", readouts=(replace(GRAM, most=64),)))
    assert by_hand(learned, *twice) == grams
    for arms in ({"inputs": ("grayscale",)}, {"features": ("softmax-global",)}, {"channels": ("rotated",)}):
        assert by_hand(learned, Sweep(where="depth", readouts=(MEAN,), **arms)) == []
        both = {name: ("as-is", *given) for name, given in arms.items()}
        assert by_hand(learned, Sweep(where="depth", readouts=(MEAN,), **both)) == means
    # the widest of the taps has 48 channels, the deepest tap 64
    for most, found in ((47, []), (48, means)):
        assert by_hand(learned, Sweep(where="depth", readouts=(replace(MEAN, most=most),))) == found
    depth = Sweep(where="depth", whose=("learned", "random", "pixels"), readouts=(MEAN,))
    assert by_hand(Network(f"{TINY}@random", device="cpu"), depth) == []
    assert list(combined(Network(PIXELS, device="cpu"), settings_of("vgg16", sweeps=(*SWEEPS, depth)))) == []
    assert list(combined(learned, settings_of("vgg16", sweeps=(Sweep(readouts=(GRAM,)),)))) == []
    random_only = Sweep(where="depth", whose=("random",), readouts=(MEAN,))
    assert by_hand(learned, random_only) == []


def test_weights_that_end_before_a_tap_are_not_combined():
    network = Network(PIXELS, device="cpu")
    network.backbone, network.weights, network.depth = TINY, "mine", backbone(TINY).taps[:2]
    assert by_hand(network, Sweep(where="depth", readouts=(GRAM,))) == []


def test_an_average_of_the_same_taps_comes_once():
    network = Network("timm:test_vit@random", device="cpu")
    network.weights = "mine"  # all of its taps are at 1/16
    assert by_hand(network, Sweep(where="depth", readouts=(GRAM,))) == [(ALL_TAPS, "gram")]


@pytest.mark.parametrize("processors", [5, None])
def test_any_number_of_threads_finds_the_same(processors, measured, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    bench = replace(measured.bench, store=MeasuredStore(tmp_path, {"corpus": "textures"}), progress=None)
    some = measured.conditions[:8]
    measure(measured.network, some, bench)
    for condition in some:
        one, other = bench.store.read(condition, measured.sha)[0], measured.read(condition)[0]
        assert str(one.estimates) == str(other.estimates)
        assert all(
            np.array_equal(drawn, other.draws[key], equal_nan=True) for key, drawn in one.draws.items()
        )


@pytest.mark.parametrize(("images", "threads"), [(12, 64), (1000, 42), (100_000, 1)])
def test_threads_are_as_many_as_have_memory(images, threads, measured, monkeypatch):
    asked = []

    class Counted(ThreadPoolExecutor):
        def __init__(self, workers):
            asked.append(workers)
            super().__init__(1)

    monkeypatch.setattr(module, "ThreadPoolExecutor", Counted)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    many = replace(measured.bench.survey, digests=("",) * images)
    module._keep_all([], "", replace(measured.bench, survey=many))
    assert asked == [threads]


def test_an_error_in_a_thread_ends_the_run_and_what_has_not_begun(measured, tmp_path, monkeypatch):
    begun, stopped = [], threading.Event()
    shutdown = ThreadPoolExecutor.shutdown

    def assess(self, condition, *_, **__):
        begun.append(condition)
        if len(begun) == 1:
            raise StyleError("of one matrix")
        assert stopped.wait(60)
        raise AssertionError("after the end")

    def noted(self, wait=True, *, cancel_futures=False):
        shutdown(self, wait=False, cancel_futures=cancel_futures)
        stopped.set()
        shutdown(self, wait=wait)

    monkeypatch.setattr(Assessor, "assess", assess)
    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", noted)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    bench = replace(measured.bench, store=MeasuredStore(tmp_path, {"corpus": "textures"}))
    with pytest.raises(StyleError, match="of one matrix"):
        measure(measured.network, measured.conditions, bench)
    # two workers: one failed and took a third matrix, the fourth was in line
    assert len(begun) == 3
    assert list(tmp_path.iterdir()) == []


def test_no_progress_need_be_told(corpus, tmp_path):
    settings = settings_of("vgg16", sweeps=(Sweep(whose=("learned", "pixels"), readouts=(GRAM,)),))
    bench = bench_of(corpus, settings, tmp_path)
    bench.say("nothing", 1, 2)
    assert facts(Condition(backbone=PIXELS, weights="", tap="rgb"), None, np.zeros((2, 2)), None) == {}
