"""Where features come from: a network, or the pixels themselves."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gramstyle.extract import Extractor, backbone, choose_device, choose_weights, parse
from gramstyle.extract.registry import random_seed
from gramstyle.study.depth import depth_taps, ladder_taps
from gramstyle.study.results import PIXELS, RGB, Tap
from gramstyle.types import BackboneSpec, Features, Progress, TapSpec, WeightsEntry

RGB_TAP = TapSpec(name=RGB, module="", channels=3, reduction=1, kind="stem")


class Network:
    """A backbone with its weights, ready to give features; loaded when first asked for them.

    Args:
        name: ``NAME[@WEIGHTS]``, or `PIXELS`.
        like: weights whose limits random weights keep to, so that both are read at the same taps.
        device: see `Extractor`.
        dtype: of the network.
        weights_dir: folder looked in for weights before the cache.
        progress: called while weights are fetched.

    Raises:
        UnknownNameError: for a backbone or weights that do not exist.
    """

    def __init__(
        self,
        name: str,
        *,
        like: str | None = None,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        weights_dir: str | Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.device = choose_device(device)
        self.dtype = dtype
        self._options = {"weights_dir": weights_dir, "progress": progress}
        self._extractor: Extractor | None = None
        self.depth: tuple[TapSpec, ...]
        self.ladder: tuple[TapSpec, ...]
        if name == PIXELS:
            self.backbone, self.weights = PIXELS, ""
            self.depth = self.ladder = (RGB_TAP,)
            return
        spec, self.weights = _named(name)
        self.backbone = spec.name
        limit = _entry(spec, self.weights if like is None else _named(like)[1])
        self.depth, self.ladder = depth_taps(spec, limit), ladder_taps(spec, limit)

    @property
    def name(self) -> str:
        """``NAME@WEIGHTS``."""
        return f"{self.backbone}@{self.weights}" if self.weights else self.backbone

    @property
    def learned(self) -> bool:
        """Whether the weights were trained."""
        return self.backbone != PIXELS and random_seed(self.weights) is None

    @property
    def identity(self) -> dict[str, Any]:
        """Name, source and sha256 of the weights."""
        if self.backbone == PIXELS:
            return {"backbone": PIXELS, "name": "", "source": "the images themselves", "sha256": ""}
        return asdict(self._loaded().identity)

    @property
    def minimum_size(self) -> int:
        """Smallest side of an image that leaves a position at every tap."""
        return 1 if self.backbone == PIXELS else max(tap.reduction for tap in self.depth)

    def features(self, images: Tensor) -> Features:
        """Tap -> features (B, C, H, W) of `images` (B, 3, H, W) at every depth tap."""
        if self.backbone == PIXELS:
            return {RGB: images.to(self.device)}
        return self._loaded()(images)

    def unload(self) -> None:
        """Forget the network; the next call loads it again."""
        self._extractor = None

    def facts(self, height: int, width: int) -> list[Tap]:
        """One record per depth tap, for images of that size."""
        last = max(1, len(self.depth) - 1)
        return [
            Tap(
                backbone=self.backbone,
                weights=self.weights,
                tap=tap.name,
                kind=tap.kind,
                depth=index / last,
                channels=tap.channels,
                positions=-(-height // tap.reduction) * -(-width // tap.reduction),
                reduction=tap.reduction,
            )
            for index, tap in enumerate(self.depth)
        ]

    def _loaded(self) -> Extractor:
        if self._extractor is None:
            self._extractor = Extractor(
                self.backbone,
                [tap.name for tap in self.depth],
                weights=self.weights,
                device=self.device,
                dtype=self.dtype,
                **self._options,  # type: ignore[arg-type]
            )
        return self._extractor


def _named(name: str) -> tuple[BackboneSpec, str]:
    """The backbone, and its weights by their pinned name."""
    parsed = parse(name)
    spec = backbone(parsed.backbone)
    chosen = choose_weights(spec, parsed.weights)
    if isinstance(chosen, WeightsEntry):
        return spec, chosen.name
    return spec, f"random:{chosen}" if isinstance(chosen, int) else str(chosen)


def _entry(spec: BackboneSpec, weights: str) -> WeightsEntry | None:
    chosen = choose_weights(spec, weights)
    return chosen if isinstance(chosen, WeightsEntry) else None
