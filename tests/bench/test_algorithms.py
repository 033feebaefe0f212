"""Algorithms of convolutions beside each other, and what is made of their times."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from gramstyle.bench import (
    Machine,
    algorithm_records,
    algorithm_table,
    of_banks,
    of_complex,
    of_network,
    of_sparse,
    of_taps,
    of_text,
    of_volumes,
    time_algorithms,
)
from gramstyle.bench.footprint import footprint
from gramstyle.bench.layers import layers_of
from gramstyle.conv import ALGORITHMS, choice, timings
from gramstyle.report import convolution_figure, rendered

MACHINE = Machine(processor="P", threads=1, instructions="", flops=1e9, bandwidth=1e12)


@pytest.fixture(autouse=True)
def cached(tmp_path_factory, monkeypatch):
    """Rates are measured once, into a folder of their own."""
    monkeypatch.setattr(choice, "measure_rates", lambda *_: {"direct": (1.0, 0, 0), "library": (1.0, 0, 0)})
    monkeypatch.setattr(choice, "_chosen", {})
    monkeypatch.setattr(timings, "_open", {})
    monkeypatch.setenv("GRAMSTYLE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def test_rows_hold_every_algorithm_and_its_error():
    small, pointwise = of_text("2x3x10x12:4x3x3"), of_text("1x4x9x9:6x1x1", stride=2, groups=2)
    first, second = time_algorithms([small, pointwise], 2, MACHINE)
    assert set(first.seconds) == (set(ALGORITHMS) - {"pointwise", "depthwise", "gauss", "stacked"}) | {
        "library, channels-last",
        "scipy",
    }
    assert "pointwise" in second.seconds
    assert not set(second.seconds) & {"winograd4", "scipy"}
    for row in (first, second):
        assert max(row.facts["errors"].values()) < 1e-5
        assert row.facts["auto"] in ("direct", "library")
        assert set(row.facts["memory"]) == set(row.facts["errors"]) == set(row.seconds)
    assert first.facts["operations"] == 2 * 2 * 4 * 3 * 9 * 120
    assert first.facts["least"] == pytest.approx(first.facts["operations"] / 1e9)  # of slow products
    assert second.facts["x"], second.facts["stride"] == ([1, 4, 9, 9], [2, 2])


def test_complex_rows_have_planes_and_sparse_ones_layouts():
    small = {"x": (1, 16, 8, 8), "weight": (16, 16, 3, 3), "padding": 1}
    problems = [
        replace(next(of_complex()), **small),
        *(replace(next(of_sparse()), **small, sparsity=share) for share in (0.5, 0.75)),
    ]
    complex_, half, most = time_algorithms(problems, 1, MACHINE)
    planar = {"gauss, planar", "stacked, planar", "gauss of winograd4, planar"}
    assert planar | {"gauss", "stacked", "fft", "library"} <= set(complex_.seconds)
    assert complex_.facts["operations"] == 4 * half.facts["operations"]
    dense = {"library", "library, channels-last", "winograd4"}
    assert set(half.seconds) == dense | {"csr", "blocks", "2:4"}
    assert set(most.seconds) == dense | {"csr", "blocks"}
    for row in (complex_, half, most):
        assert max(row.facts["errors"].values()) < 1e-5  # each beside its own pattern
    record = {"machine": vars(MACHINE), "date": "2026-01-02T03:04"}
    figure = convolution_figure(record | {"rows": [row.record() for row in (complex_, half, most)]})
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Sparse kernels", "Complex kernels"]


def test_float32_is_multiplied_as_such_while_it_is_timed(monkeypatch):
    """And as torch was told before, wherever the times go."""
    from gramstyle.bench import algorithms

    seen = []
    library = ALGORITHMS["library"]
    told = replace(library, run=lambda *one: seen.append(torch.backends.cudnn.allow_tf32) or library(*one))
    monkeypatch.setitem(algorithms.ALGORITHMS, "library", told)
    for _ in time_algorithms([of_text("1x2x8x8:2x3x3")] * 2, 1, MACHINE):
        assert torch.backends.cudnn.allow_tf32
        assert torch.is_grad_enabled()
    assert set(seen) == {False}


def test_the_figure_names_a_gpu_without_threads():
    (row,) = time_algorithms([of_text("1x2x8x8:2x3x3")], 1, MACHINE)
    record = {"machine": vars(replace(MACHINE, threads=0)), "date": "2026-01-02", "rows": [row.record()]}
    assert convolution_figure(record).get_suptitle() == "Times of convolutions on P, 2026-01-02"


def test_the_committed_record_has_every_panel_and_names_its_machine():
    path = Path(__file__).parents[2] / "analysis/benchmarks/conv.json"
    record = json.loads(path.read_text())
    figure = convolution_figure(record)
    assert [axes.get_title(loc="left").partition(":")[0] for axes in figure.axes] == [
        "Layers of networks",
        "Sparse kernels",
        "Growing kernels",
        "Growing depthwise kernels",
        "Complex kernels",
        "Many filters, many images",
        "Volumes",
    ]
    growing = figure.axes[2]
    drawn = {len(line.get_xdata()) for line in growing.lines}
    rows = [row for row in record["rows"] if row["sweep"] == "taps" and row["x"][1] == 32]
    assert max(drawn) == len([row for row in rows if row["groups"] == 1])
    _, *lines = path.with_suffix(".csv").read_text().splitlines()
    assert len(lines) == sum(len(row["median_ms"]) for row in record["rows"])
    assert record["machine"]["processor"] in figure.get_suptitle()
    assert record["date"][:10] in figure.get_suptitle()


def test_those_that_lose_by_far_are_timed_once(monkeypatch):
    from gramstyle.bench import algorithms

    monkeypatch.setattr(algorithms, "SLOW", 0.0)
    (row,) = time_algorithms([of_text("1x2x8x8:2x3x3")], 3, MACHINE)
    assert {len(rounds) for rounds in row.seconds.values()} == {1}


def test_memory_is_what_torch_holds_at_most():
    x = torch.zeros(256, 1024)  # 1 MiB

    def run():
        first = x + 1
        second = first + 1
        del first
        return second + 1

    assert 2 * 2**20 <= footprint(run, torch.device("cpu")) < 2.01 * 2**20  # and the scalars
    columns = torch.rand(1, 32, 32, 32), torch.rand(32, 32, 3, 3)
    geometry = of_text("1x32x32x32:32x3x3").geometry(*columns)
    written, whole = (
        footprint(lambda name=name: ALGORITHMS[name](*columns, geometry), torch.device("cpu"))
        for name in ("im2col", "library")
    )
    assert written > 9 * columns[0].nbytes > whole


def test_problems_are_what_they_say():
    for problem in (*of_taps(), *of_banks(), *of_volumes(), *of_complex(), *of_sparse()):
        x, weight = (torch.zeros(shape, device="meta") for shape in (problem.x, problem.weight))
        run = functional.conv3d if x.ndim == 5 else functional.conv2d
        found = run(x, weight, padding=problem.padding, groups=problem.groups)
        assert found.shape[2:] == x.shape[2:]
    layers = layers_of("mobilenet_v2@random", 64)
    problems = list(of_network("mobilenet_v2@random", 64))
    assert [problem.x for problem in problems] == [layer.x for layer in layers]
    assert problems[0].kind == "first 3 x 3 / 2"
    assert {"1 x 1", "depthwise 3 x 3", "depthwise 3 x 3 / 2"} <= {problem.kind for problem in problems}


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("1x4x9x11:16x3x2", {"groups": 2}),
        ("2x4x9x11:16x3x3", {"complex": True}),
        ("1x4x5x6x5:8x3x1x3", {"groups": 2}),
        ("1x4x5x6x5:8x3x1x3", {"complex": True, "groups": 4}),
        ("1x8x9x11:16x3x3", {"sparsity": 0.5, "groups": 2}),
        ("1x3x9x11:5x3x3", {"sparsity": 0.5}),
    ],
)
def test_all_ways_of_a_shape_are_right(text, options, stride, dilation):
    problem = of_text(text, **options, stride=stride, dilation=dilation)
    (row,) = time_algorithms([problem], 1, MACHINE)
    assert max(row.facts["errors"].values()) < 1e-5
    assert row.facts["dilation"][0] == dilation
    assert row.facts["stride"][0] == stride
    padding = [dilation * (taps // 2) for taps in problem.weight[2:]]
    assert list(problem.padding) == padding
    own = ("csr", "blocks", "2:4") if "sparsity" in options else ("gauss, planar",) * problem.complex
    if problem.weight[0] == 5:  # no blocks of 16 outputs, no fours of channels
        own = ("csr",)
    assert {name for name in row.seconds if name in ("csr", "blocks", "2:4", "gauss, planar")} == set(own)
    plain = stride == dilation == problem.groups == 1 and problem.sparsity is None
    assert ("scipy" in row.seconds) == plain
    rows = algorithm_records([row])
    line = dict(zip(rows.header, rows.cells[0], strict=True))
    assert line["complex"] == ("yes" if problem.complex else "no")
    assert line["sparsity"] == ("0.5" if problem.sparsity else "")


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("64x56x56:128x3x3", 1),
        ("1x3x8x8:4x3", 1),
        ("1x3x8x8:4x3x3x3", 1),
        ("1x3x8x8x8:4x3x3", 1),
        ("1x3x8x8:4x3x3", 2),
        ("1x0x8x8:4x3x3", 1),
        ("", 1),
    ],
)
def test_shapes_that_are_none(text, groups):
    with pytest.raises(ValueError, match="shape must"):
        of_text(text, groups=groups)


def test_shapes_that_no_sparse_kernel_has():
    for text, options in (("1x4x9x9:4x3x3", {"complex": True}), ("1x4x9x9x9:4x3x3x3", {})):
        with pytest.raises(ValueError, match="sparsity is timed of real numbers in two dimensions"):
            of_text(text, sparsity=0.5, **options)
    with pytest.raises(ValueError, match="sparsity must be from 0 up to but not 1"):
        of_text("1x4x9x9:4x3x3", sparsity=1)


def test_tables_and_the_figure():
    rows = list(time_algorithms([*of_network("mobilenet_v2@random", 32)][:4], 1, MACHINE))
    table = algorithm_table(rows)
    assert [cells[0] for cells in table.cells] == [row.job for row in rows]
    for cells, row in zip(table.cells, rows, strict=True):
        assert len(cells) == len(table.header)
        assert row.median(cells[1]) == min(map(row.median, row.seconds))
    records = algorithm_records(rows)
    assert len(records.cells) == sum(len(row.seconds) for row in rows)
    assert all(len(cells) == len(records.header) for cells in records.cells)
    record = {"machine": vars(MACHINE), "date": "2026-01-02T03:04", "rows": [row.record() for row in rows]}
    figure = convolution_figure(record)
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["first 3 x 3 / 2", "1 x 1", "depthwise 3 x 3"]
    assert rendered(figure, ".png").startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="record must hold rows"):
        convolution_figure(record | {"rows": []})
