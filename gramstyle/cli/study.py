"""gramstyle study: how style distances separate pairs of images, across architectures, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from gramstyle.cli import options
from gramstyle.cli.console import bars, check_writable, say, show, table
from gramstyle.cli.run import run_settings
from gramstyle.corpus import (
    LAYOUTS,
    PALETTES,
    STYLES,
    Corpus,
    bundled_corpus,
    cropped_corpus,
    procedural_corpus,
    read_corpus,
    read_manifest,
)
from gramstyle.errors import StyleError
from gramstyle.study import FULL, QUICK, StudySettings, run_study
from gramstyle.study.results import Choice
from gramstyle.study.survey import thinned

CROP, GAP = 128, 32
"""Side of the crops of unlabelled images and what lies between them, in pixels."""

QUICK_STYLES = 15
QUICK_CONTENTS = ("hills", "cat")
QUICK_PALETTES = 2
FULL_CONTENTS = ("hills", "portrait", "cat", "china")
FULL_PALETTES = 2
"""Of the procedural corpus: what each preset crosses with every style."""


def study(
    images: Annotated[
        Path | None,
        typer.Argument(
            metavar="[IMAGES]",
            help="Folder STYLE/... or STYLE/CONTENT/..., or one of unlabelled images, which are cut up.",
        ),
    ] = None,
    procedural: Annotated[
        bool, typer.Option("--procedural", help="Images drawn from a seed: style x content x colours.")
    ] = False,
    bundled: Annotated[
        bool, typer.Option("--bundled", help="Crops of the photographs that come with scikit-image.")
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV or Parquet: path, style, content, palette, source."),
    ] = None,
    layout: Annotated[str, typer.Option(help=f"Of IMAGES: {', '.join(LAYOUTS)}.")] = "auto",
    crop: Annotated[
        int | None, typer.Option(min=16, help=f"Side of crops of unlabelled images, in pixels: {CROP}.")
    ] = None,
    gap: Annotated[int | None, typer.Option(min=0, help=f"Pixels between crops: {GAP}.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "--out", "-o", help="Folder for report, tables, figures and cache.")
    ] = Path("study"),
    quick: Annotated[bool, typer.Option("--quick", help="Minutes: fewer images, taps, arms.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Everything. The default.")] = False,
    settings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A TOML file of settings; see docs/study.md.")
    ] = None,
    backbone: options.Backbone = None,
    random_copies: Annotated[
        int | None, typer.Option(min=0, help="Networks of random weights beside each learned one.")
    ] = None,
    sparsity: options.Sparsity = None,
    size: options.Size = None,
    limit: Annotated[int | None, typer.Option(min=4, help="Most images; more are thinned evenly.")] = None,
    draws: Annotated[int | None, typer.Option(min=1, help="Bootstrap draws.")] = None,
    permutations: Annotated[int | None, typer.Option(min=1, help="Of each permutation test.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Every random choice is derived from it.")] = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "float32",
    batch_size: options.BatchSize = 8,
    kernel: options.KernelName = "auto",
    weights_dir: options.WeightsDir = None,
    quiet: options.Quiet = False,
) -> None:
    """Measure how style distances separate pairs of images, across architectures, and why.

    Labelled images, or crops of unlabelled ones, go through every network once. The report says how
    well each tap, statistic and metric tells styles apart, how sure that is, what interventions
    change, and decides hypotheses that were written down before. A run that was killed goes on
    where it was.

    `gramstyle study --procedural --quick -o study`, `gramstyle study paintings/ -b vgg16 -b resnet50`
    """
    from gramstyle import report

    say.quiet = quiet
    with options.usage():
        chosen = _settings(
            quick,
            full,
            settings,
            {
                "backbones": None if backbone is None else tuple(backbone),
                "random_seeds": None if random_copies is None else tuple(range(random_copies)),
                "sparsity": sparsity,
                "resize": size,
                "limit": limit,
                "draws": draws,
                "permutations": permutations,
                "seed": seed,
            },
        )
        run = run_settings(device, dtype, batch_size, kernel, weights_dir)
        given = [name for name, one in (("IMAGES", images), ("--manifest", manifest)) if one is not None]
        given += [name for name, one in (("--procedural", procedural), ("--bundled", bundled)) if one]
        if len(given) != 1:
            raise StyleError(
                "name one corpus: a folder of images, --manifest FILE, --procedural or --bundled; got "
                f"{', '.join(given) or 'none'}"
            )
        if images is None and layout != "auto":
            raise StyleError(f"--layout {layout} is of a folder IMAGES, got {given[0]}")
        check_writable(output / "report.html", "--output")
    corpus = _corpus(images, procedural, manifest, layout, chosen, quick)
    if corpus.labels("style") is None:
        corpus = cropped_corpus(corpus, size=CROP if crop is None else crop, gap=GAP if gap is None else gap)
        if size is None and settings is None:  # resampling would leave its mark on every crop
            chosen = replace(chosen, resize="none")
    elif crop is not None or gap is not None:
        with options.usage():
            raise StyleError(
                "--crop and --gap are for images without styles, and these have some: leave them out, or "
                "pass --layout unlabelled with a folder"
            )
    for note in corpus.notes:
        say.note(note)
    with bars() as progress:
        results = run_study(corpus, chosen, output / "cache", progress=progress, **run.of_networks())
        progress("drawing the report", 0, None)
        sheet = report.rendered(report.contact_sheet(thinned(corpus, chosen.limit)))
        written = report.write_study(results, output, sheet=sheet)
    if results.choices:
        rows = [_choice(one) for one in results.choices]
        show(table(CHOICES, rows, "Held-out styles, taps chosen on the others"))
    verdicts = [(one.name, one.decision, one.hypothesis) for one in results.verdicts]
    show(table(("", "decision", "hypothesis"), verdicts))
    for note in results.corpus.notes[len(corpus.notes) :]:  # the others were said before it began
        say.note(note)
    say.note(f"wrote {len(written)} files to {output}")
    typer.echo(f"Open {output / 'report.html'}")


CHOICES = ("network", "tap", "AUC", "95 % interval", "p, corrected")


def _choice(one: Choice) -> tuple[str, ...]:
    interval = f"{one.low:.3f} to {one.high:.3f}"
    return one.network, one.tap, f"{one.held_out:.3f}", interval, f"{one.p_adjusted:.2g}"


def _settings(quick: bool, full: bool, path: Path | None, changed: dict[str, Any]) -> StudySettings:
    if quick + full + (path is not None) > 1:
        raise StyleError("--quick, --full and --settings each say what is measured: give one of them")
    base = QUICK if quick else FULL if path is None else StudySettings.read(path)
    return replace(base, **options.said(changed))


def _corpus(
    images: Path | None,
    procedural: bool,
    manifest: Path | None,
    layout: str,
    settings: StudySettings,
    quick: bool,
) -> Corpus:
    if manifest is not None:
        return read_manifest(manifest)
    if images is not None:
        return read_corpus(images, layout=layout)
    if not procedural:
        return bundled_corpus()
    return procedural_study(settings.seed, quick=quick)


def procedural_study(seed: int, *, quick: bool) -> Corpus:
    """The procedural corpus of a preset: styles crossed with contents and colours."""
    palettes = list(PALETTES)
    if quick:
        return procedural_corpus(
            seed,
            styles=list(STYLES)[:QUICK_STYLES],
            contents=QUICK_CONTENTS,
            palettes=palettes[:QUICK_PALETTES],
            replicates=1,
        )
    return procedural_corpus(seed, contents=FULL_CONTENTS, palettes=palettes[:FULL_PALETTES], replicates=1)
