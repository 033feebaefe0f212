"""Names of backbones, taps and weights, as users write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gramstyle import check
from gramstyle.errors import StyleError
from gramstyle.extract.specs import BACKBONES
from gramstyle.types import BackboneSpec, TapSpec, WeightsEntry

TIMM_PREFIX = "timm:"
RANDOM = "random"


@dataclass(frozen=True)
class BackboneName:
    """A backbone and, where the user said so, its weights: ``BACKBONE[@WEIGHTS]``."""

    backbone: str
    weights: str | None = None

    def __str__(self) -> str:
        return self.backbone if self.weights is None else f"{self.backbone}@{self.weights}"


def parse(text: str) -> BackboneName:
    """Split ``BACKBONE[@WEIGHTS]``; weights are a pinned name, ``random[:SEED]`` or a path.

    ``timm:NAME.TAG`` means the same as ``timm:NAME@TAG``.

    Raises:
        UnknownNameError: if the backbone is not in the registry; the message lists those that are.
    """
    name, at, weights = text.partition("@")
    if at and not weights:
        raise ValueError(f"weights must follow the @ in {text!r}: a pinned name, random[:SEED] or a path")
    if name.startswith(TIMM_PREFIX):
        model, dot, tag = name.partition(".")
        if dot and not at:
            return BackboneName(model, tag)
        return BackboneName(name, weights if at else None)
    check.name_in("backbone", name, BACKBONES, hint="any other timm model by timm:NAME@TAG")
    return BackboneName(name, weights if at else None)


def backbones() -> tuple[BackboneSpec, ...]:
    """Every backbone of the registry, in the order of listings."""
    return tuple(BACKBONES.values())


def backbone(name: str) -> BackboneSpec:
    """The spec of a backbone of the registry, or of any timm model as ``timm:NAME``.

    Raises:
        UnknownNameError: if there is none of that name; the message lists those that exist.
    """
    if name.startswith(TIMM_PREFIX):
        from gramstyle.extract.timm import timm_spec

        return timm_spec(name)
    check.name_in("backbone", name, BACKBONES, hint="any other timm model by timm:NAME@TAG")
    return BACKBONES[name]


def select_taps(
    spec: BackboneSpec, taps: Sequence[str] | None, entry: WeightsEntry | None = None
) -> tuple[TapSpec, ...]:
    """The taps that are asked for, shallow to deep, each once; None means the spec's defaults.

    Raises:
        UnknownNameError: if a tap does not exist; the message lists those that do, nearest first.
        StyleError: if the weights may not be read that deep.
    """
    if isinstance(taps, str):
        raise TypeError(f"taps must be a sequence of names such as ({taps!r},), got the string {taps!r}")
    names = spec.default_taps if taps is None else tuple(taps)
    if not names:
        raise ValueError(f"taps must name at least one tap of {spec.name}, got none")
    order = {tap.name: depth for depth, tap in enumerate(spec.taps)}
    for name in names:
        check.name_in(f"tap of {spec.name}", name, order)
    if entry is not None and entry.last_tap is not None:
        _refuse_deeper(names, order, entry)
    return tuple(spec.taps[depth] for depth in sorted({order[name] for name in names}))


def _refuse_deeper(names: Sequence[str], order: dict[str, int], entry: WeightsEntry) -> None:
    limit = order[entry.last_tap or ""]
    deeper = [name for name in names if order[name] > limit]
    if deeper:
        raise StyleError(
            f"tap {', '.join(deeper)} lies deeper than {entry.last_tap}, the last tap that weights "
            f"{entry.backbone}@{entry.name} can be read at: {entry.last_tap_reason}. "
            f"Use a tap up to {entry.last_tap}, or other weights of {entry.backbone}"
        )


def random_seed(weights: str) -> int | None:
    """The seed in ``random`` (0) or ``random:SEED``; None for any other weights.

    Raises:
        ValueError: if what follows ``random:`` is not a whole number.
    """
    if weights == RANDOM:
        return 0
    if not weights.startswith(f"{RANDOM}:"):
        return None
    seed = weights.removeprefix(f"{RANDOM}:")
    if not re.fullmatch(r"\d{1,9}", seed):
        raise ValueError(f"weights random:SEED must end in a whole number from 0, got {weights!r}")
    return int(seed)
