"""Networks that take long, and have a lighter one of their kind beside them."""

import pytest

HEAVY = ("vgg16_bn", "vgg19", "resnet50")


def each(names):
    """Names as parameters of a test; those of `HEAVY` only where tests that take long are asked for."""
    return [pytest.param(name, marks=[pytest.mark.proofs] if name in HEAVY else []) for name in names]
