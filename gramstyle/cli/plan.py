"""What an image made of a content shall be, as options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from gramstyle.cli.balance import Balance
from gramstyle.cli.optimisation import Optimisation
from gramstyle.cli.proofing import Proofing
from gramstyle.cli.scales import Scales
from gramstyle.cli.transfer_options import Bits, PresetName
from gramstyle.cli.transfer_settings import bits_of, settings_of, start_of
from gramstyle.transfer.presets import DEFAULT
from gramstyle.transfer.settings import INITS


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All settings of a transfer, what it begins with, how fine its output is and what for."""

    preset: PresetName = DEFAULT
    scales: Scales = field(default_factory=Scales)
    balance: Balance = field(default_factory=Balance)
    init: Annotated[
        str | None,
        typer.Option("--init", help=f"What to begin with: {', '.join(INITS[:-1])}, or the path of an image."),
    ] = None
    optimisation: Optimisation = field(default_factory=Optimisation)
    bits: Bits = 8
    proofing: Proofing = field(default_factory=Proofing)

    def of_job(self) -> dict[str, Any]:
        """Arguments of `Job`, `Grid` and `Walk`.

        Raises:
            UnknownNameError: for a name that does not exist.
            StyleError, ValueError: for settings out of range, or that contradict each other.
            ImageError: for a profile that cannot be read.
        """
        start, init = start_of(self.init)
        settings = settings_of(self.preset, self.scales, self.optimisation, self.balance, init=init)
        made = {"settings": settings, "start": start, "bits": bits_of(self.bits)}
        return made | self.proofing.of_job()
