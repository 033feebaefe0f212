"""Steps, against the formulas of Adam, and states that are taken apart and put together."""

import pytest
import torch
from conftest import assert_close

from gramstyle.transfer import OptimizerSettings
from gramstyle.transfer.canvas import Pixels
from gramstyle.transfer.optimizer import Optimizer

ADAM = OptimizerSettings(step_size=0.05, betas=(0.8, 0.9))
LBFGS = OptimizerSettings(name="lbfgs", step_size=1.0, history=4)


def closure_of(optimizer, target):
    def closure():
        optimizer.zero_grad()
        loss = ((optimizer.canvas.image() - target).square() * (1 + target)).sum()
        loss.backward()
        return loss.detach()

    return closure


def made(generator, settings, size=(4, 5)):
    canvas = Pixels(torch.rand(1, 3, *size, generator=generator, dtype=torch.float64), clamp=False)
    return Optimizer(canvas, settings)


def test_adam_is_the_published_rule(generator):
    optimizer = made(generator, ADAM)
    target = torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64)
    x = optimizer.canvas.numbers.detach().clone()
    m = v = torch.zeros_like(x)
    for step in range(1, 6):
        g = 2 * (x - target) * (1 + target)
        m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g * g
        x = x - 0.05 * (m / (1 - 0.8**step)) / ((v / (1 - 0.9**step)).sqrt() + 1e-8)
        optimizer.step(closure_of(optimizer, target))
        assert_close(optimizer.canvas.numbers, x)


@pytest.mark.parametrize("settings", [ADAM, LBFGS], ids=["adam", "lbfgs"])
@pytest.mark.parametrize("before", [1, 2, 7])
def test_a_restored_optimizer_goes_on_to_the_same_bits(settings, before, generator):
    target = torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64)
    whole = made(generator, settings)
    for _ in range(before):
        whole.step(closure_of(whole, target))
    other = Optimizer(Pixels(whole.canvas.numbers.detach(), clamp=False), settings)
    other.restore({name: one.clone() for name, one in sorted(whole.state().items())})
    for _ in range(6):
        whole.step(closure_of(whole, target))
        other.step(closure_of(other, target))
        assert torch.equal(other.canvas.numbers, whole.canvas.numbers)


def test_lbfgs_solves_a_quadratic_in_a_few_steps(generator):
    optimizer = made(generator, LBFGS)
    target = torch.rand(1, 3, 4, 5, generator=generator, dtype=torch.float64)
    for _ in range(40):
        optimizer.step(closure_of(optimizer, target))
    assert_close(optimizer.canvas.numbers, target, tolerance=1e-4)


def test_adam_takes_its_moments_to_the_next_scale(generator):
    first = made(generator, ADAM)
    for _ in range(3):
        first.step(closure_of(first, torch.zeros(1, 3, 4, 5, dtype=torch.float64)))
    second = Optimizer(Pixels(torch.rand(1, 3, 8, 10, generator=generator, dtype=torch.float64)), ADAM, first)
    old, new = first.state(), second.state()
    assert float(new["step"]) == 3
    assert new["exp_avg"].shape == new["exp_avg_sq"].shape == (1, 3, 8, 10)
    assert_close(new["exp_avg"].mean(), old["exp_avg"].mean(), tolerance=0.1)
    assert float(new["exp_avg_sq"].min()) >= 0


def test_lbfgs_begins_anew_at_the_next_scale(generator):
    first = made(generator, LBFGS)
    first.step(closure_of(first, torch.zeros(1, 3, 4, 5, dtype=torch.float64)))
    second = Optimizer(Pixels(torch.rand(1, 3, 8, 10, generator=generator)), LBFGS, first)
    assert second.state() == {}
