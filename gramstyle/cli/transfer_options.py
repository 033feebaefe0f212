"""Options that the commands of style transfer share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gramstyle.distance import METRICS
from gramstyle.transfer import PARAMETERIZATIONS, PRESERVES, TRANSFERS
from gramstyle.transfer.optimizer import OPTIMIZERS

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
    typer.Option("--size", "-s", min=1, help="Longer side of the result, in pixels."),
]
MinSize = Annotated[
    int | None, typer.Option("--min-size", min=1, help="Longer side of the coarsest scale, in pixels.")
]
Iterations = Annotated[
    int | None,
    typer.Option("--iterations", "-i", min=1, help="Steps at each scale but the first."),
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
PreserveColor = Annotated[
    str | None,
    typer.Option("--preserve-color", help=f"Keep the content's colours: {', '.join(PRESERVES)}."),
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
TraceFile = Annotated[
    Path | None,
    typer.Option(
        "--trace", metavar="FILE.jsonl", help="Write a line of JSON for each step: its terms, its time."
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Begin anew, whatever an earlier run has left.")]
