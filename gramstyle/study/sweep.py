"""Combinations of arms and readouts that a study measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gramstyle import check
from gramstyle.distance import metric_named
from gramstyle.errors import StyleError
from gramstyle.gram import STATISTICS, Statistic
from gramstyle.study.arms import channel_arm, feature_arm, input_arm
from gramstyle.study.results import AS_IS

CSLS = "+csls"
"""Behind a metric: its distances corrected for hubs."""

Where = Literal["depth", "ladder", "last"]
Whose = Literal["learned", "random", "pixels"]
WHERE: tuple[Where, ...] = ("depth", "ladder", "last")
WHOSE: tuple[Whose, ...] = ("learned", "random", "pixels")


@dataclass(frozen=True, kw_only=True)
class Readout:
    """A statistic with a metric.

    Attributes:
        statistic: see `gramstyle.gram.Statistic`.
        metric: see `gramstyle.METRICS`; with ``+csls`` behind it, corrected for hubs.
        most: widest tap, in channels, that it is taken at; wider ones cost too much.

    Raises:
        UnknownNameError: for a name that does not exist.
        StyleError: for a metric that is not defined for the statistic.
    """

    statistic: str
    metric: str
    most: int = 2048

    def __post_init__(self) -> None:
        statistic = check.member(STATISTICS, "statistic", self.statistic)
        metric_named(self.metric.removesuffix(CSLS)).check_statistic(statistic)
        check.positive("most", self.most)

    @property
    def kind(self) -> Statistic:
        """The statistic itself."""
        return STATISTICS[self.statistic]


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """All combinations of some arms and readouts at some taps.

    Attributes:
        whose: networks with learned weights, their random copies, or the pixels.
        where: every tap of `depth_taps`, those of `ladder_taps`, or the last of the ladder.
        inputs: input arms.
        features: feature arms.
        channels: channel arms; ``as-is`` for none.
        readouts: statistic and metric.
    """

    whose: tuple[Whose, ...] = ("learned",)
    where: Where = "ladder"
    inputs: tuple[str, ...] = (AS_IS,)
    features: tuple[str, ...] = (AS_IS,)
    channels: tuple[str, ...] = (AS_IS,)
    readouts: tuple[Readout, ...]

    def __post_init__(self) -> None:
        check.name_in("where", self.where, WHERE)
        for one in self.whose:
            check.name_in("whose", one, WHOSE)
        for name in self.inputs:
            input_arm(name)
        for name in self.features:
            feature_arm(name)
        for name in self.channels:
            if name != AS_IS:
                channel_arm(name)
        for name in ("whose", "inputs", "features", "channels", "readouts"):
            if not getattr(self, name):
                raise StyleError(f"{name} of a sweep must name at least one, got none")

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Sweep:
        """A sweep from plain types, as a TOML file gives it."""
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()
        }
        given["readouts"] = tuple(Readout(**one) for one in given.get("readouts", ()))
        return cls(**given)
