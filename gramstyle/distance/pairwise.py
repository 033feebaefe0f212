"""Distances of many descriptors of one tap, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.distance.metrics import DEFAULT_METRIC, Metric, as_is, metric_named
from gramstyle.gram import STATISTICS, Statistic, pack
from gramstyle.gram.packing import channels_of

BLOCK_BYTES = 64 * 2**20
"""Memory of one block of float64 descriptors that are transformed; a block has at least one row."""

PRODUCT_BYTES = 512 * 2**20
"""Size in float64 of the rows that are multiplied at once; kernels widen a part of them at a time."""


def distance(
    a: Tensor, b: Tensor, metric: str = DEFAULT_METRIC, *, statistic: Statistic | str | None = None
) -> Tensor:
    """Distance of each descriptor of `a` to the one beside it in `b`.

    Args:
        a: descriptors of one tap, in the shape that `gramstyle.gram` gives, (N, ...).
        b: as many of the same shape.
        metric: name of a metric.
        statistic: what the descriptors are; None takes the metric's own.

    Returns:
        (N,), float64 (float32 on mps), differentiable; the gradient at distance 0 is 0. Metrics
        that take roots or logarithms of matrices have no second derivative.
        Distances below about 1e-7 of the size of the descriptors (1e-6 for wasserstein) are 0.

    Raises:
        UnknownNameError: for a metric or statistic that does not exist.
        StyleError: for a statistic the metric is not defined for.
        ValueError: for shapes that do not fit, or values that are not finite.
    """
    chosen, kind = _resolve(metric, statistic)
    x, y = flatten(a, kind, "a"), flatten(b, kind, "b")
    if x.shape != y.shape:
        raise ValueError(f"a and b must have one shape, got {tuple(a.shape)} and {tuple(b.shape)}")
    return paired(x, y, chosen, kind)


def pairwise_distance(
    a: Tensor,
    b: Tensor | None = None,
    metric: str = DEFAULT_METRIC,
    *,
    statistic: Statistic | str | None = None,
) -> Tensor:
    """Distance of every descriptor of `a` to every one of `b`, or of `a` to itself.

    Memory beside the descriptors and the result is a few blocks of 64 MiB. Metrics that transform
    descriptors (signed-sqrt, matrix-sqrt, log-euclidean, wasserstein) also hold them once more,
    in float64.

    Args:
        a: descriptors of one tap, in the shape that `gramstyle.gram` gives, (N, ...).
        b: (M, ...); None compares `a` with itself, which gives a symmetric matrix with a
            diagonal of exactly 0.
        metric: name of a metric.
        statistic: what the descriptors are; None takes the metric's own.

    Returns:
        (N, M), float64 (float32 on mps).

    Raises:
        As `distance`.
    """
    chosen, kind = _resolve(metric, statistic)
    x = flatten(a, kind, "a")
    y = None if b is None else flatten(b, kind, "b")
    if y is not None and x.shape[1] != y.shape[1]:
        raise ValueError(f"a and b must agree after N, got {tuple(a.shape)} and {tuple(b.shape)}")  # type: ignore[union-attr]
    return pairwise(x, y, chosen, kind)


def paired(x: Tensor, y: Tensor, metric: Metric, statistic: Statistic) -> Tensor:
    """As `distance`, for flattened descriptors (N, D) that were checked."""
    p, q = metric.transform(x, statistic), metric.transform(y, statistic)
    kernel = metric.kernel
    a, b = kernel.norms(p, statistic), kernel.norms(q, statistic)
    return apply_form(metric, kernel.paired(p, q, statistic), a, b, entries(x, statistic))


def pairwise(
    x: Tensor,
    y: Tensor | None,
    metric: Metric,
    statistic: Statistic,
    progress: Callable[[int], None] | None = None,
) -> Tensor:
    """As `pairwise_distance`, for flattened descriptors (N, D), (M, D) that were checked.

    `progress` is called with the number of pairs that each block adds, both halves of a
    symmetric matrix counted.
    """
    return each_pairwise(x, y, (metric,), statistic, progress)[metric.name]


def each_pairwise(
    x: Tensor,
    y: Tensor | None,
    metrics: Sequence[Metric],
    statistic: Statistic,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Tensor]:
    """As `pairwise` for several metrics, by name; those that share inner products take them once."""
    found: dict[str, Tensor] = {}
    for alike in _sharing(metrics):
        found |= _pairwise(x, y, alike, statistic, progress)
    return {metric.name: found[metric.name] for metric in metrics}


def _sharing(metrics: Sequence[Metric]) -> list[list[Metric]]:
    """Metrics in groups of one transform and one kernel."""
    groups: list[list[Metric]] = []
    for metric in metrics:
        for group in groups:
            if group[0].transform is metric.transform and group[0].kernel is metric.kernel:
                group.append(metric)
                break
        else:
            groups.append([metric])
    return groups


def _pairwise(
    x: Tensor,
    y: Tensor | None,
    metrics: Sequence[Metric],
    statistic: Statistic,
    progress: Callable[[int], None] | None,
) -> dict[str, Tensor]:
    kernel, size = metrics[0].kernel, entries(x, statistic)
    p = _transformed(x, metrics[0], statistic)
    q = p if y is None else _transformed(y, metrics[0], statistic)
    a = torch.cat([kernel.norms(p[one], statistic) for one in _blocks(p)])
    b = a if y is None else torch.cat([kernel.norms(q[one], statistic) for one in _blocks(q)])
    out = {metric.name: a.new_zeros(len(p), len(q)) for metric in metrics}
    for row in _blocks(p, PRODUCT_BYTES):
        left = p[row]
        for column in _blocks(q, PRODUCT_BYTES):
            if y is None and column.start < row.start:
                continue
            inner = kernel.cross(left, left if y is None and column == row else q[column], statistic)
            for metric in metrics:
                block = apply_form(metric, inner, a[row, None], b[None, column], size)
                out[metric.name][row, column] = block
                if progress is not None:
                    progress(block.numel() * (2 if y is None and column.start > row.start else 1))
    return {name: _symmetric(one) if y is None else one for name, one in out.items()}


def flatten(values: Tensor, statistic: Statistic, argument: str) -> Tensor:
    """Descriptors (N, ...) as vectors (N, D): upper triangles for matrices.

    Raises:
        ValueError: if the shape is not that of `statistic`, or a value is not finite.
    """
    check.one_of_type(argument, values, Tensor)
    if not values.is_floating_point():
        raise TypeError(f"{argument} must be floating point, got {values.dtype}")
    rank = 3 if statistic.is_matrix or statistic is Statistic.GAUSSIAN else 2
    if values.ndim != rank or (rank == 3 and statistic.shape(values.shape[1]) != tuple(values.shape[1:])):
        example = ", ".join(("N", *("C" if rank == 3 else "D"), *(("C",) if statistic.is_matrix else ())))
        wanted = "(N, C, C + 1)" if statistic is Statistic.GAUSSIAN else f"({example})"
        raise ValueError(
            f"{argument} must have the shape of {statistic.value}, {wanted}; got {tuple(values.shape)}"
        )
    check.finite(values, argument)
    return pack(values) if statistic.is_matrix else values.flatten(1)


def entries(flat: Tensor, statistic: Statistic) -> int:
    """Number of entries of one descriptor before packing."""
    return channels_of(flat.shape[1]) ** 2 if statistic.is_matrix else flat.shape[1]


def apply_form(metric: Metric, inner: Tensor, a: Tensor, b: Tensor, size: int) -> Tensor:
    """The form, after products that differ from the norms by rounding only were set equal to them."""
    middle = (a + b) / 2
    # float32, where a device has no float64, rounds more than the kernel says of float64
    rounding = max(metric.kernel.rounding, 8 * torch.finfo(middle.dtype).eps)
    same = (middle - inner).abs() <= rounding * middle
    return metric.form(torch.where(same, middle, inner), a, b, size)


def _transformed(x: Tensor, metric: Metric, statistic: Statistic) -> Tensor:
    if metric.transform is as_is:  # spares a copy
        return x
    return torch.cat([metric.transform(x[one], statistic) for one in _blocks(x)])


def _blocks(x: Tensor, size: int | None = None) -> list[slice]:
    """Rows of each block of `size` or `BLOCK_BYTES`; one block without rows where `x` has none."""
    step = max(1, (BLOCK_BYTES if size is None else size) // max(1, 8 * x.shape[1]))
    return [slice(start, min(start + step, len(x))) for start in range(0, max(1, len(x)), step)]


def _symmetric(square: Tensor) -> Tensor:
    upper = square.triu(1)
    return upper + upper.mT


def _resolve(metric: str, statistic: Statistic | str | None) -> tuple[Metric, Statistic]:
    chosen = metric_named(metric)
    kind = chosen.statistics[0] if statistic is None else check.member(STATISTICS, "statistic", statistic)
    chosen.check_statistic(kind)
    return chosen, kind
