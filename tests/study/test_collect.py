"""From images to moments: against features that are computed the plain way, one image after another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import assert_close
from study.textures import TINY, files_under, textures, times_read

from gramstyle import diagnose
from gramstyle.corpus import Corpus
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.gram import gram, unpack
from gramstyle.images import color_moments, grayscale, match_color
from gramstyle.study.arms import input_arm
from gramstyle.study.cache import Cache
from gramstyle.study.collect import DIAGNOSTICS, Wanted, collect, generator, prepared
from gramstyle.study.networks import Network
from gramstyle.study.results import PIXELS
from gramstyle.study.survey import survey

SEED = 5
ARMS = {
    "as-is": lambda features, draw: features,
    "shuffled-jointly": diagnose.shuffle_jointly,
    "shuffled-independently": diagnose.shuffle_independently,
    "shifted-independently": diagnose.shift_independently,
    "subsample:3": lambda features, draw: diagnose.subsample(features, 3, draw),
    "softmax-global": lambda features, draw: diagnose.softmax_global(features, 1.0),
    "softmax-channel": lambda features, draw: diagnose.softmax_channel(features, 1.0),
}
SOME = ("as-is", "shifted-independently", "subsample:3")
MIXED = ((48, 48), (48, 70), (64, 48), (48, 48), (48, 70))
"""Sizes of which a batch holds several, and some of them twice."""


@pytest.fixture(scope="module")
def network():
    return Network(f"{TINY}@random", device="cpu")


@pytest.fixture(scope="module")
def corpus():
    """Ten images of three sizes, read and held."""
    return survey(textures(5, 2, sizes=MIXED), "none").corpus


@pytest.fixture(scope="module")
def looked(corpus):
    return survey(corpus, "none")


@pytest.fixture
def wanted_of(network, looked):
    """Options -> a `Wanted` at the first four taps."""

    def build(*arms, given="as-is", of=network, **options):
        taps = of.depth[:4]
        return Wanted(
            **{
                "network": of,
                "input": input_arm(given),
                "arms": dict.fromkeys(arms or ("as-is",), taps),
                "diagnosed": frozenset(),
                "resize": "none",
                "colours": looked.colours,
                "seed": SEED,
                **options,
            }
        )

    return build


@pytest.fixture
def kept(tmp_path, corpus, looked):
    """Collects, and gives what lies in the cache of one arm: tap -> covariances and means."""

    def run(wanted, arm="as-is", batch_size=4):
        cache = Cache(tmp_path / "cache")
        list(collect(corpus, looked.digests, wanted, cache, batch_size))
        room = wanted.room(cache, arm)
        return {
            tap.name: (
                unpack(room.read(looked.digests, f"{tap.name}/covariance")),
                room.read(looked.digests, f"{tap.name}/mean"),
            )
            for tap in wanted.arms[arm]
        }

    return run


def plainly(network, images):
    """Features of each image by itself: one dict per image."""
    extractor = Extractor(
        network.backbone, [tap.name for tap in network.depth], weights="random:0", device="cpu"
    )
    return [extractor(one[None]) for one in images]


def assert_moments(found, features, tolerance=2e-5):
    """Moments of each image are the Gaussian statistic of its features, to rounding of a batch."""
    for row, one in enumerate(features):
        for tap, (covariances, means) in found.items():
            gaussian = gram(one[tap].double(), statistic="gaussian")[0]
            assert_close(covariances[row], gaussian[:, :-1], tolerance=tolerance)
            assert_close(means[row], gaussian[:, -1], tolerance=tolerance)


def test_moments_are_those_of_each_image_by_itself(network, corpus, wanted_of, kept):
    features = plainly(network, [one.origin.picture().pixels for one in corpus.items])
    found = kept(wanted_of())
    assert list(found) == [tap.name for tap in network.depth[:4]]
    assert_moments(found, features)
    covariances, means = found["blocks.1"]
    for row, one in enumerate(features):  # the statistic itself, by numpy
        flat = one["blocks.1"][0].flatten(1).double().numpy()
        assert_close(covariances[row], np.cov(flat, ddof=0), tolerance=2e-5)
        assert_close(means[row], flat.mean(1), tolerance=2e-5)
    assert covariances.dtype == means.dtype == torch.float32


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_is_what_is_done_to_the_features_of_one_image(arm, network, corpus, looked, wanted_of, kept):
    features = plainly(network, [one.origin.picture().pixels for one in corpus.items])
    changed = [
        {
            tap.name: ARMS[arm](one[tap.name], generator(SEED, arm, tap.name, digest))
            for tap in network.depth[:4]
        }
        for one, digest in zip(features, looked.digests, strict=True)
    ]
    assert_moments(kept(wanted_of("as-is", arm), arm), changed)


def test_random_arms_are_drawn_for_every_seed_arm_tap_and_image():
    def drawn(*given):
        return torch.rand(3, generator=generator(*given)).tolist()

    one = drawn(0, "subsample:3", "blocks.1", "ab")
    assert one == drawn(0, "subsample:3", "blocks.1", "ab")
    others = [
        drawn(1, "subsample:3", "blocks.1", "ab"),
        drawn(0, "subsample:4", "blocks.1", "ab"),
        drawn(0, "subsample:3", "blocks.2", "ab"),
        drawn(0, "subsample:3", "blocks.1", "cd"),
    ]
    assert one not in others
    assert len(set(map(tuple, others))) == 4


@pytest.mark.parametrize("given", ["grayscale", "colour-matched", "size:40"])
def test_input_arms_are_what_is_done_to_the_pixels(given, network, corpus, looked, wanted_of, kept):
    def changed(pixels):
        if given == "grayscale":
            return grayscale(pixels)
        if given == "colour-matched":
            moments = [color_moments(one.origin.picture().pixels) for one in corpus.items]
            mean, covariance = (torch.stack(one).mean(0) for one in zip(*moments, strict=True))
            return match_color(pixels, mean, covariance).clamp(0, 1)
        height, width = pixels.shape[1:]  # the shorter side becomes 40
        size = (40, round(width * 40 / height)) if height <= width else (round(height * 40 / width), 40)
        wide = torch.nn.functional.interpolate(pixels[None], size, mode="bicubic", antialias=True)
        return wide[0].clamp(0, 1)

    images = [changed(one.origin.picture().pixels) for one in corpus.items]
    assert {tuple(one.shape[1:]) for one in images} == (
        {(40, 40), (40, 58), (53, 40)} if given == "size:40" else {(48, 48), (48, 70), (64, 48)}
    )
    for one, item in zip(images, corpus.items, strict=True):
        assert_close(prepared(item, wanted_of(given=given)), one, tolerance=1e-6)
    assert_moments(kept(wanted_of(given=given)), plainly(network, images))


def test_the_policy_of_the_study_comes_first(corpus, wanted_of):
    wanted = wanted_of(resize="exact:32x56")
    assert all(prepared(one, wanted).shape == (3, 32, 56) for one in corpus.items)
    # the size of an arm takes its place, and starts from the image as it was given
    small = wanted_of(given="size:40", resize="exact:32x56")
    assert prepared(corpus.items[1], small).shape == (3, 40, 58)
    grey = prepared(corpus.items[0], wanted_of(given="grayscale", resize="exact:32x56"))
    assert torch.equal(grey, grayscale(prepared(corpus.items[0], wanted)))


def test_pixels_are_their_own_features(corpus, looked, wanted_of, kept):
    pixels = Network(PIXELS, device="cpu")
    ((covariances, means),) = kept(wanted_of(of=pixels)).values()
    for row, one in enumerate(corpus.items):
        mean, covariance = color_moments(one.origin.picture().pixels)
        assert_close(covariances[row], covariance, tolerance=2e-5)
        assert_close(means[row], mean, tolerance=2e-5)


class Interrupted:
    """Runs of `collect` over one corpus that end, or do not, in one folder each."""

    def __init__(self, folder, corpus, digests, wanted):
        self.folder, self.corpus, self.digests, self.wanted = folder, corpus, digests, wanted

    def run(self, name, batches=None, rows=None, wanted=None):
        """Files after a run over the images at `rows`, that is killed after so many batches."""
        rows = range(len(self.corpus)) if rows is None else rows
        some = self.corpus.subset(rows)
        running = collect(
            some, [self.digests[row] for row in rows], wanted or self.wanted, Cache(self.folder / name), 3
        )
        for done, _ in enumerate(running, start=1):
            if done == batches:
                break
        return files_under(self.folder / name)


@pytest.fixture
def interrupted(tmp_path, corpus, looked, wanted_of):
    wanted = wanted_of(*SOME, diagnosed=frozenset({1, 8}))
    return Interrupted(tmp_path, corpus, looked.digests, wanted)


def test_a_run_that_was_killed_ends_with_the_bytes_of_one_that_was_not(interrupted):
    whole = interrupted.run("whole")
    assert len(whole) == 3 * (10 + 1) + 2 + 1  # images and settings of each arm; two diagnosed, settings
    half = interrupted.run("killed", batches=2)
    assert 0 < len(half) < len(whole)
    assert half.items() <= whole.items()
    assert interrupted.run("killed") == whole


def test_any_files_may_be_missing(interrupted):
    whole = interrupted.run("whole")
    interrupted.run("holes")
    images = sorted(name for name in whole if name.endswith(".safetensors"))
    for name in images[::3]:
        (interrupted.folder / "holes" / name).unlink()
    assert interrupted.run("holes") == whole


def test_batches_and_arms_may_come_in_another_order(interrupted, wanted_of):
    whole = interrupted.run("whole")
    backwards = wanted_of(*reversed(SOME), diagnosed=frozenset({1, 8}))
    interrupted.run("order", rows=range(6, 10), wanted=replace(backwards, diagnosed=frozenset()))
    interrupted.run("order", rows=range(3, 6), wanted=wanted_of("shifted-independently"))
    interrupted.run("order", wanted=wanted_of("subsample:3", "as-is"))
    assert interrupted.run("order", wanted=backwards) == whole


def test_nothing_is_computed_that_is_there(interrupted, network, looked, monkeypatch):
    seen = []
    features = network.features
    monkeypatch.setattr(
        network, "features", lambda images: seen.append(tuple(images.shape)) or features(images)
    )
    interrupted.run("once")
    assert sum(count for count, *_ in seen) == 10  # each image once, for every arm
    seen.clear()
    interrupted.run("once")
    assert seen == []
    room = interrupted.wanted.room(Cache(interrupted.folder / "once"), "subsample:3")
    (removed,) = room.folder.rglob(f"{looked.digests[4]}.safetensors")
    removed.unlink()
    interrupted.run("once")
    # the images 3, 4 and 5 as before: what lies beside an image in a batch moves its last digits
    assert seen == [(2, 3, 48, 48), (1, 3, 48, 70)]


def test_images_that_are_there_are_not_read(tmp_path, network, wanted_of):
    corpus = textures(2, 2)
    digests = [one.origin.digest() for one in corpus.items]
    cache = Cache(tmp_path)
    assert list(collect(corpus, digests, wanted_of(), cache, 3)) == [3, 4]
    assert times_read(corpus) == 4
    assert list(collect(corpus, digests, wanted_of(), cache, 3)) == [3, 4]
    assert times_read(corpus) == 4


def test_two_names_of_one_image_share_its_moments(tmp_path, corpus, looked, wanted_of):
    """In one batch, and in two."""
    items = (*corpus.items[:4], *(replace(one, name=f"{one.name} again") for one in corpus.items[2:4]))
    twins = Corpus(name="twins", items=(items[0], items[2], items[4], items[1], items[3], items[5]))
    digests = [one.origin.digest() for one in twins.items]
    wanted = wanted_of("as-is", "subsample:3", diagnosed=frozenset({1, 2}))
    list(collect(twins, digests, wanted, Cache(tmp_path), 4))
    room = wanted.room(Cache(tmp_path), "subsample:3")
    means = room.read(digests, "blocks.2/mean")
    assert torch.equal(means[1], means[2])
    assert torch.equal(means[4], means[5])
    assert not torch.equal(means[0], means[3])
    assert len([name for name in files_under(room.folder) if name.endswith(".safetensors")]) == 4
    before = files_under(tmp_path)
    list(collect(twins, digests, wanted, Cache(tmp_path), 4))
    assert files_under(tmp_path) == before


def test_diagnostics_are_of_the_chosen_rows(tmp_path, network, corpus, looked, wanted_of):
    wanted = wanted_of(diagnosed=frozenset({2, 7}))
    list(collect(corpus, looked.digests, wanted, Cache(tmp_path), 4))
    room = wanted.room(Cache(tmp_path), DIAGNOSTICS)
    assert [row for row, digest in enumerate(looked.digests) if room.has(digest)] == [2, 7]
    features = plainly(network, [corpus.items[row].origin.picture().pixels for row in (2, 7)])
    for tap in network.depth[:4]:
        expected = []
        for row, one in zip((2, 7), features, strict=True):
            draw = generator(SEED, DIAGNOSTICS, tap.name, looked.digests[row])
            expected.append(diagnose.diagnose_features(one[tap.name], draw))
        for name in diagnose.PER_IMAGE:
            found = room.read([looked.digests[row] for row in (2, 7)], f"{tap.name}/{name}")
            assert found.dtype == torch.float64
            wanted = torch.cat([one[name] for one in expected])
            # rounding of a batch, which some diagnostics magnify
            assert np.allclose(found, wanted, rtol=1e-4, atol=1e-6, equal_nan=True), (name, found, wanted)


def test_an_input_may_be_wanted_under_feature_arms_alone(kept, wanted_of):
    found = kept(wanted_of("softmax-channel", given="grayscale"), "softmax-channel")
    assert found["blocks.0"][1].shape == (10, 16)


def test_the_key_holds_everything_that_the_moments_depend_on(tmp_path, wanted_of, looked):
    cache = Cache(tmp_path)

    def key(arm="as-is", **changed):
        return wanted_of("as-is", "subsample:3", **changed).room(cache, arm).folder.name

    other = replace(looked.colours, mean=looked.colours.mean + 0.01)
    different = [
        key(),
        key("subsample:3"),
        key(DIAGNOSTICS),
        key(given="grayscale"),
        key(given="colour-matched"),
        key(given="colour-matched", colours=other),
        key(given="size:32"),
        key(resize="short:40"),
        key("subsample:3", seed=SEED + 1),
        key(DIAGNOSTICS, seed=SEED + 1),
        key(of=Network(f"{TINY}@random:1", device="cpu")),
        key(of=Network(f"{TINY}@random", device="cpu", dtype=torch.float64)),
        key(of=Network(f"{TINY}@random", device="cpu", kernel="reference")),
        key(arms={"as-is": wanted_of().network.depth[:2]}),
    ]
    assert len(set(different)) == len(different)
    # and nothing else: neither seeds where nothing is drawn nor colours where none are matched
    assert key(seed=SEED + 1) == key()
    assert key(colours=other) == key()
    assert key(diagnosed=frozenset({1})) == key()
    assert key(given="size:32", resize="short:40") == key(given="size:32")
    assert key(of=Network(f"{TINY}@random:0", device="cpu")) == key()


@pytest.mark.parametrize(
    ("batch_size", "error", "message"),
    [
        (0, ValueError, r"batch_size must be greater than 0, got 0"),
        (-2, ValueError, r"batch_size must be greater than 0, got -2"),
        (2.5, TypeError, r"batch_size must be int, got float"),
    ],
)
def test_batches_hold_images(batch_size, error, message, tmp_path, corpus, looked, wanted_of):
    with pytest.raises(error, match=message):
        collect(corpus, looked.digests, wanted_of(), Cache(tmp_path), batch_size)


def test_an_image_too_small_is_named(tmp_path, corpus, looked, wanted_of):
    with pytest.raises(
        StyleError,
        match=rf"^image 000: 24 x 24 pixels are too few for {TINY}@random:0, which needs 32 x 32: use a "
        "larger size$",
    ):
        list(collect(corpus, looked.digests, wanted_of(given="size:24"), Cache(tmp_path), 4))
    assert files_under(tmp_path) == {}


def test_an_arm_of_too_many_positions_is_named(tmp_path, corpus, looked, wanted_of):
    with pytest.raises(
        StyleError,
        match=rf"^image 000: features arm subsample:9 needs 10 positions of {TINY}@random:0 at blocks.3, got "
        "9: take an arm of fewer, or larger images$",
    ):
        list(collect(corpus, looked.digests, wanted_of("subsample:9"), Cache(tmp_path), 4))


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [(torch.float32, ""), (torch.float16, ": compute in float32"), (torch.bfloat16, ": ")],
)
def test_features_that_are_not_finite_are_named(
    dtype, remedy, tmp_path, network, corpus, looked, wanted_of, monkeypatch
):
    features = network.features

    def overflowing(images):
        found = {tap: one.to(dtype) for tap, one in features(images).items()}
        found["blocks.2"][-1, 3, 0, 1] = float("inf")
        return found

    monkeypatch.setattr(network, "features", overflowing)
    with pytest.raises(
        StyleError,
        match=rf"^image 00\d: features of {TINY}@random:0 at blocks.2 must be finite, as-is; they are not"
        rf"{remedy}",
    ):
        list(collect(corpus, looked.digests, wanted_of(), Cache(tmp_path), 4))
