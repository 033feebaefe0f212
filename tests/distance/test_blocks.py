"""Blocks of rows: results do not show them, and memory does."""

import dataclasses

import pytest
import torch
from conftest import assert_close
from distance.cases import CASES, descriptors
from torch.utils._python_dispatch import TorchDispatchMode

from gramstyle.distance import METRICS, distance, kernels, metric_named, pairwise, pairwise_distance
from gramstyle.distance.pairwise import flatten
from gramstyle.gram import Statistic


@pytest.fixture
def blocks_of(monkeypatch):
    """Sets the memory of every kind of block to so many rows of descriptors of length D."""

    def set_rows(rows, length):
        for module, name in (
            (pairwise, "BLOCK_BYTES"),
            (pairwise, "PRODUCT_BYTES"),
            (kernels, "CHUNK_BYTES"),
        ):
            monkeypatch.setattr(module, name, rows * 8 * length)

    return set_rows


def length(kind, channels=4):
    return flatten(descriptors(kind, 0, 1, channels), Statistic(kind), "a").shape[1]


@pytest.mark.parametrize(("metric", "kind"), CASES)
@pytest.mark.parametrize("rows", [0, 3])
def test_boundaries_do_not_show(metric, kind, rows, blocks_of):
    a, b = descriptors(kind, 0, 7), descriptors(kind, 1, 5)
    between, within = (pairwise_distance(a, y, metric, statistic=kind) for y in (b, None))
    blocks_of(rows, length(kind))
    assert_close(pairwise_distance(a, b, metric, statistic=kind), between)
    again = pairwise_distance(a, None, metric, statistic=kind)
    assert_close(again, within)
    assert torch.equal(again, again.mT)
    assert (again.diagonal() == 0).all()


@pytest.mark.parametrize(("metric", "kind"), CASES)
def test_none_of_either(metric, kind):
    a, none = descriptors(kind, 0, 3), descriptors(kind, 0, 0)
    for x, y, shape in ((a, none, (3, 0)), (none, a, (0, 3)), (none, none, (0, 0)), (none, None, (0, 0))):
        found = pairwise_distance(x, y, metric, statistic=kind)
        assert found.shape == shape
        assert found.dtype == torch.float64
    assert distance(none, none, metric, statistic=kind).shape == (0,)


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_progress_adds_up_to_all_pairs(rows, blocks_of):
    a, b = descriptors("gram", 0, 7), descriptors("gram", 1, 5)
    blocks_of(rows, length("gram"))
    metric, kind = metric_named("frobenius"), Statistic.GRAM
    for y, pairs in ((flatten(b, kind, "b"), 35), (None, 49)):
        seen = []
        pairwise.pairwise(flatten(a, kind, "a"), y, metric, kind, seen.append)
        assert sum(seen) == pairs
        assert len(seen) >= 1


class Largest(TorchDispatchMode):
    """Bytes of the largest tensor that any operation made."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        own = {one.untyped_storage().data_ptr() for one in args if isinstance(one, torch.Tensor)}
        for one in made if isinstance(made, tuple | list) else (made,):
            if isinstance(one, torch.Tensor) and one.untyped_storage().data_ptr() not in own:
                self.bytes = max(self.bytes, one.untyped_storage().nbytes())
        return made


@pytest.mark.parametrize("metric", [name for name in METRICS if "sqrt" not in name])
def test_nothing_larger_than_a_block_is_made(metric, blocks_of):
    kind = METRICS[metric].statistics[0]
    flat = flatten(descriptors(kind.value, 0, 24, channels=12), kind, "a")
    blocks_of(4, flat.shape[1])
    transformed = metric in ("log-euclidean", "wasserstein", "squared-wasserstein")
    with Largest() as largest:
        pairwise.pairwise(flat, None, metric_named(metric), kind)
    # matrices unfolded from their triangles are twice as long; 24 x 24 distances come back
    allowed = max(2 * 4 * 8 * flat.shape[1], 24 * 24 * 8)
    assert largest.bytes <= (flat.numel() * 8 if transformed else allowed)


def test_descriptors_are_not_copied_where_nothing_is_done_to_them(blocks_of):
    flat = torch.rand(40, 4096)
    blocks_of(4, 4096)
    with Largest() as largest:
        pairwise.pairwise(flat, None, metric_named("cosine"), Statistic.MEAN)
    assert largest.bytes <= 4 * 4096 * 8 < flat.numel() * 4


@pytest.mark.parametrize("metric", ["frobenius", "wasserstein"])
def test_products_of_many_rows_widen_a_part_of_them_at_a_time(metric, monkeypatch):
    """Rows are multiplied all at once; what is made of them at a time stays small."""
    kind = METRICS[metric].statistics[0]
    flat = flatten(descriptors(kind.value, 0, 24, channels=12), kind, "a").double()
    cross = METRICS[metric].kernel.cross
    at_once = cross(flat, flat[:23], kind)
    monkeypatch.setattr(kernels, "CHUNK_BYTES", 4 * 8 * flat.shape[1])
    assert_close(cross(flat, flat[:23], kind), at_once, tolerance=1e-12)
    with Largest() as largest:
        cross(flat, flat, kind)
    assert largest.bytes <= max(2 * 4 * 8 * flat.shape[1], 24 * 24 * 8) < flat.numel() * 8


@pytest.mark.parametrize("kind", ["gram", "gaussian", "mean-std"])
def test_several_metrics_at_once_are_each_by_itself(kind):
    a, b = (flatten(descriptors(kind, seed, 4), Statistic(kind), "a") for seed in (0, 1))
    metrics = [metric for metric in METRICS.values() if Statistic(kind) in metric.statistics]
    for y in (b, None):
        found = pairwise.each_pairwise(a, y, metrics, Statistic(kind))
        assert list(found) == [metric.name for metric in metrics]
        for metric in metrics:
            assert torch.equal(found[metric.name], pairwise.pairwise(a, y, metric, Statistic(kind)))


def test_metrics_of_one_kernel_take_its_products_once(monkeypatch):
    a = flatten(descriptors("gram", 0, 4), Statistic.GRAM, "a")
    seen = []
    inner = metric_named("frobenius").kernel
    counted = dataclasses.replace(inner, cross=lambda *args: seen.append(args) or inner.cross(*args))
    metrics = [
        dataclasses.replace(metric_named(name), kernel=counted)
        for name in ("frobenius", "cosine", "relative-frobenius", "signed-sqrt")
    ]
    pairwise.each_pairwise(a, None, metrics, Statistic.GRAM)
    assert len(seen) == 2  # as they are, and after the signed square root
