"""gramstyle transfer, texture and rerun: images optimised to have the style of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gramstyle import check
from gramstyle.cli import options
from gramstyle.cli.console import bars, check_writable, say
from gramstyle.cli.execution import (
    Deterministic,
    GradientCheckpointing,
    MemoryLimit,
    TileOption,
    asked,
    say_execution,
)
from gramstyle.cli.run import Run, run_settings
from gramstyle.distance import METRICS
from gramstyle.errors import StyleError
from gramstyle.images import MAX_PIXELS
from gramstyle.recipe import gram_settings
from gramstyle.transfer import (
    PARAMETERIZATIONS,
    PRESERVES,
    TRANSFERS,
    State,
    TransferSettings,
    transfer_preset,
)
from gramstyle.transfer.execution import Asked
from gramstyle.transfer.job import Job, StyleFile
from gramstyle.transfer.manifest import changed_files, read_manifest
from gramstyle.transfer.optimizer import OPTIMIZERS
from gramstyle.transfer.presets import DEFAULT, for_backbone
from gramstyle.transfer.settings import INITS
from gramstyle.transfer.work import SAVE_EVERY, Work
from gramstyle.types import Progress as Told

EXAMPLES = """
**Examples**

`gramstyle transfer photo.jpg painting.jpg -o out.png`

`gramstyle transfer photo.jpg a.jpg b.jpg --style-weights 3,1 -o out.png` — three parts of a, one of b

`gramstyle transfer photo.jpg painting.jpg -o out.png --preserve-color luminance --size 1024`

`gramstyle transfer photo.jpg sky.jpg wood.jpg --mask regions.png --style-regions blue,#804000 -o out.png`

`gramstyle transfer photo.jpg painting.jpg -o out.png -b mobilenet_v2@KERAS` — another network

