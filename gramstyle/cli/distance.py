"""gramstyle distance: how far apart the styles of images are."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from gramstyle import check
from gramstyle.cli import options
from gramstyle.cli.console import Bars, bars, check_writable, emit, say, show, table
from gramstyle.cli.description import Describing, Preparation, Statistic, given
from gramstyle.cli.images import described
from gramstyle.cli.spread import spread
from gramstyle.descriptors import Descriptors
from gramstyle.distance import RULES
from gramstyle.errors import StyleError
from gramstyle.measure import Distances, distances
from gramstyle.recipe import Recipe
from gramstyle.report import check_figure
from gramstyle.store import is_descriptors, load_descriptors

MATRIX_LIMIT = 12
"""Images above which a terminal shows nearest neighbours instead of the matrix."""

NAMES_LIMIT = 60
"""Characters that the names above the columns may take together."""

EXAMPLES = """
**Examples**

`gramstyle distance a.jpg b.jpg` — per tap and combined

`gramstyle distance paintings/ --format csv -o distances.csv` — every pair of a folder

`gramstyle distance a.jpg b.jpg -b vgg16 -b mobilenet_v2@KERAS -b efficientnet_lite0`

`gramstyle distance a.jpg b.jpg --preset gatys2016 --format json`

`gramstyle distance paintings/ --heatmap heat.png --metric cosine --gram covariance`
"""


@dataclass(frozen=True, kw_only=True)
class Comparison(Statistic):
    """A statistic, and how the distances of its taps become one."""

    tap_weights: options.TapWeights = None
    combine: options.CombineName = None

    def settings(self) -> dict[str, Any]:
        """Settings of a recipe."""
        weights = options.number_list(self.tap_weights)
        return {**super().settings(), "tap_weights": weights, "combine": self.combine}


@spread
def distance(
    images: options.Images,
    comparison: Comparison = Comparison(),
    preparation: Preparation = Preparation(),
    format: options.FormatOption = None,
    output: options.Output = None,
    heatmap: Annotated[
        Path | None, typer.Option(help="Write a heat map of the matrix (png, svg, pdf).")
    ] = None,
    describing: Describing = Describing(),
) -> None:
    """Style distances of images: of two, of all pairs of several, or of a folder.

    Each image goes through each network once. Two files of descriptors (`gramstyle describe`)
    are compared with each other, one with itself, without any network; for long collections
    describe first, because that goes on where it was stopped.
    """
    say.quiet = describing.quiet
    with options.usage():
        chosen = preparation.recipes(comparison, describing.seed)
        run = describing.run()
        form = options.format_of(format, output)
        check_writable(output, "--output")
        check_writable(heatmap, "--heatmap")
        stored = [path for path in images if is_descriptors(path)]
        if stored:
            _check_stored(stored, images, given(comparison, preparation))
        if heatmap is not None:
            check_figure(heatmap)
    with bars() as progress:
        if stored:
            results = [_of_stored(stored, comparison, progress)]
        else:
            results = []
            for recipe in chosen:
                found = described(images, recipe, run, describing, progress)
                results.append(_measured(found, progress))
    _write(results, form, output)
    if heatmap is not None:
        _draw(results, heatmap)


distance.__doc__ = (distance.__doc__ or "") + EXAMPLES


def _check_stored(stored: list[Path], images: list[Path], given: list[str]) -> None:
    """Raise `StyleError` for options that descriptors, which are made already, cannot follow."""
    if len(stored) != len(images) or len(stored) > 2:
        raise StyleError("give images and folders, or one or two files of descriptors, not both")
    late = [name for name in given if name not in ("--metric", "--combine")]
    if late:
        raise StyleError(
            f"{', '.join(late)} came too late: descriptors are made already. Leave out, or describe again; "
            "--metric and --combine may still be chosen"
        )


def _of_stored(paths: list[Path], comparison: Comparison, progress: Bars) -> Distances:
    loaded = [load_descriptors(path) for path in paths]
    made = loaded[0].recipe
    metric, combine = comparison.metric, comparison.combine
    rule = replace(
        made,
        metric=made.metric if metric is None else metric,
        combine=made.combine if combine is None else check.member(RULES, "combine", combine),
    )
    return _counted(loaded, rule, progress)


def _measured(found: Descriptors, progress: Bars) -> Distances:
    if len(found) < 2:
        raise StyleError(f"a distance needs at least two images, got {len(found)}")
    return _counted([found], None, progress)


def _counted(sets: list[Descriptors], rule: Recipe | None, progress: Bars) -> Distances:
    """Distances, with a bar over the pairs of all taps."""
    total = len(sets[0]) * len(sets[-1]) * len(sets[0].values)
    done = 0

    def count(pairs: int) -> None:
        nonlocal done
        done += pairs
        progress(f"measuring {sets[0].recipe.backbone}", done, total)

    return distances(*sets, recipe=rule, progress=count)


def _write(results: list[Distances], form: options.Format, output: Path | None) -> None:
    from gramstyle.report import distance_table, to_markdown, weights_in_words

    for one in results:
        say.note(weights_in_words(one.identity))
    if form is options.Format.json:
        plain = {
            "format": "gramstyle-distances",
            "version": 1,
            "results": [one.as_json() for one in results],
        }
        emit(json.dumps(plain, indent=2, allow_nan=False), output)
    elif form is options.Format.csv:
        emit(_csv(results), output)
    elif output is not None:
        emit("\n\n".join(to_markdown(*distance_table(one)) for one in results), output)
    else:
        for one in results:
            _show(one)


def _csv(results: list[Distances]) -> str:
    """One row per backbone and pair; a tap that a backbone does not have is left empty."""
    from gramstyle.report import pair_table, to_csv

    tables = [(one, *pair_table(one)) for one in results]
    columns = list(dict.fromkeys(name for _, header, _ in tables for name in header))
    rows = []
    for one, header, pairs in tables:
        made_by = (one.recipe.backbone, one.identity.source, one.identity.sha256)
        for pair in pairs:
            found = dict(zip(header, pair, strict=True))
            rows.append((*made_by, *(found.get(column, "") for column in columns)))
    return to_csv(("backbone", "weights_source", "weights_sha256", *columns), rows)


def _show(result: Distances) -> None:
    title = f"{result.recipe.backbone}, {result.recipe.metric} of {result.recipe.gram.statistic.value}"
    if len(result.rows) == 2 and result.columns is result.rows:
        rows = [[tap, f"{float(one[0, 1]):.6g}"] for tap, one in result.per_tap.items()]
        rows.append([f"combined ({result.recipe.combine.value})", f"{float(result.combined[0, 1]):.6g}"])
        show(table(["tap", "distance"], rows, title))
        return
    if max(len(result.rows), len(result.columns)) <= MATRIX_LIMIT:
        show(table(*_matrix(result), title))
        return
    show(table(["image", "nearest", "distance", "farthest", "distance"], _extremes(result), title))
    say.note("the whole matrix: --format csv, --format json or --heatmap FILE")


def _matrix(result: Distances) -> tuple[list[str], list[list[str]]]:
    """Columns go by number where their names would not fit; rows then say which number is whose."""
    stems = [Path(one.name).stem for one in result.columns]
    named = sum(map(len, stems)) <= NAMES_LIMIT
    within = result.columns is result.rows
    rows = [
        [f"{number} {Path(image.name).name}" if within and not named else Path(image.name).name]
        + [f"{value:.4g}" for value in line]
        for number, (image, line) in enumerate(
            zip(result.rows, result.combined.tolist(), strict=True), start=1
        )
    ]
    if named:
        return ["", *stems], rows
    if not within:
        stems = [f"{number} {stem}" for number, stem in enumerate(stems, start=1)]
        say.note("columns: " + ", ".join(stems))
    return ["", *(str(number) for number in range(1, len(stems) + 1))], rows


def _extremes(result: Distances) -> list[list[str]]:
    """For each image the nearest and the farthest other."""
    within = result.columns is result.rows
    rows = []
    for index, (image, line) in enumerate(zip(result.rows, result.combined.tolist(), strict=True)):
        others = [(value, at) for at, value in enumerate(line) if not (within and at == index)]
        near, far = min(others), max(others)
        rows.append(
            [
                Path(image.name).name,
                Path(result.columns[near[1]].name).name,
                f"{near[0]:.4g}",
                Path(result.columns[far[1]].name).name,
                f"{far[0]:.4g}",
            ]
        )
    return rows


def _draw(results: list[Distances], path: Path) -> None:
    from gramstyle.report import heatmap_figure, save, weights_in_words

    for result in results:
        name = result.recipe.backbone.replace(":", "-").replace("@", "-").replace("/", "-")
        one = path if len(results) == 1 else path.with_name(f"{path.stem}-{name}{path.suffix}")
        save(heatmap_figure(result), one, weights_in_words(result.identity))
        say.note(f"wrote {one}")
