"""Small images, and a small network with drawn weights."""

import pytest
import torch
from extract.plain_networks import lively_state
from safetensors.torch import save_file

from gramstyle.distance import Combine
from gramstyle.extract import backbone, network, select_taps
from gramstyle.gram import GramSettings, Statistic
from gramstyle.recipe import Recipe
from gramstyle.transfer import OptimizerSettings, TransferSettings

TINY = "timm:test_resnet@random:1"


def picture(seed, height=40, width=48):
    """Soft blobs of colour, (3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 6, 7, generator=generator)
    soft = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")[0]
    return (soft + 0.1 * torch.rand(3, height, width, generator=generator)).clamp(0, 1)


@pytest.fixture
def content():
    return picture(1)


@pytest.fixture
def style():
    return picture(2, 44, 36)


@pytest.fixture
def settings():
    """Two scales, a few steps each."""

    def of(metric="mse", statistic=Statistic.GRAM, **changes):
        recipe = Recipe(
            backbone=TINY,
            taps=("act1", "layer2"),
            tap_weights=(2.0, 1.0),
            gram=GramSettings(statistic=statistic),
            metric=metric,
            combine=Combine.SUM,
        )
        values = {
            "style": recipe,
            "content_taps": ("layer1",),
            "content_weight": 0.5,
            "tv_weight": 0.1,
            "size": 48,
            "min_size": 32,
            "first_iterations": 4,
            "iterations": 3,
            "optimizer": OptimizerSettings(),
            **changes,
        }
        return TransferSettings(**values)

    return of


@pytest.fixture(scope="session")
def lively(tmp_path_factory):
    """(backbone, taps) -> ``NAME@FILE`` of weights whose every number matters, up to these taps."""
    folder, made = tmp_path_factory.mktemp("lively"), {}

    def of(name, taps):
        if (name, taps) not in made:
            path = folder / f"{len(made)}.safetensors"
            spec = backbone(name)
            save_file(lively_state(network.build(spec, select_taps(spec, taps))), path)
            made[name, taps] = f"{name}@{path}"
        return made[name, taps]

    return of
