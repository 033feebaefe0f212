"""The press or printer that a result is for, as options."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.images import SoftProof
from gramstyle.images.proof import INTENTS


@dataclass(frozen=True, kw_only=True)
class Proofing:
    """What was given of these options."""

    proof: Annotated[
        Path | None,
        typer.Option(
            "--proof",
            metavar="PROFILE",
            help="ICC profile of a press or printer: images are seen in the colours that it reproduces.",
        ),
    ] = None
    proof_intent: Annotated[
        str | None,
        typer.Option(
            "--proof-intent",
            help=f"{' or '.join(INTENTS)}: colours that --proof lacks are clipped, or all are moved. "
            f"Default: {INTENTS[0]}.",
        ),
    ] = None

    def of_job(self) -> dict[str, Any]:
        """Arguments of `Job`, `Grid`, `Walk` and `VideoJob`.

        Raises:
            ImageError, StyleError: as `SoftProof`; and for an intent without a profile.
            UnknownNameError: for another intent.
        """
        intent: Any = check.name_in("proof_intent", self.proof_intent or INTENTS[0], INTENTS)
        if self.proof is None:
            if self.proof_intent is not None:
                raise StyleError("--proof-intent needs --proof, the ICC profile of a press or printer")
            return {}
        SoftProof(self.proof, intent)  # for its errors, before any work
        return {"proof": str(self.proof), "proof_intent": intent}
