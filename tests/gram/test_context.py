"""Under autocast, compilation, function transforms and many positions: the same numbers."""

import oracles
import pytest
import torch
from conftest import assert_close

from gramstyle.gram import SECOND_MOMENT, Statistic, gram
from gramstyle.kernels import available
from gramstyle.kernels import gram as native_gram

KERNELS = ("reference", *(("fused",) if available() else ()))
STATISTICS = [one.value for one in Statistic]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_autocast_degrades_nothing(half, kind, kernel, generator):
    x = torch.randn(2, 8, 16, 16, generator=generator)
    mask = torch.rand(16, 16, generator=generator)
    for weights in (None, mask):
        plain = gram(x, statistic=kind, mask=weights, kernel=kernel)
        with torch.autocast("cpu", dtype=half):
            inside = gram(x, statistic=kind, mask=weights, kernel=kernel)
        assert inside.dtype == torch.float32
        assert torch.equal(inside, plain)


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_autocast_on_the_device_degrades_nothing(half, device, generator):
    x = torch.randn(2, 8, 16, 16, generator=generator).to(device)
    plain = gram(x)
    with torch.autocast(device.type, dtype=half):
        assert torch.equal(gram(x), plain)


@pytest.fixture
def fresh_compiler():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("kind", STATISTICS)
def test_compiles_as_one_graph(kind, kernel, feature_map, generator):
    if kernel == "fused":
        native_gram(torch.ones(1, 1, 1, 1))  # loads the library, which no graph can hold
    mask = torch.rand(6, 7, generator=generator, dtype=torch.float64)

    def both(x):
        return gram(x, statistic=kind, kernel=kernel), gram(x, statistic=kind, mask=mask, kernel=kernel)

    compiled = torch.compile(both, fullgraph=True, backend="aot_eager")
    x = feature_map.requires_grad_()
    for found, wanted in zip(compiled(x), both(x), strict=True):
        assert_close(found, wanted)
        upstream = torch.randn(wanted.shape, generator=generator, dtype=torch.float64)
        (gradient,) = torch.autograd.grad(found, x, upstream, retain_graph=True)
        assert_close(gradient, torch.autograd.grad(wanted, x, upstream, retain_graph=True)[0])


@pytest.mark.parametrize("kind", STATISTICS)
def test_differentiable_by_function_transforms(kind, feature_map):
    def total(x):
        return gram(x, statistic=kind).square().sum()

    x = feature_map.clone().requires_grad_()
    total(x).backward()
    assert_close(torch.func.grad(total)(feature_map), x.grad)


def test_settings_map_over_a_further_dimension(feature_map):
    # the checks of gram() read values, which vmap cannot; what is behind them maps
    stacked = torch.stack([feature_map, 2 * feature_map])
    assert_close(torch.vmap(SECOND_MOMENT)(stacked), torch.stack([gram(one) for one in stacked]))


@pytest.mark.parametrize("kernel", KERNELS)
def test_error_does_not_grow_with_positions(kernel, generator):
    # one running float32 sum over these equal activations is 1.4e-3 off; the reference sums as the
    # BLAS of the machine does
    equal, drawn = {"reference": (5e-4, 5e-5), "fused": (5e-5, 2e-6)}[kernel]
    x = torch.full((1, 2, 512, 512), 0.3)
    value = float(x[0, 0, 0, 0]) ** 2
    assert_close(gram(x, kernel=kernel), torch.full((1, 2, 2), value), tolerance=equal)
    x = torch.randn(1, 4, 512, 512, generator=generator).relu()
    wide = x.double().flatten(2)
    assert_close(gram(x, kernel=kernel), wide @ wide.mT / 512**2, tolerance=drawn)


def test_many_positions_do_not_hide_a_small_variance(generator):
    x = 100 + 0.01 * torch.randn(1, 2, 256, 256, generator=generator)
    wanted = oracles.covariance(x[0].double())
    # the mean is rounded to 2^-24 of 100, which shifts the variance of 1e-4 by its square
    assert_close(gram(x, statistic="covariance")[0], wanted, tolerance=1e-5)
