"""Combinations of arms and readouts that a study measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
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
        TypeError: if the metric is no text.
        UnknownNameError: for a name that does not exist.
        StyleError: for a metric that is not defined for the statistic.
        ValueError: for a width that is no whole number.
    """

    statistic: str
    metric: str
    most: int = 2048

    def __post_init__(self) -> None:
        statistic = check.member(STATISTICS, "statistic", self.statistic)
        check.one_of_type("metric", self.metric, str)
        metric_named(self.metric.removesuffix(CSLS)).check_statistic(statistic)
        whole_number("most", self.most)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Readout:
        """A readout from plain types, as a TOML file gives it.

        Raises:
            UnknownNameError: for a key that does not exist.
            StyleError: if it is no table of a statistic and a metric.
        """
        if not isinstance(plain, Mapping) or not {"statistic", "metric"} <= set(plain):
            raise StyleError(f"a readout must be a table of statistic and metric, got {plain!r}")
        known_keys("a readout", plain, cls)
        return cls(**plain)

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

    Raises:
        TypeError: if something other than a tuple of names is given for one of them.
        UnknownNameError: for a name that does not exist.
        StyleError: if nothing is named.
        ValueError: for an arm whose number makes no sense.
    """

    whose: tuple[Whose, ...] = ("learned",)
    where: Where = "ladder"
    inputs: tuple[str, ...] = (AS_IS,)
    features: tuple[str, ...] = (AS_IS,)
    channels: tuple[str, ...] = (AS_IS,)
    readouts: tuple[Readout, ...]

    def __post_init__(self) -> None:
        check.name_in("where", self.where, WHERE)
        for name, kind in (*dict.fromkeys(ARMS, str).items(), ("readouts", Readout)):
            check.one_of_type(name, getattr(self, name), tuple)
            for one in getattr(self, name):
                check.one_of_type(f"each of {name}", one, kind)
            if not getattr(self, name):
                raise StyleError(f"{name} of a sweep must name at least one, got none")
        for name, find in ARMS.items():
            for one in getattr(self, name):
                find(one)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Sweep:
        """A sweep from plain types, as a TOML file gives it.

        Raises:
            TypeError: if something other than a list is given where one belongs.
            UnknownNameError: for a key or a name that does not exist.
            StyleError: if it is no table, or nothing is named.
        """
        if not isinstance(plain, Mapping):
            raise StyleError(f"a sweep must be a table, got {plain!r}")
        known_keys("a sweep", plain, cls)
        given: dict[str, Any]
        given = {name: value if name == "where" else listed(name, value) for name, value in plain.items()}
        given["readouts"] = tuple(Readout.from_plain(one) for one in given.get("readouts", ()))
        return cls(**given)


ARMS: dict[str, Callable[[str], object]] = {
    "whose": lambda name: check.name_in("whose", name, WHOSE),
    "inputs": input_arm,
    "features": feature_arm,
    "channels": lambda name: None if name == AS_IS else channel_arm(name),
}
"""What each field of a sweep may name."""


def known_keys(what: str, plain: Mapping[str, Any], record: type[Any]) -> None:
    """Raise `UnknownNameError` unless every key of `plain` is a field of `record`."""
    for name in plain:
        check.name_in(f"key of {what}", name, [one.name for one in fields(record)])


def listed(name: str, value: object) -> tuple[Any, ...]:
    """A list as a tuple.

    Raises:
        TypeError: if it is none.
    """
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} must be a list, got {value!r}: write [{value!r}]")
    return tuple(value)


def whole_number(name: str, value: object, least: int = 1) -> None:
    """Raise `ValueError` unless `value` is a whole number from `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number from {least}, got {value!r}")
