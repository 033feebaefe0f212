"""gramstyle backbones: networks and their taps."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from gramstyle.cli import options
from gramstyle.cli.console import emit, show, table
from gramstyle.extract import backbone, parse
from gramstyle.extract import backbones as all_backbones
from gramstyle.types import BackboneSpec


def backbones(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", autocompletion=lambda: options.BACKBONES, help="Show the taps of this one."
        ),
    ] = None,
    format: Annotated[options.Format, typer.Option("--format", "-f")] = options.Format.table,
) -> None:
    """List the backbones, or the taps of one: name, channels, reduction.

    `gramstyle backbones mobilenet_v2`, `gramstyle backbones timm:convnext_tiny`
    """
    if name is None:
        _list(format)
    else:
        _taps(backbone(parse(name).backbone), format)


def _list(form: options.Format) -> None:
    header = ["backbone", "taps", "default taps", "default weights", "what"]
    rows = [
        [spec.name, str(len(spec.taps)), ", ".join(spec.default_taps), spec.default_weights, spec.summary]
        for spec in all_backbones()
    ]
    if form is options.Format.json:
        emit(json.dumps([_record(spec) for spec in all_backbones()], indent=2), None)
    elif form is options.Format.csv:
        _csv(header, rows)
    else:
        show(table(header, rows))


def _taps(spec: BackboneSpec, form: options.Format) -> None:
    header = ["tap", "channels", "reduction", "kind", "default", "module"]
    rows = [
        [
            tap.name,
            str(tap.channels),
            str(tap.reduction),
            tap.kind,
            "yes" if tap.name in spec.default_taps else "",
            tap.module,
        ]
        for tap in spec.taps
    ]
    if form is options.Format.json:
        emit(json.dumps(_record(spec), indent=2), None)
    elif form is options.Format.csv:
        _csv(header, rows)
    else:
        show(table(header, rows, f"{spec.name}: {spec.summary}"))


def _record(spec: BackboneSpec) -> dict[str, Any]:
    return {**asdict(spec), "default_taps": spec.default_taps}


def _csv(header: list[str], rows: list[list[str]]) -> None:
    from gramstyle.report import to_csv

    emit(to_csv(header, [tuple(row) for row in rows]), None)
