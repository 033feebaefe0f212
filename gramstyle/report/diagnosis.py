"""Diagnoses as tables of plain values."""

from __future__ import annotations

import math
from statistics import median

from gramstyle.diagnose import CKA_NEEDS, DIAGNOSTICS, Estimator, Representation
from gramstyle.diagnosis import Diagnosis, cka_between
from gramstyle.report.tables import Cell, Row, Table

SUMMARY: tuple[tuple[str, str], ...] = (
    ("PR", "participation_ratio"),
    ("|r| - null", "excess_correlation"),
    ("top-5 share", "top5_share"),
    ("N_eff", "effective_positions"),
    ("noise ratio", "noise_ratio"),
    ("entropy", "activation_entropy"),
)
"""Heading and diagnostic of the columns that most readers need."""


def summary_table(diagnosis: Diagnosis) -> Table:
    """One row per tap: its shape, and medians over images of the diagnostics in `SUMMARY`."""
    rows: list[Row] = [
        (
            name,
            one.tap.channels,
            round(median(one.positions)),
            *(_cell(one.quartiles(diagnostic).median) for _, diagnostic in SUMMARY),
        )
        for name, one in diagnosis.taps.items()
    ]
    return ("tap", "C", "P", *(heading for heading, _ in SUMMARY)), rows


def full_table(diagnosis: Diagnosis) -> Table:
    """One row per diagnostic, one column per tap.

    A diagnostic of images has the row ``median`` over them; one of moments also the row ``pooled``
    over all positions of all images; one of sets of images the row ``across``.
    """
    taps = diagnosis.taps.values()
    rows: list[Row] = []
    for name, one in DIAGNOSTICS.items():
        if one.level == "images":
            rows.append((name, "across", *(_cell(tap.across[name]) for tap in taps)))
            continue
        rows.append((name, "median", *(_cell(tap.quartiles(name).median) for tap in taps)))
        if one.level != "features":
            rows.append((name, "pooled", *(_cell(tap.pooled[name]) for tap in taps)))
    return ("diagnostic", "of images", *diagnosis.taps), rows


def image_table(diagnosis: Diagnosis) -> Table:
    """Every number: one row per tap and image, and per tap one row ``pooled`` and one ``across``.

    Cells are empty where a diagnostic is not defined, or does not exist for that kind of row.
    """
    shape = ("tap", "channels", "reduction", "kind", "scope", "image", "height", "width", "positions")
    rows: list[Row] = []
    for name, one in diagnosis.taps.items():
        tap = (name, one.tap.channels, one.tap.reduction, one.tap.kind)
        values = {diagnostic: found.tolist() for diagnostic, found in one.per_image.items()}
        for row, image in enumerate(diagnosis.images):
            cells = {diagnostic: found[row] for diagnostic, found in values.items()}
            of = ("image", image.name, image.height, image.width, one.positions[row])
            rows.append((*tap, *of, *_cells(cells)))
        positions = sum(one.positions)
        rows.append((*tap, "pooled", "", "", "", positions, *_cells(dict(one.pooled))))
        rows.append((*tap, "across", "", "", "", positions, *_cells(dict(one.across))))
    return (*shape, *DIAGNOSTICS), rows


def cka_table(a: Diagnosis, b: Diagnosis, representation: Representation = "grams") -> Table:
    """`cka_between` as a table: taps of `a` down, taps of `b` across; debiased where images suffice.

    Raises:
        StyleError: for fewer than three images.
    """
    values = cka_between(a, b, representation, best_estimator(len(a.images))).tolist()
    rows: list[Row] = [(tap, *map(_cell, row)) for tap, row in zip(a.taps, values, strict=True)]
    return ("tap", *b.taps), rows


def best_estimator(images: int) -> Estimator:
    """The estimator of CKA for so many images: debiased from four on."""
    return "debiased" if images >= CKA_NEEDS["debiased"] else "biased"


def legend_table() -> Table:
    """Every diagnostic with its formula, range, what it needs, and its source."""
    rows: list[Row] = [
        (one.name, one.formula, one.range, one.level, one.source) for one in DIAGNOSTICS.values()
    ]
    return ("diagnostic", "formula", "range", "of", "source"), rows


def _cells(values: dict[str, float]) -> tuple[Cell, ...]:
    return tuple(_cell(values.get(name, math.nan)) for name in DIAGNOSTICS)


def _cell(value: float) -> Cell:
    """The number; nothing where there is none."""
    return value if math.isfinite(value) else ""
