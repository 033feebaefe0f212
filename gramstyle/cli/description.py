"""How images are described, as options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gramstyle.cli import options
from gramstyle.cli.run import Run, run_settings
from gramstyle.images import MAX_PIXELS
from gramstyle.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """Which statistic of which features; None where nothing was said."""

    backbone: options.Backbone = None
    taps: options.Taps = None
    gram: options.Gram = None
    norm: options.NormName = None
    center: options.Center = False
    metric: options.MetricName = None
    sparsity: options.Sparsity = None

    def settings(self) -> dict[str, Any]:
        """Settings of a recipe, but for its backbone."""
        return {
            "taps": options.comma_list(self.taps),
            "statistic": self.gram,
            "norm": self.norm,
            "center": self.center,
            "metric": self.metric,
            "sparsity": self.sparsity,
        }


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """A preset, and how images are prepared; None where nothing was said."""

    preset: options.Preset = None
    size: options.Size = None
    crop: options.Crop = None
    alpha: options.Alpha = None
    background: options.Background = None

    def recipes(self, statistic: Statistic, seed: int | None) -> list[Recipe]:
        """As `options.recipes`."""
        colour = options.colour(self.background)
        prepared = {"resize": self.size, "crop": self.crop, "alpha": self.alpha, "background": colour}
        settings, own = statistic.settings(), given(statistic)
        return options.recipes(statistic.backbone, self.preset, seed, prepared, settings, own)


def given(*records: Statistic | Preparation) -> list[str]:
    """The options of `records` that the user gave."""
    values = {name: value for one in records for name, value in vars(one).items()}
    said = [name for name, value in values.items() if value not in (None, False, [])]
    return [f"--{name.replace('_', '-')}" for name in said]


@dataclass(frozen=True, kw_only=True)
class Describing:
    """Where networks run, and which files they are given."""

    on_error: options.OnErrorOption = options.OnError.fail
    device: options.Device = "auto"
    dtype: options.Dtype = "float32"
    batch_size: options.BatchSize = 8
    seed: options.Seed = None
    kernel: options.KernelName = "auto"
    weights_dir: options.WeightsDir = None
    tile: options.TileSize = "auto"
    max_pixels: options.MaxPixels = MAX_PIXELS
    quiet: options.Quiet = False

    def run(self) -> Run:
        """Settings of a run, checked."""
        return run_settings(
            self.device, self.dtype, self.batch_size, self.kernel, self.weights_dir, self.tile
        )
