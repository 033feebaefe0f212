"""gramstyle demo: the main job, from images to a report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gramstyle.cli import options
from gramstyle.cli.console import bars, check_writable, say, show, table
from gramstyle.cli.images import read_all
from gramstyle.cli.run import run_settings
from gramstyle.corpus import bundled_images
from gramstyle.extract import backbone as spec_of
from gramstyle.extract import parse
from gramstyle.images import find_images
from gramstyle.recipe import Recipe, make_recipe
from gramstyle.study import compare

DEMO = {
    "vgg16@IMAGENET1K_V1": "relu5_3",
    "efficientnet_lite0@GOOGLE": "block16",
    "mobilenet_v2@KERAS": "block14_depthwise",
}
"""Backbone -> the last tap shown, the deepest that its weights can be read at.

The question that the demo asks was asked of distances that reach that deep. All three come from a
Python package index alone.
"""


def demo(
    images: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[IMAGE...]", help="Images and folders; without any, the bundled photographs."
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for report, pictures and tables.")
    ] = Path("demo"),
    backbone: options.Backbone = None,
    size: options.Size = None,
    crop: Annotated[int, typer.Option(min=16, help="Side of the crops, in pixels.")] = 128,
    gap: Annotated[int, typer.Option(min=0, help="Pixels between crops.")] = 32,
    on_error: options.OnErrorOption = options.OnError.fail,
    device: options.Device = "auto",
    dtype: options.Dtype = "float32",
    batch_size: options.BatchSize = 8,
    kernel: options.KernelName = "auto",
    seed: options.Seed = None,
    weights_dir: options.WeightsDir = None,
    quiet: options.Quiet = False,
) -> None:
    """Compare networks on a set of images: distances, separation, and a report in one HTML file.

    Four disjoint crops are cut from each image; the report says how far crops of one image and
    crops of two lie apart under each network.

    `gramstyle demo`, `gramstyle demo paintings/ -o report -b vgg19 -b resnet50`
    """
    from gramstyle import report

    say.quiet = quiet
    with options.usage():
        recipes = [_recipe(name, seed, size) for name in backbone or DEMO]
        run = run_settings(device, dtype, batch_size, kernel, weights_dir)
        check_writable(output / "report.html", "--output")
    with bars() as progress:
        paths = bundled_images() if not images else _labelled(find_images(images))
        pictures, skipped = read_all(paths, on_error.value, progress)
        comparisons = list(
            compare(pictures, recipes, crop=crop, gap=gap, progress=progress, **run.of_networks())
        )
        progress("drawing the report", 0, None)
        written = report.write_comparison(comparisons, {one.name: one for one in pictures}, output)
    rows = [row.cells for row in report.summary_rows(comparisons)]
    show(table(report.SUMMARY_HEADER, rows, "Crops of one image against crops of two"))
    say.skipped(skipped, len(paths))
    say.note(f"wrote {', '.join(path.name for path in written)} to {output}")
    typer.echo(f"Open {output / 'report.html'}")


def _labelled(paths: list[Path]) -> dict[str, Path]:
    from gramstyle.report import without_shared_folders

    return dict(zip(without_shared_folders([str(path) for path in paths]), paths, strict=True))


def _recipe(name: str, seed: int | None, size: str | None) -> Recipe:
    """The default recipe of a backbone, with a tap of every resolution shown; the default ones count."""
    named = options.seeded(name, seed)
    recipe = make_recipe(named, resize=size or "short:256")
    options.check_names(recipe)
    spec = spec_of(parse(named).backbone)
    last = [DEMO[named]] if named in DEMO else []
    taps = tuple(dict.fromkeys((*spec.scale_taps, *last)))
    return replace(recipe, taps=taps, tap_weights=tuple(float(tap in spec.default_taps) for tap in taps))
