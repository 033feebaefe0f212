"""A tiny network and pictures for it."""

from __future__ import annotations

import pytest
import torch

from gramstyle.describe import Describer
from gramstyle.images import Picture
from gramstyle.recipe import make_recipe

TINY = "timm:test_efficientnet@random"


def picture(name, height, width, seed, alpha=None):
    """Noise of one colour: every picture differs in its statistics."""
    draw = torch.Generator().manual_seed(seed)
    base = torch.rand(3, 1, 1, generator=draw)
    pixels = (base + 0.3 * torch.rand(3, height, width, generator=draw)).clamp(0, 1)
    return Picture(pixels=pixels, alpha=alpha, name=name)


@pytest.fixture(scope="session")
def noise_picture():
    return picture


@pytest.fixture(scope="session")
def tiny_recipe():
    return make_recipe(TINY, ("blocks.0", "blocks.1"), resize="none")


@pytest.fixture(scope="session")
def describer_of():
    """Recipe and options -> a describer on the cpu."""

    def build(recipe, **options):
        return Describer(recipe, device="cpu", **options)

    return build


@pytest.fixture(scope="session")
def described(tiny_recipe, describer_of):
    """Five pictures and their descriptors."""
    pictures = [picture(f"p{seed}", 32, 40, seed) for seed in range(5)]
    return pictures, describer_of(tiny_recipe).describe(pictures)
