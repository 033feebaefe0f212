"""The loss of an image at one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor

from gramstyle.distance import Combine, DistanceTo, gaussian_barycenter
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.gram import GramSettings, Moments, Statistic, joined, moments_of_part
from gramstyle.images import resize_mask
from gramstyle.kernels import Kernel
from gramstyle.numerics import wide
from gramstyle.transfer.histogram import HistogramTarget
from gramstyle.transfer.losses import VARIATIONS, content_loss
from gramstyle.transfer.remedies import remedy_named
from gramstyle.transfer.settings import TransferSettings
from gramstyle.transfer.temporal import Temporal, temporal_loss

COLOUR = "color"
VARIATION = "tv"
TEMPORAL = "temporal"
GAUSSIAN = GramSettings(statistic=Statistic.GAUSSIAN)
SMALL = 64
"""Channels up to which eigenvalues cost nothing; of more they are float32, if a ridge keeps them from 0."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StyleImage:
    """A style at the size of one scale.

    Attributes:
        pixels: (1, 3, H, W).
        weight: its share beside other styles of its region.
        mask: what of it counts, (H, W) in [0, 1]; None for all.
        region: where in the result it is wanted, a name; styles of one region are blended.
    """

    pixels: Tensor = field(repr=False)
    weight: float = 1.0
    mask: Tensor | None = field(default=None, repr=False)
    region: str = ""


