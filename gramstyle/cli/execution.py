"""How a transfer is run, as the command line says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated

import typer

from gramstyle.cli.console import say
from gramstyle.cli.run import tile_size
from gramstyle.transfer.execution import Asked, one_way
from gramstyle.transfer.planner import in_words
from gramstyle.transfer.run import Transfer

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True, kw_only=True)
class Ways:
    """What was given of these options."""

    tile: Annotated[
        str | None,
        typer.Option(
            "--tile",
            metavar="SIZE",
            help="Run the network in tiles of SIZE pixels, in memory that does not grow with the image; "
            "`auto` where a step would take more than 3 GiB (60 % of a GPU), `off` never. The result is the "
            "same, to rounding. Default: auto.",
        ),
    ] = None
    memory_limit: Annotated[
        str | None,
        typer.Option(
            "--memory-limit",
            metavar="SIZE",
            help="Memory that there is, such as 2GB or 800MB: images run whole, with gradient checkpointing, "
            "or in the largest tiles that fit.",
        ),
    ] = None
    gradient_checkpointing: Annotated[
        bool,
        typer.Option(
            "--gradient-checkpointing",
            help="Keep the maps at taps alone, and compute those between them again for the gradient.",
        ),
    ] = False
    deterministic: Annotated[
        bool,
        typer.Option(
            "--deterministic", help="Refuse operations whose result depends on threads; a cpu has none here."
        ),
    ] = False

    def asked(self) -> Asked:
        """How a transfer may be run; ``auto`` where nothing is said.

        Raises:
            StyleError: for options that contradict each other.
            ValueError: for a tile or limit that is none.
        """
        given = one_way(
            {
                "--memory-limit": self.memory_limit is not None,
                "--tile": self.tile is not None,
                "--gradient-checkpointing": self.gradient_checkpointing,
            }
        )
        return Asked(
            tile=tile_size(self.tile or ("off" if given else "auto")),
            memory_limit=None if self.memory_limit is None else byte_size(self.memory_limit),
            gradient_checkpointing=self.gradient_checkpointing,
            deterministic=self.deterministic,
        )


def byte_size(text: str) -> int:
    """Bytes of ``2GB`` (thousands), ``2GiB`` (1024s) or a number.

    Raises:
        ValueError: if it is none.
    """
    found = SIZE.fullmatch(text.strip())
    unit = 0 if found is None else (1024 if found[3] else 1000) ** POWERS[found[2].upper()]
    if found is None or float(found[1]) * unit < 1:
        raise ValueError(f"--memory-limit must be a size such as 2GB, 1.5GiB or 800MB, got {text!r}")
    return int(float(found[1]) * unit)


def say_execution(transfer: Transfer) -> None:
    """Say what was chosen, where that is not plain."""
    if not transfer.asked.chooses:
        return
    scales = range(len(transfer.settings.sizes))
    ways = [transfer.execution(scale) for scale in scales]
    if transfer.asked.memory_limit is None and all(one.words == "whole" for one in ways):
        return
    parts = []
    for words, group in groupby(scales, key=lambda scale: ways[scale].words):
        first, *rest = group
        which = f"scales {first + 1} to {rest[-1] + 1}" if rest else f"scale {first + 1}"
        parts.append(f"{which} of {len(ways)} {words}")
    most = max(one.estimate or 0 for one in ways)
    say.note(f"{'; '.join(parts)}: at most {in_words(most)}, by estimate")
