"""Networks of a study: names, weights in files, when they are loaded."""

from __future__ import annotations

import hashlib

import pytest
import torch
from study.textures import TINY
from study.tiny_study import save_weights

from gramstyle.errors import StyleError, UnknownNameError, WeightsError
from gramstyle.extract import Extractor
from gramstyle.study import networks as module
from gramstyle.study.arms import input_arm
from gramstyle.study.cache import Cache
from gramstyle.study.collect import Wanted
from gramstyle.study.networks import Network
from gramstyle.study.results import PIXELS, Condition
from gramstyle.study.run import _networks
from gramstyle.study.settings import StudySettings


@pytest.fixture
def loaded(monkeypatch):
    """Names of the networks that were loaded, in order."""
    names = []

    def load(backbone, *arguments, **options):
        names.append(f"{backbone}@{options['weights']}")
        return Extractor(backbone, *arguments, **options)

    monkeypatch.setattr(module, "Extractor", load)
    return names


@pytest.mark.parametrize(
    ("name", "full", "learned"),
    [
        ("vgg16", "vgg16@IMAGENET1K_V1", True),
        ("mobilenet_v2@KERAS", "mobilenet_v2@KERAS", True),
        ("vgg16@random", "vgg16@random:0", False),
        ("vgg16@random:7", "vgg16@random:7", False),
        (f"{TINY}@r160_in1k", f"{TINY}@r160_in1k", True),
        (f"{TINY}.r160_in1k", f"{TINY}@r160_in1k", True),
        (f"{TINY}@random", f"{TINY}@random:0", False),
        ("vgg16@random/trained.pth", "vgg16@random/trained.pth", True),
        ("vgg16@randomised.safetensors", "vgg16@randomised.safetensors", True),
        (PIXELS, "pixels", False),
        ("filterbank", "filterbank@gabor-1", True),
    ],
)
def test_names_are_pinned_and_nothing_is_loaded_for_them(name, full, learned, loaded):
    network = Network(name, device="cpu")
    assert network.name == full
    assert network.learned is learned
    condition = Condition(backbone=network.backbone, weights=network.weights, tap="any")
    assert (condition.network, condition.learned) == (full, learned)
    assert loaded == []


def test_a_bank_of_filters_has_no_random_copies():
    settings = StudySettings(backbones=("filterbank", TINY + "@random:9"), random_seeds=(0, 1))
    found = _networks(settings, "cpu", torch.float32, "auto", None, None)
    assert [one.name for one in found] == ["pixels", "filterbank@gabor-1", f"{TINY}@random:9"]
    assert [tap.name for tap in found[1].ladder] == [f"scale{scale}" for scale in (1, 2, 3, 4, 5)]
    assert [tap.name for tap in found[1].depth][-1] == "residual"
    assert found[1].identity["sha256"]


def test_copies_are_read_where_the_weights_beside_them_are():
    learned = Network("mobilenet_v2@KERAS", device="cpu")
    copy = Network("mobilenet_v2@random:1", like=learned.name, device="cpu")
    assert copy.depth == learned.depth
    assert copy.ladder == learned.ladder
    assert len(Network("mobilenet_v2@random:1", device="cpu").depth) > len(copy.depth)


def test_pixels_are_a_network_of_one_tap():
    network = Network(PIXELS, device="cpu")
    images = torch.rand(2, 3, 5, 4)
    assert torch.equal(network.features(images)["rgb"], images)
    assert (network.minimum_size, network.identity["sha256"]) == (1, "")
    (fact,) = network.facts(5, 4)
    assert (fact.tap, fact.channels, fact.positions, fact.reduction, fact.depth) == ("rgb", 3, 20, 1, 0)
    network.unload()


def test_weights_in_a_file(tmp_path, loaded):
    name = save_weights(tmp_path / "mine.safetensors")
    network = Network(name, device="cpu")
    assert (network.name, network.learned) == (name, True)
    assert network.identity == {
        "backbone": TINY,
        "name": "mine.safetensors",
        "source": f"file {tmp_path / 'mine.safetensors'}",
        "sha256": hashlib.sha256((tmp_path / "mine.safetensors").read_bytes()).hexdigest(),
    }
    images = torch.rand(1, 3, 48, 48)
    expected = Extractor(TINY, weights=tmp_path / "mine.safetensors", device="cpu", taps=["blocks.0"])(images)
    assert torch.equal(network.features(images)["blocks.0"], expected["blocks.0"])
    assert list(network.features(images)) == [tap.name for tap in network.depth]


def test_a_network_is_loaded_when_it_is_asked_for_features(loaded):
    network = Network(f"{TINY}@random", device="cpu")
    identity = network.identity
    assert loaded == [f"{TINY}@random:0"]
    network.unload()
    assert network.identity == identity  # remembered: a study that has everything loads nothing
    assert len(loaded) == 1
    network.features(torch.rand(1, 3, 32, 32))
    network.features(torch.rand(1, 3, 32, 32))
    assert len(loaded) == 2
    assert network.identity == identity


def test_moments_of_a_pruned_network_lie_elsewhere(tmp_path):
    """Under the same name: its weights have another sha256, which rooms of the cache are named after."""
    rooms = set()
    for sparsity in (0.0, 0.5):
        network = Network("resnet18@random:1", sparsity=sparsity, device="cpu")
        assert network.name == "resnet18@random:1"
        wanted = Wanted(
            network=network, input=input_arm("as-is"), arms={"as-is": network.ladder[:1]},
            diagnosed=frozenset(), resize="none", colours=None, seed=0,
        )  # fmt: skip
        rooms.add(wanted.room(Cache(tmp_path), "as-is").folder)
    assert len(rooms) == 2


def test_weights_that_change_meanwhile_are_noticed(tmp_path):
    name = save_weights(tmp_path / "mine.safetensors")
    network = Network(name, device="cpu")
    before = network.identity
    network.unload()
    save_weights(tmp_path / "mine.safetensors", seed=8)
    with pytest.raises(
        StyleError, match=r"^weights of timm:.*mine\.safetensors changed while they were in use"
    ):
        network.features(torch.rand(1, 3, 32, 32))
    assert network.identity == before


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("vgg61", UnknownNameError, r"backbone must be one of: vgg16, .*; got 'vgg61'"),
        ("vgg16@IMAGENET", UnknownNameError, r"IMAGENET1K_V1.*; got 'IMAGENET'"),
        ("timm:no_such_net@random", UnknownNameError, r"timm .* has no model 'no_such_net'"),
        (TINY, StyleError, rf"{TINY} needs weights, pinned by tag: {TINY}@TAG with TAG one of r160_in1k"),
        ("vgg16@", ValueError, r"weights must follow the @ in 'vgg16@'"),
    ],
)
def test_other_names_are_refused(name, error, message):
    with pytest.raises(error, match=message):
        Network(name, device="cpu")


def test_a_file_that_is_not_there_is_found_out_by_the_identity(tmp_path):
    network = Network(f"vgg16@{tmp_path}/none.safetensors", device="cpu")
    with pytest.raises(WeightsError, match=r"none\.safetensors"):
        network.identity  # noqa: B018
