"""Extractors whose every parameter matters, and images for them."""

from __future__ import annotations

import pytest
import torch
from extract.plain_networks import lively_state
from safetensors.torch import save_file

from gramstyle.extract import Extractor, backbone, network, select_taps

SHALLOW = 16
"""Reduction up to which taps are compared: enough for every operation of a network."""


def enlivened(extractor):
    """The same extractor with the weights of `lively_state`."""
    state = lively_state(extractor.trunk)
    extractor.trunk.load_state_dict({name: one.to(extractor.dtype) for name, one in state.items()})
    return extractor


@pytest.fixture(scope="session")
def extractor_of(tmp_path_factory):
    """(backbone, taps, options) -> a lively extractor on the cpu, in float64 unless said, shared."""
    built = {}
    folder = tmp_path_factory.mktemp("lively")

    def build(name, taps=None, dtype=torch.float64, **options):
        key = repr((name, taps, dtype, options))
        if key not in built:
            options = {"device": "cpu", "dtype": dtype, **options}
            if name.startswith("timm:"):
                built[key] = enlivened(Extractor(f"{name}@random", taps, **options))
            else:  # without the classifier, which `random` draws too
                spec = backbone(name)
                if spec.computed:
                    return built.setdefault(key, Extractor(name, taps, **options))
                path = folder / f"{len(built)}.safetensors"
                save_file(lively_state(network.build(spec, select_taps(spec, taps))), path)
                built[key] = Extractor(name, taps, weights=path, **options)
        return built[key]

    return build


@pytest.fixture(scope="session")
def some_taps():
    """Backbone -> first and last of its taps up to `SHALLOW`, and every fifth between them."""

    def choose(name):
        names = [tap.name for tap in backbone(name).taps if tap.reduction <= SHALLOW]
        return tuple(dict.fromkeys([*names[::5], names[-1]]))

    return choose


def image_of(height, width, dtype=torch.float64, seed=0):
    """An image (1, 3, H, W) in [0, 1] whose left and right halves differ in their statistics."""
    draw = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, height, width, generator=draw, dtype=dtype)
    image[..., width // 2 :] *= 0.4
    return image
