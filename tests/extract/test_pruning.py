"""Extractors of pruned networks."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.extract.pruning import prunable, pruned

TAPS = ["stem", "block2_depthwise", "block3"]


def convolutions(extractor):
    return {name: one for name, one in extractor.trunk.named_modules() if isinstance(one, nn.Conv2d)}


@pytest.mark.parametrize("kernel", ["reference", "auto"])
def test_features_are_those_of_a_network_that_torch_pruned(kernel, lively, lively_file, images):
    whole = lively("mobilenet_v2", TAPS, kernel="reference")
    ours = lively("mobilenet_v2", TAPS, sparsity=0.6, kernel=kernel)
    trunk = Extractor("mobilenet_v2", TAPS, weights=lively_file("mobilenet_v2"), kernel="reference",
                      device="cpu")  # fmt: skip
    for place, conv in enumerate(convolutions(trunk).values()):
        if place > 0 and conv.groups == 1:
            prune.l1_unstructured(conv, "weight", amount=0.6)
    found, expected = ours(images), trunk(images)
    for tap in TAPS:
        assert (found[tap] - expected[tap]).norm() < 1e-5 * expected[tap].norm()
    assert not torch.allclose(found["block3"], whole(images)["block3"], rtol=0.1)
    assert torch.equal(
        whole(images)["stem"], lively("mobilenet_v2", TAPS, kernel="reference")(images)["stem"]
    )


def test_every_convolution_but_the_first_and_depthwise_ones_loses_its_share(lively):
    ours = lively("mobilenet_v2", TAPS, sparsity=0.6)
    convs = convolutions(ours)
    chosen = dict(prunable(ours.trunk))
    assert set(convs) - set(chosen) == {
        name for place, (name, one) in enumerate(convs.items()) if place == 0 or one.weight.shape[1] == 1
    }
    for name, one in convs.items():
        expected = round(0.6 * one.weight.numel()) if name in chosen else 0
        assert int((one.weight == 0).sum()) == expected
        assert not one.weight.requires_grad


def test_pruned_weights_have_an_identity_of_their_own(lively):
    whole, some, more = (lively("mobilenet_v2", TAPS, sparsity=one) for one in (0.0, 0.5, 0.6))
    assert lively("mobilenet_v2", TAPS).identity == whole.identity
    assert len({one.identity.sha256 for one in (whole, some, more)}) == 3
    assert {one.identity.name for one in (whole, some, more)} == {whole.identity.name}
    assert some.identity.source == (
        f"{whole.identity.source}, pruned to a sparsity of 0.5 (before: sha256 {whole.identity.sha256})"
    )
    assert "sparsity=0.5" in repr(some)
    assert "sparsity" not in repr(whole)


def test_weights_of_a_seed_are_pruned_too():
    drawn = Extractor("resnet18@random:3", ["layer1_0"], sparsity=0.5, device="cpu")
    assert drawn.identity.name == "random:3"
    assert drawn.sparsity == 0.5
    weight = drawn.trunk.get_submodule("layer1.0.conv1").weight
    assert float((weight == 0).float().mean()) == 0.5


def test_a_layer_that_would_lose_everything_is_named():
    """The smallest are those of squeeze and excite, which are convolutions too."""
    with pytest.raises(
        StyleError, match=r"would remove all \d+ weights of efficientnet_b0's features\.1\.0\.block\.1\.fc1"
    ):
        Extractor("efficientnet_b0@random", ["block1"], sparsity=0.999, device="cpu")


def test_tensors_that_a_network_was_given_stay_as_they_are(lively_file):
    """Of a convolution that pads as TensorFlow does, too."""
    whole = Extractor(
        "efficientnet_lite0", ["block2"], weights=lively_file("efficientnet_lite0"), device="cpu"
    )
    given = {name: one.weight for name, one in prunable(whole.trunk)}
    copies = {name: one.clone() for name, one in given.items()}
    pruned(whole.trunk, 0.5, whole.identity)
    for name, one in prunable(whole.trunk):
        assert torch.equal(given[name], copies[name])
        assert torch.equal(one.weight, torch.where(one.weight == 0, 0, given[name]))
        assert float((one.weight == 0).float().mean()) == 0.5


@pytest.mark.parametrize(
    ("name", "taps", "sparsity", "error", "message"),
    [
        ("resnet18@random", ["stem"], 0.5, StyleError, "sparsity 0.5 prunes nothing of resnet18 up to its d"),
        ("timm:test_resnet@random", None, 0.5, StyleError, "sparsity is for backbones of the registry, not"),
        ("vgg16@random", ["relu1_2"], 1, ValueError, "sparsity must be from 0 up to but not 1, got 1"),
        ("vgg16@random", ["relu1_2"], "0.5", TypeError, "sparsity must be a number"),
    ],
)  # fmt: skip
def test_what_cannot_be_pruned(name, taps, sparsity, error, message):
    with pytest.raises(error, match=message):
        Extractor(name, taps, sparsity=sparsity, device="cpu")
