"""gramstyle video: films in the style of images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gramstyle import check
from gramstyle.cli import options
from gramstyle.cli.console import bars, say
from gramstyle.cli.execution import Ways
from gramstyle.cli.film import Output, Rate, check_place, rate_of
from gramstyle.cli.fine import Fine
from gramstyle.cli.run import Run, run_settings
from gramstyle.cli.spread import spread
from gramstyle.cli.transfer_options import (
    Averaging,
    BackboneName,
    ColorWeight,
    ContentTaps,
    ContentWeight,
    FirstIterations,
    Fresh,
    GramName,
    Iterations,
    MetricName,
    MinSize,
    OptimizerName,
    ParameterizationName,
    PoolingName,
    PreserveColor,
    PresetName,
    SaveEvery,
    Seed,
    StepSize,
    Styles,
    StyleScale,
    StyleSize,
    StyleTaps,
    StyleWeight,
    StyleWeights,
    TapWeights,
    TvWeight,
)
from gramstyle.cli.transfer_settings import changed, settings_of, style_files
from gramstyle.errors import StyleError
from gramstyle.film import check_film, open_film
from gramstyle.images import MAX_PIXELS
from gramstyle.transfer.execution import Asked
from gramstyle.transfer.presets import DEFAULT
from gramstyle.transfer.settings import INITS
from gramstyle.transfer.video import FrameState, VideoJob, VideoSettings, VideoWork
from gramstyle.transfer.work import SAVE_EVERY

EXAMPLES = """
**Examples**

`gramstyle video clip.mp4 painting.jpg -o out.mp4 --size 480`

`gramstyle video clip.gif painting.jpg -o out.gif --look-back 1,2,4`

