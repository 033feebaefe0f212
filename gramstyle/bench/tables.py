"""Rows of benchmarks as the cells of tables, in the terminal and in docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gramstyle.bench.conv_gram import UNFUSED
from gramstyle.bench.timing import Row


class Table(NamedTuple):
    """Columns, and the cells of each row."""

    header: list[str]
    cells: list[list[str]]


def gram_table(rows: Sequence[Row]) -> Table:
    """Of `time_gram`: both layouts beside torch's product of the same."""
    header = ["C x H x W", "bmm ms", "native ms", "ratio", "channels-last: bmm ms", "native ms", "ratio"]
    return _with_compiled(
        Table([*header, "of the roof", "error"], [[row.job, *_gram_cells(row)] for row in rows]), rows
    )


def layer_table(rows: Sequence[Row]) -> Table:
    """Of `time_convolutions`."""
    header = ["layer", "convolution", "at", "eager ms", "unfused ms", "one pass ms", "auto ms", "auto takes"]
    return _with_compiled(
        Table(
            [*header, "eager / auto", "unfused / auto", "of the roof", "error"],
            [[row.job, *_layer_cells(row)] for row in rows],
        ),
        rows,
    )


def descriptor_table(rows: Sequence[Row]) -> Table:
    """Of `time_descriptor`."""
    header = ["backbone", "taps", "eager ms", "unfused ms", "auto ms", "bfloat16 ms", "eager / auto"]
    return _with_compiled(
        Table(
            [*header, "unfused / auto", "eager / bfloat16", "error", "distance error, bfloat16"],
            [[row.job, *_descriptor_cells(row)] for row in rows],
        ),
        rows,
    )


def transfer_table(rows: Sequence[Row]) -> Table:
    """Of `time_transfer`."""
    header = ["backbone", "size", "eager ms", "auto ms", "eager / auto", "error, eager", "error, auto"]
    return Table(header, [[row.job, *_transfer_cells(row)] for row in rows])


def algorithm_table(rows: Sequence[Row]) -> Table:
    """Of `time_algorithms`: the fastest way of each convolution, beside torch's own on maps as they are."""
    header = ["convolution", "fastest", "ms", "library ms", "library / fastest", "auto took", "GFLOP/s"]
    cells = [[row.job, *_algorithm_cells(row)] for row in rows]
    return Table([*header, "of the roof", "memory MB", "error"], cells)


def algorithm_records(rows: Sequence[Row]) -> Table:
    """Of `time_algorithms`: one line for each way of each convolution, for CSV."""
    header = ["sweep", "name", "input", "weight", "stride", "dilation", "groups", "complex", "sparsity"]
    header += ["operations", "algorithm", "median_ms", "gflop_per_s", "share_of_roof", "memory_bytes"]
    cells = []
    for row in rows:
        facts = row.facts
        sizes = ["x".join(map(str, facts[name])) for name in ("x", "weight", "stride", "dilation")]
        for name in sorted(row.seconds, key=row.median):
            took = row.median(name)
            cells.append(
                [
                    facts["sweep"],
                    facts["name"],
                    *sizes,
                    str(facts["groups"]),
                    "yes" if facts["complex"] else "no",
                    "" if facts["sparsity"] is None else str(facts["sparsity"]),
                    str(facts["operations"]),
                    name,
                    f"{1e3 * took:.4f}",
                    f"{facts['operations'] / took / 1e9:.4g}",
                    f"{facts['least'] / took:.4f}",
                    str(facts["memory"][name]),
                    f"{facts['errors'][name]:.2e}",
                    str(len(row.seconds[name])),
                ]
            )
    return Table([*header, "error", "rounds"], cells)


def _algorithm_cells(row: Row) -> list[str]:
    name = row.fastest(list(row.seconds))
    took = row.median(name)
    return [
        name,
        _ms(row, name),
        _ms(row, "library"),
        f"{row.median('library') / took:.2f}",
        row.facts["auto"],
        f"{row.facts['operations'] / took / 1e9:.3g}",
        f"{row.facts['least'] / took:.0%}",
        f"{row.facts['memory'][name] / 1e6:.3g}",
        f"{row.facts['errors'][name]:.0e}",
    ]


def _transfer_cells(row: Row) -> list[str]:
    height, width = row.facts["size"]
    return [
        f"{height} x {width}",
        *(_ms(row, name) for name in ("eager", "auto")),
        _ratio(row, "eager", "auto, default memory"),
        *(f"{row.facts[name]:.0e}" for name in ("eager_error", "error")),
    ]


def _gram_cells(row: Row) -> list[str]:
    cells = []
    for layout in ("", ", channels-last"):
        bmm, native = f"bmm{layout}", f"native{layout}"
        cells += [_ms(row, bmm), _ms(row, native), _ratio(row, bmm, native)]
    return [*cells, f"{row.facts['roof']:.0%}", f"{row.facts['error']:.0e}"]


def _layer_cells(row: Row) -> list[str]:
    unfused = row.fastest([name for name in UNFUSED if name in row.seconds])
    outputs, _, *kernel = row.facts["weight"]
    _, channels, height, width = row.facts["x"]
    groups = "" if row.facts["groups"] == 1 else f", groups {row.facts['groups']}"
    return [
        f"{channels} -> {outputs}, {kernel[0]} x {kernel[1]} / {row.facts['stride'][0]}{groups}",
        f"{height} x {width}",
        *(_ms(row, name) for name in ("eager", unfused, "fused", "auto")),
        row.facts["choice"],
        _ratio(row, "eager", "auto, default memory"),
        _ratio(row, unfused, "auto"),
        f"{row.facts['roof']:.0%}",
        f"{row.facts['error']:.0e}",
    ]


def _descriptor_cells(row: Row) -> list[str]:
    return [
        str(len(row.facts["taps"])),
        *(_ms(row, name) for name in ("eager", "unfused", "auto", "auto, bfloat16")),
        _ratio(row, "eager", "auto, default memory"),
        _ratio(row, "unfused", "auto"),
        _ratio(row, "eager", "auto, bfloat16, default memory"),
        f"{row.facts['error']:.0e}",
        f"{row.facts['bfloat16_distance_error']:.1e}",
    ]


def _with_compiled(table: Table, rows: Sequence[Row]) -> Table:
    """One more column, where `torch.compile` was timed."""
    if not any("compiled" in row.seconds for row in rows):
        return table
    cells = [_ms(row, "compiled") if "compiled" in row.seconds else "" for row in rows]
    return Table(
        [*table.header, "compiled ms"], [[*one, last] for one, last in zip(table.cells, cells, strict=True)]
    )


def _ms(row: Row, name: str) -> str:
    milliseconds = 1e3 * row.median(name)
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"


def _ratio(row: Row, slower: str, faster: str) -> str:
    return f"{row.ratio(slower, faster):.2f}"
