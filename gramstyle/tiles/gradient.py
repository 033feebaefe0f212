"""The gradient of a function of an image's features, one tile at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gramstyle.extract.regions import Plan
from gramstyle.gram import Moments, gradient_of_part
from gramstyle.numerics import wide
from gramstyle.tiles.measure import Measured, counter, measure
from gramstyle.tiles.work import Part, Work
from gramstyle.types import Progress

Pull: TypeAlias = Callable[[Mapping[str, Part]], Mapping[str, Tensor]]
"""From what a tile holds of some taps to the gradient of a function of all features there, (1, C, h, w)."""


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
        work: Work = ctx.work
        measured: Measured = ctx.measured
        pairs = zip(gradients[0::3], gradients[1::3], strict=True)
        wanted = {
            tap: pair for tap, pair in zip(work.program.taps, pairs, strict=True) if pair != (None, None)
        }

        def pull(parts: Mapping[str, Part]) -> dict[str, Tensor]:
            return {
                tap: gradient_of_part(part.features, work.weights(part), measured.moments[tap], *wanted[tap])
                for tap, part in parts.items()
            }

        found = image_gradient(image, work, measured.means, wanted, pull, progress=ctx.progress)
        return found, None, None


def image_gradient(
    image: Tensor,
    work: Work,
    means: Mapping[str, Tensor],
    taps: Collection[str],
    pull: Pull,
    *,
    progress: Progress | None = None,
) -> Tensor:
    """Gradient (1, 3, H, W) of a function of an image's features, whose gradients at each tile `pull` gives.

    Rounds are taken from the last to the first. In each, what was known before it is held constant and
    gets a gradient of its own, which the earlier round that made it passes on: the chain rule, so that
    global means cost rounds and no memory. Tiles overlap in pixels, where their gradients add up.

    Args:
        image: of `work`.
        work: image, network and tiles.
        means: step that is a global mean -> its value, as `sweep` gives them.
        taps: those that the function reads.
        pull: gets each position of each of them once.
        progress: called after each tile, for each tap by itself, and for each round of global means.
    """
    found = torch.zeros_like(image, dtype=torch.promote_types(image.dtype, torch.float32))
    of_means: dict[str, Tensor] = {}
    for level in reversed(range(work.program.levels)):
        sources = {tap: step for tap, step in work.program.taps_of(level).items() if tap in taps}
        inner = {name: step for name, step in work.program.means_of(level).items() if name in of_means}
        tick = counter(work, level, progress, "gradient of tiles")
        for tile in work.plans({*sources.values(), *inner.values()}):
            run = _Tile(work, tile, means)
            run.pull_taps({tap: step for tap, step in sources.items() if step in run.cores}, pull, tick)
            for name in (name for name, step in inner.items() if step in run.cores):
                run.pull_mean(inner[name], of_means[name])
                tick(inner[name])
            run.release(found, of_means)
    return found.to(image.dtype)


class _Tile:
    """One tile with its graph, from pixels and global means to the cores of its maps."""

    def __init__(self, work: Work, tile: Plan, means: Mapping[str, Tensor]) -> None:
        self.work, self.tile = work, tile
        used = {step.name for step in tile.order}
        self.means = {name: value.detach().requires_grad_() for name, value in means.items() if name in used}
        self.pixels = work.pixels(tile).detach().requires_grad_()
        with torch.enable_grad():
            self.cores = dict(work.run(tile, self.pixels, self.means))
        self.pulls: dict[str, Tensor] = {}

    def pull_taps(self, sources: Mapping[str, str], pull: Pull, tick: Callable[[str], None]) -> None:
        """Add what a function of the features asks of the cores of taps, each the map of a step."""
        if not sources:
            return
        parts = {
            tap: self.work.part(self.tile, step, self.cores[step].detach()) for tap, step in sources.items()
        }
        for tap, gradient in pull(parts).items():
            self._add(sources[tap], gradient)
            tick(tap)

    def pull_mean(self, step: str, gradient: Tensor) -> None:
        """Add what a global mean asks of the map that it is the mean of."""
        core = self.cores[step]
        share = (gradient / self.work.positions(step)).to(core.dtype)[:, :, None, None]
        self._add(step, share.expand_as(core))

    def _add(self, step: str, gradient: Tensor) -> None:
        self.pulls[step] = self.pulls[step] + gradient if step in self.pulls else gradient

    def release(self, image: Tensor, means: dict[str, Tensor]) -> None:
        """Take the tile back to its pixels, and add their gradient to that of the image."""
        leaves = [self.pixels, *self.means.values()]
        steps = list(self.pulls)
        if not steps:
            return
        found = torch.autograd.grad(
            [self.cores.pop(step) for step in steps],
            leaves,
            [self.pulls.pop(step) for step in steps],
            allow_unused=True,
        )
        rows, columns = (slice(*one) for one in self.tile.regions[self.work.program.image])
        if found[0] is not None:
            image[:, :, rows, columns] += found[0].to(image)
        for name, gradient in zip(self.means, found[1:], strict=True):
            if gradient is not None:
                means[name] = means[name] + wide(gradient) if name in means else wide(gradient)
