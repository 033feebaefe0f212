"""Weights from the user's own files."""

from __future__ import annotations

import hashlib

import pytest
import timm
import torch
from extract.plain_networks import lively_state, plain_network
from safetensors.torch import save_file

from gramstyle.errors import WeightsError
from gramstyle.extract import Extractor, backbone
from gramstyle.types import IMAGENET, INCEPTION


@pytest.fixture(scope="module")
def state():
    return lively_state(plain_network(backbone("resnet18")))


def save(state, path):
    (torch.save if path.suffix == ".pth" else save_file)(state, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("by", ["argument", "name"])
def test_a_file_is_loaded(suffix, by, state, tmp_path, images):
    path = save(state, tmp_path / f"mine{suffix}")
    options = {"weights": path} if by == "argument" else {}
    name = "resnet18" if by == "argument" else f"resnet18@{path}"
    extractor = Extractor(name, ["layer1_0"], device="cpu", **options)
    found = extractor.trunk.state_dict()
    assert all(torch.equal(one, state[key]) for key, one in found.items())
    assert extractor.identity.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert extractor.identity.name == path.name
    assert torch.isfinite(extractor(images)["layer1_0"]).all()


def test_half_precision_files_are_widened(state, tmp_path):
    half = {key: one.half() if one.is_floating_point() else one for key, one in state.items()}
    extractor = Extractor("resnet18", ["stem"], weights=save(half, tmp_path / "half.pth"), device="cpu")
    assert torch.equal(extractor.trunk.state_dict()["conv1.weight"], half["conv1.weight"].float())


def test_counters_may_be_missing_and_deeper_layers_too(state, tmp_path):
    kept = {
        key: one for key, one in state.items() if key.startswith(("conv1", "bn1")) and "batches" not in key
    }
    Extractor("resnet18", ["stem"], weights=save(kept, tmp_path / "short.safetensors"), device="cpu")
    with pytest.raises(
        WeightsError,
        match=r"weights of resnet18 must hold .* tensors named as in torchvision's resnet18; "
        r"file .*short.safetensors lacks 10 of them, first 'layer1.0.conv1.weight'",
    ):
        Extractor("resnet18", ["layer1_0"], weights=tmp_path / "short.safetensors", device="cpu")


def test_another_shape_and_another_network_are_refused(state, tmp_path):
    wrong = dict(state)
    wrong["conv1.weight"] = torch.zeros(64, 3, 3, 3)
    with pytest.raises(
        WeightsError,
        match=r"tensor 'conv1.weight' of resnet18 must have shape \(64, 3, 7, 7\); .*\(64, 3, 3, 3\)",
    ):
        Extractor("resnet18", ["stem"], weights=save(wrong, tmp_path / "wrong.safetensors"), device="cpu")
    path = save(state, tmp_path / "resnet18.pth")
    with pytest.raises(
        WeightsError, match=r"weights of mobilenet_v2 must hold .* lacks .* first 'features.0.0.weight'"
    ):
        Extractor("mobilenet_v2", weights=path, device="cpu")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(WeightsError, match=r"none\.pth does not exist"):
        Extractor("resnet18", weights=tmp_path / "none.pth", device="cpu")


@pytest.fixture(scope="module")
def timm_state():
    return lively_state(timm.create_model("test_resnet", pretrained=False))


def test_a_file_for_a_timm_model_is_loaded(timm_state, tmp_path, images):
    path = save(timm_state, tmp_path / "mine.safetensors")
    extractor = Extractor("timm:test_resnet", weights=path, device="cpu")
    found = extractor.trunk.model.state_dict()
    assert found
    assert all(torch.equal(one, timm_state[key]) for key, one in found.items())
    assert torch.isfinite(extractor(images)["layer2"]).all()


def test_a_timm_model_is_never_left_partly_random(timm_state, tmp_path):
    """timm loads what it finds and leaves the rest as it was drawn."""
    short = {key: one for key, one in timm_state.items() if not key.startswith("layer1")}
    path = save(short, tmp_path / "short.safetensors")
    with pytest.raises(
        WeightsError, match=r"short.safetensors does not fit timm's test_resnet: .*Missing key.*layer1"
    ):
        Extractor("timm:test_resnet", ["layer2"], weights=path, device="cpu")
    other = save({f"other.{key}": one for key, one in timm_state.items()}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=r"Missing key.*conv1"):
        Extractor("timm:test_resnet", ["layer2"], weights=other, device="cpu")


def test_files_and_random_weights_take_the_normalization_of_the_library():
    lite = Extractor("efficientnet_lite0@random", ["stem"], device="cpu")
    assert lite.normalization == INCEPTION
    assert Extractor("resnet18@random", ["stem"], device="cpu").normalization == IMAGENET
    cfg = timm.get_pretrained_cfg("test_resnet")
    found = Extractor("timm:test_resnet@random", device="cpu").normalization
    assert (found.mean, found.std) == (tuple(cfg.mean), tuple(cfg.std))


def test_another_shape_is_refused_for_timm_models(timm_state, tmp_path):
    wrong = dict(timm_state)
    wrong["layer1.0.conv1.weight"] = torch.zeros(1, 2, 3, 3)
    path = save(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(
        WeightsError, match=r"wrong.safetensors does not fit timm's test_resnet: .*size mismatch"
    ):
        Extractor("timm:test_resnet", weights=path, device="cpu")
