"""Every algorithm of `gramstyle.conv` on the same convolution, beside the libraries that are there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import inf, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gramstyle.bench.footprint import footprint
from gramstyle.bench.machine import Machine, whole_float32
from gramstyle.bench.problems import Problem
from gramstyle.bench.timing import Contender, Row, take_turns
from gramstyle.conv import Blocks, Csr, Planes, TwoFour, complex_conv2d, complex_conv3d, sparse_conv2d
from gramstyle.conv.algorithms import ALGORITHMS
from gramstyle.conv.choice import choose
from gramstyle.conv.geometry import Geometry
from gramstyle.conv.planar import ROUTES
from gramstyle.conv.rates import finish, timed
from gramstyle.conv.sparse import BLOCK
from gramstyle.conv.sparse.prune import block_mask, magnitude_mask, n_of_m_mask

SLOW = 8.0
"""Times the fastest from which on a contender takes no turns: nobody asks by how much it loses."""

MOST_PAIRS = 256
"""Pairs of channel and filter up to which SciPy, which knows one plane at a time, is asked."""

TWO_OF_FOUR = 0.5
"""The sparsity of the 2:4 layout."""

LAYOUTS: dict[str, type[Csr] | type[Blocks] | type[TwoFour]] = {"csr": Csr, "blocks": Blocks, "2:4": TwoFour}

PLANAR = {2: (complex_conv2d, torch.channels_last), 3: (complex_conv3d, torch.channels_last_3d)}

Run = Callable[[], Any]


class Way(NamedTuple):
    """A contender, and the kernel that it multiplies by."""

    run: Run
    weight: Tensor


def time_algorithms(
    problems: Iterable[Problem],
    repeat: int,
    machine: Machine,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> Iterator[Row]:
    """One row per problem, with the way of every algorithm that can do it.

    Besides `ALGORITHMS` there are ``library, channels-last`` (torch's own on maps in that layout); for few
    channels on a CPU ``scipy`` (overlap-add by `scipy.signal.oaconvolve`); for complex numbers ``gauss,
    planar`` and ``stacked, planar``; and where there is a `Problem.sparsity`, in the place of `ALGORITHMS`,
    ``csr``, ``blocks`` and ``2:4`` of `gramstyle.conv.sparse` beside dense ones. On a GPU float32 is
    multiplied as such by all of them, by cuDNN, too.

    Args:
        problems: of `gramstyle.bench.problems`.
        repeat: rounds; a contender that takes `SLOW` times as long as the fastest has the one before them.
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
        with torch.no_grad(), whole_float32():
            row = _timed(problem, repeat, machine, place, dtype)
        yield row


def ways_of(problem: Problem, x: Tensor, weight: Tensor, geometry: Geometry) -> dict[str, Way]:
    """Name -> a way of doing it."""
    if problem.sparsity is not None:
        dense = _library_ways(x, weight, geometry) | _minimal_way(x, weight, geometry)
        return dense | _sparse_ways(problem.sparsity, x, weight, geometry)
    found = {
        name: Way(partial(one, x, weight, geometry), weight)
        for name, one in ALGORITHMS.items()
        if one.reason_against(geometry) is None
    }
    if problem.complex:
        found |= _planar_ways(x, weight, geometry)
    elif x.ndim == 4:
        found |= _library_ways(x, weight, geometry)
    plain = geometry.groups == max(geometry.stride) == max(geometry.dilation) == 1 and x.device.type == "cpu"
    if plain and geometry.channels * geometry.outputs <= MOST_PAIRS and x.dtype != torch.bfloat16:
        found["scipy"] = Way(partial(scipy_convolution, x, weight, geometry), weight)
    return found


def _library_ways(x: Tensor, weight: Tensor, geometry: Geometry) -> dict[str, Way]:
    """Torch's own, on maps in both layouts."""
    library = ALGORITHMS["library"]
    last, filters = (one.contiguous(memory_format=torch.channels_last) for one in (x, weight))
    return {
        "library": Way(partial(library, x, weight, geometry), weight),
        "library, channels-last": Way(partial(library, last, filters, geometry), weight),
    }


def _minimal_way(x: Tensor, weight: Tensor, geometry: Geometry) -> dict[str, Way]:
    """The fastest dense algorithm where it can do it: what a sparse kernel has to beat as well."""
    one = ALGORITHMS["winograd4"]
    if one.reason_against(geometry) is not None:
        return {}
    return {"winograd4": Way(partial(one, x, weight, geometry), weight)}


def _planar_ways(x: Tensor, weight: Tensor, geometry: Geometry) -> dict[str, Way]:
    """On planes, which were taken apart before and stay so."""
    conv, layout = PLANAR[len(geometry.size)]
    planes, kernel = (Planes.of(one, layout) for one in (x, weight))
    run = partial(conv, planes, kernel, **_shape(geometry))
    found = {f"{name}, planar": Way(partial(run, algorithm=name), weight) for name in ROUTES}
    if ALGORITHMS["winograd4"].reason_against(geometry) is None:
        least = partial(run, algorithm="gauss", real="winograd4")
        found["gauss of winograd4, planar"] = Way(least, weight)
    return found


def _sparse_ways(sparsity: float, x: Tensor, weight: Tensor, geometry: Geometry) -> dict[str, Way]:
    """Unstructured, in blocks, and at one half 2:4: each without what its own pattern leaves out."""
    masks = {"csr": magnitude_mask(weight, sparsity)}
    if geometry.outputs % BLOCK[0] == 0:
        masks["blocks"] = block_mask(weight, sparsity, BLOCK)
    if sparsity == TWO_OF_FOUR and weight.shape[1] % 4 == 0:
        masks["2:4"] = n_of_m_mask(weight)
    found = {}
    for name, mask in masks.items():
        kernel = LAYOUTS[name].from_dense(weight * mask)
        run = partial(sparse_conv2d, x, kernel, **_shape(geometry))
        run()  # what is made of the values is kept from the first call on
        found[name] = Way(run, weight * mask)
    return found


def _shape(geometry: Geometry) -> dict[str, Any]:
    """Stride, padding, dilation and groups, as doors have them."""
    sides = [before for before, _ in geometry.padding]
    steps = {"stride": geometry.stride, "padding": sides, "dilation": geometry.dilation}
    return {**steps, "groups": geometry.groups}


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
    ways = ways_of(problem, x, weight, geometry)
    exact = {}
    errors: dict[str, float] = {}
    memory: dict[str, int] = {}
    once: dict[str, float] = {}
    for name, way in ways.items():
        if id(way.weight) not in exact:
            exact[id(way.weight)] = ALGORITHMS["library"](_wide(x), _wide(way.weight), geometry)
        memory[name] = footprint(way.run, device)
        errors[name] = _error(way.run(), exact[id(way.weight)])
        once[name] = timed(way.run, device, SLOW * min(once.values(), default=inf), warm=True)
    fast = [name for name in ways if once[name] <= SLOW * min(once.values())]
    jobs = [Contender(name=name, run=partial(_finished, ways[name].run, device)) for name in fast]
    seconds = {name: [once[name]] for name in ways} | take_turns(jobs, repeat)
    operations = geometry.operations * (4 if problem.complex else 1)
    touched = x.numel() + weight.numel() + geometry.batch * geometry.outputs * prod(geometry.result)
    return Row(
        job=f"{problem.sweep}: {problem.name}",
        facts={
            "sweep": problem.sweep,
            "name": problem.name,
            "kind": problem.kind,
            "x": list(problem.x),
            "weight": list(problem.weight),
            "stride": list(geometry.stride),
            "dilation": list(geometry.dilation),
            "groups": problem.groups,
            "complex": problem.complex,
            "sparsity": problem.sparsity,
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


def _error(found: Tensor | Planes, exact: Tensor) -> float:
    whole = found.joined() if isinstance(found, Planes) else found
    return float((whole - exact).norm() / exact.norm())


def _wide(x: Tensor) -> Tensor:
    return x.to(torch.complex128 if x.is_complex() else torch.float64)
