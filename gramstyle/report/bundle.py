"""A folder that holds all there is to say about some comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from os import PathLike
from pathlib import Path

from gramstyle.files import write_bytes
from gramstyle.images import Picture
from gramstyle.report.drawings import drawings
from gramstyle.report.page import TITLE, comparison_page
from gramstyle.report.strict import strict_json
from gramstyle.report.tables import pair_table, separation_table, to_csv
from gramstyle.report.together import check_together, file_stems, labels
from gramstyle.study import Comparison


def write_comparison(
    comparisons: Sequence[Comparison],
    thumbnails: Mapping[str, Picture],
    folder: str | PathLike[str],
    title: str = TITLE,
) -> list[Path]:
    """Write ``report.html``, the figures, the tables and ``results.json``.

    Everything is made before anything is written, and each file is written whole or not at all.

    Args:
        comparisons: of the same images and crops, one per architecture.
        thumbnails: name of an image -> the image.
        folder: made if it does not exist; files of the same names are replaced.
        title: of the page.

    Returns:
        The files, the page first.

    Raises:
        StyleError: if the comparisons are of different images or crops, or there are none.
        OSError: if a file cannot be written.
    """
    check_together(comparisons)
    figures = drawings(comparisons)
    stems = file_stems(comparisons)
    files = {"report.html": comparison_page(comparisons, thumbnails, title, figures).encode()}
    for stem, drawn in zip(stems, figures, strict=True):
        files[f"{stem}-distances.png"] = drawn.distances.light
        files[f"{stem}-separation.png"] = drawn.separation.light
    for stem, comparison in zip(stems, comparisons, strict=True):
        files[f"distances-{stem}.csv"] = to_csv(*pair_table(comparison.distances)).encode()
    files["separation.csv"] = to_csv(*separation_table(comparisons)).encode()
    files["results.json"] = results_json(comparisons).encode()
    paths = []
    for name, data in files.items():
        paths.append(Path(folder, name))
        write_bytes(paths[-1], data)
    return paths


def results_json(comparisons: Sequence[Comparison]) -> str:
    """Every number and everything that made it, as `strict_json`."""
    plain = [
        {
            "label": label,
            "crops": {"per_image": one.crops, "side": one.crop, "gap": one.gap},
            "seconds": one.seconds,
            "separations": {
                metric: {tap: asdict(separation) for tap, separation in taps.items()}
                for metric, taps in one.separations.items()
            },
            **one.distances.as_json(),
        }
        for label, one in zip(labels(comparisons), comparisons, strict=True)
    ]
    return strict_json({"comparisons": plain})
