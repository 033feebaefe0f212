"""How a transfer is run: whole, with gradient checkpointing, or in tiles, and what memory that takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.tiles import Tile


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a transfer may be run. Its result is the same, to rounding.

    Attributes:
        tile: side of tiles in pixels; ``auto`` for tiles where the maps of a step would take more than 3 GiB
            (60 % of the memory of a GPU); None for whole images.
        memory_limit: bytes that the process may hold on a cpu, or tensors on another device. Images run
            whole where that fits, else with gradient checkpointing, else in the largest tiles that fit.
        gradient_checkpointing: keep the maps at taps alone for the backward pass.
        deterministic: refuse operations whose result depends on the order of threads.

    Raises:
        TypeError, ValueError: for a tile or limit that is none.
        StyleError: for settings that contradict each other.
    """

    tile: Tile | None = None
    memory_limit: int | None = None
    gradient_checkpointing: bool = False
    deterministic: bool = False

    def __post_init__(self) -> None:
        for name in ("tile", "memory_limit"):
            value = getattr(self, name)
            if value is None or (name == "tile" and value == "auto"):
                continue
            if isinstance(value, bool) or not isinstance(value, int):
                unit = "pixels or 'auto'" if name == "tile" else "bytes"
                raise TypeError(f"{name} must be a whole number of {unit}, got {value!r}")
            check.positive(name, value)
        one_way(
            {
                "memory_limit": self.memory_limit is not None,
                "tile": self.tile is not None,
                "gradient_checkpointing": self.gradient_checkpointing,
            }
        )

    @property
    def chooses(self) -> bool:
        """Whether what is done depends on what memory it takes."""
        return self.memory_limit is not None or self.tile == "auto"

    def as_json(self) -> dict[str, Any]:
        """In plain types."""
        return asdict(self)


def one_way(given: Mapping[str, bool]) -> bool:
    """Whether a way to run the network is given, of name -> whether it is.

    Raises:
        StyleError: if several are.
    """
    ways = [name for name, is_given in given.items() if is_given]
    if len(ways) > 1:
        raise StyleError(f"give one of {' and '.join(ways)}: each decides how the network is run")
    return bool(ways)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How one scale is run.

    Attributes:
        tile: side of its tiles in pixels; None for the whole image.
        checkpointed: whether the maps at taps alone are kept for the backward pass.
        style_tile: side of the tiles that larger styles are read in; None reads all whole.
        keep_content: whether tiles keep the features of the content.
        estimate: bytes at most of the process (of tensors, on another device than a cpu), if they were
            estimated.
    """

    tile: int | None = None
    checkpointed: bool = False
    style_tile: int | None = None
    keep_content: bool = False
    estimate: int | None = None

    @property
    def words(self) -> str:
        """For people."""
        if self.tile is not None:
            return f"in tiles of {self.tile} pixels"
        return "whole, with gradient checkpointing" if self.checkpointed else "whole"

    def as_json(self) -> dict[str, Any]:
        """In plain types."""
        return asdict(self)