`gramstyle video frames/ painting.jpg -o out.mp4 --fps 24 --keep-frames done/`
"""


@spread
def video(
    content: Annotated[
        Path, typer.Argument(metavar="CONTENT", help="Film: a video, an animated image, a folder of frames.")
    ],
    styles: Styles,
    output: Output,
    preset: PresetName = DEFAULT,
    style_weights: StyleWeights = None,
    size: Annotated[
        int | None,
        typer.Option("--size", "-s", min=1, help="Longer side of frames, in pixels. Default: the film's."),
    ] = None,
    rate: Rate = None,
    temporal_weight: Annotated[
        float | None,
        typer.Option("--temporal-weight", min=0, help="More changes less from frame to frame; 0 for none."),
    ] = None,
    frame_iterations: Annotated[
        int, typer.Option("--frame-iterations", min=1, help="Steps of each frame but the first of a scene.")
    ] = VideoSettings.frame_iterations,
    look_back: Annotated[
        str,
        typer.Option(
            "--look-back",
            metavar="N,N,...",
            help="Which earlier frames a frame is held to; 1,2,4 knows again what was hidden for a moment.",
        ),
    ] = ",".join(map(str, VideoSettings.look_back)),
    cut: Annotated[
        float,
        typer.Option("--cut", min=0, max=1, help="A frame of which earlier ones show less begins anew."),
    ] = VideoSettings.cut,
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
        typer.Option("--init", help=f"What scenes begin with: {', '.join(INITS[:-1])}."),
    ] = None,
    preserve_color: PreserveColor = None,
    backbone: BackboneName = None,
    style_taps: StyleTaps = None,
    tap_weights: TapWeights = None,
    content_taps: ContentTaps = None,
    metric: MetricName = None,
    gram: GramName = None,
    pooling: PoolingName = None,
    optimizer: OptimizerName = None,
    step_size: StepSize = None,
    averaging: Averaging = None,
    parameterization: ParameterizationName = None,
    seed: Seed = None,
    keep_frames: Annotated[
        Path | None,
        typer.Option("--keep-frames", metavar="FOLDER", help="Write numbered frames to this folder too."),
    ] = None,
    save_every: SaveEvery = SAVE_EVERY,
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
    """Give a film the style of images, without flicker.

    Each frame begins with those before it, moved along the optical flow, and is held to them. A run
    that is stopped, even by `kill -9`, goes on where it was when the same command is given again.
    OUTPUT.json beside the film says what made it; `gramstyle rerun` makes it again.
    """
    say.quiet = quiet
    with options.usage():
        check_film(output)
        film = open_film(content, rate=rate_of(rate), max_pixels=max_pixels)
        settings = settings_of(preset, backbone, metric, gram, pooling, style_taps, tap_weights, content_taps)
        settings = changed(
            fine.applied(settings),
            {
                "size": size or max(film.size),
                "min_size": min_size,
                "iterations": iterations,
                "first_iterations": first_iterations,
                "content_weight": content_weight,
                "style_weight": style_weight,
                "tv_weight": tv_weight,
                "color_weight": color_weight,
                "temporal_weight": temporal_weight,
                "style_scale": style_scale,
                "style_size": style_size,
                "init": init if init is None else check.name_in("init", init, INITS[:-1]),
                "preserve_color": preserve_color,
                "averaging": averaging,
                "seed": seed,
            },
            {"name": optimizer, "step_size": step_size},
            parameterization,
        )
        job = VideoJob(
            content=str(content),
            styles=style_files(styles, style_weights),
            output=str(output),
            settings=settings,
            video=VideoSettings(frame_iterations=frame_iterations, look_back=_look_back(look_back), cut=cut),
            rate=None if rate is None else str(film.rate),
            keep_frames=None if keep_frames is None else str(keep_frames),
        )
        run = run_settings(device, dtype, 1, kernel, weights_dir)
        how = ways.asked()
    do_video(job, run, how, save_every, fresh, max_pixels)


video.__doc__ = (video.__doc__ or "") + EXAMPLES


def do_video(job: VideoJob, run: Run, how: Asked, save_every: int, fresh: bool, max_pixels: int) -> VideoWork:
    """Do a job and say how it goes."""
    with options.usage():
        check_place(Path(job.output))
    with bars() as progress:
        work = VideoWork(
            job,
            save_every=save_every,
            max_pixels=max_pixels,
            device=run.device,
            dtype=run.dtype,
            kernel=run.kernel,
            **how.as_json(),
            weights_dir=run.weights_dir,
            progress=progress,
        )
    if fresh:
        work.kept.clear()
    done = work.resume()
    if done:
        say.note(f"going on after frame {done} of an earlier run")
    try:
        with _shown(work, done) as show:
            for state in work.states():
                show(state)
    except KeyboardInterrupt:
        say.note(f"finished frames are in {work.kept.folder}; the same command goes on from them")
        raise
    for note in work.notes:
        say.note(note)
    say.note(f"wrote {job.output} and {work.manifest_path.name}")
    return work


class _Shown:
    """The frame of a film on one line of a terminal, its terms on another."""

    def __init__(self, bar: Progress, total: int | None, done: int) -> None:
        self._bar = bar
        self._frames = "" if total is None else f" of {total}"
        self._task = bar.add_task("video", total=total, completed=done, terms="")

    def __call__(self, state: FrameState) -> None:
        one = state.state
        terms = "  ".join(f"{name} {value:.2g}" for name, value in one.losses.items())
        where = f"frame {state.frame + 1}{self._frames}, step {one.step} of {one.steps}"
        scene = ", a new scene" if state.cut else ""
        self._bar.update(self._task, completed=state.done, description=where + scene, terms=terms)


@contextmanager
def _shown(work: VideoWork, done: int) -> Iterator[_Shown]:
    console = say.console
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("\n[dim]{task.fields[terms]}[/dim]"),
    )
    hidden = say.quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        yield _Shown(bar, work.film.count, done)


def _look_back(text: str) -> tuple[int, ...]:
    parts = options.comma_list(text) or []
    if not all(part.isdecimal() for part in parts):
        raise StyleError(f"--look-back must be numbers of frames, such as 1,2,4, got {text!r}")
    return tuple(map(int, parts))
