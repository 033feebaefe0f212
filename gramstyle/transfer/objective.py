"""The loss of an image at one scale, and its gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gramstyle.distance import Combine
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.gram import GramSettings, Moments, Statistic, moments_of_part
from gramstyle.images import resize_mask
from gramstyle.kernels import Kernel
from gramstyle.numerics import wide
from gramstyle.tiles import TensorSource, Tiling
from gramstyle.transfer.bands import moments_in_bands, pixels_of_band
from gramstyle.transfer.histogram import HistogramTarget
from gramstyle.transfer.losses import content_loss, variation
from gramstyle.transfer.palette import palette_features
from gramstyle.transfer.remedies import reason_against_tiles, remedy_named
from gramstyle.transfer.settings import TransferSettings
from gramstyle.transfer.targets import StyleImage, Target, blended, check_regions
from gramstyle.transfer.temporal import Temporal, temporal_loss
from gramstyle.types import Features

COLOUR = "color"
VARIATION = "tv"
TEMPORAL = "temporal"
GAUSSIAN = GramSettings(statistic=Statistic.GAUSSIAN)


class Evaluated(NamedTuple):
    """What an optimiser asks of an image.

    Attributes:
        terms: name -> weighted value.
        gradient: of their sum, (1, 3, H, W), in the precision of the image.
    """

    terms: dict[str, float]
    gradient: Tensor


class Objective:
    """Terms of the loss by name; their sum is minimised.

    They are ``content TAP``, ``style TAP``, ``histogram TAP``, ``tv``, ``color`` and, in frames of a film,
    ``temporal``.

    Several styles of one region are one distribution of features, of which each gives its share of the
    positions: the moments that a style made of patches of all would have. With the mean square of Gram
    matrices that is the same as a sum of one loss per style. With the blend ``geodesic`` they are instead the
    Gaussian between theirs: see `gramstyle.distance.gaussian_barycenter`.

    Args:
        extractor: with every tap of `settings`.
        settings: weights and kinds of terms.
        content: (1, 3, H, W); None where no term needs it.
        styles: at least one.
        regions: name -> where in the result it is, (H, W) in [0, 1]; empty for one region that is all of it.
        kernel: who computes Gram matrices; see `gramstyle.gram`.
        temporal: what earlier frames of a film say of this one, at its size.
        style_tile: side in pixels of the tiles that larger styles are read in; None reads all whole.

    Raises:
        StyleError: for a region without a style, or a style without its region.
    """

    def __init__(
        self,
        extractor: Extractor,
        settings: TransferSettings,
        content: Tensor | None,
        styles: Sequence[StyleImage],
        regions: Mapping[str, Tensor] | None = None,
        kernel: Kernel = "auto",
        temporal: Temporal | None = None,
        *,
        style_tile: int | None = None,
    ) -> None:
        self._style_tile = style_tile
        self._band = pixels_of_band(extractor.device)
        self.temporal = None if temporal is None else temporal.to(extractor.device)
        self.extractor = extractor
        self.settings = settings
        self.kernel = kernel
        self.regions: dict[str, Tensor | None] = dict(regions) if regions else {"": None}
        check_regions(self.regions, styles)
        rule, weights = settings.style.combine, settings.style.weights_of_taps
        if rule is Combine.ROOT_SUM_SQUARES:
            raise StyleError("combine must be sum or mean for a transfer, got root-sum-squares")
        total = sum(weights.values()) if rule is Combine.MEAN else 1.0
        self._weights = {tap: weight / total for tap, weight in weights.items()}
        self._remedy = remedy_named(settings.remedy)
        self._masks: dict[tuple[str, tuple[int, int]], Tensor] = {}
        if settings.content_weight and content is None:
            raise StyleError("content must be given where content_weight is greater than 0")
        with torch.no_grad():
            self._styles, self._histograms, self._colours = self._style_targets(styles)
            self._contents = self._content_targets(content) if settings.content_weight else {}

    def evaluate(self, image: Tensor) -> Evaluated:
        """The terms of `image` (1, 3, H, W), and the gradient of their sum.

        Raises:
            StyleError: for a term that is not a finite number.
        """
        image = image.detach().requires_grad_()
        terms = self.terms(image)
        values = numbers(terms)
        (gradient,) = torch.autograd.grad(torch.stack([wide(term) for term in terms.values()]).sum(), image)
        return Evaluated(values, gradient)

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted terms of `image` (1, 3, H, W), each a number, float64 or float32."""
        settings = self.settings
        features = self._features(image) if self._weights or self._contents else {}
        found: dict[str, Tensor] = {}
        for tap, (target, unit) in self._contents.items():
            loss = content_loss(features[tap], target, settings.content_norm)
            found[f"content {tap}"] = loss * self._content_weight(unit)
        found |= self._style_terms(
            lambda tap, region: self._statistic(
                region, self._remedy.features(features[tap]), settings.style.gram
            ),
            lambda tap: _size(features[tap]),
        )
        if settings.histogram_weight:
            for tap, weight in self._weights.items():
                if weight:
                    loss = self._histogram_loss(tap, features[tap])
                    found[f"histogram {tap}"] = settings.histogram_weight * weight * loss
        if settings.tv_weight:
            found[VARIATION] = settings.tv_weight * variation(settings.tv, image)
        return found | self._pixel_terms(image)

    def _pixel_terms(self, image: Tensor) -> dict[str, Tensor]:
        """Of colours and of earlier frames."""
        settings, found = self.settings, {}
        if settings.color_weight:

            def gaussian(region: str) -> Tensor:
                return GAUSSIAN.of_moments(self._colour_moments(image, self._mask(region, _size(image))))

            loss = self._over_regions(self._colours, gaussian, _size(image))
            found[COLOUR] = settings.color_weight * loss
        if self.temporal is not None and settings.temporal_weight:
            found[TEMPORAL] = settings.temporal_weight * temporal_loss(image, self.temporal)
        return found

    def _histogram_loss(self, tap: str, features: Tensor) -> Tensor:
        """Over regions, each by its share of the area."""
        total = wide(features.new_zeros(()))
        for region, target in self._histograms[tap].items():
            mask = self._mask(region, _size(features))
            share = 1.0 if mask is None else float(mask.mean())
            if share > 0:
                total = total + share * target.loss(features, mask)
        return total

    def _features(self, image: Tensor) -> Features:
        return self.extractor(image)

    def _statistic(self, region: str, features: Tensor, settings: GramSettings) -> Tensor:
        """The descriptor (1, ...) of the features (1, C, H, W) in a region."""
        mask = self._mask(region, _size(features))
        return settings(features, None if mask is None else mask[None], self.kernel)

    def _style_terms(
        self, value: Callable[[str, str], Tensor], size: Callable[[str], tuple[int, int]]
    ) -> dict[str, Tensor]:
        """Of the descriptors that `value` gives for a tap and a region; a tap's map is of (H, W) `size`."""

        def loss(tap: str) -> Tensor:
            return self._over_regions(self._styles[tap], lambda region: value(tap, region), size(tap))

        whole = self.settings.style_weight
        return {
            f"style {tap}": whole * weight * loss(tap)
            for tap, weight in self._weights.items()
            if whole and weight
        }

    def _over_regions(
        self, targets: Mapping[str, Target], value: Callable[[str], Tensor], size: tuple[int, int]
    ) -> Tensor:
        """Distances of all regions, each by its share of the area: so a pixel counts alike in all."""
        total: Any = 0.0
        for region, target in targets.items():
            found = value(region)
            if not bool(torch.isfinite(found).all()):
                return wide(found.new_zeros(())) * torch.nan  # of which the caller tells the term
            mask = self._mask(region, size)
            share = 1.0 if mask is None else float(mask.mean())
            total = total + share * target.loss(found)
        return total

    def _mask(self, region: str, size: tuple[int, int]) -> Tensor | None:
        """Where a region is in a map of (H, W) `size`."""
        whole = self.regions[region]
        if whole is None:
            return None
        if (region, size) not in self._masks:
            self._masks[region, size] = resize_mask(whole, size).to(self.extractor.device)
        return self._masks[region, size]

    def _content_weight(self, unit: float) -> float:
        """What the loss of one content tap is multiplied by, whose unit is `unit`."""
        return self.settings.content_weight / len(self.settings.content_taps) / unit

    def _style_targets(
        self, styles: Sequence[StyleImage]
    ) -> tuple[dict[str, dict[str, Target]], dict[str, dict[str, HistogramTarget]], dict[str, Target]]:
        """Tap -> region -> target, the same of histograms, and region -> target of colours."""
        per_tap: dict[str, dict[str, Target]] = {tap: {} for tap in self._weights}
        histograms: dict[str, dict[str, HistogramTarget]] = {tap: {} for tap in self._weights}
        colours: dict[str, Target] = {}
        for region in self.regions:
            here = [one for one in styles if one.region == region and one.weight > 0]
            parts = [self._style_moments(one) for one in here]
            shares = [one.weight for one in here]
            for tap in per_tap:
                moments = [one[tap] for one, _ in parts]
                per_tap[tap][region] = self._target(blended(moments, shares, self.settings.blend))
                if self.settings.histogram_weight:
                    samples = [one[tap] for _, one in parts]
                    histograms[tap][region] = HistogramTarget(samples, self.settings.relative)
            colour = blended([self._style_colours(one) for one in here], shares, self.settings.blend)
            gaussian = GAUSSIAN.of_moments(colour)
            colours[region] = Target(gaussian, "squared-wasserstein", Statistic.GAUSSIAN, True, 1e-4)
        return per_tap, histograms, colours

    def _target(self, moments: Moments) -> Target:
        recipe, settings = self.settings.style, self.settings
        value = recipe.gram.of_moments(moments)
        return Target(
            value,
            recipe.metric,
            recipe.gram.statistic,
            settings.relative,
            settings.ridge,
            self._remedy.scales(value, recipe.gram.statistic),
        )

    def _style_moments(
        self, style: StyleImage
    ) -> tuple[Mapping[str, Moments], Mapping[str, tuple[Tensor, Tensor]]]:
        """Tap -> centred moments of a style; and, for histograms, tap -> its values and their weights."""
        if not self._weights:
            return {}, {}
        in_tiles = reason_against_tiles(self.settings) is None
        if in_tiles and self._style_tile is not None and max(_size(style.pixels)) > self._style_tile:
            source = TensorSource(style.pixels[0], style.mask)
            return Tiling(self.extractor, self._style_tile).measure(source), {}
        features = self.extractor(style.pixels)
        moments = {
            tap: _moments(self._remedy.features(features[tap]), style.mask, self.kernel)
            for tap in self._weights
        }
        if not self.settings.histogram_weight:
            return moments, {}
        return moments, {tap: _sample(features[tap], style) for tap in self._weights}

    def _style_colours(self, style: StyleImage) -> Moments:
        pixels = style.pixels.to(self.extractor.device)
        mask = None if style.mask is None else resize_mask(style.mask, _size(pixels)).to(pixels.device)
        return self._colour_moments(pixels, mask)

    def _colour_moments(self, image: Tensor, mask: Tensor | None) -> Moments:
        """Of what the colour term compares; on a geodesic colours as such, for there are colours between."""
        plain = self.settings.blend == "geodesic"
        features = torch.Tensor.clone if plain else palette_features
        return moments_in_bands(image, features, mask, self.kernel, self._band)

    def _content_targets(self, content: Tensor | None) -> dict[str, Any]:
        """Tap -> features, and what their loss is divided by."""
        assert content is not None  # asked for above
        settings = self.settings
        features = self.extractor(content)
        found = {}
        for tap in settings.content_taps:
            target = features[tap].detach()
            nothing = float(content_loss(torch.zeros_like(target), target, settings.content_norm))
            found[tap] = target, nothing if settings.relative and nothing > 0 else 1.0
        return found


