"""The optimisation at one scale."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from gramstyle.transfer.averaging import Average
from gramstyle.transfer.canvas import Canvas
from gramstyle.transfer.objective import Objective
from gramstyle.transfer.optimizer import Optimizer
from gramstyle.transfer.settings import TransferSettings


class Stage:
    """The optimisation at one scale."""

    def __init__(
        self, canvas: Canvas, objective: Objective, settings: TransferSettings, before: Stage | None
    ) -> None:
        self.canvas = canvas
        self.objective = objective
        earlier: Optimizer | None = None if before is None else before.optimizer
        self.optimizer: Optimizer = Optimizer(canvas, settings.optimizer, earlier)
        self.average = Average(settings.averaging)

    def step(self) -> dict[str, float]:
        """One step; the terms before it."""
        losses: dict[str, float] = {}

        def closure() -> Tensor:
            self.optimizer.zero_grad()
            image = self.canvas.image()
            terms, gradient = self.objective.evaluate(image)
            losses.update(terms)
            torch.autograd.backward(image, gradient)
            return torch.tensor(math.fsum(terms.values()), dtype=torch.float64)

        self.optimizer.step(closure)
        self.average.add(self.canvas.image())
        return losses

    @property
    def shown(self) -> Tensor:
        """The average of iterates, (3, H, W)."""
        return self.average.value[0]

    def tensors(self) -> dict[str, Tensor]:
        """Copies, by name."""
        parts = {
            "canvas": {"numbers": self.canvas.numbers},
            "optimizer": self.optimizer.state(),
            "average": self.average.state(),
        }
        return {
            f"{part}.{name}": tensor.detach().cpu().clone().contiguous()
            for part, tensors in parts.items()
            for name, tensor in tensors.items()
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        device = self.canvas.numbers.device

        def part(prefix: str, place: Callable[[Tensor], Tensor]) -> dict[str, Tensor]:
            length = len(prefix) + 1
            return {
                name[length:]: place(one) for name, one in tensors.items() if name.startswith(f"{prefix}.")
            }

        with torch.no_grad():
            self.canvas.numbers.copy_(tensors["canvas.numbers"])
        self.optimizer.restore(part("optimizer", lambda one: one.to(device) if one.ndim else one))
        self.average.restore(part("average", lambda one: one.to(device) if one.ndim else one))