`gramstyle transfer photo.jpg painting.jpg -o out.png --size 4096 --memory-limit 4GB` — large
"""

PresetName = Annotated[
    str,
    typer.Option(
        "--preset",
        autocompletion=lambda incomplete: [name for name in TRANSFERS if name.startswith(incomplete)],
        help=f"Settings to begin with: {', '.join(TRANSFERS)}. Options below change them.",
    ),
]
Styles = Annotated[list[Path], typer.Argument(metavar="STYLE...", help="Images whose style is wanted.")]
StyleWeights = Annotated[
    str | None, typer.Option(metavar="X,Y,...", help="Share of each style. Default: all alike.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="File to write: .png, .jpg, .webp or .tif.")]
BackboneName = Annotated[
    str | None,
    typer.Option("--backbone", "-b", metavar="NAME[@WEIGHTS]", help="Network; see `gramstyle backbones`."),
]
StyleTaps = Annotated[
    str | None, typer.Option("--style-taps", metavar="A,B,...", help="Taps whose style is matched.")
]
TapWeights = Annotated[
    str | None, typer.Option("--tap-weights", metavar="X,Y,...", help="Weight of each of --style-taps.")
]
ContentTaps = Annotated[
    str | None, typer.Option("--content-taps", metavar="A,B,...", help="Taps whose content is kept.")
]
ContentWeight = Annotated[
    float | None, typer.Option("--content-weight", "-cw", min=0, help="More keeps more of the content.")
]
StyleWeight = Annotated[float | None, typer.Option("--style-weight", "-sw", min=0, help="Of the style.")]
TvWeight = Annotated[
    float | None, typer.Option("--tv-weight", "-tw", min=0, help="Of total variation: more is smoother.")
]
ColorWeight = Annotated[
    float | None, typer.Option("--color-weight", min=0, help="Of the style's colours, as such.")
]
MetricName = Annotated[str | None, typer.Option("--metric", "-m", help=f"Of styles: {', '.join(METRICS)}.")]
GramName = Annotated[
    str | None, typer.Option("--gram", metavar="STATISTIC", help="Of features. Default: the metric's own.")
]
Size = Annotated[
    int | None,
    typer.Option("--size", "-s", "--image-size", min=1, help="Longer side of the result, in pixels."),
]
MinSize = Annotated[
    int | None, typer.Option("--min-size", min=1, help="Longer side of the coarsest scale, in pixels.")
]
Iterations = Annotated[
    int | None,
    typer.Option("--iterations", "-i", "--num-iterations", min=1, help="Steps at each scale but the first."),
]
FirstIterations = Annotated[
    int | None, typer.Option("--first-iterations", min=1, help="Steps at the coarsest scale.")
]
StyleScale = Annotated[
    float | None,
    typer.Option("--style-scale", help="Size of styles beside that of the image: larger patterns above 1."),
]
StyleSize = Annotated[
    int | None, typer.Option("--style-size", min=1, help="Longer side of styles in pixels, at every scale.")
]
OptimizerName = Annotated[str | None, typer.Option("--optimizer", help=f"{' or '.join(OPTIMIZERS)}.")]
StepSize = Annotated[float | None, typer.Option("--step-size", "-ss", help="Learning rate.")]
Averaging = Annotated[
    float | None, typer.Option("--averaging", help="Decay of the average of steps that is shown; 0 for none.")
]
ParameterizationName = Annotated[
    str | None, typer.Option("--parameterization", help=f"What steps change: {', '.join(PARAMETERIZATIONS)}.")
]
PoolingName = Annotated[str | None, typer.Option("--pooling", help="Of VGG: max, average or l2.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of what is drawn.")]
Bits = Annotated[int, typer.Option("--bits", help="Per channel: 8, or 16 for .png and .tif.")]
SaveEvery = Annotated[
    int, typer.Option("--save-every", min=1, help="Steps after which the run is kept, to go on from.")
]
Frames = Annotated[
    Path | None, typer.Option("--frames", metavar="FOLDER", help="Write numbered frames to this folder.")
]
FrameEvery = Annotated[int, typer.Option("--frame-every", min=1, help="Steps from one frame to the next.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Begin anew, whatever an earlier run has left.")]


def transfer(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="Image that is kept in its main lines.")],
    styles: Styles,
    output: Output,
    preset: PresetName = DEFAULT,
    style_weights: StyleWeights = None,
    size: Size = None,
    min_size: MinSize = None,
    iterations: Iterations = None,
    first_iterations: FirstIterations = None,
    content_weight: ContentWeight = None,
    style_weight: StyleWeight = None,
    tv_weight: TvWeight = None,
    color_weight: ColorWeight = None,
    style_scale: StyleScale = None,
    style_size: StyleSize = None,
    init: Annotated[
        str | None,
        typer.Option("--init", help=f"What to begin with: {', '.join(INITS[:-1])}, or the path of an image."),
    ] = None,
    preserve_color: Annotated[
        str | None,
        typer.Option("--preserve-color", help=f"Keep the content's colours: {', '.join(PRESERVES)}."),
    ] = None,
    backbone: BackboneName = None,
    style_taps: StyleTaps = None,
    tap_weights: TapWeights = None,
    content_taps: ContentTaps = None,
    metric: MetricName = None,
    gram: GramName = None,
    pooling: PoolingName = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask", metavar="IMAGE", help="Regions of CONTENT, in flat colours, each with its style."
        ),
    ] = None,
    style_mask: Annotated[
        list[Path] | None,
        typer.Option(
            "--style-mask",
            metavar="IMAGE",
            help="Which part of a style is for which region, in the colours of --mask; once per STYLE.",
        ),
    ] = None,
    style_regions: Annotated[
        str | None,
        typer.Option(
            "--style-regions",
            metavar="COLOUR,...",
            help="Instead: the region of --mask that each STYLE is for.",
        ),
    ] = None,
    optimizer: OptimizerName = None,
    step_size: StepSize = None,
    averaging: Averaging = None,
    parameterization: ParameterizationName = None,
    seed: Seed = None,
    bits: Bits = 8,
    save_every: SaveEvery = SAVE_EVERY,
    frames: Frames = None,
    frame_every: FrameEvery = 10,
    fresh: Fresh = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "float32",
    kernel: options.KernelName = "auto",
    tile: TileOption = None,
    memory_limit: MemoryLimit = None,
    gradient_checkpointing: GradientCheckpointing = False,
    deterministic: Deterministic = False,
    weights_dir: options.WeightsDir = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    quiet: options.Quiet = False,
) -> None:
    """Give an image the style of others, by optimisation.

    A run that is stopped, even by `kill -9`, goes on where it was when the same command is given
    again. OUTPUT.json beside the image says what made it; `gramstyle rerun` makes it again.
    """
    say.quiet = quiet
    with options.usage():
        start, init = _start(init)
        settings = _settings(preset, backbone, metric, gram, pooling, style_taps, tap_weights, content_taps)
        settings = _changed(
            settings,
            {
                "size": size,
                "min_size": min_size,
                "iterations": iterations,
                "first_iterations": first_iterations,
                "content_weight": content_weight,
                "style_weight": style_weight,
                "tv_weight": tv_weight,
                "color_weight": color_weight,
                "style_scale": style_scale,
                "style_size": style_size,
                "init": init,
                "preserve_color": preserve_color,
                "averaging": averaging,
                "seed": seed,
            },
            {"name": optimizer, "step_size": step_size},
            parameterization,
        )
        job = Job(
            content=str(content),
            styles=_styles(styles, style_weights, mask is not None, style_mask, style_regions),
            output=str(output),
            settings=settings,
            mask=None if mask is None else str(mask),
            start=start,
            bits=_bits(bits),
        )
        run = run_settings(device, dtype, 1, kernel, weights_dir)
        how = asked(tile, memory_limit, gradient_checkpointing, deterministic)
        check_writable(output, "--output")
    _do(job, run, how, save_every, frames, frame_every, fresh, max_pixels)


transfer.__doc__ = (transfer.__doc__ or "") + EXAMPLES


def texture(
    styles: Styles,
    output: Output,
    preset: PresetName = DEFAULT,
    style_weights: StyleWeights = None,
    size: Size = None,
    shape: Annotated[
        str | None, typer.Option("--shape", metavar="HxW", help="Proportions of the result, such as 2x3.")
    ] = None,
    min_size: MinSize = None,
    iterations: Iterations = None,
    first_iterations: FirstIterations = None,
    tv_weight: TvWeight = None,
    color_weight: ColorWeight = None,
    style_scale: StyleScale = None,
    style_size: StyleSize = None,
    backbone: BackboneName = None,
    style_taps: StyleTaps = None,
    tap_weights: TapWeights = None,
    metric: MetricName = None,
    gram: GramName = None,
    pooling: PoolingName = None,
    optimizer: OptimizerName = None,
    step_size: StepSize = None,
    averaging: Averaging = None,
    parameterization: ParameterizationName = None,
    seed: Seed = None,
    bits: Bits = 8,
    save_every: SaveEvery = SAVE_EVERY,
    frames: Frames = None,
    frame_every: FrameEvery = 10,
    fresh: Fresh = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "float32",
    kernel: options.KernelName = "auto",
    tile: TileOption = None,
    memory_limit: MemoryLimit = None,
    gradient_checkpointing: GradientCheckpointing = False,
    deterministic: Deterministic = False,
    weights_dir: options.WeightsDir = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    quiet: options.Quiet = False,
) -> None:
    """Make a texture like an image: its style, and no content.

    Gatys et al. 2015 (Texture Synthesis Using Convolutional Neural Networks).
    """
    say.quiet = quiet
    with options.usage():
        settings = _settings(preset, backbone, metric, gram, pooling, style_taps, tap_weights, None)
        settings = _changed(
            settings,
            {
                "size": size,
                "min_size": min_size,
                "iterations": iterations,
                "first_iterations": first_iterations,
                "content_weight": 0.0,
                "tv_weight": tv_weight,
                "color_weight": color_weight,
                "style_scale": style_scale,
                "style_size": style_size,
                "init": "noise" if settings.init == "noise" else "style",
                "averaging": averaging,
                "seed": seed,
            },
            {"name": optimizer, "step_size": step_size},
            parameterization,
        )
        job = Job(
            content=None,
            styles=_styles(styles, style_weights),
            output=str(output),
            settings=settings,
            shape=_shape(shape),
            bits=_bits(bits),
        )
        run = run_settings(device, dtype, 1, kernel, weights_dir)
        how = asked(tile, memory_limit, gradient_checkpointing, deterministic)
        check_writable(output, "--output")
    _do(job, run, how, save_every, frames, frame_every, fresh, max_pixels)


def rerun(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="The .json beside an image.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: the manifest's own.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Default: the manifest's own.")] = None,
    tile: Annotated[
        str | None, typer.Option(metavar="SIZE", help="As in `transfer`. Default: the manifest's own.")
    ] = None,
    memory_limit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="As in `transfer`. Default: the manifest's own.")
    ] = None,
    weights_dir: options.WeightsDir = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    quiet: options.Quiet = False,
) -> None:
    """Make an image again from its manifest: the same files, settings, seed and weights.

    It is run in the same way too, whole or in tiles, unless --tile or --memory-limit say another.
    """
    say.quiet = quiet
    with options.usage():
        plain = read_manifest(manifest)
        job = Job.from_json(plain["job"])
        if output is not None:
            job = replace(job, output=str(output))
        check_writable(Path(job.output), "--output")
        changed = changed_files(plain)
        if changed:
            raise StyleError(
                f"files are not what they were when {manifest} was written: {', '.join(changed)}"
            )
        run = run_settings(device or plain["device"], plain["dtype"], 1, plain["kernel"], weights_dir)
        how = Asked(**plain.get("execution", {}).get("asked", {}))
        if tile is not None or memory_limit is not None:
            how = asked(tile, memory_limit, False, how.deterministic)
    made = _do(job, run, how, SAVE_EVERY, None, 1, False, max_pixels)
    if made.transfer.digest != plain["digest"]:
        say.note("settings and files are the same; weights or precision are not, so the image may differ")


def _do(
    job: Job,
    run: Run,
    how: Asked,
    save_every: int,
    frames: Path | None,
    frame_every: int,
    fresh: bool,
    max_pixels: int,
) -> Work:
    """Do a job and say how it goes."""
    relay = _Relay()
    with bars() as relay.to:
        work = Work(
            job,
            device=run.device,
            dtype=run.dtype,
            kernel=check.name_in("kernel", run.kernel, ("auto", "reference", "fused")),  # type: ignore[arg-type]
            asked=how,
            weights_dir=run.weights_dir,
            save_every=save_every,
            max_pixels=max_pixels,
            progress=relay,
        )
    say_execution(work.transfer)
    if fresh:
        work.snapshot_path.unlink(missing_ok=True)
    try:
        done = work.resume()
    except StyleError as error:
        say.note(f"{work.snapshot_path} is left aside: {error}")
        done = 0
    if done:
        say.note(f"going on after step {done} of an earlier run")
    with _shown(work, done) as show:
        relay.to = show.tiles
        for state in work.states():
            show(state)
            if frames is not None and state.step % frame_every == 0:
                work.save(frames / f"{state.step:06d}.png", state)
    say.note(f"wrote {job.output} and {work.manifest_path.name}")
    return work


class _Relay:
    """Progress that is told to whoever shows it now."""

    def __init__(self) -> None:
        self.to: Told | None = None

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if self.to is not None:
            self.to(what, done, total)


class _Shown:
    """The state of a transfer on one line of a terminal, its terms or tiles on another."""

    def __init__(self, bar: Progress, total: int, done: int) -> None:
        self._bar = bar
        self._task = bar.add_task("transfer", total=total, completed=done, terms="")

    def __call__(self, state: State) -> None:
        height, width = state.image.shape[1:]
        terms = "  ".join(f"{name} {value:.2g}" for name, value in state.losses.items())
        where = f"scale {state.scale + 1} of {state.scales}, {width} x {height}, loss {state.loss:.4g}"
        self._bar.update(self._task, completed=state.step, description=where, terms=terms)

    def tiles(self, what: str, done: int, total: int | None) -> None:
        """A tile of the present step is done."""
        self._bar.update(self._task, terms=f"{what}: {done} of {total}")


@contextmanager
def _shown(work: Work, done: int) -> Iterator[_Shown]:
    console = say.console
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("\n[dim]{task.fields[terms]}[/dim]"),
    )
    hidden = say.quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        yield _Shown(bar, work.job.settings.total_steps, done)


def _settings(
    preset: str,
    backbone: str | None,
    metric: str | None,
    gram: str | None,
    pooling: str | None,
    style_taps: str | None,
    tap_weights: str | None,
    content_taps: str | None,
) -> TransferSettings:
    """The settings of a preset, for another network, other taps or another distance of styles."""
    settings = transfer_preset(preset)
    if backbone is not None:
        settings = for_backbone(settings, backbone)
    style = settings.style
    taps, weights = options.comma_list(style_taps), options.number_list(tap_weights)
    if taps is not None:
        style = replace(style, taps=tuple(taps), tap_weights=None if weights is None else tuple(weights))
    elif weights is not None:
        style = replace(style, tap_weights=tuple(weights))
    if metric is not None or gram is not None:
        metric = metric or style.metric
        style = replace(style, metric=metric, gram=gram_settings(gram, metric=metric))
    if pooling is not None:
        style = replace(style, pooling=check.name_in("pooling", pooling, ("max", "average", "l2")))  # type: ignore[arg-type]
    content = options.comma_list(content_taps)
    return replace(
        settings, style=style, content_taps=settings.content_taps if content is None else tuple(content)
    )


def _changed(
    settings: TransferSettings,
    given: dict[str, Any],
    optimizer: dict[str, Any],
    parameterization: str | None,
) -> TransferSettings:
    """`settings` with what was given in their place."""
    changes = {name: value for name, value in given.items() if value is not None}
    steps = {name: value for name, value in optimizer.items() if value is not None}
    if steps:
        if steps.get("name") == "lbfgs" and settings.optimizer.name != "lbfgs":
            steps = {"step_size": 1.0, **steps}
        changes["optimizer"] = replace(settings.optimizer, **steps)
    if parameterization is not None:
        changes["parameterization"] = check.member(PARAMETERIZATIONS, "parameterization", parameterization)
    return replace(settings, **changes)


def _styles(
    paths: list[Path],
    weights: str | None,
    masked: bool = False,
    masks: list[Path] | None = None,
    regions: str | None = None,
) -> tuple[StyleFile, ...]:
    """Each style with its share, and with its mask or region where the content has regions."""
    shares, named = options.number_list(weights), options.comma_list(regions)
    for option, given in (("--style-weights", shares), ("--style-mask", masks), ("--style-regions", named)):
        if given is not None and len(given) != len(paths):
            raise StyleError(f"{option} must be one per style: {len(paths)} styles, {len(given)} given")
    if masked != (masks is not None or named is not None) or (masks is not None and named is not None):
        raise StyleError(
            "--mask needs one of --style-mask and --style-regions, which say what each style is for, and "
            "they need --mask"
        )
    return tuple(
        StyleFile(
            path=str(path),
            weight=1.0 if shares is None else shares[at],
            region="" if named is None else _region(named[at]),
            mask=None if masks is None else str(masks[at]),
        )
        for at, path in enumerate(paths)
    )


def _region(name: str) -> str:
    """``#rrggbb`` of a colour."""
    levels = options.colour(name) or (0.0, 0.0, 0.0)
    return "#" + "".join(f"{round(255 * one):02x}" for one in levels)


def _start(init: str | None) -> tuple[str | None, str | None]:
    """The path of an image to begin with, and the name of the beginning."""
    if init is None or init in INITS[:-1]:
        return None, init
    if not Path(init).exists():
        raise StyleError(f"--init must be {', '.join(INITS[:-1])} or the path of an image, got {init!r}")
    return init, "image"


def _shape(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise StyleError(f"--shape must be height x width, such as 2x3, got {text!r}")
    return int(parts[0]), int(parts[1])


def _bits(bits: int) -> Any:
    if bits not in (8, 16):
        raise StyleError(f"--bits must be 8 or 16, got {bits}")
    return bits
