"""What a step of a transfer holds in memory, from running it on tensors that have shapes and no values."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, Segments
from gramstyle.extract.regions import Size, without_values
from gramstyle.gram import Moments, gradient_of_part
from gramstyle.tiles import Part, TensorSource, Tiling, Work, image_gradient
from gramstyle.tiles.grid import Grid
from gramstyle.transfer.bands import pixels_of_band
from gramstyle.transfer.histogram import LEVELS, histogram_loss
from gramstyle.transfer.objective import Objective
from gramstyle.transfer.remedies import remedy_named
from gramstyle.transfer.segmented import SegmentedObjective
from gramstyle.transfer.settings import TransferSettings

META = torch.device("meta")


class Watch(TorchDispatchMode):
    """Counts the most bytes that tensors made in this block hold at one time."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._held: dict[int, int] = {}
        self._sum = 0
        self.most = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        known = {storage._cdata for storage in _storages((args, kwargs))} | self._held.keys()
        for storage in _storages(result):
            if storage._cdata not in known:
                self._add(storage)
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._held:  # one of several results that share it
            return
        self._held[key] = size
        self._sum += size
        self.most = max(self.most, self._sum)
        weakref.finalize(storage, self._forget, key)

    def _forget(self, key: int) -> None:
        self._sum -= self._held.pop(key)


def _storages(tree: Any) -> list[torch.UntypedStorage]:
    return [one.untyped_storage() for one in tree_leaves(tree) if isinstance(one, Tensor)]


class Rehearsal:
    """Steps of one transfer without values: they take milliseconds, and memory for nothing but shapes.

    What is counted is every tensor that torch makes on the way, forward and backward, until it is let go.
    Kernels' own scratch memory is not, nor what an allocator keeps.

    Args:
        extractor: of the transfer; its weights are not read.
        settings: of the transfer.
        regions: names of regions; empty for one that is all.
    """

    def __init__(self, extractor: Extractor, settings: TransferSettings, regions: Sequence[str] = ()) -> None:
        self.extractor = without_values(extractor)
        self.settings = settings
        self.regions = tuple(regions)
        self._band = pixels_of_band(extractor.device)
        self._tiling = Tiling(self.extractor)

    def whole(self, size: Size, *, segmented: bool = False) -> int:
        """Bytes at most of a step on an image of (H, W) `size`; `segmented` is `SegmentedObjective`.

        Raises:
            StyleError: if the network cannot be rehearsed.
        """
        kind = _Segmented if segmented else _Whole
        image = torch.empty(1, 3, *size, device=META).requires_grad_()
        try:
            objective = kind(self.extractor, self.settings, size, self.regions, self._band)
            with Watch() as seen:
                total = torch.stack([one.double() for one in objective.terms(image).values()]).sum()
                torch.autograd.grad(total, image)
        except (RuntimeError, NotImplementedError) as error:  # an operation that asks for values
            name, why = self.extractor.spec.name, " ".join(str(error).split())[:200]
            raise StyleError(f"what memory {name} takes is not known, because {why}") from error
        return seen.most + objective.held

    def tiles(self, size: Size, tile: int) -> int:
        """As `whole`, in tiles; without the image and its gradient.

        Raises:
            StyleError: if the network cannot run in tiles.
        """
        self._tiling.check()
        image = torch.empty(1, 3, *size, device=META)
        whole = self._tiling.work(TensorSource(image[0]))
        work = Work(
            extractor=whole.extractor,
            program=whole.program,
            layout=whole.layout,
            source=whole.source,
            grid=_Kinds(size, tile),
        )
        dtype, channels = self.extractor.dtype, work.layout.channels
        means = {
            name: torch.empty(1, channels[step.inputs[0]], dtype=dtype, device=META)
            for name, step in work.program.means.items()
        }
        contents = self.settings.content_taps if self.settings.content_weight else ()
        styles = [tap for tap, weight in self.settings.style.weights_of_taps.items() if weight]

        def pull(parts: Mapping[str, Part]) -> dict[str, Tensor]:
            found = {tap: self._pulled(part) for tap, part in parts.items() if tap in styles}
            asked = {tap: part.region for tap, part in parts.items() if tap in contents}
            for tap, target in (work.features(asked, means) if asked else {}).items():
                kind = torch.promote_types(target.dtype, torch.float32)
                gradient = target.to(kind) - parts[tap].features.to(kind)
                found[tap] = found[tap] + gradient if tap in found else gradient
            return found

        with Watch() as seen:
            found = image_gradient(image, work, means, {*styles, *contents}, pull)
        return seen.most - found.untyped_storage().nbytes()

    def content(self, size: Size) -> int:
        """Bytes of the content's features, where these are kept.

        Raises:
            StyleError: as `tiles`.
        """
        if not self.settings.content_weight:
            return 0
        made = self._tiling.work(TensorSource(torch.empty(3, *size, device=META)))
        steps = [made.program.taps[tap] for tap in self.settings.content_taps]
        values = sum(made.positions(step) * made.layout.channels[step] for step in steps)
        return values * self.extractor.dtype.itemsize

    def _pulled(self, part: Part) -> Tensor:
        """The gradient of moments in every region."""
        channels = part.features.shape[1]
        second = torch.empty(1, channels, channels, dtype=torch.float64, device=META)
        mean = torch.empty(1, channels, dtype=torch.float64, device=META)
        moments = Moments(second, mean, torch.empty(1, dtype=torch.float64, device=META))
        weights = torch.empty(1, *part.region.size, device=META) if self.regions else None
        found = gradient_of_part(part.features, weights, moments, second, mean)
        if len(self.regions) > 1:
            found = found + gradient_of_part(part.features, weights, moments, second, mean)
        return found


