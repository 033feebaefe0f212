"""Whole studies of corpora whose truth is known, small enough to be made in a second."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import binom
from study.tiny_study import (
    COLOUR,
    COVARIANCE,
    GRAM,
    MEAN,
    PIXEL,
    RELATIVE,
    SIDE,
    coloured,
    corpus_of,
    found,
    grain,
    save_weights,
    settings_of,
    textured,
    undated,
)

from gramstyle import Extractor
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.gram import GramSettings, Statistic, pack
from gramstyle.study import Readout, StudySettings, Sweep, run_study
from gramstyle.study.assess import Assessor
from gramstyle.study.labels import Labels
from gramstyle.study.matrices import Moments, matrices
from gramstyle.study.networks import Network
from gramstyle.study.results import ALL_TAPS, PIXELS, Condition
from gramstyle.study.selection import split_styles

FEW = (Sweep(where="depth", readouts=(GRAM,)), PIXEL)
NO_COPIES = {"random_seeds": (), "diagnosed": 2}


@pytest.fixture(scope="module", autouse=True)
def unsynced():
    """Files need not outlive the machine here; waiting for the disk takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda handle: None)
        yield


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return save_weights(tmp_path_factory.mktemp("weights") / "w.safetensors")


@pytest.fixture(scope="module")
def planted(network, tmp_path_factory):
    """A study with every kind of sweep, of a corpus in which style is plain to see."""
    folder = tmp_path_factory.mktemp("planted")
    settings = settings_of(network)
    return run_study(textured(), settings, folder, device="cpu"), settings, folder


def study(corpus, settings, folder, **options):
    return run_study(corpus, settings, folder, device="cpu", **options)


def forwards(monkeypatch):
    """Number of images in each batch that goes through a network from here on."""
    seen, forward = [], Extractor.forward

    def counted(self, images):
        seen.append(len(images))
        return forward(self, images)

    monkeypatch.setattr(Extractor, "forward", counted)
    return seen


def test_a_planted_style_is_found_on_styles_that_chose_nothing(planted, network):
    results, _, _ = planted
    (choice,) = results.choices
    assert choice.network == network
    assert choice.held_out > 0.85
    assert choice.low > 0.5
    assert choice.p <= 0.02
    assert choice.p_adjusted == choice.p  # a family of one
    held = found(results, tap=choice.tap, weights=choice.network.partition("@")[2], split="held-out",
                 input="as-is", features="as-is", statistic="gram", metric="frobenius")  # fmt: skip
    assert (held.value, held.low, held.high, held.p) == (choice.held_out, choice.low, choice.high, choice.p)
    assert held.p_adjusted == choice.p_adjusted
    assert sum(one.p_adjusted is not None for one in results.estimates) == 1
    assert {one.name: one.decision for one in results.verdicts}["H7"] == "not measured"


def test_every_part_of_the_results_is_there(planted, network):
    results, settings, _ = planted
    assert results.networks() == (PIXELS, network, "timm:test_efficientnet@random:0")
    assert results.networks(learned=True) == (network,)
    assert len({one.condition for one in results.estimates}) == 52
    assert len(results.taps) == 1 + 5 + 5
    assert len(results.verdicts) == 13
    assert {one.split for one in results.estimates} == {"all", "development", "held-out"}
    assert StudySettings.from_plain(results.provenance.settings) == settings
    assert results.provenance.device == "cpu"
    assert results.provenance.weights[network]["name"] == "w.safetensors"
    development, held_out = split_styles([f"style {number}" for number in range(6)], 0)
    assert (results.corpus.development, results.corpus.held_out) == (development, held_out)
    assert results.corpus.counts == {"style": {f"style {number}": 4 for number in range(6)}}
    assert [one.name for one in results.remedies] == [
        one.name for one in sorted(results.remedies, key=lambda one: -one.held_out)
    ]
    steps = [one.name for one in results.ladder]
    assert steps[0] == "as it is"
    assert "channels rotated at random" in steps
    assert {one.of for one in results.similarity} == {"gram", "mean"}
    assert len(results.noise) == 5 + 3  # as they are, and 9 drawn of 24 x 24, of 12 x 12, of 6 x 6


