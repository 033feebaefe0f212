"""A folder that holds all there is to say about one study."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from gramstyle import check
from gramstyle.files import write_bytes
from gramstyle.report.strict import strict_json
from gramstyle.report.study.columns import diagnostic_table, estimate_table
from gramstyle.report.study.figures import study_plans
from gramstyle.report.study.page import TITLE, study_page
from gramstyle.report.study.parquet import parquet
from gramstyle.report.study.plan import Drawn, drawn
from gramstyle.report.study.view import View
from gramstyle.report.tables import to_csv
from gramstyle.study.results import StudyResults

FILES: tuple[tuple[str, str], ...] = (
    ("estimates.csv", "every estimate, one row each"),
    ("estimates.parquet", "the same, typed"),
    ("diagnostics.csv", "every diagnostic of every tap"),
    ("summary.json", "everything else"),
)
"""Files beside the page, and what each holds."""


def write_study(
    results: StudyResults,
    folder: str | PathLike[str],
    *,
    sheet: bytes | None = None,
    title: str = TITLE,
) -> list[Path]:
    """Write ``report.html``, the tables, ``summary.json`` and the figures.

    Everything is made before anything is written, and each file is written whole or not at all.
    Figures of an earlier report that this one does not have stay where they are.

    Args:
        results: what the study found.
        folder: made if it does not exist; files of the same names are replaced.
        sheet: a contact sheet of the images, as PNG or JPEG, for the page; None for none.
        title: of the page.

    Returns:
        The files, the page first.

    Raises:
        TypeError: if `results` is no `StudyResults`.
        ValueError: if `sheet` is no image.
        OSError: if a file cannot be written.
    """
    check.one_of_type("results", results, StudyResults)
    view = View(results)
    figures = drawn(study_plans(view))
    estimates = estimate_table(view)
    files = {
        "report.html": study_page(results, figures, sheet=sheet, title=title, links=FILES).encode(),
        "estimates.csv": to_csv(*estimates.table()).encode(),
        "estimates.parquet": parquet(estimates),
        "diagnostics.csv": to_csv(*diagnostic_table(view).table()).encode(),
        "summary.json": strict_json(results.as_json()).encode(),
        **_images(figures),
    }
    paths = []
    for name, data in files.items():
        paths.append(Path(folder, name))
        write_bytes(paths[-1], data)
    return paths


def _images(figures: Sequence[Drawn]) -> dict[str, bytes]:
    """Each figure as PNG and as SVG, light."""
    found = {}
    for one in figures:
        found[f"figures/{one.plan.stem}.png"] = one.images.light
        found[f"figures/{one.plan.stem}.svg"] = one.svg
    return found
