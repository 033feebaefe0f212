"""What all tests share: one comparison, one source of randomness, the devices that are there."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from hypothesis import settings

settings.register_profile("steady", derandomize=True)  # the same examples in every run
settings.register_profile("explore", max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

TOLERANCE = {
    # Half precision is compared after its rounding: oracles read the rounded features, and what is
    # left is accumulation in float32.
    torch.float16: 2e-5,
    torch.bfloat16: 2e-5,
    # 2**-24 per operation, and sums over up to 4096 positions
    torch.float32: 2e-5,
    # 2**-53 per operation, and condition numbers of up to a thousand
    torch.float64: 1e-12,
}
"""Type of the input -> largest error, as a share of the largest value that is expected."""

DEVICES = ("cpu", *(("cuda",) if torch.cuda.is_available() else ()))


def assert_close(actual, expected, dtype=None, tolerance=None):
    """Every entry of `actual` is that of `expected`, to rounding of the largest entry.

    Args:
        actual: tensor, array or number.
        expected: likewise, of the same shape.
        dtype: of the input; None takes that of `actual`.
        tolerance: in place of that of `dtype`; say why where it is given.
    """
    if tolerance is None:
        tolerance = TOLERANCE[dtype or getattr(actual, "dtype", torch.float64)]
    one, other = as_array(actual), as_array(expected)
    assert one.shape == other.shape, f"shape {one.shape}, expected {other.shape}"
    assert np.isfinite(other).all(), "the expected values are not finite"
    if other.size == 0:
        return
    worst = np.abs(one - other).max()
    allowed = tolerance * np.abs(other).max()
    # NaN compares false, and fails here
    assert worst <= allowed, f"off by {worst:.3g}, {allowed:.3g} allowed\ngot {one}\nexpected {other}"


def as_array(value):
    """`value` as a float64 array."""
    if isinstance(value, torch.Tensor):
        value = value.detach().to(device="cpu", dtype=torch.float64).numpy()
    return np.asarray(value, dtype=np.float64)


@pytest.fixture
def generator():
    """A seeded generator on the cpu."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(params=DEVICES)
def device(request):
    """Each device that is there."""
    return torch.device(request.param)


@pytest.fixture
def feature_map(generator):
    """Rectified features (2, 5, 6, 7) in float64."""
    return torch.randn(2, 5, 6, 7, generator=generator, dtype=torch.float64).relu()


def pytest_collection_modifyitems(config, items):
    """Leave out what takes minutes unless `-m` names it."""
    if "proofs" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("proofs")]
    items[:] = [item for item in items if not item.get_closest_marker("proofs")]
    config.hook.pytest_deselected(items=left_out)
