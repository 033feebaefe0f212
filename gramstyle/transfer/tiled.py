"""The loss of an image that is seen tile by tile, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.extract.regions import Region, Size, whole
from gramstyle.gram import Moments, gradient_of_part, joined, moments_of_part
from gramstyle.kernels import Kernel
from gramstyle.numerics import wide
from gramstyle.tiles import Part, TensorSource, Tiling, image_gradient, sweep
from gramstyle.transfer.losses import content_factor, variation_with_gradient
from gramstyle.transfer.objective import VARIATION, Evaluated, Objective, numbers
from gramstyle.transfer.remedies import reason_against_tiles
from gramstyle.types import Progress

Masks = Callable[[str, Size], Tensor | None]
"""From a region and (H, W) of a map to where the region is in it."""


class TiledObjective(Objective):
    """An `Objective` whose network sees tiles: the same terms and gradient, to rounding.

    Terms of features are functions of sums over positions. A first pass runs each tile without
    a graph and adds up the moments of its features, in each region; their gradients follow from the terms.
    A second pass runs each tile with its graph and takes it back to its pixels. The features of the content
    are those of its own tiles, run beside the second pass, or kept.

    Args:
        extractor: as `Objective`.
        tile: side in pixels, of what is counted in a tile; its surroundings come on top.
        keep_content: keep the content's features in place of running its tiles at every step.
        progress: called after each tile.
        **options: as `Objective`.

    Raises:
        StyleError: as `Objective`; for a network that cannot run in tiles.
    """

    def __init__(
        self,
        extractor: Extractor,
        *args: Any,
        tile: int,
        keep_content: bool = False,
        progress: Progress | None = None,
        **options: Any,
    ) -> None:
        reason = reason_against_tiles(args[0])
        if reason is not None:
            raise StyleError(reason)
        self.tiling = Tiling(extractor, tile)
        self.keep_content = keep_content
        self._progress = progress
        self._content: _Content | None = None
        super().__init__(extractor, *args, style_tile=tile, **options)

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """As `Objective.terms`, without a graph."""
        values = self.evaluate(image).terms
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}

    def evaluate(self, image: Tensor) -> Evaluated:
        """As `Objective.evaluate`."""
        image = image.detach()
        found, gradient = self._of_features(image)
        if self.settings.tv_weight:
            value, by_pixels = variation_with_gradient(self.settings.tv, image)
            found |= numbers({VARIATION: self.settings.tv_weight * value})
            gradient.add_(by_pixels, alpha=self.settings.tv_weight)
        with torch.enable_grad():
            pixels = image.requires_grad_()
            terms = self._pixel_terms(pixels)
        found |= numbers(terms)
        for term in terms.values():
            gradient += torch.autograd.grad(term, pixels)[0]
        return Evaluated(found, gradient)

    def _of_features(self, image: Tensor) -> tuple[dict[str, float], Tensor]:
        """Contents and styles, and the gradient of their sum."""
        work = self.tiling.work(TensorSource(image[0]))
        weighed = [tap for tap, weight in self._weights.items() if weight and self.settings.style_weight]
        sums = Sums(list(self.regions), self._mask, self.kernel)
        means = sweep(work, weighed, sums.add, progress=self._progress)
        terms = sums.pulled_by(
            lambda values: self._style_terms(
                lambda tap, region: self.settings.style.gram.of_moments(values[tap, region]),
                lambda tap: work.layout.sizes[work.program.taps[tap]],
            )
        )
        content = self._content
        if content is not None:
            content.begin()

        def pull(parts: Mapping[str, Part]) -> dict[str, Tensor]:
            found = {tap: sums.gradient(tap, part) for tap, part in parts.items() if tap in weighed}
            asked = {tap: part for tap, part in parts.items() if content is not None and tap in content.units}
            if content is not None and asked:
                for tap, gradient in content.gradients(asked).items():
                    found[tap] = found[tap] + gradient if tap in found else gradient
            return found

        taps = {*weighed, *(content.units if content is not None else ())}
        gradient = image_gradient(image, work, means, taps, pull, progress=self._progress)
        contents = {} if content is None else numbers(content.terms())
        return contents | terms, gradient

    def _content_targets(self, content: Tensor | None) -> dict[str, Any]:
        assert content is not None  # asked for by `Objective`
        self._content = _Content(self, content, self._progress)
        return {}


class Sums:
    """Moments of features at taps, in regions, added up over tiles, and their gradients.

    Args:
        regions: names.
        masks: where they are.
        kernel: see `gramstyle.gram`.
    """

    def __init__(self, regions: list[str], masks: Masks, kernel: Kernel) -> None:
        self._regions, self._masks, self._kernel = regions, masks, kernel
        self._moments: dict[tuple[str, str], Moments] = {}
        self._pulls: dict[tuple[str, str], tuple[Tensor | None, Tensor | None]] = {}

    def add(self, tap: str, part: Part) -> None:
        """Count what one tile holds."""
        for region, weights in self._weights(part):
            found = moments_of_part(part.features, weights, self._kernel)
            key = tap, region
            self._moments[key] = joined(self._moments[key], found) if key in self._moments else found

    def pulled_by(
        self, terms: Callable[[Mapping[tuple[str, str], Moments]], Mapping[str, Tensor]]
    ) -> dict[str, float]:
        """The values of terms that are functions of the moments, whose gradients are kept for `gradient`.

        Raises:
            StyleError: for a term that is not a finite number.
        """
        leaves = {
            key: Moments(second.detach().requires_grad_(), mean.detach().requires_grad_(), positions)
            for key, (second, mean, positions) in self._moments.items()
        }
        with torch.enable_grad():
            found = terms(leaves)
        values = numbers(found)
        if found:
            flat = [one for moments in leaves.values() for one in moments[:2]]
            total = torch.stack([wide(term) for term in found.values()]).sum()
            pulls = torch.autograd.grad(total, flat, allow_unused=True)
            self._pulls = dict(zip(leaves, zip(pulls[0::2], pulls[1::2], strict=True), strict=True))
        return values

    def gradient(self, tap: str, part: Part) -> Tensor:
        """Of the terms, at what one tile holds, (1, C, h, w)."""
        found: Tensor | None = None
        for region, weights in self._weights(part):
            key = tap, region
            one = gradient_of_part(part.features, weights, self._moments[key], *self._pulls[key])
            found = one if found is None else found + one
        return torch.zeros_like(part.features) if found is None else found

    def _weights(self, part: Part) -> Iterator[tuple[str, Tensor | None]]:
        """The regions that a part has positions of, with the weight of each position, (1, h, w)."""
        for region in self._regions:
            mask = self._masks(region, part.size)
            weights = None if mask is None else part.region.crop(mask, whole(part.size))[None]
            if weights is None or bool(weights.any()):
                yield region, weights


class _Content:
    """The content's features, tile by tile, and what those of an image lose beside them."""

    def __init__(self, objective: TiledObjective, content: Tensor, progress: Progress | None) -> None:
        settings = objective.settings
        self._norm = settings.content_norm
        self._work = objective.tiling.work(TensorSource(content[0]))
        self._kept: dict[tuple[str, Region], Tensor] | None = {} if objective.keep_content else None
        self._sums: dict[str, Tensor] = {}

        def read(tap: str, part: Part) -> None:
            self._count(tap, part.features.to(_kind(part.features)))
            if self._kept is not None:
                self._kept[tap, part.region] = part.features.clone()

        self.begin()
        self._means = sweep(self._work, settings.content_taps, read, progress=progress)
        self.factors = {tap: self._factor(tap) for tap in settings.content_taps}
        nothing = {tap: float(self._sums[tap]) * factor for tap, factor in self.factors.items()}
        self.units = {tap: one if settings.relative and one > 0 else 1.0 for tap, one in nothing.items()}
        self._weights = {
            tap: objective._content_weight(self.units[tap]) * factor for tap, factor in self.factors.items()
        }

    def begin(self) -> None:
        """Forget what was counted."""
        self._sums = {}

    def gradients(self, parts: Mapping[str, Part]) -> dict[str, Tensor]:
        """Of the terms, at what one tile of an image holds; the differences there are counted."""
        targets = self._targets(parts)
        found = {}
        for tap, part in parts.items():
            kind = _kind(part.features)
            apart = part.features.to(kind) - targets[tap].to(kind)
            self._count(tap, apart)
            found[tap] = (2 * self._weights[tap] * apart).to(part.features.dtype)
        return found

    def terms(self) -> dict[str, Tensor]:
        """Of all that was counted."""
        return {f"content {tap}": self._sums[tap] * weight for tap, weight in self._weights.items()}

    def _targets(self, parts: Mapping[str, Part]) -> Mapping[str, Tensor]:
        if self._kept is not None:
            return {tap: self._kept[tap, part.region] for tap, part in parts.items()}
        return self._work.features({tap: part.region for tap, part in parts.items()}, self._means)

    def _count(self, tap: str, values: Tensor) -> None:
        square = wide(values.square().sum())
        self._sums[tap] = self._sums[tap] + square if tap in self._sums else square

    def _factor(self, tap: str) -> float:
        step = self._work.program.taps[tap]
        values = self._work.positions(step) * self._work.layout.channels[step]
        return content_factor(values, self._norm)


def _kind(features: Tensor) -> torch.dtype:
    return torch.promote_types(features.dtype, torch.float32)