def test_noise_is_of_every_tap_as_it_is_and_of_drawn_positions(planted):
    results, _, _ = planted
    drawn = [one.condition.features for one in results.noise]
    assert drawn.count("as-is") == 5
    positions = [576, 144, 36, 9, 4]
    assert drawn.count("subsample:9") == sum(one > 9 for one in positions)
    for one in results.noise:
        assert one.noise == pytest.approx(2 * (one.participation + 1) / one.effective)
        assert one.effective <= 576


@pytest.fixture(scope="module")
def from_scratch(network):
    """Gram matrices of one tap and their distances, pair by pair, without anything of the study."""
    corpus = textured()
    extractor = Extractor(network.partition("@")[0], ["blocks.0"], weights=network.partition("@")[2],
                          device="cpu")  # fmt: skip
    grams = []
    for item in corpus.items:
        features = extractor(item.origin.pixels[None])["blocks.0"][0].flatten(1).double()
        grams.append(features @ features.T / features.shape[1])
    size = len(grams)
    matrix = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            matrix[i, j] = float(((grams[i] - grams[j]) ** 2).sum().sqrt())
    return corpus, grams, matrix


def near_and_far(corpus, matrix, styles):
    near, far = [], []
    for i, one in enumerate(corpus.items):
        for j, other in enumerate(corpus.items[:i]):
            if one.style in styles and other.style in styles:
                (near if one.style == other.style else far).append(matrix[i, j])
    return near, far


PLAIN = {"tap": "blocks.0", "input": "as-is", "features": "as-is", "statistic": "gram",
         "metric": "frobenius"}  # fmt: skip


def test_figures_are_those_of_distances_made_one_by_one(planted, from_scratch, network):
    results, _, _ = planted
    corpus, _, matrix = from_scratch
    styles = {
        "all": set(corpus.counts("style")),
        "development": results.corpus.development,
        "held-out": results.corpus.held_out,
    }
    weights = network.partition("@")[2]
    for split, names in styles.items():
        near, far = near_and_far(corpus, matrix, names)
        wins = sum((f > n) + (f == n) / 2 for f in far for n in near)
        one = found(results, split=split, weights=weights, **PLAIN)
        assert one.value == pytest.approx(wins / len(near) / len(far), abs=1e-4)
        assert (one.near, one.far, one.images) == (len(near), len(far), 4 * len(names))
    near, far = near_and_far(corpus, matrix, styles["all"])
    contrast = found(results, "contrast", weights=weights, **PLAIN)
    assert contrast.value == pytest.approx(np.mean(far) / np.mean(near) - 1, rel=1e-4)


def test_figures_for_the_report_are_of_the_same_distances(planted, from_scratch):
    results, _, _ = planted
    corpus, _, matrix = from_scratch
    condition = next(one.condition for one in results.maps if one.condition.tap == "blocks.0")
    (drawn,) = [one for one in results.maps if one.condition == condition]
    assert drawn.labels == tuple(f"style {number}" for number in range(6))
    for row, one in enumerate(drawn.labels):
        for column, other in enumerate(drawn.labels):
            values = [
                matrix[i, j]
                for i, first in enumerate(corpus.items)
                for j, second in enumerate(corpus.items)
                if i != j and (first.style, second.style) == (one, other)
            ]
            assert drawn.means[row][column] == pytest.approx(np.mean(values), rel=1e-4)
    (shares,) = [one for one in results.distributions if one.condition == condition]
    near, far = near_and_far(corpus, matrix, set(drawn.labels))
    unit = np.mean(near + far)
    for values, share in ((near, shares.near), (far, shares.far)):
        assert sum(share) == pytest.approx(1)
        middle = (np.array(shares.edges[1:]) + shares.edges[:-1]) / 2
        assert sum(share * middle) == pytest.approx(np.mean(values) / unit, abs=shares.edges[1])


def unbiased(K, L):
    """HSIC_1, sum by sum."""
    n = len(K)
    K, L = K - np.diag(np.diag(K)), L - np.diag(np.diag(L))
    products = sum(K[i, j] * L[j, i] for i in range(n) for j in range(n))
    chains = sum(K[i, k] * L[k, j] for i in range(n) for j in range(n) for k in range(n))
    found = products + K.sum() * L.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * chains
    return found / (n * (n - 3))


