"""Where and how transfers are run, as options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from gramstyle.cli import options
from gramstyle.cli.execution import Ways
from gramstyle.cli.run import run_settings
from gramstyle.images import MAX_PIXELS
from gramstyle.transfer.work import SAVE_EVERY


@dataclass(frozen=True, kw_only=True)
class Running:
    """Where networks run, and how a run is kept."""

    save_every: Annotated[
        int, typer.Option("--save-every", min=1, help="Steps after which the run is kept, to go on from.")
    ] = SAVE_EVERY
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, whatever an earlier run has left.")] = (
        False
    )
    device: options.Device = "auto"
    dtype: options.Dtype = "float32"
    kernel: options.KernelName = "auto"
    weights_dir: options.WeightsDir = None
    max_pixels: options.MaxPixels = MAX_PIXELS
    quiet: options.Quiet = False
    ways: Ways = field(default_factory=Ways)

    def of_work(self) -> dict[str, Any]:
        """Arguments of `Work`, `Batch` and `VideoWork`.

        Raises:
            UnknownNameError: for a device, precision or kernel that does not exist.
            StyleError, ValueError: as `Ways.asked`.
        """
        run = run_settings(self.device, self.dtype, 1, self.kernel, self.weights_dir)
        where = {name: getattr(run, name) for name in ("device", "dtype", "kernel", "weights_dir")}
        kept = {"save_every": self.save_every, "max_pixels": self.max_pixels}
        return {**where, **kept, "asked": self.ways.asked()}

    def of_batch(self) -> dict[str, Any]:
        """Arguments of `Batch`; errors as `of_work`."""
        return {**self.of_work(), "fresh": self.fresh}
