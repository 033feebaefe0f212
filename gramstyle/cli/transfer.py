"""gramstyle transfer, texture and rerun: images optimised to have the style of others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gramstyle import check
from gramstyle.cli import options
from gramstyle.cli.console import bars, check_writable, say
from gramstyle.cli.execution import (
    Ways,
    asked,
    say_execution,
)
from gramstyle.cli.fine import Fine
from gramstyle.cli.run import Run, run_settings
from gramstyle.cli.spread import spread
from gramstyle.cli.transfer_options import (
    Averaging,
    BackboneName,
    Bits,
    ColorWeight,
    ContentTaps,
    ContentWeight,
    FirstIterations,
    FrameEvery,
    Frames,
    Fresh,
    GramName,
    Iterations,
    MetricName,
    MinSize,
    OptimizerName,
    Output,
    ParameterizationName,
    PoolingName,
    PreserveColor,
    PresetName,
    SaveEvery,
    Seed,
    Size,
    StepSize,
    Styles,
    StyleScale,
    StyleSize,
    StyleTaps,
    StyleWeight,
    StyleWeights,
    TapWeights,
    TraceFile,
    TvWeight,
)
from gramstyle.cli.transfer_settings import bits_of, changed, settings_of, start_of, style_files
from gramstyle.cli.video import do_video
from gramstyle.errors import StyleError
from gramstyle.images import MAX_PIXELS
from gramstyle.transfer import State, Trace
from gramstyle.transfer.execution import Asked
from gramstyle.transfer.job import Job
from gramstyle.transfer.manifest import changed_files, read_manifest
from gramstyle.transfer.presets import DEFAULT
from gramstyle.transfer.settings import INITS
from gramstyle.transfer.video import VideoJob
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


@spread
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
    preserve_color: PreserveColor = None,
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
    trace: TraceFile = None,
    fresh: Fresh = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "float32",
    kernel: options.KernelName = "auto",
    weights_dir: options.WeightsDir = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    quiet: options.Quiet = False,
    ways: Ways = Ways(),
    fine: Fine = Fine(),
) -> None:
    """Give an image the style of others, by optimisation.

    A run that is stopped, even by `kill -9`, goes on where it was when the same command is given
    again. OUTPUT.json beside the image says what made it; `gramstyle rerun` makes it again.
    """
    say.quiet = quiet
    with options.usage():
        start, init = start_of(init)
        settings = settings_of(preset, backbone, metric, gram, pooling, style_taps, tap_weights, content_taps)
        settings = changed(
            fine.applied(settings),
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
            styles=style_files(styles, style_weights, mask is not None, style_mask, style_regions),
            output=str(output),
            settings=settings,
            mask=None if mask is None else str(mask),
            start=start,
            bits=bits_of(bits),
        )
        run = run_settings(device, dtype, 1, kernel, weights_dir)
        how = ways.asked()
        check_writable(output, "--output")
        check_writable(trace, "--trace")
    _do(job, run, how, save_every, frames, frame_every, fresh, max_pixels, trace)


transfer.__doc__ = (transfer.__doc__ or "") + EXAMPLES


@spread
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
    trace: TraceFile = None,
    fresh: Fresh = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "float32",
    kernel: options.KernelName = "auto",
    weights_dir: options.WeightsDir = None,
    max_pixels: options.MaxPixels = MAX_PIXELS,
    quiet: options.Quiet = False,
    ways: Ways = Ways(),
    fine: Fine = Fine(),
) -> None:
    """Make a texture like an image: its style, and no content.

    Gatys et al. 2015 (Texture Synthesis Using Convolutional Neural Networks).
    """
    say.quiet = quiet
    with options.usage():
        settings = settings_of(preset, backbone, metric, gram, pooling, style_taps, tap_weights, None)
        settings = changed(
            fine.applied(settings),
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
            styles=style_files(styles, style_weights),
            output=str(output),
            settings=settings,
            shape=_shape(shape),
            bits=bits_of(bits),
        )
        run = run_settings(device, dtype, 1, kernel, weights_dir)
        how = ways.asked()
        check_writable(output, "--output")
        check_writable(trace, "--trace")
    _do(job, run, how, save_every, frames, frame_every, fresh, max_pixels, trace)


def rerun(
    manifest: Annotated[Path, typer.Argument(metavar="MANIFEST", help="The .json beside an image or film.")],
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
    """Make an image or film again from its manifest: the same files, settings, seed and weights.

    It is run in the same way too, whole or in tiles, unless --tile or --memory-limit say another.
    """
    say.quiet = quiet
    with options.usage():
        plain = read_manifest(manifest)
        job: Job | VideoJob = (VideoJob if "video" in plain["job"] else Job).from_json(plain["job"])
        if output is not None:
            job = replace(job, output=str(output))
        if isinstance(job, Job):
            check_writable(Path(job.output), "--output")
        others = changed_files(plain)
        if others:
            raise StyleError(f"files are not what they were when {manifest} was written: {', '.join(others)}")
        run = run_settings(device or plain["device"], plain["dtype"], 1, plain["kernel"], weights_dir)
        how = Asked(**plain.get("execution", {}).get("asked", {}))
        if tile is not None or memory_limit is not None:
            how = asked(tile, memory_limit, False, how.deterministic)
    if isinstance(job, VideoJob):
        digest = do_video(job, run, how, SAVE_EVERY, False, max_pixels).digest
    else:
        digest = _do(job, run, how, SAVE_EVERY, None, 1, False, max_pixels).transfer.digest
    if digest != plain["digest"]:
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
    trace: Path | None = None,
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
    written = None if trace is None else Trace(trace, done)
    began = time.perf_counter()
    with _shown(work, done) as show:
        relay.to = show.tiles
        for state in work.states():
            show(state)
            if written is not None:
                written.add(state, time.perf_counter() - began)
            if frames is not None and state.step % frame_every == 0:
                work.save(frames / f"{state.step:06d}.png", state)
            began = time.perf_counter()
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


def _shape(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise StyleError(f"--shape must be height x width, such as 2x3, got {text!r}")
    return int(parts[0]), int(parts[1])
