"""What a study does to images, features and channels before it measures distances."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.diagnose import (
    ChannelMap,
    drop_top,
    eigenbasis,
    projection,
    rotation,
    shift_independently,
    shuffle_independently,
    shuffle_jointly,
    softmax_channel,
    softmax_global,
    standardisation,
    subsample,
    subset,
    whitening,
)
from gramstyle.images import grayscale, match_color
from gramstyle.study.results import AS_IS


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Pooled moments of the development styles, from which some arms are made.

    Attributes:
        covariance: of the features at a tap, or of colours, (C, C).
        mean: likewise, (C,).
    """

    covariance: Tensor = field(repr=False)
    mean: Tensor = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class InputArm:
    """Something done to the pixels of an image.

    Attributes:
        name: what it is called.
        summary: in words.
        apply: pixels (3, H, W) and the corpus's mean colours -> pixels.
        resize: in place of the study's own policy, or None.
        fitted: whether it uses the corpus's mean colours.
    """

    name: str
    summary: str
    apply: Callable[[Tensor, Reference], Tensor]
    resize: str | None = None
    fitted: bool = False


@dataclass(frozen=True, kw_only=True)
class FeatureArm:
    """Something done to features (B, C, H, W).

    Attributes:
        name: what it is called.
        summary: in words.
        apply: features and a generator -> features.
        least: fewest positions for which it changes anything.
        kept: positions that are left of every image, whatever its size; None where all are.
    """

    name: str
    summary: str
    apply: Callable[[Tensor, torch.Generator], Tensor]
    least: int = 1
    kept: int | None = None


@dataclass(frozen=True, kw_only=True)
class ChannelArm:
    """An affine map of the channels, which their first two moments follow exactly.

    Attributes:
        name: what it is called.
        summary: in words.
        build: pooled moments of the development styles and a generator -> the map.
        least: fewest channels for which it makes sense.
    """

    name: str
    summary: str
    build: Callable[[Reference, torch.Generator], ChannelMap]
    least: int = 2


def input_arm(name: str) -> InputArm:
    """The input arm of that name.

    Raises:
        UnknownNameError: if there is none.
        ValueError: for a number that makes no sense.
    """
    kind, number = _parse("input", name, INPUTS)
    return INPUTS[kind](name, int(number))


def feature_arm(name: str) -> FeatureArm:
    """The feature arm of that name; errors as in `input_arm`."""
    kind, number = _parse("features", name, FEATURES)
    return FEATURES[kind](name, number)


def channel_arm(name: str) -> ChannelArm:
    """The channel arm of that name; errors as in `input_arm`."""
    kind, number = _parse("channels", name, CHANNELS)
    return CHANNELS[kind](name, int(number))


def _parse(what: str, name: str, known: Mapping[str, object]) -> tuple[str, float]:
    """``NAME`` or ``NAME:NUMBER`` apart; the number is 0 where there is none, of a temperature 1."""
    kind, colon, number = name.partition(":")
    check.name_in(f"{what} arm", kind, known)
    if kind in TEMPERED:
        return kind, _temperature(what, name, number if colon else "1")
    if (kind in NUMBERED) != bool(colon) or (colon and not (number.isdecimal() and int(number) > 0)):
        wanted = f"{kind}:NUMBER, with a whole number from 1" if kind in NUMBERED else kind
        raise ValueError(f"{what} arm must be written {wanted}; got {name!r}")
    return kind, int(number or 0)


def _temperature(what: str, name: str, number: str) -> float:
    try:
        found = float(number)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        kind = name.partition(":")[0]
        raise ValueError(f"{what} arm must be written {kind} or {kind}:T, T greater than 0; got {name!r}")
    return found


NUMBERED = ("size", "subsample", "projected", "subset", "drop-top")
"""Arms that are followed by a whole number."""
TEMPERED = ("softmax-global", "softmax-channel")
"""Arms that may be followed by a temperature, in standard deviations of the features."""


def _same(pixels: Tensor, reference: Reference) -> Tensor:
    return pixels


def _gray(pixels: Tensor, reference: Reference) -> Tensor:
    return grayscale(pixels)


def _matched(pixels: Tensor, reference: Reference) -> Tensor:
    return match_color(pixels, reference.mean, reference.covariance, clip=True)


