"""gramstyle presets: recipes by name."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.cli.console import emit, show, table
from gramstyle.presets import PRESETS


def presets(format: Annotated[options.Format, typer.Option("--format", "-f")] = options.Format.table) -> None:
    """List the recipes that `--preset` takes, with their sources."""
    if format is options.Format.json:
        emit(json.dumps({name: one.as_json() for name, one in PRESETS.items()}, indent=2), None)
        return
    header = ["preset", "backbone", "gram", "metric", "combine", "source"]
    rows = [
        [
            name,
            one.backbone,
            f"{one.gram.statistic.value} / {one.gram.norm.value}",
            one.metric,
            one.combine.value,
            one.source,
        ]
        for name, one in PRESETS.items()
    ]
    if format is options.Format.csv:
        from gramstyle.report import to_csv

        emit(to_csv(header, [tuple(row) for row in rows]), None)
    else:
        show(table(header, rows))