class _Kinds(Grid):
    """A grid of which one tile of each kind is run: some have maps that are padded, others whole halos."""

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rows, columns = self.counts
        down, across = rows // 2, columns // 2
        near = min(1, rows - 1), min(1, columns - 1)  # whose halo ends at the edge, or is padded too
        return iter(dict.fromkeys([(0, 0), (0, across), (down, 0), near, (down, across)]))


class _Whole(Objective):
    """The terms of an image without values: distances are sums."""

    def __init__(
        self,
        extractor: Extractor,
        settings: TransferSettings,
        size: Size,
        regions: Sequence[str],
        band: int,
    ) -> None:
        self.extractor = extractor
        self.settings = settings
        self.kernel = "reference"
        self._band = band
        self.regions = {name: torch.empty(size, device=META) for name in regions} or {"": None}
        self._masks = {}
        self._weights = dict(settings.style.weights_of_taps)
        nothing: Any = dict.fromkeys(self.regions)
        self._styles, self._colours = dict.fromkeys(self._weights, nothing), nothing
        self._contents = {}
        self._remedy = remedy_named(settings.remedy)
        self.temporal = None
        self.held = 0
        if settings.content_weight:
            with torch.no_grad():
                features = extractor(torch.empty(1, 3, *size, device=META))
            self._contents = {tap: (features[tap], 1.0) for tap in settings.content_taps}
            self.held = sum(one.untyped_storage().nbytes() for one, _ in self._contents.values())

    def _over_regions(self, targets: Any, value: Any, size: Size) -> Tensor:
        return torch.stack([value(region).sum().double() for region in targets]).sum()

    def _histogram_loss(self, tap: str, features: Tensor) -> Tensor:
        quantiles = torch.empty(features.shape[1], LEVELS, device=META)
        size = features.shape[2], features.shape[3]
        losses = [histogram_loss(features, quantiles, self._mask(region, size)) for region in self.regions]
        return torch.stack(losses).sum()

    def _mask(self, region: str, size: Size) -> Tensor | None:
        return None if self.regions[region] is None else torch.empty(size, device=META)


class _Segmented(_Whole, SegmentedObjective):
    """As `_Whole`, in segments."""

    def __init__(self, extractor: Extractor, *args: Any) -> None:
        self._segments = Segments(extractor.active_trunk, extractor.spec.name)
        super().__init__(extractor, *args)
