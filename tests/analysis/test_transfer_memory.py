"""The table that the script that measures transfers makes of its record."""

from __future__ import annotations


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