class Objective:
    """Terms of the loss by name; their sum is minimised.

    They are ``content TAP``, ``style TAP``, ``histogram TAP``, ``color``, ``tv`` and, in frames of a film,
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
    ) -> None:
        self.extractor = extractor
        self.temporal = None if temporal is None else temporal.to(extractor.device)
        self.settings = settings
        self.kernel = kernel
        self.regions: dict[str, Tensor | None] = dict(regions) if regions else {"": None}
        _check_regions(self.regions, styles)
        rule, weights = settings.style.combine, settings.style.weights_of_taps
        if rule is Combine.ROOT_SUM_SQUARES:
            raise StyleError("combine must be sum or mean for a transfer, got root-sum-squares")
        total = sum(weights.values()) if rule is Combine.MEAN else 1.0
        self._weights = {tap: weight / total for tap, weight in weights.items()}
        self._remedy = remedy_named(settings.remedy)
        self._masks: dict[tuple[str, int, int], Tensor] = {}
        with torch.no_grad():
            self._styles, self._histograms, self._colours = self._style_targets(styles)
            self._contents = self._content_targets(content)

    def terms(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted terms of `image` (1, 3, H, W), each a number, float64 or float32."""
        settings = self.settings
        features = self.extractor(image) if self._weights or self._contents else {}
        found: dict[str, Tensor] = {}
        for tap, (target, unit) in self._contents.items():
            loss = content_loss(features[tap], target, settings.content_norm)
            found[f"content {tap}"] = loss * (settings.content_weight / len(self._contents) / unit)
        for tap, weight in self._weights.items():
            if weight and settings.style_weight:
                found[f"style {tap}"] = settings.style_weight * weight * self._style_loss(tap, features[tap])
            if weight and settings.histogram_weight:
                loss = self._histogram_loss(tap, features[tap])
                found[f"histogram {tap}"] = settings.histogram_weight * weight * loss
        if settings.color_weight:
            found[COLOUR] = settings.color_weight * self._colour_loss(image)
        if settings.tv_weight:
            found[VARIATION] = settings.tv_weight * VARIATIONS[settings.tv](image)
        if settings.temporal_weight and self.temporal is not None:
            found[TEMPORAL] = settings.temporal_weight * temporal_loss(image, self.temporal)
        return found

    def _style_loss(self, tap: str, features: Tensor) -> Tensor:
        return self._over_regions(
            self._styles[tap], self._remedy.features(features), self.settings.style.gram
        )

    def _histogram_loss(self, tap: str, features: Tensor) -> Tensor:
        """Over regions, each by its share of the area."""
        total = wide(features.new_zeros(()))
        for name, target in self._histograms[tap].items():
            mask = self._mask(name, features)
            share = 1.0 if mask is None else float(mask.mean())
            if share > 0:
                total = total + share * target.loss(features, mask)
        return total

    def _colour_loss(self, image: Tensor) -> Tensor:
        return self._over_regions(self._colours, image, GAUSSIAN)

    def _over_regions(
        self, targets: Mapping[str, _Target], features: Tensor, settings: GramSettings
    ) -> Tensor:
        """Distances of all regions, each by its share of the area: so a pixel counts alike in all."""
        total = wide(features.new_zeros(()))
        for name, target in targets.items():
            mask = self._mask(name, features)
            value = settings(features, None if mask is None else mask[None], self.kernel)
            if not bool(torch.isfinite(value).all()):
                return total * torch.nan  # of which the caller tells the term
            share = 1.0 if mask is None else float(mask.mean())
            total = total + share * target.loss(value)
        return total

    def _mask(self, region: str, features: Tensor) -> Tensor | None:
        whole = self.regions[region]
        if whole is None:
            return None
        height, width = features.shape[2:]
        key = region, height, width
        if key not in self._masks:
            self._masks[key] = resize_mask(whole, (height, width)).to(features.device)
        return self._masks[key]

    def _style_targets(
        self, styles: Sequence[StyleImage]
    ) -> tuple[dict[str, dict[str, _Target]], dict[str, dict[str, HistogramTarget]], dict[str, _Target]]:
        """Tap -> region -> target, the same of histograms, and region -> target of colours."""
        per_tap: dict[str, dict[str, _Target]] = {tap: {} for tap in self._weights}
        histograms: dict[str, dict[str, HistogramTarget]] = {tap: {} for tap in self._weights}
        colours: dict[str, _Target] = {}
        for region in self.regions:
            parts: dict[str, list[Moments]] = {}
            samples: dict[str, list[tuple[Tensor, Tensor]]] = {tap: [] for tap in self._weights}
            for style in (one for one in styles if one.region == region and one.weight > 0):
                features = dict(self.extractor(style.pixels)) if self._weights else {}
                for tap in samples:
                    if self.settings.histogram_weight:
                        samples[tap].append(_sample(features[tap], style))
                    features[tap] = self._remedy.features(features[tap])
                features[COLOUR] = style.pixels.to(self.extractor.device)
                for tap, one in features.items():
                    if tap in per_tap or tap == COLOUR:
                        part = _shared(_moments(one, style.mask, self.kernel), style.weight)
                        parts.setdefault(tap, []).append(part)
            blended = {tap: self._blended(several) for tap, several in parts.items()}
            for tap in per_tap:
                per_tap[tap][region] = self._target(blended[tap])
                if samples[tap]:
                    histograms[tap][region] = HistogramTarget(samples[tap], self.settings.relative)
            colour = blended[COLOUR]
            covariance = colour.second / colour.positions[:, None, None]
            gaussian = torch.cat([covariance, colour.mean[..., None]], -1)
            colours[region] = _Target(gaussian, "squared-wasserstein", Statistic.GAUSSIAN, True, 1e-4)
        return per_tap, histograms, colours

    def _target(self, moments: Moments) -> _Target:
        recipe = self.settings.style
        value = recipe.gram.of_moments(moments)
        return _Target(
            value,
            recipe.metric,
            recipe.gram.statistic,
            self.settings.relative,
            self.settings.ridge,
            self._remedy.scales(value, recipe.gram.statistic),
        )

    def _blended(self, parts: Sequence[Moments]) -> Moments:
        """One distribution of several, each with its share of the positions."""
        if self.settings.blend == "mixture":
            return reduce(joined, parts)
        covariances = torch.cat([one.second / one.positions[:, None, None] for one in parts])
        shares = torch.cat([one.positions for one in parts])
        covariance, mean = gaussian_barycenter(covariances, torch.cat([one.mean for one in parts]), shares)
        return Moments(covariance[None], mean[None], torch.ones_like(shares[:1]))

    def _content_targets(self, content: Tensor | None) -> dict[str, tuple[Tensor, float]]:
        """Tap -> features, and what their loss is divided by."""
        settings = self.settings
        if not settings.content_weight:
            return {}
        if content is None:
            raise StyleError("content must be given where content_weight is greater than 0")
        features = self.extractor(content)
        found = {}
        for tap in settings.content_taps:
            target = features[tap].detach()
            nothing = content_loss(torch.zeros_like(target), target, settings.content_norm)
            unit = float(nothing) if settings.relative and nothing > 0 else 1.0
            found[tap] = target, unit
        return found


