"""gramstyle diagnose: why Gram matrices of a network behave as they do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gramstyle.cli import options
from gramstyle.cli.console import Bars, bars, check_writable, emit, say, show, table
from gramstyle.cli.images import OnError, say_notes
from gramstyle.cli.run import Run, run_settings
from gramstyle.diagnose import CKA_NEEDS
from gramstyle.diagnosis import RESIZE, Diagnosis, cka_json
from gramstyle.diagnosis import diagnose as diagnosed
from gramstyle.images import Skipped, find_images, read_images
from gramstyle.recipe import Recipe

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from gramstyle.report.tables import Row

EXAMPLES = """
**Examples**

`gramstyle diagnose paintings/` — the numbers that matter most, tap by tap

`gramstyle diagnose paintings/ -b vgg16 -b mobilenet_v2@KERAS --all --figure diagnosis.png`

`gramstyle diagnose paintings/ --taps relu1_2,relu5_3 -o diagnosis.csv` — every number of every image

`gramstyle diagnose --explain` — what each number is, and where it comes from
"""


def explain(value: bool) -> None:
    """Print formula and source of every diagnostic, and end."""
    if value:
        from gramstyle.report.diagnosis import legend_table

        header, rows = legend_table()
        show(table(header, [[str(cell) for cell in row] for row in rows]))
        raise typer.Exit


def diagnose(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Images and folders (read recursively).")
    ],
    backbone: options.Backbone = None,
    taps: options.Taps = None,
    sparsity: options.Sparsity = None,
    size: Annotated[
        str,
        typer.Option(
            metavar="POLICY",
            help="`short:512`, `long:512` (append `:down` never to enlarge), `exact:256x384` or `none`.",
        ),
    ] = RESIZE,
    background: options.Background = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show every diagnostic, and how taps align, in tables.")
    ] = False,
    explained: Annotated[
        bool,
        typer.Option(
            "--explain", callback=explain, is_eager=True, help="Print formula and source of each, and end."
        ),
    ] = False,
    format: options.FormatOption = None,
    output: options.Output = None,
    figure: Annotated[Path | None, typer.Option(help="Draw diagnostics over depth (png, svg, pdf).")] = None,
    on_error: options.OnErrorOption = options.OnError.fail,
    device: options.Device = "auto",
    dtype: options.Dtype = "float32",
    batch_size: options.BatchSize = 8,
    kernel: options.KernelName = "auto",
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of shuffles, and of `@random` weights that name none.")
    ] = 0,
    weights_dir: options.WeightsDir = None,
    quiet: options.Quiet = False,
) -> None:
    """Diagnose the features of images: correlation, spectrum, sparsity, energy, sampling noise.

    The table shows medians over images; JSON and CSV hold every number.
    """
    say.quiet = quiet
    with options.usage():
        prepare = {"resize": size, "background": options.colour(background)}
        settings = {"taps": options.comma_list(taps), "sparsity": sparsity}
        recipes = options.recipes(backbone, None, seed, prepare, settings, [])
        run = run_settings(device, dtype, batch_size, kernel, weights_dir)
        form = options.format_of(format, output)
        check_writable(output, "--output")
        check_writable(figure, "--figure")
        if figure is not None:
            from gramstyle.report import check_figure

            check_figure(figure)
    with bars() as progress:
        paths = find_images(images)
        results = [_diagnosed(paths, one, run, on_error.value, seed, progress) for one in recipes]
    _write(results, form, output, everything)
    if figure is not None:
        _draw(results, figure)


diagnose.__doc__ = (diagnose.__doc__ or "") + EXAMPLES


def _diagnosed(
    paths: list[Path], recipe: Recipe, run: Run, on_error: OnError, seed: int, progress: Bars
) -> Diagnosis:
    """One backbone's diagnosis, with what was skipped and noticed said on stderr."""
    skipped: list[Skipped] | None = [] if on_error == "skip" else None

    def count(what: str, done: int, total: int | None) -> None:
        progress(what, done, len(paths) if what.startswith("diagnosing") else total)

    pictures = read_images(paths, on_error=on_error, skipped=skipped, background=recipe.background)
    try:
        found = diagnosed(
            pictures,
            recipe.backbone,
            recipe.taps,
            sparsity=recipe.sparsity,
            resize=recipe.resize,
            seed=seed,
            skipped=skipped,
            progress=count,
            **run.of_networks(),
        )
    finally:
        say.skipped(skipped or (), len(paths))
    say_notes(found.images)
    return found


def _write(results: list[Diagnosis], form: options.Format, output: Path | None, everything: bool) -> None:
    from gramstyle.report import to_markdown, weights_in_words
    from gramstyle.report.diagnosis import full_table, summary_table

    for one in results:
        say.note(weights_in_words(one.identity))
    if form is options.Format.json:
        emit(json.dumps(_document(results), indent=2, allow_nan=False), output)
    elif form is options.Format.csv:
        emit(_csv(results), output)
    elif output is not None:
        made = full_table if everything else summary_table
        texts = [f"## {one.backbone}\n\n{to_markdown(*made(one))}" for one in results]
        emit("\n".join(texts), output)
    else:
        _show(results, everything)


def _document(results: list[Diagnosis]) -> dict[str, Any]:
    """Every number, with CKA between the taps of every two networks."""
    pairs = [one for one in combinations(results, 2) if _same_images(*one)]
    return {
        "format": "gramstyle-diagnosis",
        "version": 1,
        "results": [one.as_json() for one in results],
        "cka_between": [{"rows": a.backbone, "columns": b.backbone, "cka": cka_json(a, b)} for a, b in pairs],
    }


def _csv(results: list[Diagnosis]) -> str:
    from gramstyle.report import to_csv
    from gramstyle.report.diagnosis import image_table

    tables = [image_table(one) for one in results]
    rows = [
        (one.backbone, one.identity.source, one.identity.sha256, *row)
        for one, (_, found) in zip(results, tables, strict=True)
        for row in found
    ]
    return to_csv(("backbone", "weights_source", "weights_sha256", *tables[0][0]), rows)


def _show(results: list[Diagnosis], everything: bool) -> None:
    from gramstyle.report.diagnosis import best_estimator, cka_table, full_table, summary_table

    for one in results:
        made = full_table(one) if everything else summary_table(one)
        show(_texts(f"{one.backbone}, {len(one.images)} images, {one.resize}", *made))
    if not everything:
        say.note("medians over images; what each column is: --explain; more: --all, --format json or csv")
        return
    pairs = [(one, one) for one in results] + list(combinations(results, 2))
    for a, b in pairs:
        if len(a.images) >= CKA_NEEDS["biased"] and _same_images(a, b):
            estimator = best_estimator(len(a.images))
            title = f"CKA ({estimator}), {a.backbone}"
            show(_texts(title if a is b else f"{title} down, {b.backbone} across", *cka_table(a, b)))


def _texts(title: str, header: tuple[str, ...], rows: Sequence[Row]) -> RichTable:
    texts = [[f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    return table(header, texts, title)


def _same_images(a: Diagnosis, b: Diagnosis) -> bool:
    """Whether no network left out an image that the other took, as too small for its taps."""
    return [image.name for image in a.images] == [image.name for image in b.images]


def _draw(results: list[Diagnosis], path: Path) -> None:
    from gramstyle.report import save, weights_in_words
    from gramstyle.report.diagnosis_figure import diagnosis_figure

    words = "; ".join(weights_in_words(one.identity) for one in results)
    save(diagnosis_figure(results), path, words)
    say.note(f"wrote {path}")