def test_similarity_is_cka_of_the_descriptors(planted, from_scratch, network):
    """Debiased linear CKA of the Gram vectors of two taps (HSIC_1 of Song et al. 2012, eq. 5)."""
    results, _, _ = planted
    corpus, grams, _ = from_scratch
    extractor = Extractor(network.partition("@")[0], ["blocks.2"], weights=network.partition("@")[2],
                          device="cpu")  # fmt: skip
    others = []
    for item in corpus.items:
        features = extractor(item.origin.pixels[None])["blocks.2"][0].flatten(1).double()
        others.append(features @ features.T / features.shape[1])
    K, L = (one @ one.T for one in (torch.stack(one).flatten(1).numpy() for one in (grams, others)))
    expected = unbiased(K, L) / math.sqrt(unbiased(K, K) * unbiased(L, L))
    (similar,) = [one for one in results.similarity if one.of == "gram"]
    places = [tap for _, tap in similar.taps]
    value = similar.values[places.index("blocks.0")][places.index("blocks.2")]
    assert value == pytest.approx(expected, abs=1e-3)
    assert np.diag(similar.values) == pytest.approx(np.ones(5))


def test_a_rotation_of_channels_changes_nothing_and_a_shuffle_does(planted):
    results, _, _ = planted
    steps = {(one.tap, one.name): one for one in results.ladder}
    last = results.taps[5].tap
    rotated = steps[last, "channels rotated at random"]
    assert abs(rotated.change) < 1e-9
    assert rotated.contrast == pytest.approx(steps[last, "as it is"].contrast, rel=1e-4)
    top = results.ladder[0].tap
    assert abs(steps[top, "positions shuffled, each channel by itself"].contrast) != pytest.approx(
        steps[top, "as it is"].contrast, rel=1e-3
    )


def test_all_taps_together_are_the_mean_of_their_distances(planted, network):
    """The default taps of the network, as the library combines them."""
    results, _, _ = planted
    corpus = textured()
    spec, weights = network.split("@")
    taps = ["blocks.0", "blocks.1", "blocks.2", "blocks.3"]
    extractor = Extractor(spec, taps, weights=weights, device="cpu")
    total = np.zeros((len(corpus), len(corpus)))
    for tap in taps:
        rows = []
        for item in corpus.items:
            features = extractor(item.origin.pixels[None])[tap][0].flatten(1).double()
            rows.append((features @ features.T / features.shape[1]).flatten().numpy())
        points = np.stack(rows)
        total += np.linalg.norm(points[:, None] - points[None], axis=2)
    near, far = near_and_far(corpus, total, set(corpus.counts("style")))
    one = found(results, "contrast", tap=ALL_TAPS, metric="frobenius")
    assert one.value == pytest.approx(np.mean(far) / np.mean(near) - 1, rel=1e-3)


def test_a_run_in_the_same_folder_computes_nothing_again(planted, monkeypatch):
    results, settings, folder = planted
    seen = forwards(monkeypatch)
    monkeypatch.setattr("gramstyle.study.assess.Assessor.assess", lambda *_, **__: pytest.fail("assessed"))
    monkeypatch.setattr("gramstyle.study.cache.Room.write", lambda *_: pytest.fail("wrote"))
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    again = study(textured(), settings, folder)
    assert seen == []
    assert undated(again) == undated(results)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == files


def test_a_study_goes_on_from_what_another_left(planted, network, monkeypatch, tmp_path):
    """Other resamples of the same images: every moment is there, no image goes through a network."""
    results, settings, folder = planted
    seen = forwards(monkeypatch)
    again = study(textured(), replace(settings, draws=20, permutations=19), folder)
    assert seen == []
    for one, other in zip(again.estimates, results.estimates, strict=True):
        assert one.condition == other.condition
        assert repr(one.value) == repr(other.value)
    assert again.choices[0].tap == results.choices[0].tap
    assert again.choices[0].p != results.choices[0].p


@pytest.mark.proofs
def test_another_primary_readout_finds_in_a_used_folder_what_it_finds_in_a_new_one(
    network, monkeypatch, tmp_path
):
    sweeps = (Sweep(where="depth", readouts=(GRAM, RELATIVE)), PIXEL)
    settings = settings_of(network, sweeps=sweeps, **NO_COPIES)
    study(textured(), settings, tmp_path / "used")
    other = replace(settings, primary=RELATIVE)
    fresh = study(textured(), other, tmp_path / "new")
    seen = forwards(monkeypatch)
    assert undated(study(textured(), other, tmp_path / "used")) == undated(fresh)
    assert not seen
    assert {one.condition.metric for one in fresh.find(name="permanova-f") if one.p is not None} == {
        "relative-frobenius",
        "wasserstein",
    }


