"""Extractors with lively random weights, each built once."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
from extract.plain_networks import lively_state, plain_network

from gramstyle.extract import Extractor, backbone


@pytest.fixture(scope="session")
def lively_file(tmp_path_factory):
    """Backbone -> a weights file whose every tensor matters, None for what is computed.

    Deep classifiers are left out.
    """
    folder = tmp_path_factory.mktemp("lively")

    def write(name):
        if backbone(name).computed:
            return None
        path = folder / f"{name.replace(':', '-')}.safetensors"
        if not path.exists():
            state = lively_state(plain_network(backbone(name)))
            kept = {key: one for key, one in state.items() if not key.startswith(("classifier", "fc."))}
            safetensors.torch.save_file(kept, path)
        return path

    return write


@pytest.fixture(scope="session")
def lively(lively_file):
    """(backbone, taps, options) -> an extractor on the cpu with the weights of `lively_file`, shared."""

    built = {}

    def build(name, taps=None, **options):
        key = repr((name, taps, options))
        if key not in built:
            built[key] = Extractor(name, taps, weights=lively_file(name), device="cpu", **options)
        return built[key]

    return build


@pytest.fixture(scope="session")
def small(lively):
    """A small network with batch normalisation, residuals and depthwise convolutions."""
    return lively("mobilenet_v2", ["stem", "block1", "block2_depthwise", "block3"])


@pytest.fixture
def images():
    """Two images (2, 3, 40, 56) in [0, 1]."""
    return torch.rand(2, 3, 40, 56, generator=torch.Generator().manual_seed(1))
