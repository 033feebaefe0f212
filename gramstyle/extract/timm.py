"""Any timm model by name, through timm's own feature interface."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from gramstyle import check
from gramstyle.errors import StyleError, UnknownNameError, WeightsError
from gramstyle.extract.network import out_of_place, seeded
from gramstyle.types import IMAGENET, BackboneSpec, Normalization, TapSpec, TimmHub, WeightsEntry

PREFIX = "timm:"


class TimmTrunk(nn.Module):
    """A timm ``features_only`` model as a dict from tap name to feature map (B, C, H, W)."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)
        self.channels_last = str(getattr(model, "output_fmt", "NCHW")).endswith("NHWC")

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Features of `images` (B, 3, H, W), already normalised."""
        maps = self.model(images)
        if self.channels_last:
            maps = [one.permute(0, 3, 1, 2) for one in maps]
        return dict(zip(self.names, maps, strict=True))


@lru_cache(maxsize=64)
def timm_spec(name: str) -> BackboneSpec:
    """The spec of ``timm:NAME``: its taps are those that timm's `feature_info` declares.

    Raises:
        UnknownNameError: if timm has no such model; the message lists the nearest.
        StyleError: if timm offers no feature maps of that model.
    """
    import timm

    model_name = name.removeprefix(PREFIX)
    if not timm.is_model(model_name):
        nearest = ", ".join(check.nearest_first(model_name, timm.list_models())[:8])
        raise UnknownNameError(f"timm {timm.__version__} has no model {model_name!r}; nearest: {nearest}")
    taps = _declared_taps(model_name)
    deepest = max(16, taps[0].reduction)
    one_per_scale = {tap.reduction: tap.name for tap in taps if tap.reduction <= deepest}
    return BackboneSpec(
        name=name,
        source="timm",
        factory=model_name,
        taps=taps,
        scale_taps=tuple(one_per_scale.values()),
        default_weights="",
        summary=f"{model_name} of timm {timm.__version__}",
    )


def timm_entry(name: str, tag: str) -> WeightsEntry:
    """The weights ``timm:NAME@TAG``, pinned by timm's tag.

    Raises:
        UnknownNameError: if timm lists no such tag for the model; the message lists those it has.
    """
    import timm

    model_name = name.removeprefix(PREFIX)
    tags = timm_tags(name)
    check.name_in(f"weights of {name}", tag, [*tags, "random"])
    cfg = timm.get_pretrained_cfg(f"{model_name}.{tag}", allow_unregistered=False)
    if cfg is None:  # the tag was found above; timm declares the return type loosely
        raise UnknownNameError(f"timm has no configuration of {model_name}.{tag}")
    return WeightsEntry(
        backbone=name,
        name=tag,
        sources=(TimmHub(model=f"{model_name}.{tag}"),),
        normalization=Normalization(mean=_triple(cfg.mean), std=_triple(cfg.std)),
        summary=f"timm's {model_name}.{tag}",
    )


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return red, green, blue


def timm_tags(name: str) -> tuple[str, ...]:
    """The pretrained tags of ``timm:NAME``, as timm lists them."""
    import timm

    model_name = name.removeprefix(PREFIX)
    found = timm.list_pretrained(f"{model_name}.*")
    return tuple(tag for tag in (full.partition(".")[2] for full in found) if tag)


def build_timm(
    spec: BackboneSpec,
    taps: Sequence[TapSpec],
    state: Mapping[str, Tensor] | None,
    seed: int = 0,
    where: str = "",
) -> TimmTrunk:
    """The network up to the deepest of `taps`, with `state`, or drawn from `seed` where it is None.

    Raises:
        StyleError: if timm offers no feature maps of that model.
        WeightsError: if a tensor is missing from `state`, which came from `where`, or does not fit.
    """
    indices = tuple(int(tap.module) for tap in taps)
    if state is None:
        with seeded(seed):
            model = _features_only(spec.factory, pretrained=False, out_indices=indices)
    else:
        model = _loaded(spec, indices, state, where)
    out_of_place(model)
    return TimmTrunk(model.eval().requires_grad_(False), [tap.name for tap in taps])


def _declared_taps(model_name: str) -> tuple[TapSpec, ...]:
    """What `feature_info` of the whole model declares; a module named twice gets ``#2``, ``#3``."""
    import timm

    with torch.device("meta"):
        info = getattr(timm.create_model(model_name, pretrained=False), "feature_info", None)
    if not info:
        raise StyleError(f"timm declares no feature maps of {model_name!r} (its feature_info is empty)")
    taps = []
    for index, layer in enumerate(info):
        earlier = sum(other["module"] == layer["module"] for other in info[:index])
        name = layer["module"] if earlier == 0 else f"{layer['module']}#{earlier + 1}"
        taps.append(
            TapSpec(
                name=name,
                module=str(index),
                channels=layer["num_chs"],
                reduction=layer["reduction"],
                kind="block",
            )
        )
    return tuple(taps)


def _loaded(
    spec: BackboneSpec, indices: tuple[int, ...], state: Mapping[str, Tensor], where: str
) -> nn.Module:
    """As timm loads it, and complete.

    A features-only network keeps at random, without a word, whatever `state` does not hold; the
    whole network is strict. So the whole one is loaded first, for its verdict.
    """
    import timm

    overlay = {"state_dict": dict(state)}
    try:
        timm.create_model(spec.factory, pretrained=True, pretrained_cfg_overlay=dict(overlay))
    except (RuntimeError, KeyError, ValueError) as error:
        why = " ".join(str(error).split())
        raise WeightsError(f"{where} does not fit timm's {spec.factory}: {why}") from error
    return _features_only(spec.factory, pretrained=True, out_indices=indices, pretrained_cfg_overlay=overlay)


def declared_normalization(factory: str) -> Normalization:
    """Mean and standard deviation that timm declares for a model, whatever its weights."""
    import timm

    cfg = timm.get_pretrained_cfg(factory, allow_unregistered=False)
    return IMAGENET if cfg is None else Normalization(mean=_triple(cfg.mean), std=_triple(cfg.std))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without timm's warning that the layers after the last tap have no place to load into."""
    logger = logging.getLogger("timm.models._builder")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _features_only(model_name: str, **options: Any) -> nn.Module:
    import timm

    try:
        with _quiet():
            model: nn.Module = timm.create_model(model_name, features_only=True, **options)
    except (RuntimeError, AttributeError, AssertionError, KeyError) as error:
        raise StyleError(f"timm offers no feature maps of {model_name!r}: {error}") from error
    return model