def test_other_labels_of_the_same_images_are_measured_anew(network, tmp_path, monkeypatch):
    corpus, settings = textured(4, 2), settings_of(network, sweeps=FEW, **NO_COPIES)
    first = study(corpus, settings, tmp_path)
    seen = forwards(monkeypatch)
    styles = [corpus.items[place - 1].style for place in range(len(corpus))]  # each image that before it
    moved = [replace(item, style=style) for item, style in zip(corpus.items, styles, strict=True)]
    second = study(replace(corpus, items=tuple(moved)), settings, tmp_path)
    assert seen == []
    assert second.corpus.digest != first.corpus.digest
    plain = {"tap": "blocks.0", "metric": "frobenius"}
    assert found(first, **plain).value > 0.7 > found(second, **plain).value


def test_labels_that_mean_nothing_are_not_found(network, tmp_path):
    settings = settings_of(network, sweeps=FEW, **NO_COPIES)
    for seed in (1, 2):
        results = study(textured(4, 4, seed=seed, planted=False, tint=0.05), settings, tmp_path)
        for one in results.find(question="style", name="auc", input="as-is"):
            if one.split != "development" and one.condition.tap != ALL_TAPS:
                assert one.low < 0.5 < one.high
                assert one.p >= 0.05
        assert {one.decision for one in results.verdicts} <= {"undecided", "not measured", "refuted"}


CORPORA = 200
BAND = binom.ppf([0.0005, 0.9995], CORPORA, 0.05) / CORPORA
"""99.9 % of the rates that a test of exactly 5 % shows over `CORPORA`."""


@pytest.mark.proofs
def test_colours_that_know_nothing_of_style_are_significant_in_five_of_a_hundred():
    """Through the pixels' own network, moments, distances and tests; on all styles and held-out ones."""
    pixels = Network(PIXELS, device="cpu")
    styles = [f"style {number // 3}" for number in range(12)]
    assessor = Assessor(
        Labels(styles=styles), ("style 0", "style 1"), draws=1, permutations=99, level=0.95, seed=0
    )
    condition = Condition(backbone=PIXELS, weights="", tap="rgb", statistic="gram", metric="frobenius")
    describe = GramSettings(statistic=Statistic.GAUSSIAN)
    rejected = {"all": 0, "held-out": 0}
    for seed in range(CORPORA):
        draw = torch.Generator().manual_seed(seed)
        images = 0.5 + 0.1 * torch.rand(12, 3, 1, 1, generator=draw) * torch.randn(
            12, 3, 8, 8, generator=draw
        ).clamp(-4, 4)
        gaussian = describe(pixels.features(images)["rgb"])
        moments = Moments(pack(gaussian[..., :-1]), gaussian[..., -1], torch.full((12,), 64.0))
        ((_, matrix),) = matrices(moments, [condition], range(12), 0)
        assessed = assessor.assess(condition, matrix, closely=True)
        for one in assessed.estimates:
            if one.name == "auc" and one.p is not None:
                rejected[one.split] += one.p <= 0.05
    assert BAND[0] <= rejected["all"] / CORPORA <= BAND[1]
    # six images of two styles have 10 labellings: p is a tenth at least
    assert rejected["held-out"] == 0


def encoded(linear):
    """The sRGB values of linear light."""
    curved = 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved)


def tinted(seed):
    """One grain for all; styles are colours of equal luminance, so that no grey image knows them."""
    draw = np.random.default_rng(seed)
    made = []
    for style in range(4):
        direction = np.array([np.cos(style * np.pi / 2), 0.0, np.sin(style * np.pi / 2)])
        direction[1] = -(0.2126 * direction[0] + 0.0722 * direction[2]) / 0.7152
        for _ in range(4):
            light = grain(draw, 0.0, strength=0.04 * draw.uniform(0.5, 1.5))[None] * np.ones((3, 1, 1))
            shift = (0.15 + 0.01 * draw.standard_normal()) * direction[:, None, None]
            pixels = torch.from_numpy(encoded(light + shift).astype(np.float32))
            made.append((pixels, {"style": f"style {style}"}))
    return corpus_of(made)


