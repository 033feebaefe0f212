"""Images in, features out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, fx, nn

from gramstyle import check
from gramstyle.conv.sparse.prune import check_sparsity
from gramstyle.errors import StyleError
from gramstyle.extract import network, registry
from gramstyle.extract.device import choose_device
from gramstyle.extract.fusion import TapSums, fuse, with_sums
from gramstyle.extract.pooling import Pooling
from gramstyle.extract.pruning import pruned
from gramstyle.extract.timm import build_timm, declared_normalization, timm_entry, timm_tags
from gramstyle.images import normalize
from gramstyle.kernels import Kernel, checked_kernel
from gramstyle.types import (
    IMAGENET,
    BackboneSpec,
    Features,
    Normalization,
    Progress,
    ResolvedWeights,
    TapSpec,
    WeightsEntry,
    WeightsIdentity,
)
from gramstyle.weights import digest, entry, load_file, resolve

MemoryFormat = Literal["auto", "contiguous", "channels_last"]

FLOAT_DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
RANGE_TOLERANCE = 1e-3
"""How far outside [0, 1] a pixel may lie: rounding of half precision and of resampling."""


class Extractor(nn.Module):
    """A backbone that turns images into the features at chosen taps.

    The network ends at the deepest tap, runs in eval mode, and its parameters are frozen;
    gradients flow to the images where these ask for them.

    Args:
        backbone: name of a backbone, ``NAME[@WEIGHTS]``; any other timm model as
            ``timm:NAME@TAG``. `gramstyle.backbones()` lists the registry.
        taps: names of taps; None takes the backbone's defaults.
        weights: pinned name, path of a .safetensors/.pth file, or ``random[:SEED]`` for the
            architecture's own initialisation. None takes what follows the @ in `backbone`, else
            the backbone's default.
        device: ``auto`` is cuda, else mps, else cpu; or any torch device.
        dtype: of the network; images are normalised in float32 first.
        memory_format: ``auto`` is channels-last on the cpu, and for half precision on cuda, where
            it is faster.
        first_padding: how the first convolution pads; networks are trained with ``zeros``.
        pooling: ``average`` or ``l2`` in the place of VGG's maxima, scaled to about their size.
        sparsity: share of the weights of each convolution that is set to 0, the smallest first, from 0 up to
            but not 1; nothing is trained after. The first convolution and depthwise ones stay whole: they
            hold few weights, and the first is sensitive (`gramstyle.extract.pruning`). Zeros save no time.
        normalization: replaces what the weights declare; random weights and files take what the
            library that builds the network declares for it.
        kernel: ``reference`` runs the layers as their library builds them; otherwise batch normalisation
            is folded into convolutions and activations write over their input. Features agree to rounding.
        check_range: refuse images outside [0, 1] (by more than 0.001), NaN and infinite values.
        weights_dir: folder looked in before the cache.
        progress: called while weights are fetched.

    Raises:
        UnknownNameError: backbone, tap or weights that do not exist.
        StyleError: settings that contradict each other; a device that is not there.
        WeightsError: weights that cannot be found, fetched or trusted.
    """

    def __init__(
        self,
        backbone: str = "vgg16",
        taps: Sequence[str] | None = None,
        *,
        weights: str | Path | None = None,
        device: str | torch.device = "auto",
        dtype: torch.dtype = torch.float32,
        memory_format: MemoryFormat = "auto",
        first_padding: network.FirstPadding = "zeros",
        pooling: Pooling = "max",
        sparsity: float = 0.0,
        normalization: Normalization | None = None,
        check_range: bool = True,
        kernel: Kernel = "auto",
        weights_dir: str | Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__()
        self.kernel: Kernel = checked_kernel(kernel)
        if dtype not in FLOAT_DTYPES:
            names = ", ".join(str(known) for known in FLOAT_DTYPES)
            raise ValueError(f"dtype must be one of {names}, got {dtype}")
        check.name_in("memory_format", memory_format, ("auto", "contiguous", "channels_last"))
        check.name_in("first_padding", first_padding, ("zeros", "replicate", "reflect"))
        check.name_in("pooling", pooling, ("max", "average", "l2"))
        self.sparsity = check_sparsity(sparsity)
        place = choose_device(device)
        named = registry.parse(backbone)
        self.spec: BackboneSpec = registry.backbone(named.backbone)
        chosen = choose_weights(self.spec, weights if weights is not None else named.weights)
        row = chosen if isinstance(chosen, WeightsEntry) else None
        self.taps: tuple[TapSpec, ...] = registry.select_taps(self.spec, taps, row)
        self.normalization = normalization or _declared(self.spec, row)
        self.check_range = check_range
        self.first_padding = first_padding
        self.pooling = pooling
        self._check_generic()
        trunk, self.identity = _network(
            self.spec, self.taps, chosen, first_padding, pooling, weights_dir=weights_dir, progress=progress
        )
        if self.sparsity:
            self.identity = pruned(trunk, self.sparsity, self.identity)
        self.memory_format = _choose_format(memory_format, place, dtype)
        self.trunk = trunk.to(device=place, dtype=dtype).to(memory_format=self.memory_format)
        self._fused: fx.GraphModule | None = None
        if kernel != "reference" and isinstance(self.trunk, fx.GraphModule):  # a generic timm model is none
            self._fused = fuse(self.trunk, kernel)
        self._sums: dict[bool, nn.Module] = {}
        self._reflected = network.first_reach(trunk) if first_padding == "reflect" else 0
        self.eval()

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.trunk.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """Of the network, and so of the features."""
        return next(self.trunk.parameters()).dtype

    @property
    def channels(self) -> dict[str, int]:
        """Tap name -> C."""
        return {tap.name: tap.channels for tap in self.taps}

    @property
    def minimum_size(self) -> int:
        """Smallest side, in pixels, of an image that leaves a position at every tap."""
        deepest = max(tap.reduction for tap in self.taps)
        return deepest if self.first_padding != "reflect" else max(deepest, self._reflected + 1)

    def train(self, mode: bool = True) -> Extractor:
        """Stay in eval mode, whatever a module around this one is told.

        Batch normalisation would otherwise read the statistics of the batch, and change its own.
        """
        return super().train(False)

    def forward(self, images: Tensor) -> Features:
        """Features of a batch.

        Args:
            images: sRGB in [0, 1], (B, 3, H, W), floating point, on any device.

        Returns:
            Tap name -> (B, C, H, W), shallow to deep.

        Raises:
            TypeError: if `images` is not a floating-point tensor.
            ValueError: for another rank or channel count, values that are not finite or outside
                [0, 1], or an image smaller than a tap's reduction.
        """
        features: Features = self._run(self.active_trunk, images)
        return {tap.name: features[tap.name] for tap in self.taps}

    def sums(self, images: Tensor, *, wide: bool = False) -> dict[str, TapSums]:
        """Sums over positions of the features of a batch, without the features where no layer reads them.

        Needs the native half, and a backbone of the registry.

        Args:
            images: as for `forward`.
            wide: float64 sums.

        Returns:
            Tap name -> sums, shallow to deep.

        Raises:
            StyleError: with kernel ``reference``, and for a generic timm model.
            NativeUnavailableError: if the native half is not there.
            TypeError, ValueError: as `forward`.
        """
        if self._fused is None:
            raise StyleError(
                f"{self.spec.name} with kernel {self.kernel} has features, and no sums without them"
            )
        if wide not in self._sums:
            self._sums[wide] = with_sums(self._fused, wide=wide)
        found: dict[str, TapSums] = self._run(self._sums[wide], images)
        return {tap.name: found[tap.name] for tap in self.taps}

    @property
    def active_trunk(self) -> nn.Module:
        """What `forward` runs: the trunk, or the same function of images in fewer steps."""
        return self.trunk if self._fused is None else self._fused

    @property
    def has_sums(self) -> bool:
        """Whether `sums` can be had, as far as the network goes."""
        return self._fused is not None

    def _check_generic(self) -> None:
        """Raise `StyleError` if a model that timm alone knows is to be changed."""
        usual = {"first_padding": "zeros", "pooling": "max", "sparsity": 0.0}
        altered = [name for name, value in usual.items() if getattr(self, name) != value]
        if altered and self.spec.name.startswith(registry.TIMM_PREFIX):
            raise StyleError(f"{altered[0]} is for backbones of the registry, not for {self.spec.name}")

    def _run(self, network: nn.Module, images: Tensor) -> Any:
        self.check_shape(images)
        self.check_values(images)
        try:
            return network(self.network_input(images))
        except AssertionError as error:  # timm's transformers take one image size only
            height, width = images.shape[-2:]
            raise StyleError(f"{self.spec.name} refused images of {height} x {width}: {error}") from error

    def network_input(self, images: Tensor) -> Tensor:
        """`images`, or a rectangle of them, as the network takes them: (B, 3, h, w), without any check."""
        x = images.to(device=self.device, dtype=torch.promote_types(images.dtype, torch.float32))
        x = normalize(x, self.normalization)
        return x.to(dtype=self.dtype, memory_format=self.memory_format)

    def check_shape(self, images: Tensor) -> None:
        """Raise `TypeError` or `ValueError` unless `images` are (B, 3, H, W), of floats, and large enough."""
        check.one_of_type("images", images, Tensor)
        if not images.is_floating_point():
            raise TypeError(
                f"images must be floating point in [0, 1], got {images.dtype}: divide 8-bit values by 255"
            )
        if images.ndim != 4 or images.shape[1] != 3:
            remedy = (
                "give one image as images[None]"
                if images.ndim == 3
                else "repeat a grey channel three times, drop or composite alpha; "
                "gramstyle.load_image does both"
            )
            raise ValueError(f"images must be (B, 3, H, W), got shape {tuple(images.shape)}: {remedy}")
        check.feature_map(images, "images")
        self.check_size(*images.shape[-2:])

    def check_size(self, height: int, width: int) -> None:
        """Raise `ValueError` unless an image of that size leaves a position at every tap."""
        if min(height, width) < self.minimum_size:
            tap = max(self.taps, key=lambda one: one.reduction)
            raise ValueError(
                f"images must be at least {self.minimum_size} x {self.minimum_size} pixels for tap "
                f"{tap.name} of {self.spec.name} (one position per {tap.reduction} pixels), got "
                f"{height} x {width}: use a shallower tap or larger images"
            )

    def check_values(self, images: Tensor) -> None:
        """Raise `ValueError` for pixels that are not finite or not in [0, 1], where `check_range` says so."""
        if not self.check_range or torch.compiler.is_compiling() or not images.numel():
            return
        check.finite(images, "images")
        low, high = (float(value) for value in images.detach().aminmax())
        if low < -RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE:
            raise ValueError(
                f"images must lie in [0, 1], got {low:.4g} to {high:.4g}: divide 8-bit values by "
                "255, and pass images without mean and standard deviation removed"
            )

    def extra_repr(self) -> str:
        """What differs from one extractor to the next."""
        taps = ", ".join(tap.name for tap in self.taps)
        pruned_to = f", sparsity={self.sparsity:g}" if self.sparsity else ""
        return (
            f"{self.spec.name}@{self.identity.name}, taps=({taps}), dtype={self.dtype}, "
            f"device={self.device}{pruned_to}"
        )


def choose_weights(spec: BackboneSpec, weights: str | Path | None) -> WeightsEntry | Path | int:
    """What a user's word for weights stands for: a row of the table, a file, or a seed.

    Raises:
        UnknownNameError: if no row has that name and it is not a path.
        StyleError: if a timm model is given without weights, or other weights to what is computed.
    """
    if weights is None:
        if not spec.default_weights:
            tags = ", ".join(timm_tags(spec.name)) or "none"
            raise StyleError(
                f"{spec.name} needs weights, pinned by tag: {spec.name}@TAG with TAG one of {tags}; "
                f"or {spec.name}@random"
            )
        weights = spec.default_weights
    text = str(weights)
    if spec.computed and text != spec.default_weights:
        raise StyleError(
            f"{spec.name} is computed, not loaded or drawn: weights must be {spec.default_weights} or left "
            f"out, got {text!r}"
        )
    seed = registry.random_seed(text)
    if seed is not None:
        return seed
    if (
        isinstance(weights, Path)
        or "/" in text
        or "\\" in text
        or text.endswith((".safetensors", ".pth", ".pt"))
    ):
        return Path(text)
    if spec.name.startswith(registry.TIMM_PREFIX):
        return timm_entry(spec.name, text)
    return entry(spec.name, text)


def _network(
    spec: BackboneSpec,
    taps: Sequence[TapSpec],
    chosen: WeightsEntry | Path | int,
    first_padding: network.FirstPadding,
    pooling: Pooling,
    *,
    weights_dir: str | Path | None,
    progress: Progress | None,
) -> tuple[nn.Module, WeightsIdentity]:
    generic = spec.name.startswith(registry.TIMM_PREFIX)
    if isinstance(chosen, int):
        trunk = (
            build_timm(spec, taps, None, chosen)
            if generic
            else network.build_random(spec, taps, chosen, first_padding, pooling)
        )
        return trunk, _random_identity(spec, chosen, trunk)
    if isinstance(chosen, WeightsEntry) and spec.computed:
        trunk, sha256 = network.build_computed(spec, taps, first_padding, pooling)
        source = f"computed: {chosen.formula}"
        return trunk, WeightsIdentity(backbone=spec.name, name=chosen.name, source=source, sha256=sha256)
    if isinstance(chosen, WeightsEntry):
        resolved = resolve(chosen, weights_dir=weights_dir, progress=progress)
        row: WeightsEntry | None = chosen
    else:
        resolved, row = load_file(chosen, spec.name), None
    if generic:
        return build_timm(spec, taps, resolved.state, where=_where(resolved)), resolved.identity
    trunk = network.build(spec, taps, row, first_padding, pooling)
    network.load(trunk, resolved.state, spec, _where(resolved))
    return trunk, resolved.identity


def _declared(spec: BackboneSpec, row: WeightsEntry | None) -> Normalization:
    if row is not None:
        return row.normalization
    return declared_normalization(spec.factory) if spec.source == "timm" else IMAGENET


def _where(resolved: ResolvedWeights) -> str:
    return resolved.identity.source


def _random_identity(spec: BackboneSpec, seed: int, trunk: nn.Module) -> WeightsIdentity:
    return WeightsIdentity(
        backbone=spec.name,
        name=f"{registry.RANDOM}:{seed}",
        source=f"initialisation of {spec.source}'s {spec.factory}, seed {seed}, torch {torch.__version__}",
        sha256=digest(dict(trunk.state_dict())),
    )


def _choose_format(asked: MemoryFormat, device: torch.device, dtype: torch.dtype) -> torch.memory_format:
    """Channels-last where it is faster, or where it was asked for.

    On the cpu it is, by 1.1 to 1.4 times for every backbone of the registry
    (analysis/time_memory_formats.py). On cuda the tensor cores read half precision so.
    """
    if asked == "auto":
        half_on_cuda = device.type == "cuda" and dtype in (torch.float16, torch.bfloat16)
        asked = "channels_last" if device.type == "cpu" or half_on_cuda else "contiguous"
    return torch.channels_last if asked == "channels_last" else torch.contiguous_format