class _Target:
    """A style's descriptor of one tap, and the loss of others beside it."""

    def __init__(
        self,
        value: Tensor,
        metric: str,
        statistic: Statistic,
        relative: bool,
        ridge: float,
        scales: Tensor | None = None,
    ) -> None:
        self._ridge, self._scales = None, scales
        if scales is not None:
            value = value * scales
        if statistic is Statistic.GAUSSIAN and ridge:
            channels = value.shape[1]
            level = value[..., :-1].diagonal(dim1=-2, dim2=-1).mean()
            eye = torch.eye(channels, channels + 1, dtype=value.dtype, device=value.device)
            self._ridge = ridge * level * eye
        exact = not ridge or value.shape[1] <= SMALL
        ridged = value if self._ridge is None else value + self._ridge
        self._distance = DistanceTo(ridged, metric, statistic=statistic, exact=exact)
        unit = float(self.raw(torch.zeros_like(value))) if relative else 1.0
        self._unit = unit if unit > 0 else 1.0

    def loss(self, value: Tensor) -> Tensor:
        """Of a descriptor (1, ...), as a share of that of no features at all where that is asked for."""
        return self.raw(value) / self._unit

    def raw(self, value: Tensor) -> Tensor:
        """The distance as such, a number."""
        scaled = value if self._scales is None else value * self._scales
        return self._distance(scaled if self._ridge is None else scaled + self._ridge)[0]


def _moments(features: Tensor, mask: Tensor | None, kernel: Kernel) -> Moments:
    """Centred, in float64, of (1, C, H, W)."""
    if mask is None:
        return moments_of_part(features, kernel=kernel)
    weights = resize_mask(mask, (features.shape[2], features.shape[3])).to(features.device)
    return moments_of_part(features, weights[None], kernel)


def _sample(features: Tensor, style: StyleImage) -> tuple[Tensor, Tensor]:
    """Values (C, P) of a style, and the weights of its positions (P,), which sum to that of the style."""
    size = features.shape[2], features.shape[3]
    mask = torch.ones(size) if style.mask is None else resize_mask(style.mask, size)
    weights = mask.flatten().to(features.device)
    return features[0].flatten(1), weights * (style.weight / weights.sum())


def _shared(moments: Moments, weight: float) -> Moments:
    """The same distribution, of `weight` positions in all."""
    factor = weight / moments.positions
    return Moments(moments.second * factor[:, None, None], moments.mean, moments.positions * factor)


def _check_regions(regions: Mapping[str, Tensor | None], styles: Sequence[StyleImage]) -> None:
    wanted = {style.region for style in styles if style.weight > 0}
    bare = [name for name in regions if name not in wanted]
    if bare:
        named = ", ".join(repr(name) for name in bare) if bare != [""] else "the whole image"
        raise StyleError(f"each region needs a style with a weight above 0, got none for {named}")
    foreign = sorted(wanted - set(regions))
    if foreign:
        raise StyleError(
            f"each style must be for a region of the mask, got a style for {', '.join(map(repr, foreign))}; "
            f"regions are {', '.join(map(repr, regions))}"
        )
