"""Gradients: against finite differences, of Gatys' loss in closed form, finite where roots are not."""

from functools import partial

import numpy as np
import oracles
import pytest
import torch
from conftest import assert_close
from distance.cases import CASES, features

from gramstyle.distance import METRICS, distance, pairwise_distance
from gramstyle.distance.symmetric import matrix_log, matrix_sqrt, signed_sqrt
from gramstyle.gram import gram

ONCE = ["matrix-sqrt", "log-euclidean", "wasserstein", "squared-wasserstein"]
TWICE = [name for name in METRICS if name not in ONCE]


def symmetric(x):
    return (x + x.mT) / 2


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_paired_distance(metric, kind):
    x, y = (features(seed, 2, channels=3, side=2).requires_grad_() for seed in (0, 1))

    def between(x, y):
        return distance(gram(x, statistic=kind), gram(y, statistic=kind), metric, statistic=kind)

    assert torch.autograd.gradcheck(between, (x, y), rtol=1e-4)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("block", [1, 2**20])
def test_pairwise_distance(metric, block, monkeypatch):
    monkeypatch.setattr("gramstyle.distance.pairwise.BLOCK_BYTES", block)
    kind = METRICS[metric].statistics[0]
    x = features(0, 3, channels=2, side=2).requires_grad_()
    y = features(1, 2, channels=2, side=2)

    def tables(x):
        a, b = gram(x, statistic=kind), gram(y, statistic=kind)
        return pairwise_distance(a, b, metric), pairwise_distance(a, metric=metric)

    assert torch.autograd.gradcheck(tables, x, rtol=1e-4)


@pytest.mark.parametrize("metric", TWICE)
def test_second_derivative(metric):
    kind = METRICS[metric].statistics[0]
    x, y = (features(seed, 1, channels=2, side=2) for seed in (0, 1))

    def between(x):
        return distance(gram(x, statistic=kind), gram(y, statistic=kind), metric)

    assert torch.autograd.gradgradcheck(between, x.requires_grad_(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("metric", ONCE)
def test_second_derivative_through_eigenvalues_is_refused_instead_of_wrong(metric):
    kind = METRICS[metric].statistics[0]
    x = features(0, 1, channels=3).requires_grad_()
    y = gram(features(1, 1, channels=3), statistic=kind)
    (first,) = torch.autograd.grad(distance(gram(x, statistic=kind), y, metric).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.square().sum().backward()


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_zero_where_features_are_equal(metric, kind):
    x = features(0, 2).requires_grad_()
    y = x.detach().clone()
    distance(gram(x, statistic=kind), gram(y, statistic=kind), metric, statistic=kind).sum().backward()
    assert (x.grad == 0).all()


@pytest.mark.parametrize(("metric", "kind"), CASES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_finite_for_low_rank_and_dead_channels(metric, kind, dtype):
    x, y = (features(seed, 2, channels=12, side=2).to(dtype).relu() for seed in (0, 1))
    x[:, :3] = 0
    y[:, 2:5] = 0.5
    x.requires_grad_()
    found = distance(gram(x, statistic=kind), gram(y, statistic=kind), metric, statistic=kind)
    found.sum().backward()
    assert torch.isfinite(found).all()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("metric", ["matrix-sqrt", "wasserstein", "squared-wasserstein"])
def test_low_rank_gradient_is_a_descent_direction(metric):
    # finite is not enough: a step against it must bring the styles closer
    kind = METRICS[metric].statistics[0]
    x, y = (features(seed, 1, channels=12, side=2) for seed in (0, 1))
    target = gram(y, statistic=kind)

    def value(x):
        return distance(gram(x, statistic=kind), target, metric)

    x.requires_grad_()
    start = value(x)
    (gradient,) = torch.autograd.grad(start.sum(), x)
    step = 1e-4 * x.detach().norm() / gradient.norm()
    assert value(x.detach() - step * gradient) < start


@pytest.mark.parametrize("function", [matrix_sqrt, partial(matrix_log, ridge=0.01)], ids=["sqrt", "log"])
@pytest.mark.parametrize(
    "values", [[1.0, 2, 3], [1.0, 1, 1], [2.0, 1, 1], [1.0, 1 + 1e-9, 4], [0.01, 1, 100]]
)
def test_matrix_functions_where_eigenvalues_meet(function, values, generator):
    q = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64)).Q
    a = (q @ torch.tensor(values, dtype=torch.float64).diag() @ q.T)[None].requires_grad_()
    assert torch.autograd.gradcheck(lambda x: function(symmetric(x)), a, rtol=1e-4)


@pytest.mark.parametrize(("one", "other"), [(3.0, 5.0), (2.0, 2.0), (1.0, 1 + 1e-12), (1e-3, 1e3)])
def test_divided_differences_of_the_logarithm(one, other):
    # the gradient of the entry beside the diagonal is (log a - log b) / (a - b), or 1 / a
    a = torch.diag(torch.tensor([one, other], dtype=torch.float64))[None].requires_grad_()
    matrix_log(symmetric(a), 0.0)[0, 0, 1].backward()
    a0, b0 = np.longdouble(one), np.longdouble(other)
    wanted = 1 / a0 if a0 == b0 else np.log1p((a0 - b0) / b0) / (a0 - b0)
    assert_close(a.grad[0, 0, 1], float(wanted / 2), tolerance=1e-14)


def test_signed_root_at_zero():
    x = torch.tensor([0.0, 4, -9], dtype=torch.float64, requires_grad=True)
    root = signed_sqrt(x)
    root.sum().backward()
    assert root.tolist() == [0, 2, -3]
    assert_close(x.grad, [0, 1 / 4, 1 / 6])


def test_gatys_loss_and_gradient_in_closed_form(generator):
    x, target = torch.randn(2, 1, 4, 5, 6, generator=generator, dtype=torch.float64)
    x.requires_grad_()
    loss = distance(gram(x), gram(target), "mse") / 4
    loss.sum().backward()
    f, t = x.detach()[0].numpy(), target[0].numpy()
    assert_close(loss, [oracles.gatys_loss(f, t)])
    assert_close(x.grad[0], oracles.gatys_gradient(f, t))


@pytest.mark.parametrize("metric", ["frobenius", "cosine", "log-euclidean"])
def test_numeric_gradient_of_the_oracle(metric):
    x, y = features(0, 1, channels=3, side=2).requires_grad_(), features(1, 1, channels=3, side=2)
    distance(gram(x), gram(y), metric).sum().backward()
    target = oracles.statistic("gram", y[0])

    def slow(f):
        return oracles.DISTANCES[metric](oracles.statistic("gram", f), target)

    numeric = oracles.numeric_gradient(slow, x.detach()[0].numpy())
    assert_close(x.grad[0], numeric, tolerance=1e-6)
