"""Where features come from: a network, or the pixels themselves."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, backbone, choose_device, choose_weights, parse
from gramstyle.extract.network import build
from gramstyle.extract.registry import TIMM_PREFIX, random_seed
from gramstyle.extract.timm import build_timm
from gramstyle.kernels import Kernel, checked_kernel
from gramstyle.study.depth import depth_taps, ladder_taps
from gramstyle.study.results import PIXELS, RGB, Tap
from gramstyle.types import BackboneSpec, Features, Progress, TapSpec, WeightsEntry, WeightsIdentity

RGB_TAP = TapSpec(name=RGB, module="", channels=3, reduction=1, kind="stem")


class Network:
    """A backbone with its weights, ready to give features; loaded when first asked for them.

    Args:
        name: ``NAME[@WEIGHTS]``, or `PIXELS`.
        like: weights whose limits random weights keep to, so that both are read at the same taps.
        sparsity: share of the weights of convolutions that is pruned; see `Extractor`.
        device: see `Extractor`.
        dtype: of the network.
        kernel: who computes, ``auto``, ``reference`` or ``fused``; see `gramstyle.gram`.
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
        sparsity: float = 0.0,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        kernel: Kernel = "auto",
        weights_dir: str | Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.device = choose_device(device)
        self.dtype = dtype
        self.kernel = checked_kernel(kernel)
        self._options = {"sparsity": sparsity, "weights_dir": weights_dir, "progress": progress}
        self._extractor: Extractor | None = None
        self._identity: WeightsIdentity | None = None
        self.depth: tuple[TapSpec, ...]
        self.ladder: tuple[TapSpec, ...]
        if name == PIXELS:
            self.backbone, self.weights = PIXELS, ""
            self.depth = self.ladder = (RGB_TAP,)
            return
        self._spec, self.weights = _named(name)
        self.backbone = self._spec.name
        limit = _entry(self._spec, self.weights if like is None else _named(like)[1])
        self.depth, self.ladder = depth_taps(self._spec, limit), ladder_taps(self._spec, limit)

    @property
    def name(self) -> str:
        """``NAME@WEIGHTS``."""
        return f"{self.backbone}@{self.weights}" if self.weights else self.backbone

    @property
    def learned(self) -> bool:
        """Whether the weights are the network's own: trained, or given by formulas; not drawn."""
        return self.backbone != PIXELS and random_seed(self.weights) is None

    @property
    def computed(self) -> bool:
        """Whether there are no weights that could be drawn."""
        return self.backbone == PIXELS or self._spec.computed

    @property
    def identity(self) -> dict[str, Any]:
        """Name, source and sha256 of the weights, which are loaded once to know."""
        if self.backbone == PIXELS:
            return {"backbone": PIXELS, "name": "", "source": "the images themselves", "sha256": ""}
        return asdict(self._identity or self._loaded().identity)

    @property
    def minimum_size(self) -> int:
        """Smallest side of an image that leaves a position at every tap."""
        return 1 if self.backbone == PIXELS else max(tap.reduction for tap in self.depth)

    def features(self, images: Tensor) -> Features:
        """Tap -> features (B, C, H, W) of `images` (B, 3, H, W) at every depth tap.

        Raises:
            StyleError: if the weights are others than those that the network was identified by.
        """
        if self.backbone == PIXELS:
            return {RGB: images.to(self.device)}
        return self._loaded()(images)

    def unload(self) -> None:
        """Forget the network; the next call loads it again."""
        self._extractor = None

    def positions(self, height: int, width: int) -> tuple[int, ...]:
        """P at every depth tap, for images of that size."""
        if self.backbone == PIXELS:
            return (height * width,)
        return _positions(self._spec, self.depth, height, width)

    def facts(self, height: int, width: int) -> list[Tap]:
        """One record per depth tap, for images of that size."""
        last = max(1, len(self.depth) - 1)
        positions = self.positions(height, width)
        return [
            Tap(
                backbone=self.backbone,
                weights=self.weights,
                tap=tap.name,
                kind=tap.kind,
                depth=index / last,
                channels=tap.channels,
                positions=count,
                reduction=tap.reduction,
            )
            for index, (tap, count) in enumerate(zip(self.depth, positions, strict=True))
        ]

    def _loaded(self) -> Extractor:
        if self._extractor is None:
            self._extractor = Extractor(
                self.backbone,
                [tap.name for tap in self.depth],
                weights=self.weights,
                device=self.device,
                dtype=self.dtype,
                kernel=self.kernel,
                **self._options,  # type: ignore[arg-type]
            )
            found = self._extractor.identity
            if self._identity not in (None, found):
                raise StyleError(f"weights of {self.name} changed while they were in use: start again")
            self._identity = found
        return self._extractor


@lru_cache(maxsize=64)
def _positions(spec: BackboneSpec, taps: tuple[TapSpec, ...], height: int, width: int) -> tuple[int, ...]:
    """P at each tap, by following shapes through the network without computing anything.

    A rule would not do: of a window that stands over an edge VGG makes nothing, and others a position.
    """
    trunk = build_timm(spec, taps, None) if spec.name.startswith(TIMM_PREFIX) else build(spec, taps)
    maps = trunk.to("meta")(torch.empty(1, 3, height, width, device="meta"))
    return tuple(maps[tap.name][0, 0].numel() for tap in taps)


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
