"""Backbones, taps and weights by name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gramstyle import weights
from gramstyle.errors import StyleError, UnknownNameError
from gramstyle.extract import Extractor, backbone, backbones, choose_weights, parse, select_taps
from gramstyle.extract.registry import random_seed


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("vgg16", "vgg16", None),
        ("vgg16@IMAGENET1K_V1", "vgg16", "IMAGENET1K_V1"),
        ("vgg16@random:7", "vgg16", "random:7"),
        ("vgg16@/a/b@c.pth", "vgg16", "/a/b@c.pth"),
        ("timm:resnet18@tv_in1k", "timm:resnet18", "tv_in1k"),
        ("timm:resnet18.tv_in1k", "timm:resnet18", "tv_in1k"),
        ("timm:resnet18", "timm:resnet18", None),
        ("timm:resnet18@weights/v1.0.pth", "timm:resnet18", "weights/v1.0.pth"),
    ],
)
def test_parse(text, name, words):
    parsed = parse(text)
    assert (parsed.backbone, parsed.weights) == (name, words)
    if "." not in text.partition("@")[0]:
        assert str(parsed) == text


@pytest.mark.parametrize("text", ["vgg16@", "timm:resnet18@"])
def test_an_empty_word_for_weights_is_refused(text):
    with pytest.raises(ValueError, match=f"weights must follow the @ in '{text}'.*random"):
        parse(text)


def test_an_unknown_backbone_lists_all_nearest_first():
    with pytest.raises(
        UnknownNameError, match=r"backbone must be one of: vgg1.*resnet50.*timm:NAME@TAG.*'vgg18'"
    ):
        backbone("vgg18")
    with pytest.raises(UnknownNameError, match="one of: mobilenet_v2, "):
        Extractor("mobilenet")


def test_an_unknown_tap_lists_all_nearest_first():
    with pytest.raises(UnknownNameError, match=r"tap of vgg16 must be one of: relu3_\d.*conv1_1.*'relu3_4'"):
        select_taps(backbone("vgg16"), ["relu3_4"])


def test_taps_come_shallow_to_deep_each_once():
    taps = select_taps(backbone("vgg16"), ["relu3_1", "conv1_1", "relu3_1"])
    assert [tap.name for tap in taps] == ["conv1_1", "relu3_1"]


def test_no_tap_and_a_bare_string_are_refused():
    with pytest.raises(ValueError, match="taps must name at least one tap of vgg16, got none"):
        select_taps(backbone("vgg16"), [])
    with pytest.raises(TypeError, match=r"such as \('relu1_1',\), got the string 'relu1_1'"):
        select_taps(backbone("vgg16"), "relu1_1")


def test_a_tap_deeper_than_the_weights_reach_is_refused_with_the_reason():
    row = weights.entry("mobilenet_v2", "KERAS")
    assert row.last_tap == "block14_depthwise"
    spec = backbone("mobilenet_v2")
    order = [tap.name for tap in spec.taps]
    for name in order[: order.index("block14_depthwise") + 1]:
        assert [tap.name for tap in select_taps(spec, [name], row)] == [name]
    for name in order[order.index("block14_depthwise") + 1 :]:
        with pytest.raises(
            StyleError, match=f"tap {name} lies deeper than block14_depthwise.*dog breeds.*other weights"
        ):
            select_taps(spec, [name], row)
    with pytest.raises(StyleError, match="tap block14, head lies deeper"):
        Extractor("mobilenet_v2@KERAS", ["block1", "block14", "head"], device="cpu")


@pytest.mark.parametrize("row", weights.entries(), ids=weights.label)
def test_every_row_of_weights_fits_its_backbone(row):
    spec = backbone(row.backbone)
    assert choose_weights(spec, row.name) is row
    names = [tap.name for tap in spec.taps]
    assert row.last_tap is None or row.last_tap in names
    assert select_taps(spec, None, row), "default taps can be read"


@pytest.mark.parametrize("spec", backbones(), ids=lambda spec: spec.name)
def test_default_weights_exist(spec):
    assert choose_weights(spec, None) is weights.entry(spec.name, spec.default_weights)


def test_words_for_weights(tmp_path):
    spec = backbone("vgg16")
    assert choose_weights(spec, "random") == 0
    assert choose_weights(spec, "random:12") == 12
    assert choose_weights(spec, "mine.safetensors") == Path("mine.safetensors")
    assert choose_weights(spec, "mine/one.bin") == Path("mine/one.bin")
    assert choose_weights(spec, tmp_path) == tmp_path
    with pytest.raises(
        UnknownNameError, match=r"weights of vgg16 must be one of: IMAGENET1K_V1.*'IMAGENET1K'"
    ):
        choose_weights(spec, "IMAGENET1K")


@pytest.mark.parametrize("text", ["random:", "random:-1", "random:1.5", "random:x", "random:0123456789"])
def test_seeds_are_whole_numbers(text):
    with pytest.raises(ValueError, match=re.escape(f"must end in a whole number from 0, got {text!r}")):
        random_seed(text)
    assert random_seed("randomised") is None


def test_an_argument_for_weights_wins_over_the_name():
    one = Extractor("resnet18@random:1", ["stem"], weights="random:2", device="cpu")
    assert one.identity.name == "random:2"


def test_settings_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match=r"dtype must be one of torch.float32.*got torch.int8"):
        Extractor("resnet18@random", dtype=torch.int8)
    with pytest.raises(UnknownNameError, match=r"memory_format must be one of.*'nhwc'"):
        Extractor("resnet18@random", memory_format="nhwc")
    with pytest.raises(UnknownNameError, match=r"first_padding must be one of.*'same'"):
        Extractor("resnet18@random", first_padding="same")


def test_names_are_checked_before_anything_is_fetched(monkeypatch):
    monkeypatch.setattr("gramstyle.extract.extractor.resolve", lambda *_, **__: pytest.fail("fetched"))
    with pytest.raises(UnknownNameError):
        Extractor("vgg16@IMAGENET1K_V1", ["relu9_9"], device="cpu")
    with pytest.raises(StyleError):
        Extractor("mobilenet_v2@KERAS", ["head"], device="cpu")


def test_a_spec_cannot_be_changed():
    spec = backbone("vgg16")
    with pytest.raises(AttributeError):
        spec.name = "other"
    assert replace(spec, name="other").taps is spec.taps
