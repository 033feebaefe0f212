"""gramstyle video: films in the style of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from gramstyle import check
from gramstyle.cli import options
from gramstyle.cli.balance import Balance
from gramstyle.cli.console import say
from gramstyle.cli.film import Output, Rate, check_place, rate_of
from gramstyle.cli.optimisation import Optimisation
from gramstyle.cli.proofing import Proofing
from gramstyle.cli.running import Running
from gramstyle.cli.scales import Scales
from gramstyle.cli.screen import Screen
from gramstyle.cli.spread import spread
from gramstyle.cli.transfer_options import PresetName, Styles, StyleWeights
from gramstyle.cli.transfer_settings import settings_of, style_files
from gramstyle.errors import StyleError
from gramstyle.film import check_film, open_film
from gramstyle.transfer.presets import DEFAULT
from gramstyle.transfer.settings import INITS
from gramstyle.transfer.video import FrameState, VideoJob, VideoSettings, VideoWork

EXAMPLES = """
**Examples**

`gramstyle video clip.mp4 painting.jpg -o out.mp4 --size 480`

`gramstyle video clip.gif painting.jpg -o out.gif --look-back 1,2,4`

`gramstyle video frames/ painting.jpg -o out.mp4 --fps 24 --keep-frames done/`
"""


@dataclass(frozen=True, kw_only=True)
class FrameScales(Scales):
    """The scales of frames, which are as large as the film's."""

    size: Annotated[
        int | None,
        typer.Option("--size", "-s", min=1, help="Longer side of frames, in pixels. Default: the film's."),
    ] = None


@spread
def video(
    content: Annotated[
        Path, typer.Argument(metavar="CONTENT", help="Film: a video, an animated image, a folder of frames.")
    ],
    styles: Styles,
    output: Output,
    style_weights: StyleWeights = None,
    preset: PresetName = DEFAULT,
    scales: FrameScales = FrameScales(),
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
    balance: Balance = Balance(),
    init: Annotated[
        str | None,
        typer.Option("--init", help=f"What scenes begin with: {', '.join(INITS[:-1])}."),
    ] = None,
    optimisation: Optimisation = Optimisation(),
    keep_frames: Annotated[
        Path | None,
        typer.Option("--keep-frames", metavar="FOLDER", help="Write numbered frames to this folder too."),
    ] = None,
    proofing: Proofing = Proofing(),
    running: Running = Running(),
) -> None:
    """Give a film the style of images, without flicker.

    Each frame begins with those before it, moved along the optical flow, and is held to them. A run
    that is stopped, even by `kill -9`, goes on where it was when the same command is given again.
    OUTPUT.json beside the film says what made it; `gramstyle rerun` makes it again.
    """
    say.quiet = running.quiet
    with options.usage():
        check_film(output)
        film = open_film(content, rate=rate_of(rate), max_pixels=running.max_pixels)
        settings = settings_of(
            preset,
            scales,
            optimisation,
            balance,
            size=scales.size or max(film.size),
            temporal_weight=temporal_weight,
            init=None if init is None else check.name_in("init", init, INITS[:-1]),
        )
        job = VideoJob(
            content=str(content),
            styles=style_files(styles, style_weights),
            output=str(output),
            settings=settings,
            video=VideoSettings(frame_iterations=frame_iterations, look_back=_look_back(look_back), cut=cut),
            rate=None if rate is None else str(film.rate),
            keep_frames=None if keep_frames is None else str(keep_frames),
            **proofing.of_job(),
        )
        where = running.of_work()
    do_video(job, where, running.fresh)


video.__doc__ = (video.__doc__ or "") + EXAMPLES


def do_video(job: VideoJob, where: Mapping[str, Any], fresh: bool = False) -> VideoWork:
    """Do a job and say how it goes.

    Args:
        job: what to do.
        where: arguments of `VideoWork`; see `Running.of_work`.
        fresh: begin anew, whatever an earlier run has left.
    """
    with options.usage():
        check_place(Path(job.output))
    screen = Screen()
    with screen.bars():
        work = VideoWork(job, **where, progress=screen)
    if fresh:
        work.kept.clear()
    done = work.resume()
    if done:
        say.note(f"going on after frame {done} of an earlier run")
    try:
        frames = work.film.count
        with screen.steps("video", frames, done) as show:
            for state in work.states():
                show(state.done, _where(state, frames), state.state.losses)
    except KeyboardInterrupt:
        say.note(f"finished frames are in {work.kept.folder}; the same command goes on from them")
        raise
    for note in work.notes:
        say.note(note)
    say.note(f"wrote {job.output} and {work.manifest_path.name}")
    return work


def _where(state: FrameState, frames: int | None) -> str:
    """Where a film is, in words."""
    frame = f"frame {state.frame + 1}" + ("" if frames is None else f" of {frames}")
    return f"{frame}, step {state.state.step} of {state.state.steps}" + (", a new scene" if state.cut else "")


def _look_back(text: str) -> tuple[int, ...]:
    parts = options.comma_list(text) or []
    if not all(part.isdecimal() for part in parts):
        raise StyleError(f"--look-back must be numbers of frames, such as 1,2,4, got {text!r}")
    return tuple(map(int, parts))
