"""The gradient of a function of an image's moments, one tile at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gramstyle.extract.regions import Plan
from gramstyle.gram import Moments, gradient_of_part
from gramstyle.numerics import wide
from gramstyle.tiles.measure import Measured, counter, measure
from gramstyle.tiles.work import Work
from gramstyle.types import Progress

Pulls: TypeAlias = Mapping[str, tuple[Tensor | None, Tensor | None]]
"""Tap -> gradients of its second moment (1, C, C) and its mean (1, C)."""


def differentiable(image: Tensor, work: Work, *, progress: Progress | None = None) -> dict[str, Moments]:
    """The moments of `measure`, through which gradients flow to `image` (1, 3, H, W).

    No tile is kept for the backward pass, which runs each again.
    """
    found = _Moments.apply(image, work, progress)
    return {tap: Moments(*found[3 * at : 3 * at + 3]) for at, tap in enumerate(work.program.taps)}


class _Moments(torch.autograd.Function):
    """Moments of all tiles, as a flat tuple."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, work: Work, progress: Progress | None) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(image)  # refuses a backward pass once the image has changed
        ctx.work, ctx.progress = work, progress
        ctx.measured = measure(work, progress=progress)
        flat = [one for moments in ctx.measured.moments.values() for one in moments]
        ctx.mark_non_differentiable(*flat[2::3])
        return tuple(flat)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        (image,) = ctx.saved_tensors
        pairs = zip(gradients[0::3], gradients[1::3], strict=True)
        pulls = {
            tap: pair for tap, pair in zip(ctx.work.program.taps, pairs, strict=True) if pair != (None, None)
        }
        return image_gradient(image, ctx.work, ctx.measured, pulls, ctx.progress), None, None


def image_gradient(
    image: Tensor, work: Work, measured: Measured, pulls: Pulls, progress: Progress | None = None
) -> Tensor:
    """Gradient (1, 3, H, W) of a function of the moments, whose gradients with respect to these are given.

    Rounds are taken from the last to the first. In each, what was known before it is held constant and
    gets a gradient of its own, which the earlier round that made it passes on: the chain rule, so that
    global means cost rounds and no memory. Tiles overlap in pixels, where their gradients add up.
    """
    found = torch.zeros_like(image, dtype=torch.promote_types(image.dtype, torch.float32))
    of_means: dict[str, Tensor] = {}
    for level in reversed(range(work.program.levels)):
        taps = {tap: step for tap, step in work.program.taps_of(level).items() if tap in pulls}
        means = {name: step for name, step in work.program.means_of(level).items() if name in of_means}
        tick = counter(work, level, progress, "gradient of tiles")
        for tile in work.plans({*taps.values(), *means.values()}):
            pulled = _Tile(work, tile, measured)
            for step in pulled.cores:
                for tap in (tap for tap, source in taps.items() if source == step):
                    pulled.pull_tap(step, measured.moments[tap], *pulls[tap])
                    tick(tap)
                for name in (name for name, source in means.items() if source == step):
                    pulled.pull_mean(step, of_means[name])
                    tick(step)
            pulled.release(found, of_means)
    return found.to(image.dtype)


class _Tile:
    """One tile with its graph, from pixels and global means to the cores of its maps."""

    def __init__(self, work: Work, tile: Plan, measured: Measured) -> None:
        self.work, self.tile = work, tile
        used = {step.name for step in tile.order}
        self.means = {
            name: value.detach().requires_grad_() for name, value in measured.means.items() if name in used
        }
        self.pixels = work.pixels(tile).detach().requires_grad_()
        with torch.enable_grad():
            self.cores = dict(work.run(tile, self.pixels, self.means))
        self.pulls = {step: torch.zeros_like(core) for step, core in self.cores.items()}

    def pull_tap(self, step: str, moments: Moments, second: Tensor | None, mean: Tensor | None) -> None:
        """Add what the moments of a tap ask of its core."""
        core = self.cores[step].detach()
        self.pulls[step] += gradient_of_part(core, self.work.weights(step, self.tile), moments, second, mean)

    def pull_mean(self, step: str, gradient: Tensor) -> None:
        """Add what a global mean asks of the map that it is the mean of."""
        core = self.cores[step]
        self.pulls[step] += (gradient / self.work.positions(step)).to(core.dtype)[:, :, None, None]

    def release(self, image: Tensor, means: dict[str, Tensor]) -> None:
        """Take the tile back to its pixels, and add their gradient to that of the image."""
        leaves = [self.pixels, *self.means.values()]
        steps = list(self.cores)
        found = torch.autograd.grad(
            [self.cores[step] for step in steps],
            leaves,
            [self.pulls[step] for step in steps],
            allow_unused=True,
        )
        rows, columns = (slice(*one) for one in self.tile.regions[self.work.program.image])
        if found[0] is not None:
            image[:, :, rows, columns] += found[0].to(image)
        for name, gradient in zip(self.means, found[1:], strict=True):
            if gradient is not None:
                means[name] = means[name] + wide(gradient) if name in means else wide(gradient)
