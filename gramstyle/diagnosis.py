"""From pictures to diagnoses: prepare, extract, diagnose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gramstyle import check
from gramstyle.descriptors import Image, signature
from gramstyle.diagnose import (
    CKA_NEEDS,
    REPRESENTATIONS,
    Estimator,
    Representation,
    TapDiagnosis,
    TapGathering,
    kernel_cka,
    plain,
)
from gramstyle.errors import StyleError
from gramstyle.extract import Extractor, parse
from gramstyle.extract import backbone as spec_of
from gramstyle.images import Picture, ResizePolicy, Skipped
from gramstyle.images import resize as resized
from gramstyle.kernels import Kernel
from gramstyle.types import Progress, WeightsIdentity
from gramstyle.versions import versions

RESIZE = "short:256"
"""Policy that pictures are resized by unless another is given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Diagnosis:
    """What diagnostics say of one backbone over N images.

    Attributes:
        images: the N images, in order.
        taps: name -> diagnosis, shallow to deep.
        backbone: with its weights, ``NAME@WEIGHTS``.
        resize: how images were resized.
        seed: of the shuffles.
        identity: the weights that were used.
        dtype: of the network.
        device: kind of device it ran on.
        versions: of the libraries.
        sparsity: share of the weights of convolutions that was pruned; see `Extractor`.
    """

    images: tuple[Image, ...]
    taps: Mapping[str, TapDiagnosis]
    backbone: str
    resize: str
    seed: int
    identity: WeightsIdentity
    dtype: str
    device: str
    versions: Mapping[str, str]
    sparsity: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The diagnosis with all that made it, in plain types."""
        settings = {"backbone": self.backbone, "resize": self.resize, "seed": self.seed}
        return {
            "images": [asdict(image) for image in self.images],
            "taps": [one.as_json() for one in self.taps.values()],
            "cka": cka_json(self, self),
            "settings": settings | ({"sparsity": self.sparsity} if self.sparsity else {}),
            "weights": asdict(self.identity),
            "dtype": self.dtype,
            "device": self.device,
            "versions": dict(self.versions),
        }


def diagnose(
    pictures: Iterable[Picture],
    backbone: str = "vgg16",
    taps: Sequence[str] | None = None,
    *,
    resize: str = RESIZE,
    sparsity: float = 0.0,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    batch_size: int = 8,
    kernel: Kernel = "auto",
    seed: int = 0,
    weights_dir: str | Path | None = None,
    skipped: list[Skipped] | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Diagnose the features of pictures at some taps of a backbone.

    Transparent pictures are taken as they were composited. What is random, two nulls of the
    correlation, depends on `seed` and the place of a picture alone, not on batches or other taps.

    Args:
        pictures: at least one.
        backbone: name, with ``@WEIGHTS`` where they are not the default; see `Extractor`.
        taps: names; None takes one per resolution, the backbone's `scale_taps`.
        resize: policy, such as ``short:256``; see `ResizePolicy`.
        sparsity: share of the weights of convolutions that is pruned first; see `Extractor`.
        device: see `Extractor`. On mps, which has no float64, diagnostics run on the cpu.
        dtype: of the network.
        batch_size: pictures of one size, one after another, that go through the network together.
        kernel: who computes, ``auto``, ``reference`` or ``fused``; see `gramstyle.gram`.
        seed: of the shuffles, 0 or more.
        weights_dir: folder looked in for weights before the cache.
        skipped: list that pictures too small for the taps are appended to; without it they are
            an error.
        progress: called while weights are fetched and pictures diagnosed.

    Raises:
        StyleError: for a picture too small for the taps, or without any picture.
        As `Extractor`.
    """
    check.positive("batch_size", batch_size)
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    policy = ResizePolicy.parse(resize)
    read = spec_of(parse(backbone).backbone).scale_taps if taps is None else taps
    extractor = Extractor(
        backbone,
        read,
        sparsity=sparsity,
        device=device,
        dtype=dtype,
        kernel=kernel,
        weights_dir=weights_dir,
        progress=progress,
    )
    name = f"{extractor.spec.name}@{extractor.identity.name}"
    total = len(pictures) if isinstance(pictures, Sized) else None
    images: list[Image] = []
    gathered = [TapGathering(tap) for tap in extractor.taps]
    for batch in _batches(pictures, policy, extractor.minimum_size, batch_size, skipped):
        features = _features(extractor, batch)
        for row, ready in enumerate(batch):
            for one in gathered:
                one.add(features[one.tap.name][row : row + 1], _generator(seed, ready.index))
            images.append(ready.image)
            if progress is not None:
                progress(f"diagnosing {name}", len(images), total)
    if not images:
        raise StyleError("there must be at least one image to diagnose, got none")
    return Diagnosis(
        images=tuple(images),
        taps={one.tap.name: one.diagnosis() for one in gathered},
        backbone=name,
        resize=str(policy),
        seed=seed,
        identity=extractor.identity,
        dtype=str(extractor.dtype).removeprefix("torch."),
        device=extractor.device.type,
        versions=versions(),
        sparsity=extractor.sparsity,
    )


