"""What a command that does several transfers takes besides its images, as `gramstyle transfer` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from gramstyle import check
from gramstyle.cli import options
from gramstyle.cli import transfer_options as declared
from gramstyle.cli.fine import Fine
from gramstyle.cli.run import Run, run_settings
from gramstyle.cli.transfer_settings import changed, settings_of, start_of
from gramstyle.images import MAX_PIXELS
from gramstyle.transfer import TransferSettings
from gramstyle.transfer.presets import DEFAULT
from gramstyle.transfer.settings import INITS
from gramstyle.transfer.work import SAVE_EVERY

Init = Annotated[
    str | None,
    typer.Option("--init", help=f"What to begin with: {', '.join(INITS[:-1])}, or the path of an image."),
]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Settings of all transfers, where and how they run."""

    preset: declared.PresetName = DEFAULT
    size: declared.Size = None
    min_size: declared.MinSize = None
    iterations: declared.Iterations = None
    first_iterations: declared.FirstIterations = None
    content_weight: declared.ContentWeight = None
    style_weight: declared.StyleWeight = None
    tv_weight: declared.TvWeight = None
    color_weight: declared.ColorWeight = None
    style_scale: declared.StyleScale = None
    style_size: declared.StyleSize = None
    init: Init = None
    preserve_color: declared.PreserveColor = None
    backbone: declared.BackboneName = None
    style_taps: declared.StyleTaps = None
    tap_weights: declared.TapWeights = None
    content_taps: declared.ContentTaps = None
    metric: declared.MetricName = None
    gram: declared.GramName = None
    pooling: declared.PoolingName = None
    optimizer: declared.OptimizerName = None
    step_size: declared.StepSize = None
    averaging: declared.Averaging = None
    parameterization: declared.ParameterizationName = None
    seed: declared.Seed = None
    bits: declared.Bits = 8
    save_every: declared.SaveEvery = SAVE_EVERY
    fresh: declared.Fresh = False
    device: options.Device = "auto"
    dtype: options.Dtype = "float32"
    kernel: options.KernelName = "auto"
    weights_dir: options.WeightsDir = None
    max_pixels: options.MaxPixels = MAX_PIXELS
    quiet: options.Quiet = False

    def settings(self, fine: Fine) -> tuple[TransferSettings, str | None]:
        """The settings, and the path of an image to begin with.

        Raises:
            UnknownNameError: for a name that does not exist.
            StyleError, ValueError: for settings out of range, or that contradict each other.
        """
        start, init = start_of(self.init)
        settings = settings_of(
            self.preset,
            self.backbone,
            self.metric,
            self.gram,
            self.pooling,
            self.style_taps,
            self.tap_weights,
            self.content_taps,
        )
        plain = {name: getattr(self, name) for name in _PLAIN} | {"init": init}
        steps = {"name": self.optimizer, "step_size": self.step_size}
        return changed(fine.applied(settings), plain, steps, self.parameterization), start

    def run(self) -> Run:
        """Where and how networks run."""
        return run_settings(self.device, self.dtype, 1, self.kernel, self.weights_dir)

    def of_batch(self) -> dict[str, Any]:
        """Arguments of `gramstyle.transfer.Batch`."""
        run = self.run()
        return {
            "device": run.device,
            "dtype": run.dtype,
            "kernel": check.name_in("kernel", run.kernel, ("auto", "reference", "fused")),
            "weights_dir": run.weights_dir,
            "save_every": self.save_every,
            "max_pixels": self.max_pixels,
            "fresh": self.fresh,
        }


_PLAIN = (
    "size",
    "min_size",
    "iterations",
    "first_iterations",
    "content_weight",
    "style_weight",
    "tv_weight",
    "color_weight",
    "style_scale",
    "style_size",
    "preserve_color",
    "averaging",
    "seed",
)
"""Options whose names and values are those of the settings."""
