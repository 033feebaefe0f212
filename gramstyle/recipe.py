"""Everything that defines a style distance, as one frozen record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from gramstyle import check
from gramstyle.conv.sparse.prune import check_sparsity
from gramstyle.distance import DEFAULT_METRIC, RULES, Combine, metric_named
from gramstyle.distance.combine import check_weights
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, backbone, parse, select_taps
from gramstyle.extract.network import FirstPadding
from gramstyle.extract.pooling import Pooling
from gramstyle.extract.registry import random_seed
from gramstyle.gram import NORMS, SECOND_MOMENT, STATISTICS, GramSettings, Norm, Statistic
from gramstyle.images import ResizePolicy
from gramstyle.types import Normalization

AlphaUse = Literal["composite", "mask"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """From images to one number: backbone, taps, statistic, metric and how taps are combined.

    Attributes:
        backbone: ``NAME[@WEIGHTS]``.
        taps: names; None takes the backbone's defaults.
        tap_weights: one weight per tap, in the order of `taps`; None weighs all 1.
        gram: statistic, normalisation, centring.
        metric: name of the metric taken at each tap.
        combine: how the taps become one number.
        resize: policy applied to each image, as `gramstyle.images.ResizePolicy` reads it.
        crop: side of a centre crop taken after resizing, in pixels; None takes none.
        alpha: ``composite`` puts transparent images on `background`; ``mask`` also uses the
            alpha channel as the weight of each position.
        background: sRGB colour in [0, 1] under transparent pixels; white unless given.
        normalization: replaces what the weights declare.
        first_padding: how the first convolution pads.
        pooling: how VGG pools; see `Extractor`.
        sparsity: share of the weights of convolutions that is pruned; see `Extractor`.
        source: where the recipe was published.
    """

    backbone: str = "vgg16"
    taps: tuple[str, ...] | None = None
    tap_weights: tuple[float, ...] | None = None
    gram: GramSettings = SECOND_MOMENT
    metric: str = DEFAULT_METRIC
    combine: Combine = Combine.MEAN
    resize: str = "long:512:down"
    crop: int | None = None
    alpha: AlphaUse = "composite"
    background: tuple[float, float, float] = (1.0, 1.0, 1.0)
    normalization: Normalization | None = None
    first_padding: FirstPadding = "zeros"
    pooling: Pooling = "max"
    sparsity: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        self._freeze_lists()
        metric_named(self.metric).check_statistic(self.gram.statistic)
        parse(self.backbone)
        ResizePolicy.parse(self.resize)
        check_sparsity(self.sparsity)
        check.name_in("alpha", self.alpha, ("composite", "mask"))
        if len(self.background) != 3 or not all(0 <= value <= 1 for value in self.background):
            raise ValueError(f"background must be three numbers from 0 to 1, got {self.background}")
        if self.crop is not None:
            check.positive("crop", self.crop)
        if self.tap_weights is not None:
            if self.taps is None:
                raise StyleError("tap weights need taps: name the taps that they belong to, in order")
            if len(self.tap_weights) != len(self.taps):
                raise StyleError(
                    f"tap weights must be one per tap: {len(self.taps)} taps, {len(self.tap_weights)} weights"
                )
            if len(set(self.taps)) < len(self.taps):
                raise StyleError(f"taps with weights must be named once each, got {', '.join(self.taps)}")
            check_weights(self.taps, dict(zip(self.taps, self.tap_weights, strict=True)))

    def _freeze_lists(self) -> None:
        """Lists become tuples, so that equal recipes are equal."""
        if isinstance(self.taps, str):
            raise TypeError(
                f"taps must be a sequence of names such as ({self.taps!r},), got the string {self.taps!r}"
            )
        for name in ("taps", "tap_weights", "background"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else tuple(value))

    @property
    def weights_of_taps(self) -> dict[str, float]:
        """Tap -> weight, shallow to deep."""
        spec = backbone(parse(self.backbone).backbone)
        chosen = [tap.name for tap in select_taps(spec, self.taps)]
        if self.tap_weights is None or self.taps is None:
            return dict.fromkeys(chosen, 1.0)
        given = dict(zip(self.taps, self.tap_weights, strict=True))
        return {tap: given[tap] for tap in chosen}

    def as_json(self) -> dict[str, Any]:
        """The recipe in plain types, for files and reports; without a sparsity of 0, as older files are."""
        plain = asdict(self)
        if not self.sparsity:
            del plain["sparsity"]
        plain["gram"] = {
            "statistic": self.gram.statistic.value,
            "norm": self.gram.norm.value,
            "center": self.gram.center,
        }
        plain["combine"] = self.combine.value
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Recipe:
        """The recipe that `as_json` wrote."""
        known = dict(plain)
        known["gram"] = gram_settings(**known["gram"])
        known["combine"] = check.member(RULES, "combine", known["combine"])
        for name in ("taps", "tap_weights"):
            known[name] = None if known[name] is None else tuple(known[name])
        if known["normalization"] is not None:
            spec = known["normalization"]
            known["normalization"] = Normalization(
                mean=tuple(spec["mean"]), std=tuple(spec["std"]), scale=spec["scale"], bgr=spec["bgr"]
            )
        return cls(**known)


def gram_settings(
    statistic: str | Statistic | None = None,
    norm: str | Norm = Norm.POSITIONS,
    center: bool = False,
    *,
    metric: str = DEFAULT_METRIC,
) -> GramSettings:
    """Settings from names; without a statistic, the one that `metric` is first defined for."""
    chosen = metric_named(metric).statistics[0] if statistic is None else statistic
    return GramSettings(
        statistic=check.member(STATISTICS, "statistic", chosen),
        norm=check.member(NORMS, "norm", norm),
        center=center,
    )


def make_recipe(
    backbone: str = "vgg16",
    taps: Sequence[str] | None = None,
    *,
    statistic: str | Statistic | None = None,
    norm: str | Norm = Norm.POSITIONS,
    center: bool = False,
    metric: str = DEFAULT_METRIC,
    combine: str | Combine = Combine.MEAN,
    **others: Any,
) -> Recipe:
    """A `Recipe` from names, as users write them.

    Args:
        backbone: ``NAME[@WEIGHTS]``.
        taps: names; None takes the backbone's defaults.
        statistic: what is kept of the features; None takes the one that `metric` is first defined for.
        norm: what the sum over positions is divided by.
        center: whether channel means are removed first.
        metric: name of the metric taken at each tap.
        combine: how the taps become one number.
        **others: every other attribute of `Recipe`.

    Raises:
        UnknownNameError: for a name that does not exist; the message lists those that do.
        StyleError: for settings that contradict each other.
    """
    if isinstance(taps, str):
        raise TypeError(f"taps must be a sequence of names such as ({taps!r},), got the string {taps!r}")
    return Recipe(
        backbone=backbone,
        taps=None if taps is None else tuple(taps),
        gram=gram_settings(statistic, norm, center, metric=metric),
        metric=metric,
        combine=check.member(RULES, "combine", combine),
        **others,
    )


def spelled_out(recipe: Recipe, extractor: Extractor) -> Recipe:
    """The recipe with its weights and taps named, shallow to deep."""
    weights = recipe.weights_of_taps
    return replace(
        recipe,
        backbone=f"{extractor.spec.name}@{_weights_word(recipe, extractor)}",
        taps=tuple(weights),
        tap_weights=tuple(weights.values()),
    )


def _weights_word(recipe: Recipe, extractor: Extractor) -> str:
    """The pinned name; a path stays the path that was asked for."""
    asked = parse(recipe.backbone).weights
    named = asked is None or random_seed(asked) is not None
    return extractor.identity.name if named or asked is None else asked