def test_planted_colours_are_seen_by_pixels_and_not_in_grey(network, tmp_path):
    sweeps = (Sweep(where="last", readouts=(GRAM,)), PIXEL)
    settings = settings_of(network, sweeps=sweeps, **NO_COPIES)
    results = study(tinted(0), settings, tmp_path)
    colour = found(results, backbone=PIXELS, input="as-is", metric="wasserstein")
    assert colour.value > 0.99
    assert colour.p <= 0.01
    for readout in ("gaussian", "gram"):
        grey = found(results, backbone=PIXELS, input="grayscale", statistic=readout)
        assert grey.low < 0.5 < grey.high
        assert abs(grey.value - 0.5) < 0.1


def crossed(seed, content):
    """Styles are angles; contents are brightnesses, `content` apart; each with each, twice."""
    draw = np.random.default_rng(seed)
    made = []
    for style in range(4):
        for place in range(3):
            for _ in range(2):
                values = grain(draw, style * np.pi / 4, 0.1) + content * (place - 1)
                labels = {"style": f"style {style}", "content": f"content {place}"}
                made.append((coloured(values, 0.01 * draw.standard_normal(3)), labels))
    return corpus_of(made)


def test_planted_contents_raise_the_content_auc(network, tmp_path):
    settings = settings_of(network, sweeps=FEW, **NO_COPIES)
    values = {}
    for content in (0.0, 0.2):
        results = study(crossed(3, content), settings, tmp_path)
        values[content] = found(results, question="content", backbone=PIXELS, input="as-is",
                                metric="frobenius")  # fmt: skip
        deep = found(results, question="content", tap="blocks.0", input="as-is")
        assert (deep.value > 0.8) == (content > 0)
        assert {one.factor for one in results.maps} == {"style", "content"}
        assert set(results.corpus.counts) == {"style", "content"}
    assert values[0.2].value > 0.95
    assert values[0.0].low < 0.5 < values[0.0].high


def close(one, other, tolerance=2e-3):
    """Two studies found the same, to what rounding makes of single distances."""
    assert [found.condition for found in one.estimates] == [found.condition for found in other.estimates]
    for first, second in zip(one.estimates, other.estimates, strict=True):
        for name in ("value", "low", "high"):
            a, b = getattr(first, name), getattr(second, name)
            assert (a is None) == (b is None)
            if a is not None and math.isfinite(a):
                assert a == pytest.approx(b, rel=tolerance, abs=tolerance), (first, second)
    for first, second in zip(one.choices, other.choices, strict=True):
        assert (first.tap, first.p) == (second.tap, second.p)


@pytest.mark.proofs
def test_results_do_not_depend_on_threads_batches_or_the_order_of_images(network, tmp_path):
    settings = settings_of(network, sweeps=(*FEW, Sweep(where="last", features=("subsample:2",),
                           readouts=(GRAM,))), **NO_COPIES)  # fmt: skip
    corpus = textured(4, 3, seed=5)
    first = study(corpus, settings, tmp_path / "first")
    close(first, study(corpus, settings, tmp_path / "batches", batch_size=5))
    close(first, study(corpus.subset(range(len(corpus))[::-1]), settings, tmp_path / "order"))
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3 - min(before, 2))
        close(first, study(corpus, settings, tmp_path / "threads"))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("styles", [2, 3])
def test_few_styles_are_not_split_and_what_needs_it_is_not_measured(network, tmp_path, styles):
    settings = settings_of(network, sweeps=FEW, **NO_COPIES)
    results = study(textured(styles, 2), settings, tmp_path)
    assert "fewer than 4 styles: no tap is chosen, nothing is held out" in results.corpus.notes
    assert (results.corpus.development, results.corpus.held_out) == ((), ())
    assert {one.split for one in results.estimates} == {"all"}
    assert (results.choices, results.differences, results.remedies) == ((), (), ())
    decisions = {one.name: [part.decision for part in one.parts] for one in results.verdicts}
    assert decisions["H12"] == ["not measured"]
    assert decisions["H0"][1] == "not measured"
    assert decisions["H3"] != ["not measured"]
    # no tap was chosen: they are of the deepest, where the question was asked
    assert {one.condition.tap for one in results.distributions} == {"blocks.4"}
    assert results.ladder


