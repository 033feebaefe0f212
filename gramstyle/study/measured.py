"""Assessed conditions on disk, so that a study that was killed goes on where it was."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gramstyle.errors import StyleError
from gramstyle.extract import backbone
from gramstyle.files import replacing
from gramstyle.study.assess import Assessed
from gramstyle.study.cache import holds
from gramstyle.study.depth import taps_together
from gramstyle.study.results import TOGETHER, Condition, Estimate, Split

FORMAT = 1
"""Counts up when the same settings would give other numbers."""

JSON, MATRIX = "json", "matrix"
"""Entries of a file beside ``draws/QUESTION/NAME/SPLIT``."""


class MeasuredStore:
    """A folder with one file per condition.

    Args:
        folder: made when first written to.
        made_by: everything beside the condition that its estimates depend on.
    """

    def __init__(self, folder: Path, made_by: Mapping[str, Any]) -> None:
        self.folder = folder
        self._made_by = json.dumps({**made_by, "format": FORMAT}, sort_keys=True)

    def has(self, condition: Condition, weights: str) -> bool:
        """Whether a condition is there, measured with the weights of that sha256."""
        return holds(self._path(condition, weights))

    def write(
        self, assessed: Assessed, weights: str, matrix: NDArray[np.float64] | None, facts: Mapping[str, float]
    ) -> None:
        """Keep what one matrix showed, the matrix itself where it is given, and facts about it."""
        arrays: dict[str, NDArray[Any]] = {
            f"draws/{question}/{name}/{split}": draws
            for (question, name, split), draws in assessed.draws.items()
        }
        plain = [{**asdict(one), "condition": None} for one in assessed.estimates]
        text = json.dumps({"estimates": plain, "facts": dict(facts)})
        arrays[JSON] = np.frombuffer(text.encode(), dtype=np.uint8)
        if matrix is not None:
            arrays[MATRIX] = matrix[np.triu_indices(len(matrix), k=1)].astype(np.float32)
        path = self._path(assessed.condition, weights)
        with replacing(path, durable=False) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    def read(self, condition: Condition, weights: str) -> tuple[Assessed, dict[str, float]]:
        """What `write` kept.

        Raises:
            StyleError: if the file is damaged.
        """
        kept = self._read(condition, weights, without=MATRIX)
        plain = json.loads(bytes(kept.pop(JSON)).decode())
        draws: dict[tuple[str, str, Split], NDArray[np.float64]] = {}
        for entry, drawn in kept.items():
            _, question, name, split = entry.split("/")
            draws[question, name, cast(Split, split)] = drawn
        estimates = tuple(Estimate(**{**one, "condition": condition}) for one in plain["estimates"])
        return Assessed(condition=condition, estimates=estimates, draws=draws), plain["facts"]

    def matrix(self, condition: Condition, weights: str) -> NDArray[np.float64]:
        """The distances (N, N), to single precision.

        Raises:
            StyleError: if they were not kept, or the file is damaged.
        """
        kept = self._read(condition, weights)
        if MATRIX not in kept:
            raise StyleError(f"the distances of {condition} were not kept")
        upper = kept[MATRIX].astype(np.float64)
        size = round((1 + (1 + 8 * len(upper)) ** 0.5) / 2)
        matrix = np.zeros((size, size))
        matrix[np.triu_indices(size, k=1)] = upper
        return matrix + matrix.T

    def _read(self, condition: Condition, weights: str, without: str = "") -> dict[str, NDArray[Any]]:
        """Every array of a file but one; the checksum of each is compared as it is read."""
        path = self._path(condition, weights)
        try:
            # opened here, because numpy (2.4) leaves a file open that it cannot load
            with path.open("rb") as data, np.load(data, allow_pickle=False) as file:
                return {name: file[name] for name in file.files if name != without}
        except (zipfile.BadZipFile, ValueError, EOFError) as error:
            raise StyleError(f"{path} is damaged ({error}): remove it and run the study again") from error

    def _path(self, condition: Condition, weights: str) -> Path:
        averaged = condition.tap in TOGETHER
        made_of = [taps_together(backbone(condition.backbone), condition.tap)] if averaged else []
        text = json.dumps([self._made_by, weights, asdict(condition), *made_of], sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.npz"