INPUTS: dict[str, Callable[[str, int], InputArm]] = {
    AS_IS: lambda name, _: InputArm(name=name, summary="images as they are", apply=_same),
    "grayscale": lambda name, _: InputArm(name=name, summary="colour removed", apply=_gray),
    "colour-matched": lambda name, _: InputArm(
        name=name, summary="mean and covariance of colours made equal", apply=_matched, fitted=True
    ),
    "size": lambda name, side: InputArm(
        name=name, summary=f"short side of {side} pixels", apply=_same, resize=f"short:{side}"
    ),
}
"""Name -> input arm."""


def _no_change(features: Tensor, generator: torch.Generator) -> Tensor:
    return features


FEATURES: dict[str, Callable[[str, float], FeatureArm]] = {
    AS_IS: lambda name, _: FeatureArm(name=name, summary="features as they are", apply=_no_change),
    "shuffled-jointly": lambda name, _: FeatureArm(
        name=name,
        summary="positions permuted, all channels alike: changes no Gram matrix",
        apply=shuffle_jointly,
        least=2,
    ),
    "shuffled-independently": lambda name, _: FeatureArm(
        name=name,
        summary="positions permuted, each channel by itself: no channel correlates with another",
        apply=shuffle_independently,
        least=2,
    ),
    "shifted-independently": lambda name, _: FeatureArm(
        name=name,
        summary="each channel shifted by itself: none shares a place with another, all stay smooth",
        apply=shift_independently,
        least=2,
    ),
    "subsample": lambda name, positions: FeatureArm(
        name=name,
        summary=f"{positions:g} positions drawn at random",
        apply=lambda features, generator: subsample(features, int(positions), generator),
        least=int(positions) + 1,
        kept=int(positions),
    ),
    "softmax-global": lambda name, temperature: FeatureArm(
        name=name,
        summary=f"softmax over all channels and positions (SWAG), {temperature:g} standard deviations warm",
        apply=lambda features, _generator: softmax_global(features, temperature),
    ),
    "softmax-channel": lambda name, temperature: FeatureArm(
        name=name,
        summary=f"softmax over channels at each position (SWAG), {temperature:g} standard deviations warm",
        apply=lambda features, _generator: softmax_channel(features, temperature),
    ),
}
"""Name -> feature arm."""


def _energies(reference: Reference) -> Tensor:
    return reference.covariance.diagonal() + reference.mean.square()


def _drop_top(count: int, reference: Reference, generator: torch.Generator) -> ChannelMap:
    return drop_top(_energies(reference), count)


CHANNELS: dict[str, Callable[[str, int], ChannelArm]] = {
    "rotated": lambda name, _: ChannelArm(
        name=name,
        summary="channels turned by a random rotation: changes no Frobenius distance",
        build=lambda reference, generator: rotation(len(reference.mean), generator),
    ),
    "eigenbasis": lambda name, _: ChannelArm(
        name=name,
        summary="channels turned until none correlate, over the development styles",
        build=lambda reference, _generator: eigenbasis(reference.covariance),
    ),
    "whitened": lambda name, _: ChannelArm(
        name=name,
        summary="channels whitened over the development styles",
        build=lambda reference, _generator: whitening(reference.covariance, WHITENING_RIDGE),
    ),
    "standardised": lambda name, _: ChannelArm(
        name=name,
        summary="each channel to mean 0 and standard deviation 1 over the development styles",
        build=lambda reference, _generator: standardisation(
            reference.mean, reference.covariance.diagonal().clamp_min(0).sqrt()
        ),
    ),
    "projected": lambda name, channels: ChannelArm(
        name=name,
        summary=f"random orthonormal projection to {channels} channels",
        least=channels + 1,
        build=lambda reference, generator: projection(len(reference.mean), channels, generator),
    ),
    "subset": lambda name, channels: ChannelArm(
        name=name,
        summary=f"{channels} channels drawn at random",
        least=channels + 1,
        build=lambda reference, generator: subset(len(reference.mean), channels, generator),
    ),
    "drop-top": lambda name, count: ChannelArm(
        name=name,
        summary=f"the {count} channels of most energy left out",
        least=2 * count,
        build=partial(_drop_top, count),
    ),
}
"""Name -> channel arm; `AS_IS` stands for none."""

WHITENING_RIDGE = 0.01
"""Added to each eigenvalue, as a share of their mean: directions without energy are not blown up."""
