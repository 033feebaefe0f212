"""gramstyle presets: recipes and transfers by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.cli.console import emit, show, table
from gramstyle.presets import PRESETS
from gramstyle.recipe import Recipe
from gramstyle.transfer import TRANSFERS, TransferSettings


def presets(
    transfer: Annotated[
        bool, typer.Option("--transfer", help="Those of `gramstyle transfer` and `texture`.")
    ] = False,
    format: Annotated[options.Format, typer.Option("--format", "-f")] = options.Format.table,
) -> None:
    """List what `--preset` takes, with sources: recipes of distances, or style transfers."""
    known: Mapping[str, Recipe] | Mapping[str, TransferSettings] = TRANSFERS if transfer else PRESETS
    if format is options.Format.json:
        emit(json.dumps({name: one.as_json() for name, one in known.items()}, indent=2), None)
        return
    header, rows = _transfers() if transfer else _recipes()
    if format is options.Format.csv:
        from gramstyle.report import to_csv

        emit(to_csv(header, [tuple(row) for row in rows]), None)
    else:
        show(table(header, rows))


def _recipes() -> tuple[list[str], list[list[str]]]:
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
    return ["preset", "backbone", "gram", "metric", "combine", "source"], rows


def _transfers() -> tuple[list[str], list[list[str]]]:
    rows = [
        [
            name,
            one.style.backbone,
            f"{one.style.gram.statistic.value}, {one.style.metric}",
            f"{one.content_weight:g} at {', '.join(one.content_taps)}",
            f"{one.tv_weight:g} {one.tv}" if one.tv_weight else "none",
            f"{one.optimizer.name}, {one.total_steps} steps, {one.sizes[0]} to {one.size} pixels",
            one.source,
        ]
        for name, one in TRANSFERS.items()
    ]
    return ["preset", "backbone", "style", "content", "variation", "optimiser", "source"], rows
