"""Runs without memory, with deterministic operations, and in half precision."""

import os

import pytest
import torch

from gramstyle.errors import StyleError
from gramstyle.gram import Statistic
from gramstyle.transfer import Asked, Objective, StyleFile, Transfer, Work
from gramstyle.transfer.guards import CUBLAS, advice_on, deterministic
from gramstyle.transfer.job import Job

from .conftest import picture

ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: not enough memory: you tried"),
    RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
    RuntimeError("bad allocation: can't allocate memory: you tried to allocate 9 bytes"),
    MemoryError(),
]


def failing(error, after, monkeypatch):
    """Let evaluations raise `error` once there were `after`."""
    evaluate, seen = Objective.evaluate, []

    def call(self, image):
        seen.append(image)
        if len(seen) > after:
            raise error
        return evaluate(self, image)

    monkeypatch.setattr(Objective, "evaluate", call)


@pytest.mark.parametrize("error", ERRORS, ids=lambda one: type(one).__name__)
def test_running_out_of_memory_names_what_to_turn(error, settings, content, style, monkeypatch):
    failing(error, 2, monkeypatch)
    states = Transfer(content, style, settings(), device="cpu").states()
    done = [next(states), next(states)]
    with pytest.raises(StyleError, match="out of memory") as raised:
        next(states)
    told = str(raised.value)
    assert told.startswith("scale 1 of 2, 34 x 28 pixels, run whole: out of memory (")
    assert all(name in told for name in ("--memory-limit", "--tile 512", "--size", "--dtype bfloat16"))
    assert raised.value.__context__ is None  # whose frames would hold the tensors of the step
    assert torch.isfinite(done[-1].image).all()


def test_the_last_image_is_kept(settings, monkeypatch, tmp_path):
    from gramstyle.images import save_image

    for name, seed in (("content", 1), ("style", 2)):
        save_image(tmp_path / f"{name}.png", picture(seed))
    job = Job(
        content=str(tmp_path / "content.png"),
        styles=(StyleFile(path=str(tmp_path / "style.png")),),
        output=str(tmp_path / "out.png"),
        settings=settings(),
    )
    failing(MemoryError(), 3, monkeypatch)
    work = Work(job, device="cpu", save_every=2)
    with pytest.raises(StyleError, match="out of memory"):
        list(work.states())
    assert (tmp_path / "out.png").exists()
    monkeypatch.undo()
    again = Work(job, device="cpu", asked=Asked(tile=20))  # the same job in another way
    assert again.resume() == 2
    assert len(list(again.states())) == 5


def test_other_errors_stay_what_they_are(settings, content, style, monkeypatch):
    failing(RuntimeError("a bug"), 0, monkeypatch)
    with pytest.raises(RuntimeError, match="a bug"):
        next(Transfer(content, style, settings(), device="cpu").states())
    assert advice_on(RuntimeError("no deterministic implementation"), Asked()) is None
    assert "smaller --tile" in (advice_on(MemoryError(), Asked(tile=64)) or "")


def test_deterministic_operations_within_steps_alone(settings, content, style, monkeypatch):
    seen = []
    evaluate = Objective.evaluate

    def call(self, image):
        seen.append(torch.are_deterministic_algorithms_enabled())
        return evaluate(self, image)

    monkeypatch.setattr(Objective, "evaluate", call)
    outside = []
    for state in Transfer(content, style, settings(size=32), device="cpu", deterministic=True).states():
        outside.append(torch.are_deterministic_algorithms_enabled())
        last = state
    assert seen == [True] * 4
    assert outside == [False] * 4
    plain = list(Transfer(content, style, settings(size=32), device="cpu").states())[-1]
    assert torch.equal(plain.image, last.image)

    def fails(self, image):
        raise RuntimeError("nowhere_cuda does not have a deterministic implementation.")

    monkeypatch.setattr(Objective, "evaluate", fails)
    with pytest.raises(StyleError, match=r"nowhere_cuda .* Leave out --deterministic"):
        next(Transfer(content, style, settings(), device="cpu", deterministic=True).states())
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("wanted", [None, ":16:8"])
def test_a_deterministic_block_leaves_everything_as_it_was(wanted, monkeypatch):
    """Also where it is left by an error: of ``put_`` torch says that it depends on the order of threads."""
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    monkeypatch.delenv(CUBLAS, raising=False)
    if wanted is not None:
        monkeypatch.setenv(CUBLAS, wanted)

    def run():
        with deterministic(torch.device("cuda")):  # nothing runs there
            assert not torch.backends.cudnn.benchmark
            assert os.environ[CUBLAS] == (wanted or ":4096:8")
            torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))

    torch.set_deterministic_debug_mode("warn")
    try:
        with pytest.raises(RuntimeError, match="put_ does not have a deterministic implementation"):
            run()
        assert torch.get_deterministic_debug_mode() == 1
    finally:
        torch.set_deterministic_debug_mode("default")
    assert torch.backends.cudnn.benchmark
    assert os.environ.get(CUBLAS) == wanted


@pytest.mark.parametrize("options", [{}, {"tile": 20}, {"gradient_checkpointing": True}])
def test_a_network_in_half_precision(options, settings, content, style):
    """Its features are rounded to 8 bits; images, losses and the optimiser are not."""
    chosen = settings("squared-wasserstein", Statistic.GAUSSIAN, relative=True, ridge=1e-3, size=32)
    half = Transfer(content, style, chosen, device="cpu", dtype=torch.bfloat16, **options)
    states = list(half.states())
    assert half.extractor.dtype == torch.bfloat16
    assert all(one.dtype == torch.float32 for name, one in half.snapshot().tensors.items() if one.ndim > 1)
    whole = list(Transfer(content, style, chosen, device="cpu").states())
    for a, b in zip(whole, states, strict=True):
        assert b.losses == pytest.approx(dict(a.losses), rel=0.1)
        assert float((a.image - b.image).abs().mean()) < 0.01
    assert states[-1].loss < states[0].loss
