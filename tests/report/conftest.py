"""Comparisons made of chosen numbers; no network, no image files."""

from __future__ import annotations

import pytest
import torch

from gramstyle.descriptors import Image
from gramstyle.images import Picture
from gramstyle.measure import Distances
from gramstyle.recipe import make_recipe
from gramstyle.study import Comparison, Separation
from gramstyle.study.comparison import COMBINED
from gramstyle.types import WeightsIdentity

NAMES = ("cat", "moon", "sea", "street")
TAPS = {
    "vgg16": ("relu1_1", "relu2_1", "relu3_1"),
    "efficientnet_b0": ("block1", "block3"),
    "mobilenet_v2": ("block1", "block3"),
    "resnet18": ("stem", "layer1"),
}


def separated(auc: float, contrast: float) -> Separation:
    return Separation(auc=auc, contrast=contrast, dprime=3 * contrast, within=24, between=96)


def distances_of(
    backbone: str = "vgg16",
    names: tuple[str, ...] = NAMES,
    others: tuple[str, ...] | None = None,
    seed: int = 0,
    source: str = "Python package index, tiny 1.0",
    weights: str = "TEST_V1",
    **settings: object,
) -> Distances:
    """Random distances; symmetric with a zero diagonal unless `others` are given."""
    generator = torch.Generator().manual_seed(seed)
    taps = TAPS[backbone]
    shape = (len(names), len(names if others is None else others))
    per_tap = {}
    for tap in taps:
        values = torch.rand(shape, generator=generator, dtype=torch.float64) + 0.1
        if others is None:
            values = torch.triu(values, 1) + torch.triu(values, 1).T
        per_tap[tap] = values
    rows = tuple(Image(name=name, height=256, width=256 + place) for place, name in enumerate(names))
    columns = rows if others is None else tuple(Image(name=name, height=256, width=256) for name in others)
    return Distances(
        rows=rows,
        columns=columns,
        combined=torch.stack(list(per_tap.values())).mean(dim=0),
        per_tap=per_tap,
        recipe=make_recipe(f"{backbone}@IMAGENET1K_V1", taps, **settings),
        identity=WeightsIdentity(backbone=backbone, name=weights, source=source, sha256="ab" * 32),
        dtype="float32",
        device="cpu",
        versions={"python": "3.11.0", "torch": "2.10.0"},
    )


def compared(
    backbone: str = "vgg16",
    overall: tuple[float, float] = (0.9, 0.8),
    taps: tuple[tuple[float, float], ...] | None = None,
    metrics: tuple[str, ...] = ("frobenius",),
    crops: int = 4,
    **others: object,
) -> Comparison:
    """A comparison of chosen (AUC, contrast); every tap has those of the taps together unless given."""
    names = TAPS[backbone]
    chosen = (overall,) * len(names) if taps is None else taps
    separations = {tap: separated(*numbers) for tap, numbers in zip(names, chosen, strict=True)}
    separations[COMBINED] = separated(*overall)
    return Comparison(
        distances=distances_of(backbone, **others),
        separations={metric: dict(separations) for metric in metrics},
        crop=128,
        gap=32,
        crops=crops,
        seconds=12.34,
    )


def pictured(names: tuple[str, ...] = NAMES, height: int = 40, width: int = 300) -> dict[str, Picture]:
    generator = torch.Generator().manual_seed(1)
    return {
        name: Picture(pixels=torch.rand(3, height, width, generator=generator), alpha=None, name=name)
        for name in names
    }


@pytest.fixture(name="separated")
def separated_fixture():
    return separated


@pytest.fixture(name="distances_of")
def distances_fixture():
    return distances_of


@pytest.fixture(name="compared")
def compared_fixture():
    return compared


@pytest.fixture(name="pictured")
def pictured_fixture():
    return pictured


@pytest.fixture
def three(compared):
    """Three architectures under two metrics, all numbers different."""
    both = ("relative-frobenius", "frobenius")
    return [
        compared("vgg16", (0.91, 1.2), ((0.8, 1.9), (0.95, 0.7), (0.7, 0.3)), both, seed=1),
        compared("efficientnet_b0", (0.934, 0.048), ((0.93, 0.5), (0.61, 0.02)), both, seed=2),
        compared("mobilenet_v2", (0.52, 0.049), ((0.51, 0.04), (0.53, 0.06)), both, seed=3),
    ]
