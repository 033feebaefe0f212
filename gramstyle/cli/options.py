"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from PIL import ImageColor

from gramstyle.cli.console import say
from gramstyle.cli.run import DTYPES
from gramstyle.distance import DEFAULT_METRIC, METRICS, Combine
from gramstyle.extract import backbone as backbone_named
from gramstyle.extract import backbones, choose_weights, parse, select_taps
from gramstyle.gram import Norm, Statistic
from gramstyle.presets import PRESETS, preset
from gramstyle.recipe import Recipe, make_recipe
from gramstyle.types import WeightsEntry


class Format(str, Enum):
    """How results are written."""

    table = "table"
    json = "json"
    csv = "csv"


def format_of(asked: Format | None, output: Path | None) -> Format:
    """The format asked for, else that of the suffix of `output`, else a table."""
    if asked is not None:
        return asked
    suffix = "" if output is None else output.suffix.lstrip(".").lower()
    return Format(suffix) if suffix in ("json", "csv") else Format.table


class OnError(str, Enum):
    """What an image that cannot be read does."""

    fail = "fail"
    skip = "skip"


def _names(known: list[str]) -> Any:
    """Completion of one of `known`."""
    return lambda incomplete: [name for name in known if name.startswith(incomplete)]


BACKBONES = [spec.name for spec in backbones()]
Backbone = Annotated[
    list[str] | None,
    typer.Option(
        "--backbone",
        "-b",
        metavar="NAME[@WEIGHTS]",
        autocompletion=_names(BACKBONES),
        help="Network, with pinned weights, `random[:SEED]` or a path after the @; any timm model as "
        "`timm:NAME@TAG`. May be repeated. Default: vgg16.",
    ),
]
Taps = Annotated[
    str | None, typer.Option(metavar="A,B,...", help="Taps, comma-separated; see `gramstyle backbones NAME`.")
]
TapWeights = Annotated[
    str | None, typer.Option(metavar="X,Y,...", help="Weight of each of --taps, comma-separated.")
]
Gram = Annotated[
    str | None,
    typer.Option(
        "--gram",
        metavar="STATISTIC",
        autocompletion=_names([one.value for one in Statistic]),
        help=f"{', '.join(one.value for one in Statistic)}. Default: the metric's own.",
    ),
]
NormName = Annotated[
    str | None,
    typer.Option(
        "--norm",
        autocompletion=_names([one.value for one in Norm]),
        help=f"Divisor of the Gram matrix: {', '.join(one.value for one in Norm)}. Default: positions.",
    ),
]
Center = Annotated[bool, typer.Option("--center", help="Remove channel means first.")]
MetricName = Annotated[
    str | None,
    typer.Option(
        "--metric",
        "-m",
        autocompletion=_names(list(METRICS)),
        help=f"{', '.join(METRICS)}. Default: {DEFAULT_METRIC}.",
    ),
]
CombineName = Annotated[
    str | None,
    typer.Option(
        "--combine",
        help=f"How taps become one number: {', '.join(one.value for one in Combine)}. Default: mean.",
    ),
]
Sparsity = Annotated[
    float | None,
    typer.Option(
        "--sparsity",
        metavar="SHARE",
        help="Prune the network first: this share of the weights of each convolution, the smallest, is 0. "
        "Default: 0, as it was trained.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        autocompletion=_names(list(PRESETS)),
        help="A recipe by name, in place of the options above; see `gramstyle presets`.",
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY",
        help="`short:512`, `long:512` (append `:down` never to enlarge), `exact:256x384` or `none`. "
        "Default: long:512:down.",
    ),
]
Crop = Annotated[int | None, typer.Option(min=1, help="Side of a centre crop after resizing, in pixels.")]
Alpha = Annotated[
    str | None,
    typer.Option(
        help="Transparent images: `composite` on --background, or `mask` to weigh positions by alpha."
    ),
]
Background = Annotated[
    str | None,
    typer.Option(metavar="COLOUR", help="Under transparent pixels: a name or #rrggbb. Default: white."),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Dtype = Annotated[
    str, typer.Option(autocompletion=_names(list(DTYPES)), help=f"Of the network: {', '.join(DTYPES)}.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images of one size that go through together.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of `@random` weights that name none.")]
KernelName = Annotated[
    str,
    typer.Option(
        "--kernel",
        help="Who computes: reference (plain torch), fused (native operators; see `gramstyle doctor`), "
        "or auto, the faster of what is there. Results agree to rounding.",
    ),
]
WeightsDir = Annotated[
    Path | None,
    typer.Option(
        envvar="GRAMSTYLE_WEIGHTS_DIR", help="Folder looked in for weights before the cache and the network."
    ),
]
TileSize = Annotated[
    str,
    typer.Option(
        "--tile",
        metavar="SIZE",
        help="Run images in tiles of SIZE pixels, in memory that does not grow with them; `auto` tiles "
        "what would need more than 1 GiB, `off` nothing. Descriptors are the same, to rounding.",
    ),
]
MaxPixels = Annotated[
    int, typer.Option(min=1, help="Files that claim more pixels are refused, as decompression bombs.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")]
OnErrorOption = Annotated[
    OnError, typer.Option("--on-error", help="An image that cannot be read ends the run, or is left out.")
]
FormatOption = Annotated[
    Format | None, typer.Option("--format", "-f", help="Default: what --output ends in, else table.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write the result to this file instead of stdout.")
]
Images = Annotated[
    list[Path],
    typer.Argument(
        metavar="IMAGE...", help="Images, folders (read recursively), or descriptors (.safetensors)."
    ),
]


@contextmanager
def usage() -> Iterator[None]:
    """Wrong arguments found in this block are wrong usage: exit code 2."""
    try:
        yield
    except (ValueError, TypeError) as error:
        say.error(str(error))
        raise typer.Exit(2) from error


def seeded(name: str, seed: int | None) -> str:
    """``NAME@random`` with the seed that was given, where it names none."""
    named = parse(name)
    return f"{name}:{seed}" if seed is not None and named.weights == "random" else name


def recipes(
    backbone: list[str] | None,
    preset_name: str | None,
    seed: int | None,
    prepare: dict[str, Any],
    settings: dict[str, Any],
    given: list[str],
) -> list[Recipe]:
    """One recipe per backbone, or the preset's.

    Args:
        backbone: names, in order.
        preset_name: a preset; its images may still be prepared in another way.
        seed: of random weights.
        prepare: resize, crop and alpha; None where the user said nothing.
        settings: everything else.
        given: options that the user gave and a preset has values of its own for.

    Raises:
        ValueError: if a preset is given together with an option it has a value for.
    """
    prepared = said(prepare)
    if preset_name is not None:
        if given:
            raise ValueError(
                f"--preset {preset_name} has its own {', '.join(given)}: leave out --preset, or "
                f"{'these' if len(given) > 1 else 'this'}"
            )
        found = [replace(preset(preset_name), **prepared)]
    else:
        chosen = said(settings) | prepared
        found = [make_recipe(seeded(name, seed), **chosen) for name in backbone or ["vgg16"]]
    for one in found:
        check_names(one)
    return found


def check_names(recipe: Recipe) -> None:
    """Raise, before anything is fetched, if a backbone, weights or tap does not exist."""
    named = parse(recipe.backbone)
    spec = backbone_named(named.backbone)
    row = choose_weights(spec, named.weights)
    select_taps(spec, recipe.taps, row if isinstance(row, WeightsEntry) else None)


def said(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the user said something of: values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def comma_list(text: str | None) -> list[str] | None:
    """The parts of a comma-separated list."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def colour(text: str | None) -> tuple[float, float, float] | None:
    """A colour by name or as ``#rrggbb``, in [0, 1].

    Raises:
        ValueError: if there is no such colour.
    """
    if text is None:
        return None
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError as error:
        raise ValueError(f"background must be a colour's name or #rrggbb, got {text!r}") from error
    return red / 255, green / 255, blue / 255


def number_list(text: str | None, what: str = "tap weights") -> tuple[float, ...] | None:
    """The numbers of a comma-separated list of `what`.

    Raises:
        ValueError: if a part is no number.
    """
    parts = comma_list(text)
    if parts is None:
        return None
    try:
        return tuple(float(part) for part in parts)
    except ValueError as error:
        raise ValueError(f"{what} must be numbers, comma-separated, got {text!r}") from error
