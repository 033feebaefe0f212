"""The styles that an image is brought to, as descriptors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import torch
from torch import Tensor

from gramstyle.distance import DistanceTo, gaussian_barycenter
from gramstyle.errors import StyleError
from gramstyle.gram import Moments, Statistic, joined
from gramstyle.transfer.settings import Blend

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


class Target:
    """A style's descriptor of one tap, and the loss of others beside it.

    Args:
        value: (1, ...), in the shape of `statistic`.
        metric: name.
        statistic: what the descriptor is.
        relative: divide by the loss of features that are all 0.
        ridge: added to variances, as a share of the mean variance of `value`.
        scales: what `value` and all that is compared with it are multiplied by; see `Remedy.scales`.
    """

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


def blended(parts: Sequence[Moments], weights: Sequence[float], blend: Blend = "mixture") -> Moments:
    """One distribution of several, each with its share; see `TransferSettings.blend`."""
    if blend == "geodesic":
        covariances = torch.cat([one.second / one.positions[:, None, None] for one in parts])
        shares = torch.tensor(weights, dtype=covariances.dtype, device=covariances.device)
        covariance, mean = gaussian_barycenter(covariances, torch.cat([one.mean for one in parts]), shares)
        return Moments(covariance[None], mean[None], torch.ones_like(shares[:1]))
    factors = [weight / one.positions for one, weight in zip(parts, weights, strict=True)]
    return reduce(
        joined,
        [
            Moments(one.second * factor[:, None, None], one.mean, one.positions * factor)
            for one, factor in zip(parts, factors, strict=True)
        ],
    )


def check_regions(regions: Mapping[str, Tensor | None], styles: Sequence[StyleImage]) -> None:
    """Raise `StyleError` unless each region has a style, and each style a region."""
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
