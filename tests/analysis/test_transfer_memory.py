"""The script that measures transfers, its record, and the table that it makes of that."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "analysis" / "results" / "transfer_memory.json"


def test_the_guide_has_the_table_of_the_record(script):
    table = script.table(json.loads(RECORD.read_text()))
    assert table in (ROOT / "docs" / "transfer.md").read_text()


def test_estimates_err_on_the_safe_side():
    """Of every row that was measured; and not by more than a third."""
    rows = [row for row in json.loads(RECORD.read_text())["rows"] if "peak" in row]
    assert len(rows) == 18
    assert {row["way"] for row in rows} == {"whole", "checkpointed", "512", "256"}
    assert all(row["peak"] <= row["estimated"] <= 1.34 * row["peak"] for row in rows)


def test_rows_that_are_missing_are_empty_cells(script):
    record = {
        "date": "2026-01-01",
        "device": "cpu, none",
        "threads": 1,
        "dtype": "float32",
        "versions": {"torch": "2"},
        "rows": [
            {"backbone": "a", "size": 256, "way": "whole", "estimated": 900, "peak": 800, "seconds": 1.25},
            {"backbone": "a", "size": 512, "way": "whole", "estimated": 9000, "failed": "left out"},
            {"backbone": "a", "size": 512, "way": "128", "estimated": 950, "peak": 900, "seconds": 2.0},
        ],
    }
    assert script.table(record).splitlines()[2:] == [
        "| network | size | whole | tiles of 128 |",
        "| --- | --- | --- | --- |",
        "| a | 256 | 800 (900), 1.2 s |  |",
        "| a | 512 | (9000) | 900 (950), 2.0 s |",
    ]
