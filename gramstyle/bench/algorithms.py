"""Every algorithm of `gramstyle.conv` on the same convolution, beside the libraries that are there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.bench.footprint import footprint
from gramstyle.bench.machine import Machine
from gramstyle.bench.problems import Problem
from gramstyle.bench.timing import Contender, Row, take_turns
from gramstyle.conv.algorithms import ALGORITHMS
from gramstyle.conv.choice import choose
from gramstyle.conv.geometry import Geometry
from gramstyle.conv.rates import finish

SLOW = 8.0
"""Times the fastest from which on a contender is timed once: nobody asks by how much it loses."""

MOST_PAIRS = 128
"""Pairs of channel and filter up to which SciPy, which knows one plane at a time, is asked."""

Run = Callable[[], Tensor]


def time_algorithms(
    problems: Iterable[Problem],
    repeat: int,
    machine: Machine,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> Iterator[Row]:
    """One row per problem, with the way of every algorithm that can do it.

    Besides `ALGORITHMS` there are ``library, channels-last`` (torch's own on maps in that layout) and, for
    few channels on a CPU, ``scipy`` (overlap-add by `scipy.signal.oaconvolve`).

    Args:
        problems: of `gramstyle.bench.problems`.
        repeat: rounds; a contender that takes `SLOW` times as long as the fastest has one.
        machine: the roof.
        device: where; None is the CPU.
        dtype: of real numbers.

    Yields:
        Rows with the facts ``operations`` (by the definition), ``errors`` (contender -> norm of what differs
        from float64, of its norm), ``memory`` (contender -> bytes), ``auto`` (what `conv2d` takes) and
        ``least`` (seconds of the roof).
    """
    place = device or torch.device("cpu")
    for problem in problems:
        with torch.inference_mode():
            yield _timed(problem, repeat, machine, place, dtype)


def contenders_of(problem: Problem, x: Tensor, weight: Tensor, geometry: Geometry) -> dict[str, Run]:
    """Name -> a way of doing it."""
    found: dict[str, Run] = {
        name: partial(one, x, weight, geometry)
        for name, one in ALGORITHMS.items()
        if one.reason_against(geometry) is None
    }
    if x.ndim == 4 and not problem.complex:
        last = x.contiguous(memory_format=torch.channels_last)
        filters = weight.contiguous(memory_format=torch.channels_last)
        found["library, channels-last"] = partial(ALGORITHMS["library"], last, filters, geometry)
    plain = problem.groups == 1 and max(geometry.stride) == 1 and x.device.type == "cpu"
    if plain and geometry.channels * geometry.outputs <= MOST_PAIRS and x.dtype != torch.bfloat16:
        found["scipy"] = partial(scipy_convolution, x, weight, geometry)
    return found


def scipy_convolution(x: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """Overlap-add, one plane of channel and filter at a time."""
    from scipy import signal

    axes = tuple(range(-len(geometry.size), 0))
    padded = functional.pad(x, [side for pair in reversed(geometry.padding) for side in pair])
    turned = weight.flip(axes).numpy()
    planes = signal.oaconvolve(padded.numpy()[:, None], turned[None], mode="valid", axes=axes)
    return torch.from_numpy(planes.sum(2))


def _timed(problem: Problem, repeat: int, machine: Machine, device: torch.device, dtype: torch.dtype) -> Row:
    x, weight = problem.tensors(device, dtype)
    geometry = problem.geometry(x, weight)
    ways = contenders_of(problem, x, weight, geometry)
    exact = ALGORITHMS["library"](_wide(x), _wide(weight), geometry)
    errors, memory, once = {}, {}, {}
    for name, run in ways.items():
        memory[name] = footprint(run, device)
        finish(device)
        start = time.perf_counter()
        found = run()
        finish(device)
        once[name] = time.perf_counter() - start
        errors[name] = float((found - exact).norm() / exact.norm())
    fast = [name for name in ways if once[name] <= SLOW * min(once.values())]
    jobs = [Contender(name=name, run=partial(_finished, ways[name], device)) for name in fast]
    seconds = {name: [once[name]] for name in ways} | take_turns(jobs, repeat)
    operations = geometry.operations * (4 if problem.complex else 1)
    touched = x.numel() + weight.numel() + exact.numel()
    return Row(
        job=f"{problem.sweep}: {problem.name}",
        facts={
            "sweep": problem.sweep,
            "name": problem.name,
            "kind": problem.kind,
            "x": list(problem.x),
            "weight": list(problem.weight),
            "stride": list(geometry.stride),
            "groups": problem.groups,
            "complex": problem.complex,
            "taps": prod(geometry.kernel),
            "operations": operations,
            "auto": choose(x, weight, geometry).algorithm,
            "least": machine.least(operations, touched * x.element_size()),
            "errors": errors,
            "memory": memory,
        },
        seconds=seconds,
    )


def _finished(run: Run, device: torch.device) -> None:
    run()
    finish(device)


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.complex128 if x.is_complex() else torch.float64)
