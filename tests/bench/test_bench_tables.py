"""Tables and records of benchmarks, and the page that is made of them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gramstyle.bench import (
    Machine,
    Row,
    algorithm_table,
    descriptor_table,
    gram_table,
    layer_table,
    of_text,
    time_algorithms,
    time_convolutions,
    time_descriptor,
    time_gram,
    time_transfer,
    transfer_table,
)
from gramstyle.bench.layers import layers_of

MACHINE = Machine(processor="P", threads=1, instructions="avx2", flops=1e11, bandwidth=1e10)
ROW = Row(
    job="64 x 2 x 2",
    facts={"roof": 0.5, "error": 3e-8},
    seconds={
        "bmm": [4e-3, 9e-3, 0.25],  # medians 9 and 3, ratios 4, 3 and 5
        "native": [1e-3, 3e-3, 0.05],
        "bmm, channels-last": [0.2, 0.3, 0.4],
        "native, channels-last": [0.1, 0.1, 0.1],
    },
)


def test_cells_are_medians_and_ratios_within_rounds():
    table = gram_table([ROW])
    assert table.cells == [["64 x 2 x 2", "9", "3", "4.00", "300", "100", "3.00", "50%", "3e-08"]]
    assert len(table.header) == 9


def test_a_row_is_read_back_from_its_record():
    again = Row.of_record(json.loads(json.dumps(ROW.record())))
    assert again.facts == ROW.facts
    assert again.job == ROW.job
    for name, seconds in ROW.seconds.items():
        assert again.seconds[name] == pytest.approx(seconds, abs=1e-7)


def test_compiled_is_a_column_where_it_was_timed():
    timed = Row(job="timed", facts=ROW.facts, seconds={**ROW.seconds, "compiled": [2e-3]})
    table = gram_table([ROW, timed])
    assert table.header[-1] == "compiled ms"
    assert [cells[-1] for cells in table.cells] == ["", "2"]


@pytest.mark.proofs
def test_the_page_of_a_folder(tmp_path):
    """Every kind of record, as the command writes it."""
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    found = {
        "gram": (gram_table, list(time_gram(32, 1, torch.float32, MACHINE))),
        "conv_gram": (
            layer_table,
            list(time_convolutions(layers_of("mobilenet_v2@random", 32)[:3], 1, MACHINE)),
        ),
        "descriptor": (
            descriptor_table,
            list(time_descriptor(["mobilenet_v2@random"], [image, image**2], 1)),
        ),
        "conv": (algorithm_table, list(time_algorithms([of_text("1x3x9x9:4x3x3")], 1, MACHINE))),
        "transfer": (
            transfer_table,
            list(time_transfer(["mobilenet_v2@random"], image, image**2, 1)),
        ),
    }
    for name, (_, rows) in found.items():
        record = {
            "command": f"gramstyle bench {name}",
            "date": "2026-01-02T03:04:05",
            "versions": {"torch": "9.9"},
            "machine": vars(MACHINE),
            "rows": [row.record() for row in rows],
        }
        (tmp_path / f"{name}.json").write_text(json.dumps(record))
    script = Path(__file__).parents[2] / "analysis/write_performance.py"
    page = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, check=True
    ).stdout
    assert "`gramstyle bench gram`, 2026-01-02, P, 1 threads, avx2, torch 9.9" in page
    for name, (table_of, rows) in found.items():
        read = [Row.of_record(row.record()) for row in rows]
        for cells in table_of(read).cells:
            assert f"| {' | '.join(cells)} |" in page, name
