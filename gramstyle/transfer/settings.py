"""Everything that defines a style transfer, as one frozen record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.extract import backbone, parse, select_taps
from gramstyle.gram import Statistic
from gramstyle.recipe import Recipe
from gramstyle.transfer.canvas import PARAMETERIZATIONS, Parameterization
from gramstyle.transfer.colors import PRESERVES, Preserve
from gramstyle.transfer.losses import CONTENT_NORMS, VARIATIONS, ContentNorm, Variation
from gramstyle.transfer.optimizer import OPTIMIZERS, OptimizerSettings
from gramstyle.transfer.pyramid import scales
from gramstyle.transfer.remedies import NONE, remedy_named

Init: TypeAlias = Literal["content", "style", "gray", "noise", "image"]
INITS: tuple[Init, ...] = ("content", "style", "gray", "noise", "image")

Blend: TypeAlias = Literal["mixture", "geodesic"]
BLENDS: tuple[Blend, ...] = ("mixture", "geodesic")

WEIGHTS = ("style_weight", "histogram_weight", "content_weight", "color_weight")
"""Of terms any of which is reason enough to optimise."""


@dataclass(frozen=True, kw_only=True)
class TransferSettings:
    """What is minimised, from which image on, and how.

    The loss at each scale is ``style_weight * S + histogram_weight * H + content_weight * C +
    color_weight * K + tv_weight * V``; in a film ``temporal_weight * T`` comes to it.

    Attributes:
        style: S is the style distance of this recipe. Its sizes are not used: those of the pyramid are.
        style_weight: of S.
        remedy: what is done to features before S compares them; see `gramstyle.transfer.remedies.Remedy`.
        histogram_weight: of H, the distance of the histograms of channels, at the taps of `style` and with
            their weights; see `gramstyle.transfer.histogram.HistogramTarget`.
        blend: what several styles are together: ``mixture``, features drawn from each in turn; or, where the
            statistic is gaussian, ``geodesic``, the Gaussian between theirs in the 2-Wasserstein distance
            (see `gramstyle.distance.gaussian_barycenter`).
        content_taps: C is the mean over these of `gramstyle.transfer.losses.content_loss`.
        content_weight: of C; 0 for textures.
        content_norm: see `content_loss`.
        color_weight: of K, the squared 2-Wasserstein distance of the palette of the image from that of the
            style, both taken as Gaussian, divided by the mean square of the style's; see
            `gramstyle.transfer.palette`. On a geodesic, of the colours of pixels.
        tv_weight: of V.
        temporal_weight: of T, `gramstyle.transfer.temporal.temporal_loss`, in frames of a film that earlier
            ones say something of.
        tv: which total variation; see `gramstyle.transfer.losses.VARIATIONS`.
        relative: divide the term of each tap by its value for features that are all 0, so that weights
            mean the same for every network and every tap.
        ridge: added to variances before Wasserstein distances, as a share of the style's mean
            variance: fewer positions than channels leave directions without any.
        init: ``content``, ``style`` (noise with the style's mean and covariance of colours), ``gray``,
            ``noise`` (uniform), or ``image``, one that is given.
        parameterization: what the optimiser changes; see `Parameterization`.
        clamp: hold pixels within [0, 1] after each step.
        size: longer side of the result, in pixels.
        min_size: longer side of the coarsest scale.
        first_iterations: steps at the coarsest scale.
        iterations: steps at each other scale.
        style_scale: longer side of styles, as a multiple of that of the image.
        style_size: longer side of styles in pixels, at every scale; None for `style_scale`.
        optimizer: see `OptimizerSettings`.
        averaging: decay of the average of iterates that is shown and handed on; 0 for none.
        preserve_color: ``none``, or how the content's colours are kept; see `recolored_style` and
            `recolored_result`.
        seed: of what is drawn.
        source: where the recipe was published.

    Raises:
        UnknownNameError: for a name that does not exist.
        StyleError: for settings that contradict each other.
        ValueError: for numbers out of range.
    """

    style: Recipe
    style_weight: float = 1.0
    remedy: str = NONE
    histogram_weight: float = 0.0
    blend: Blend = "mixture"
    content_taps: tuple[str, ...]
    content_weight: float = 0.015
    content_norm: ContentNorm = "mean"
    color_weight: float = 0.0
    tv_weight: float = 0.0
    temporal_weight: float = 0.0
    tv: Variation = "nine-point"
    relative: bool = False
    ridge: float = 0.0
    init: Init = "content"
    parameterization: Parameterization = Parameterization.PIXELS
    clamp: bool = True
    size: int = 512
    min_size: int = 128
    first_iterations: int = 1000
    iterations: int = 500
    style_scale: float = 1.0
    style_size: int | None = None
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    averaging: float = 0.99
    preserve_color: Preserve = "none"
    seed: int = 0
    source: str = ""

    def __post_init__(self) -> None:
        weights = self.style.weights_of_taps
        object.__setattr__(
            self,
            "style",
            replace(
                self.style,
                taps=tuple(weights),
                tap_weights=tuple(weights.values()),
                resize="none",
                crop=None,
            ),
        )
        object.__setattr__(self, "content_taps", tuple(self.content_taps))
        if self.content_weight > 0 and not self.content_taps:
            raise StyleError("content_weight needs content_taps: name one, or set it to 0")
        if self.content_taps:
            select_taps(backbone(parse(self.style.backbone).backbone), self.content_taps)
        remedy_named(self.remedy).check_statistic(self.style.gram.statistic)
        check.name_in("blend", self.blend, BLENDS)
        if self.blend == "geodesic" and self.style.gram.statistic is not Statistic.GAUSSIAN:
            raise StyleError(
                "blend geodesic is between Gaussians and needs the statistic gaussian, got "
                f"{self.style.gram.statistic.value}: use the metric squared-wasserstein, or blend mixture"
            )
        check.name_in("content_norm", self.content_norm, CONTENT_NORMS)
        check.name_in("tv", self.tv, VARIATIONS)
        check.name_in("init", self.init, INITS)
        check.member(PARAMETERIZATIONS, "parameterization", self.parameterization)
        check.name_in("preserve_color", self.preserve_color, PRESERVES)
        check.name_in("optimizer", self.optimizer.name, OPTIMIZERS)
        self._check_numbers()
        if not any(getattr(self, name) for name in WEIGHTS):
            raise StyleError(
                f"one of {', '.join(WEIGHTS)} must be greater than 0: there is nothing to optimise"
            )

    def _check_numbers(self) -> None:
        for name in (*WEIGHTS, "tv_weight", "temporal_weight", "ridge"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be 0 or more and finite, got {value}")
        for name in ("size", "min_size", "first_iterations", "iterations", "style_scale"):
            check.positive(name, getattr(self, name))
        check.positive("step_size", self.optimizer.step_size)
        check.positive("history", self.optimizer.history)
        if len(self.optimizer.betas) != 2 or not all(0 <= beta < 1 for beta in self.optimizer.betas):
            raise ValueError(f"betas must be two numbers, 0 or more and below 1, got {self.optimizer.betas}")
        if self.style_size is not None:
            check.positive("style_size", self.style_size)
        if not 0 <= self.averaging < 1:
            raise ValueError(f"averaging must be at least 0 and below 1, got {self.averaging}")

    @property
    def taps(self) -> tuple[str, ...]:
        """Every tap that is read, without repetition."""
        return tuple(dict.fromkeys((*self.style.weights_of_taps, *self.content_taps)))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Longer sides, from coarse to fine."""
        return scales(self.size, self.min_size)

    def steps(self, scale: int) -> int:
        """Steps at a scale, counted from the coarsest, 0."""
        return self.first_iterations if scale == 0 else self.iterations

    @property
    def total_steps(self) -> int:
        """Steps at all scales."""
        return sum(self.steps(scale) for scale in range(len(self.sizes)))

    def as_json(self) -> dict[str, Any]:
        """The settings in plain types."""
        return asdict(self) | {
            "style": self.style.as_json(),
            "parameterization": self.parameterization.value,
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> TransferSettings:
        """The settings that `as_json` wrote."""
        known = dict(plain)
        optimizer = dict(known["optimizer"])
        known["optimizer"] = OptimizerSettings(**optimizer | {"betas": tuple(optimizer["betas"])})
        known["style"] = Recipe.from_json(known["style"])
        known["parameterization"] = check.member(
            PARAMETERIZATIONS, "parameterization", known["parameterization"]
        )
        known["content_taps"] = tuple(known["content_taps"])
        return cls(**known)