def cka_between(
    a: Diagnosis,
    b: Diagnosis,
    representation: Representation = "grams",
    estimator: Estimator = "debiased",
) -> Tensor:
    """Linear CKA of every tap of one network with every tap of another, or of the same one.

    Examples are images: two taps align if images that lie apart at one do at the other.

    Args:
        a: T taps.
        b: U taps, of the same images.
        representation: ``grams`` or ``means`` of an image.
        estimator: see `gramstyle.diagnose.kernel_cka`.

    Returns:
        (T, U) float64, rows and columns shallow to deep.

    Raises:
        UnknownNameError: for another representation or estimator.
        StyleError: if the images are not the same, or too few.
    """
    check.name_in("representation", representation, REPRESENTATIONS)
    if [image.name for image in a.images] != [image.name for image in b.images]:
        raise StyleError(
            f"CKA needs both networks to have seen the same images in the same order: {a.backbone} saw "
            f"{len(a.images)} and {b.backbone} {len(b.images)}, of other names or in another order"
        )
    values = [
        [
            float(kernel_cka(one.kernels[representation], two.kernels[representation], estimator))
            for two in b.taps.values()
        ]
        for one in a.taps.values()
    ]
    return torch.tensor(values, dtype=torch.float64)


def cka_json(a: Diagnosis, b: Diagnosis) -> dict[str, dict[str, list[list[float | None]]]]:
    """Representation -> estimator -> `cka_between`, in plain types.

    Estimators that need more images are left out.
    """
    estimators = [one for one, needed in CKA_NEEDS.items() if needed <= len(a.images)]
    return {
        representation: {
            estimator: _plain_rows(cka_between(a, b, representation, estimator)) for estimator in estimators
        }
        for representation in REPRESENTATIONS
    }


def _plain_rows(matrix: Tensor) -> list[list[float | None]]:
    return [[plain(value) for value in row] for row in matrix.tolist()]


@dataclass(frozen=True)
class _Ready:
    """A picture as the network sees it, its place in the input, and who it is."""

    index: int
    pixels: Tensor
    image: Image


def _batches(
    pictures: Iterable[Picture],
    policy: ResizePolicy,
    smallest: int,
    batch_size: int,
    skipped: list[Skipped] | None,
) -> Iterator[list[_Ready]]:
    """Pictures in their order; a batch ends where it is full or the size changes."""
    batch: list[_Ready] = []
    for index, picture in enumerate(pictures):
        try:
            ready = _prepared(index, picture, policy, smallest)
        except StyleError as error:
            if skipped is None:
                raise
            skipped.append(Skipped(name=picture.name, reason=str(error)))
            continue
        if batch and (len(batch) == batch_size or batch[0].pixels.shape != ready.pixels.shape):
            yield batch
            batch = []
        batch.append(ready)
    if batch:
        yield batch


def _prepared(index: int, picture: Picture, policy: ResizePolicy, smallest: int) -> _Ready:
    pixels = resized(picture.pixels, policy)
    height, width = pixels.shape[1:]
    if min(height, width) < smallest:
        raise StyleError(
            f"{picture.name}: {height} x {width} pixels are too few for the taps asked for, which need "
            f"{smallest} x {smallest}: use a shallower tap, another resize policy, or a larger image"
        )
    image = Image(
        name=picture.name,
        height=height,
        width=width,
        notes=picture.notes,
        signature=signature(picture.name),
    )
    return _Ready(index, pixels, image)


@torch.no_grad()
def _features(extractor: Extractor, batch: list[_Ready]) -> dict[str, Tensor]:
    features = extractor(torch.stack([one.pixels for one in batch]))
    on_mps = extractor.device.type == "mps"
    return {tap: one.cpu() if on_mps else one for tap, one in features.items()}


def _generator(seed: int, index: int) -> torch.Generator:
    """A stream of its own for each picture; every tap begins it anew."""
    (state,) = np.random.SeedSequence([seed, index]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state) >> 1)
