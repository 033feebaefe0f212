"""What is done to features before their styles are compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import softmax_channel, softmax_global
from gramstyle.errors import StyleError
from gramstyle.gram import Statistic
from gramstyle.numerics import safe_divide, safe_sqrt

if TYPE_CHECKING:
    from gramstyle.transfer.settings import TransferSettings

NONE = "none"
STANDARDISED = "standardised"
SOFTMAXES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "softmax-channel": softmax_channel,
    "softmax-global": softmax_global,
}
REMEDIES = (NONE, *SOFTMAXES, STANDARDISED)


@dataclass(frozen=True)
class Remedy:
    """What is done to features before their styles are compared.

    * ``none``.
    * ``softmax-channel[:T]``, ``softmax-global[:T]``: SWAG (Wang, Li and Vasconcelos 2021), T standard
      deviations warm; see `gramstyle.diagnose.softmax_channel`.
    * ``standardised``: each channel divided by its standard deviation in the style, so that no channel
      counts for more than another: for statistics of all pairs of channels.

    Attributes:
        kind: one of `REMEDIES`.
        temperature: T.
    """

    kind: str
    temperature: float = 1.0

    def features(self, features: Tensor) -> Tensor:
        """Of (B, C, H, W), the same shape."""
        if self.kind not in SOFTMAXES:
            return features
        return SOFTMAXES[self.kind](features, self.temperature)

    def scales(self, value: Tensor, statistic: Statistic) -> Tensor | None:
        """What descriptors (1, C, ...) of a style and all that are compared with it are multiplied by."""
        if self.kind != STANDARDISED:
            return None
        channels = value.shape[1]
        variances = value[..., :channels].diagonal(dim1=-2, dim2=-1)  # (1, C)
        factors = safe_divide(torch.ones_like(variances), safe_sqrt(variances), 0.0)
        both = factors[..., None] * factors[:, None]
        return torch.cat([both, factors[..., None]], -1) if statistic is Statistic.GAUSSIAN else both

    def check_statistic(self, statistic: Statistic) -> None:
        """Raise a StyleError if the remedy does not apply to descriptors of that kind."""
        able = (Statistic.GRAM, Statistic.COVARIANCE, Statistic.GAUSSIAN)
        if self.kind == STANDARDISED and statistic not in able:
            raise StyleError(
                f"remedy standardised needs the statistic gram, covariance or gaussian, got {statistic.value}"
            )


def remedy_named(name: str) -> Remedy:
    """``NAME`` or, of a softmax, ``NAME:T``.

    Raises:
        UnknownNameError: if there is none of that name.
        ValueError: for a temperature that is not greater than 0.
    """
    kind, colon, number = name.partition(":")
    check.name_in("remedy", kind, REMEDIES)
    if not colon:
        return Remedy(kind)
    try:
        temperature = float(number)
    except ValueError:
        temperature = math.nan
    if kind not in SOFTMAXES or not 0 < temperature < math.inf:
        raise ValueError(
            f"remedy must be one of {', '.join(REMEDIES)}, a softmax with a temperature above 0 as in "
            f"softmax-channel:0.5; got {name!r}"
        )
    return Remedy(kind, temperature)


def reason_against_tiles(settings: TransferSettings) -> str | None:
    """Why a transfer cannot run in tiles whatever its network; None if it can."""
    if settings.histogram_weight:
        return "histograms need all positions at once: tiles are for a histogram_weight of 0"
    if remedy_named(settings.remedy).kind in SOFTMAXES:
        return f"the remedy {settings.remedy} needs whole maps: tiles are for none and standardised"
    return None
