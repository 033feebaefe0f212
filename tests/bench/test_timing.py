"""Turns, medians and ratios of contenders; what a machine can do; which memory is kept."""

import subprocess
import sys
import time

import pytest

from gramstyle.bench import Machine, allocator, measure_machine
from gramstyle.bench.timing import Contender, Row, take_turns


def test_contenders_take_turns_in_both_orders():
    calls = []
    contenders = [
        Contender(name=name, run=lambda name=name: calls.append(name), allocator="default") for name in "abc"
    ]
    seconds = take_turns(contenders, 3)
    warm = "abc"  # each round begins with a run that is not timed, and the first round is not counted
    assert "".join(calls) == warm + "cba" + warm + "abc" + warm + "cba" + warm + "abc"
    assert {name: len(found) for name, found in seconds.items()} == {"a": 3, "b": 3, "c": 3}


def test_times_are_those_of_the_job():
    slow = Contender(name="slow", run=lambda: time.sleep(0.02))
    quick = Contender(name="quick", run=lambda: None)
    row = Row(job="sleep", facts={}, seconds=take_turns([slow, quick], 3))
    assert row.median("slow") >= 0.02
    assert row.fastest(["slow", "quick"]) == "quick"


def test_ratio_is_taken_within_rounds():
    """A machine that is ten times slower in the last round changes no ratio."""
    row = Row(job="", facts={}, seconds={"a": [2.0, 4.0, 30.0], "b": [1.0, 2.0, 10.0]})
    assert row.ratio("a", "b") == 2.0
    assert row.median("a") == 4.0


def test_each_contender_has_its_memory(monkeypatch):
    seen = []
    monkeypatch.setattr(allocator, "use", seen.append)
    take_turns(
        [
            Contender(name="a", run=lambda: seen.append("a"), allocator="tuned"),
            Contender(name="b", run=lambda: seen.append("b"), allocator="default"),
        ],
        1,
    )
    once = ["default", "b", "b", "tuned", "a", "a"]  # kept memory is there before its time is taken
    assert seen == [*once, *once, "default"]


def test_garbage_collection_comes_back_after_an_error():
    import gc

    def fail():
        assert not gc.isenabled()
        raise RuntimeError("of the job")

    with pytest.raises(RuntimeError, match="of the job"):
        take_turns([Contender(name="a", run=fail)], 1)
    assert gc.isenabled()


FAULTS = """
import resource
import torch
from gramstyle.bench import allocator

def faults(kind):
    allocator.use(kind)
    torch.ones(1 << 24)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        torch.ones(1 << 24)  # 64 MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(faults("tuned"), faults("default"))
"""


@pytest.mark.proofs
@pytest.mark.skipif(not allocator.can_tune(), reason="not glibc")
def test_kept_memory_costs_no_page_faults():
    """The kernel's own count of faults tells whether freed memory went back to it."""
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    kept, given_back = map(int, done.stdout.split())
    assert given_back > 2 * kept


def test_roof():
    machine = Machine(processor="", threads=1, instructions="", flops=1e9, bandwidth=1e8)
    assert machine.least(2e9, 1e8) == 2.0
    assert machine.least(1e8, 3e8) == 3.0


def test_this_machine():
    machine = measure_machine()
    assert machine.flops > 1e8
    assert machine.bandwidth > 1e8
    assert machine.instructions in ("avx512", "avx2", "neon", "portable")
    assert machine.processor