def test_a_study_of_few_draws_ends_all_the_same(network, tmp_path):
    """One resample may hold no pair of the two held-out styles: no interval, and no failure."""
    settings = settings_of(network, sweeps=FEW, draws=1, permutations=1, **NO_COPIES)
    results = study(textured(4, 2), settings, tmp_path)
    assert len(results.verdicts) == 13
    assert (len(results.corpus.development), len(results.corpus.held_out)) == (2, 2)
    assert not [one for one in results.corpus.notes if "fewer" in one]


def test_random_networks_alone_are_measured_and_decide_nothing(tmp_path):
    settings = settings_of("timm:test_efficientnet@random:3")
    results = study(textured(4, 2), settings, tmp_path)
    assert results.networks() == (PIXELS, "timm:test_efficientnet@random:3")
    assert found(results, tap="blocks.0").value > 0.5
    assert (results.choices, results.ladder, results.remedies, results.diagnostics) == ((), (), (), ())
    assert {one.decision for one in results.verdicts} == {"not measured"}


def test_a_large_corpus_is_thinned_and_says_so(network, tmp_path):
    settings = settings_of(network, sweeps=FEW, limit=8, **NO_COPIES)
    results = study(textured(4, 5), settings, tmp_path)
    assert results.corpus.images == 8
    assert set(results.corpus.counts["style"].values()) == {2}
    assert any(one.startswith("thinned from 20 to 8 images") for one in results.corpus.notes)


def test_readouts_that_wide_taps_are_spared_leave_gaps_and_no_failure(network, tmp_path):
    """The network has 16, 24, 32, 48 and 64 channels; the primary readout stops at 24."""
    narrow = Readout(statistic="gram", metric="frobenius", most=24)
    settings = settings_of(network, sweeps=(Sweep(where="depth", readouts=(narrow,)), PIXEL), primary=narrow,
                           **NO_COPIES)  # fmt: skip
    results = study(textured(4, 2), settings, tmp_path)
    taps = {one.condition.tap for one in results.estimates if one.condition.backbone != PIXELS}
    assert taps == {"blocks.0", "blocks.1"}
    assert results.choices[0].tap in taps
    assert {one.condition.tap for one in results.distributions} <= taps


def test_a_flat_image_is_no_reason_to_fail(network, tmp_path):
    """Its features vary nowhere but at the edges, and its pixels nowhere at all."""
    corpus = textured(4, 3)
    flat = torch.full((3, SIDE, SIDE), 0.5)
    items = [replace(corpus.items[0], origin=replace(corpus.items[0].origin, pixels=flat))]
    corpus = replace(corpus, items=(*items, *corpus.items[1:]))
    readouts = (GRAM, COVARIANCE, RELATIVE, MEAN, Readout(statistic="correlation", metric="frobenius"))
    pixels = Sweep(whose=("pixels",), where="depth", readouts=(*readouts, COLOUR))
    settings = settings_of(network, sweeps=(Sweep(where="depth", readouts=readouts), pixels), **NO_COPIES)
    results = study(corpus, settings, tmp_path)
    for one in results.find(question="style", name="auc", split="all"):
        assert 0 <= one.value <= 1
    assert all(math.isfinite(one.noise) for one in results.noise)


