"""Steps of Adam or L-BFGS on a canvas, and what is carried from one scale to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from gramstyle.transfer.canvas import Canvas

OptimizerName: TypeAlias = Literal["adam", "lbfgs"]
OPTIMIZERS: tuple[OptimizerName, ...] = ("adam", "lbfgs")


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """How a canvas is changed.

    Attributes:
        name: ``adam`` (Kingma and Ba 2015) or ``lbfgs`` (Liu and Nocedal 1989, one iteration a step).
        step_size: learning rate; of L-BFGS a factor on its own step, usually 1.
        betas: decays of Adam's moments.
        history: pairs that L-BFGS remembers.
    """

    name: OptimizerName = "adam"
    step_size: float = 0.02
    betas: tuple[float, float] = (0.9, 0.99)
    history: int = 10


class Optimizer:
    """One of torch's optimisers on one canvas.

    Args:
        canvas: what is changed.
        settings: how.
        before: the optimiser of the scale before, with its canvas: Adam's moments are taken over,
            resized, and its count of steps with them (crowsonkb/style-transfer-pytorch); L-BFGS
            begins anew, because its pairs of differences are of another space.
    """

    def __init__(self, canvas: Canvas, settings: OptimizerSettings, before: Optimizer | None = None) -> None:
        self.canvas = canvas
        self.settings = settings
        self._torch: torch.optim.Optimizer
        if settings.name == "adam":
            self._torch = torch.optim.Adam([canvas.numbers], lr=settings.step_size, betas=settings.betas)
            if before is not None:
                self._take_over(before)
        else:
            self._torch = torch.optim.LBFGS(
                [canvas.numbers],
                lr=settings.step_size,
                max_iter=1,
                history_size=settings.history,
                tolerance_grad=0,
                tolerance_change=0,
            )

    def step(self, closure: Callable[[], Tensor]) -> None:
        """One step. `closure` leaves the gradient in `canvas.numbers` and returns the loss."""
        self._torch.step(closure)  # type: ignore[arg-type]
        self.canvas.constrain()

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._torch.zero_grad(set_to_none=True)

    def _take_over(self, before: Optimizer) -> None:
        old = before._torch.state.get(before.canvas.numbers)
        if not old:
            return
        size = self.canvas.size
        self._torch.state[self.canvas.numbers] = {
            "step": old["step"].clone(),
            "exp_avg": before.canvas.resized(old["exp_avg"], size, positive=False),
            "exp_avg_sq": before.canvas.resized(old["exp_avg_sq"], size, positive=True),
        }

    def state(self) -> dict[str, Tensor]:
        """What `restore` goes on from: tensors by name."""
        return dict(_flattened("", self._torch.state.get(self.canvas.numbers, {})))

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from `state`."""
        lists: dict[str, Any] = {}
        if state and self.settings.name == "lbfgs":
            lists = {"old_dirs": [], "old_stps": [], "ro": []}  # which a first step leaves empty
        self._torch.state[self.canvas.numbers] = lists | _nested(state)


SCRATCH = "al"
"""What torch's L-BFGS fills anew at every step."""


def _flattened(prefix: str, value: Any) -> list[tuple[str, Tensor]]:
    """Tensors and numbers of a state with the path of each; numbers are marked with their type."""
    if isinstance(value, Tensor):
        return [(prefix, value)]
    if isinstance(value, Mapping):
        return [one for key, item in value.items() if key != SCRATCH for one in _flattened(key, item)]
    if isinstance(value, list):
        return [one for at, item in enumerate(value) for one in _flattened(f"{prefix}#{at}", item)]
    if value is None:
        return []
    return [(f"{prefix}={type(value).__name__}", torch.tensor(value, dtype=torch.float64))]


def _nested(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """The state that `_flattened` took apart."""
    found: dict[str, Any] = {}
    lists: dict[str, dict[int, Tensor]] = {}
    for path, value in state.items():
        path, _, kind = path.partition("=")
        name, _, place = path.partition("#")
        if place:
            lists.setdefault(name, {})[int(place)] = value.clone()
        else:
            found[name] = {"int": int, "float": float}[kind](value) if kind else value.clone()
    return found | {name: [one[at] for at in sorted(one)] for name, one in lists.items()}