def numbers(terms: Mapping[str, Tensor]) -> dict[str, float]:
    """The values of terms.

    Raises:
        StyleError: if one is not finite; the message names it.
    """
    if not terms:
        return {}
    values = torch.stack([wide(term.detach()) for term in terms.values()]).tolist()
    for name, value in zip(terms, values, strict=True):
        if not math.isfinite(value):
            raise StyleError(
                f"the term {name} became {value}: use a smaller step_size, float32, or other weights"
            )
    return dict(zip(terms, values, strict=True))


def _size(map_: Tensor) -> tuple[int, int]:
    return map_.shape[2], map_.shape[3]


def _sample(features: Tensor, style: StyleImage) -> tuple[Tensor, Tensor]:
    """Values (C, P) of a style, and the weights of its positions (P,), which sum to that of the style."""
    mask = torch.ones(_size(features)) if style.mask is None else resize_mask(style.mask, _size(features))
    weights = mask.flatten().to(features.device)
    return features[0].flatten(1), weights * (style.weight / weights.sum())


def _moments(features: Tensor, mask: Tensor | None, kernel: Kernel) -> Moments:
    """Centred, in float64, of (1, C, H, W)."""
    if mask is None:
        return moments_of_part(features, kernel=kernel)
    weights = resize_mask(mask, _size(features)).to(features.device)
    return moments_of_part(features, weights[None], kernel)
