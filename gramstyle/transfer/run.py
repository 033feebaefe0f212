"""A style transfer as a sequence of states."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor
from gramstyle.images import ResizePolicy, color_moments, resize, resize_mask
from gramstyle.kernels import Kernel
from gramstyle.tiles import Tile
from gramstyle.transfer.canvas import Canvas, canvas_of
from gramstyle.transfer.colors import recolored_result, recolored_style
from gramstyle.transfer.execution import Asked, Execution
from gramstyle.transfer.guards import guarded
from gramstyle.transfer.inputs import Style, checked_image, checked_mask, checked_styles
from gramstyle.transfer.network import fitting, network_of
from gramstyle.transfer.objective import Objective
from gramstyle.transfer.planner import Planner
from gramstyle.transfer.presets import DEFAULT, transfer_preset
from gramstyle.transfer.segmented import SegmentedObjective
from gramstyle.transfer.settings import TransferSettings
from gramstyle.transfer.stage import Stage
from gramstyle.transfer.targets import StyleImage
from gramstyle.transfer.temporal import Temporal, checked_temporal
from gramstyle.transfer.tiled import TiledObjective
from gramstyle.types import Progress, WeightsIdentity

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """Where a transfer is, after a step.

    Attributes:
        step: steps done, over all scales, from 1.
        steps: steps in all.
        scale: the present scale, from 0, the coarsest.
        scales: number of scales.
        share: of the work that is done, in (0, 1]; see `Transfer.share`.
        losses: term -> weighted value, before the step; see `Objective`.
        image: what would be the result now, (3, H, W) in [0, 1], float32, on the cpu.
    """

    step: int
    steps: int
    scale: int
    scales: int
    share: float
    losses: Mapping[str, float]
    image: Tensor = field(repr=False)

    @property
    def loss(self) -> float:
        """The sum of all terms."""
        return math.fsum(self.losses.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """All that a transfer goes on from.

    Attributes:
        scale: the scale.
        step: steps done at it.
        tensors: name -> numbers of the canvas, the optimiser and the average.
        digest: of settings, images and weights; see `Transfer.digest`.
    """

    scale: int
    step: int
    tensors: Mapping[str, Tensor] = field(repr=False)
    digest: str


class Transfer:
    """The optimisation of one image.

    Iterate over `states`; each step yields a state. `run` takes them all. Nothing is printed or written.

    Args:
        content: sRGB in [0, 1], (3, H, W); None where there is no content term, as for textures.
        styles: at least one.
        settings: what is minimised, and how; or the name of a preset.
        regions: name -> where in the result it is, (H, W) in [0, 1], of any size; each has styles of
            its own. Empty for one region that is all.
        shape: (H, W) whose proportions the result has, where there is no content; None is a square.
        start: the image to begin with for ``init="image"``, (3, H, W).
        temporal: what earlier frames of a film say of this one, of any size.
        extractor: a network that is there already, as `network_of` builds it, in place of one that is built
            as the arguments below say.
        device: see `Extractor`.
        dtype: of the network; the image is float32.
        kernel: who computes, ``auto``, ``reference`` or ``fused``; see `gramstyle.gram`.
        tile: run the network in tiles of that side in pixels, in memory that does not grow with the image;
            ``auto`` where it would take much; None runs whole images. See `Asked`.
        memory_limit: bytes that may be taken: images run whole, with gradient checkpointing, or in the
            largest tiles that fit. See `Asked`.
        gradient_checkpointing: keep the maps at taps alone for the backward pass.
        deterministic: refuse operations whose result depends on the order of threads.
        weights_dir: folder looked in for weights before the cache.
        progress: called while weights are fetched, and after each tile.

    Raises:
        StyleError: for settings that contradict each other or the images.
        UnknownNameError: for a preset that does not exist.
        ValueError: for images of another shape or range, or too small for a tap at the coarsest scale.
        WeightsError: for weights that cannot be found, fetched or trusted.
    """

    def __init__(
        self,
        content: Tensor | None,
        styles: Sequence[Style] | Tensor,
        settings: TransferSettings | str = DEFAULT,
        *,
        regions: Mapping[str, Tensor] | None = None,
        shape: tuple[int, int] | None = None,
        start: Tensor | None = None,
        temporal: Temporal | None = None,
        extractor: Extractor | None = None,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        kernel: Kernel = "auto",
        tile: Tile | None = None,
        memory_limit: int | None = None,
        gradient_checkpointing: bool = False,
        deterministic: bool = False,
        weights_dir: str | Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.asked = Asked(
            tile=tile,
            memory_limit=memory_limit,
            gradient_checkpointing=gradient_checkpointing,
            deterministic=deterministic,
        )
        self.settings = settings = transfer_preset(settings) if isinstance(settings, str) else settings
        self.styles = checked_styles(styles)
        self.content = None if content is None else checked_image("content", content)
        self.regions = {name: checked_mask("regions", mask) for name, mask in (regions or {}).items()}
        self.start = None if start is None else checked_image("start", start)
        self.temporal = None if temporal is None else checked_temporal(temporal)
        self._progress = progress
        self._shape = self._proportions(shape)
        self.extractor = (
            network_of(
                settings,
                device=device,
                dtype=dtype,
                kernel=kernel,
                weights_dir=weights_dir,
                progress=progress,
            )
            if extractor is None
            else fitting(extractor, settings)
        )
        self._kernel = self.extractor.kernel
        self._check_sizes()
        self._planner = Planner(self.extractor, settings, self.asked, self.held, tuple(self.regions))
        self.execution(len(settings.sizes) - 1)  # for its errors
        self._stage: Stage | None = None
        self._done = (0, 0)
        self._snapshot: Snapshot | None = None

    @property
    def identity(self) -> WeightsIdentity:
        """The weights that are used."""
        return self.extractor.identity

    @cached_property
    def digest(self) -> str:
        """Of all that decides the result: settings, images, masks, weights and precision."""
        sha = sha256(dumps(self.settings.as_json(), sort_keys=True).encode())
        sha.update(f"{self.identity.sha256} {self.extractor.dtype} {self._shape}".encode())
        tensors = [self.content, self.start, *self.regions.values()]
        if self.temporal is not None:
            tensors += [self.temporal.pixels, self.temporal.weights]
        for style in self.styles:
            sha.update(f"{style.weight} {style.region}".encode())
            tensors += [style.pixels, style.mask]
        sha.update(" ".join(self.regions).encode())
        for one in tensors:
            sha.update(b"none" if one is None else str(tuple(one.shape)).encode() + one.numpy().tobytes())
        return sha.hexdigest()

    def size(self, scale: int) -> tuple[int, int]:
        """(H, W) of the image at a scale."""
        return ResizePolicy("long", self.settings.sizes[scale]).target(*self._shape)

    def execution(self, scale: int) -> Execution:
        """How a scale is run."""
        return self._planner.execution(self.size(scale))

    def share(self, steps: int) -> float:
        """Of the work that is done after so many steps, in [0, 1]: steps count by their pixels."""
        done = total = 0
        for scale in range(len(self.settings.sizes)):
            pixels, here = math.prod(self.size(scale)), self.settings.steps(scale)
            done += pixels * min(steps, here)
            total += pixels * here
            steps -= min(steps, here)
        return done / total

    def states(self) -> Iterator[State]:
        """Optimise, from the beginning or from where `restore` put it, a state for every step.

        Raises:
            StyleError: where a term is not a number, or memory runs out; the states before it stand.
        """
        sizes = self.settings.sizes
        first, step = (0, 0) if self._snapshot is None else (self._snapshot.scale, self._snapshot.step)
        before = sum(self.settings.steps(scale) for scale in range(first)) + step
        for scale in range(first, len(sizes)):
            stage = self._stage = self._guarded(scale, partial(self._next_stage, scale))
            for at in range(step, self.settings.steps(scale)):
                losses = self._guarded(scale, stage.step)
                before += 1
                self._done = (scale, at + 1)
                yield State(
                    step=before,
                    steps=self.settings.total_steps,
                    scale=scale,
                    scales=len(sizes),
                    share=self.share(before),
                    losses=losses,
                    image=self._shown(stage.shown),
                )
            step = 0

    def run(self) -> State:
        """Take all steps that are left; the last state.

        Raises:
            StyleError: as `states`, or if there is no step left.
        """
        kept = deque(self.states(), maxlen=1)
        if not kept:
            raise StyleError("run needs a step to take: the snapshot that was restored is of the last one")
        return kept[0]

    def snapshot(self) -> Snapshot:
        """What `restore` goes on from, of the state that was yielded last.

        Raises:
            StyleError: before the first state.
        """
        if self._stage is None:
            raise StyleError("snapshot needs a state: take one from states() first")
        scale, step = self._done
        tensors = self._guarded(scale, self._stage.tensors)
        return Snapshot(scale=scale, step=step, tensors=tensors, digest=self.digest)

    def restore(self, snapshot: Snapshot) -> None:
        """Let `states` go on after `snapshot`.

        Raises:
            StyleError: if it was taken of another transfer: other settings, images or weights.
        """
        if snapshot.digest != self.digest:
            raise StyleError(
                "the snapshot is of another transfer: its settings, images, weights or precision differ. "
                "Give the same ones, or begin anew"
            )
        self._snapshot = snapshot

    def _guarded(self, scale: int, do: Callable[[], T]) -> T:
        height, width = self.size(scale)
        where = f"scale {scale + 1} of {len(self.settings.sizes)}, {width} x {height} pixels"
        where += f", run {self.execution(scale).words}"
        return guarded(do, self.asked, self.extractor.device, where)

    @property
    def held(self) -> int:
        """Bytes of images that are there at every scale."""
        tensors = [self.content, self.start, *self.regions.values()]
        tensors += [one for style in self.styles for one in (style.pixels, style.mask)]
        return sum(one.untyped_storage().nbytes() for one in tensors if one is not None)

    def _next_stage(self, scale: int) -> Stage:
        """The stage of a scale: as it was, after the one before it, or the first."""
        saved, self._snapshot = self._snapshot, None
        size = self.size(scale)
        if saved is not None:
            image = torch.zeros(1, 3, *size)
        elif self._stage is not None:
            image = _resized(self._stage.shown[None], size)
        else:
            image = self._first_image(size)
        image = image.to(self.extractor.device)
        stage = Stage(self._canvas(image), self._objective(scale), self.settings, self._stage)
        if saved is not None:
            stage.restore(saved.tensors)
        return stage

    def _canvas(self, image: Tensor) -> Canvas:
        return canvas_of(image, self.settings.parameterization, clamp=self.settings.clamp)

    def _objective(self, scale: int) -> Objective:
        size = self.size(scale)
        content = None if self.content is None else _resized(self.content[None], size)
        regions = {name: resize_mask(mask, size) for name, mask in self.regions.items()}
        styles = [self._style_at(one, scale) for one in self.styles if one.weight > 0]
        temporal = None if self.temporal is None else self.temporal.resized(size)
        given = (self.extractor, self.settings, content, styles, regions, self._kernel, temporal)
        how = self.execution(scale)
        if how.tile is not None:
            return TiledObjective(
                *given, tile=how.tile, keep_content=how.keep_content, progress=self._progress
            )
        kind = SegmentedObjective if how.checkpointed else Objective
        return kind(*given, style_tile=how.style_tile)

    def _style_at(self, style: Style, scale: int) -> StyleImage:
        """Style images are never enlarged: what they would gain is blur."""
        side = self.settings.style_size or round(self.settings.sizes[scale] * self.settings.style_scale)
        pixels = style.pixels
        if self.content is not None:
            pixels = recolored_style(pixels, self.content, self.settings.preserve_color)
        pixels = resize(pixels, ResizePolicy("long", max(1, side), upscale=False))
        mask = None if style.mask is None else resize_mask(style.mask, (pixels.shape[1], pixels.shape[2]))
        return StyleImage(pixels=pixels[None], weight=style.weight, mask=mask, region=style.region)

    def _first_image(self, size: tuple[int, int]) -> Tensor:
        init, seed = self.settings.init, self.settings.seed
        generator = torch.Generator().manual_seed(seed)
        if init in ("content", "image"):
            given = self.content if init == "content" else self.start
            if given is None:
                raise StyleError(f"init {init} needs that image, got none")
            return _resized(given[None], size)
        if init == "gray":
            return 0.5 + (torch.rand(1, 3, *size, generator=generator) - 0.5) / 255
        if init == "noise":
            return torch.rand(1, 3, *size, generator=generator)
        mean, covariance = color_moments(
            torch.cat([one.pixels.flatten(1) for one in self.styles], 1)[:, None]
        )
        values, vectors = torch.linalg.eigh(covariance)
        root = (vectors * values.clamp_min(0).sqrt()) @ vectors.mT
        drawn = torch.randn(3, size[0] * size[1], generator=generator, dtype=root.dtype)
        return (root @ drawn + mean[:, None]).reshape(1, 3, *size).float().clamp(0, 1)

    def _shown(self, image: Tensor) -> Tensor:
        found = image.detach().float().clamp(0, 1).cpu()
        if self.content is None:
            return found
        return recolored_result(found, self.content, self.settings.preserve_color)

    def _proportions(self, shape: tuple[int, int] | None) -> tuple[int, int]:
        if self.content is not None:
            if shape is not None:
                raise StyleError("shape is that of the content where there is one: leave it out")
            return self.content.shape[1], self.content.shape[2]
        if self.settings.content_weight:
            raise StyleError("content must be given where content_weight is greater than 0")
        if self.settings.init == "content":
            raise StyleError("init content needs a content: use init style, noise, gray or image")
        if self.settings.preserve_color != "none":
            raise StyleError("preserve_color needs a content, whose colours they are")
        return shape or (1, 1)

    def _check_sizes(self) -> None:
        """Every image must leave a position at every tap, at the coarsest scale."""
        least = self.extractor.minimum_size
        smallest = min(self.size(0))
        if smallest < least:
            raise StyleError(
                f"min_size must be larger: at the coarsest scale the result is {self.size(0)[0]} x "
                f"{self.size(0)[1]} pixels, and tap {self.extractor.taps[-1].name} needs {least} on each side"
            )
        for at, style in enumerate(self.styles):
            side = self._style_at(style, 0).pixels.shape[2:]
            if min(side) < least:
                raise StyleError(
                    f"style {at + 1} is {side[0]} x {side[1]} pixels at the coarsest scale, and tap "
                    f"{self.extractor.taps[-1].name} needs {least} on each side: use a larger style, "
                    "style_scale or min_size"
                )


def _resized(images: Tensor, size: tuple[int, int]) -> Tensor:
    return resize(images, ResizePolicy("exact", size))