def test_images_of_several_sizes_are_measured_together(network, tmp_path):
    draw = np.random.default_rng(0)
    images = []
    for number in range(12):
        side = (40, 48, 64)[number % 3]
        values = grain(draw, np.pi * (number // 3) / 4, 0.05 + 0.05 * (number // 3), side=side)
        images.append((coloured(values, (0, 0, 0)), {"style": f"style {number // 3}"}))
    settings = settings_of(network, sweeps=FEW, **NO_COPIES)
    results = study(corpus_of(images), settings, tmp_path, batch_size=4)
    assert found(results, tap="blocks.0", metric="frobenius").value > 0.8
    first = next(one for one in results.taps if one.tap == "blocks.0")
    assert first.positions == 20 * 20


def test_an_interrupted_run_goes_on_where_it_was(network, tmp_path, monkeypatch):
    """Stopped after 8 of 12 images and again among the distances: twelve go through once in all."""
    settings = settings_of(network, sweeps=FEW, **NO_COPIES)
    corpus = textured(4, 3, seed=8)
    whole = study(corpus, settings, tmp_path / "whole", batch_size=4)
    seen = forwards(monkeypatch)
    reached = []

    def stop_at(what, amount):
        def progress(name, done, total):
            reached.append((name, done))
            if what in name and done >= amount:
                raise KeyboardInterrupt

        return progress

    for what, amount in ((f"{network}: images", 8), (f"{network}: distances", 3)):
        with pytest.raises(KeyboardInterrupt):
            study(corpus, settings, tmp_path / "stopped", batch_size=4, progress=stop_at(what, amount))
        assert reached[-1] == (what, amount)
    kept = sorted((tmp_path / "stopped" / "measured").glob("*.npz"))
    assert kept
    written = {path: path.stat().st_mtime_ns for path in kept}
    again = study(corpus, settings, tmp_path / "stopped", batch_size=4)
    assert seen == [4, 4, 4]
    assert undated(again) == undated(whole)
    assert {path: path.stat().st_mtime_ns for path in kept} == written


def test_progress_counts_up_to_the_whole(network, tmp_path):
    steps = {}

    def progress(what, done, total):
        steps.setdefault(what, []).append((done, total))

    study(textured(4, 2), settings_of(network, sweeps=FEW, **NO_COPIES), tmp_path, progress=progress)
    assert f"{network}: images" in steps
    assert f"{PIXELS}: images grayscale" in steps
    for counted in steps.values():
        done = [one for one, _ in counted]
        assert done == sorted(done)
        assert counted[-1][0] == counted[-1][1]


def test_a_corpus_that_cannot_be_studied_is_refused_before_any_work(network, tmp_path, monkeypatch):
    seen = forwards(monkeypatch)
    settings = settings_of(network, sweeps=FEW, **NO_COPIES)
    corpus = textured(4, 2)
    single = corpus.subset([0, 1, 2, 3, 4])
    with pytest.raises(StyleError, match="only one image each for 'style 2'"):
        study(single, settings, tmp_path)
    with pytest.raises(StyleError, match="at least two styles"):
        study(corpus.subset([0, 1]), settings, tmp_path)
    bare = replace(corpus, items=tuple(replace(one, style=None) for one in corpus.items))
    with pytest.raises(StyleError, match="every image of corpus tiny must have a style; 8 of 8 have none"):
        study(bare, settings, tmp_path)
    assert seen == []
    assert list(tmp_path.iterdir()) == []


def test_settings_that_contradict_each_other_are_refused_before_any_work(network, tmp_path):
    corpus = textured(4, 2)
    with pytest.raises(StyleError, match=r"must name each network once, got .*w\.safetensors, .*w\.s"):
        study(corpus, settings_of(network, network, sweeps=FEW), tmp_path)
    same = ("timm:test_efficientnet@random", "timm:test_efficientnet@random:0")
    with pytest.raises(StyleError, match="backbones must name each network once"):
        study(corpus, settings_of(*same), tmp_path)
    with pytest.raises(ValueError, match="batch_size must be greater than 0, got 0"):
        study(corpus, settings_of(network, sweeps=FEW), tmp_path, batch_size=0)
    with pytest.raises(OSError, match=r"missing\.safetensors"):
        study(corpus, settings_of("timm:test_efficientnet@/nowhere/missing.safetensors"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_arms_and_backbones_that_do_not_exist_are_refused_by_the_settings(network):
    with pytest.raises(UnknownNameError, match="features arm must be one of: shuffled-jointly"):
        Sweep(features=("shuffled-jointli",), readouts=(GRAM,))
    with pytest.raises(UnknownNameError, match="input arm must be one of: grayscale"):
        Sweep(inputs=("grayscal",), readouts=(GRAM,))
    with pytest.raises(UnknownNameError, match="backbone must be one of: vgg16"):
        settings_of("vgg17")
    with pytest.raises(StyleError, match="primary readout mean frobenius must be in a sweep"):
        settings_of(network, sweeps=FEW, primary=MEAN)


def test_images_too_small_for_a_network_are_named(network, tmp_path):
    corpus = textured(4, 2)
    small = replace(corpus.items[3].origin, pixels=torch.full((3, 20, 48), 0.5))
    items = tuple(replace(one, origin=small) if place == 3 else one for place, one in enumerate(corpus.items))
    with pytest.raises(StyleError, match=r"image 003: 20 x 48 pixels are too few for .* needs 32 x 32"):
        study(replace(corpus, items=items), settings_of(network, sweeps=FEW, **NO_COPIES), tmp_path)
