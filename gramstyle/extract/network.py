"""A backbone as a network that ends at its deepest tap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, fx, nn

from gramstyle.errors import StyleError, WeightsError
from gramstyle.extract.filterbank import FilterBank, OrientedBands
from gramstyle.extract.pooling import Pooling, pool
from gramstyle.types import BackboneSpec, TapSpec, WeightsEntry
from gramstyle.weights import digest

FirstPadding = Literal["zeros", "replicate", "reflect"]


def build(
    spec: BackboneSpec,
    taps: Sequence[TapSpec],
    entry: WeightsEntry | None = None,
    first_padding: FirstPadding = "zeros",
    pooling: Pooling = "max",
) -> nn.Module:
    """The network from its input to the deepest of `taps`, without values (on the meta device).

    Its output is a dict from tap name to feature map. Activations that would write over a tap
    are made out-of-place.
    """
    with torch.device("meta"):
        model = full(spec)
        if entry is not None:
            adapt(model, entry)
    _pad_first(model, first_padding, spec)
    pool(model, pooling, spec.name)
    return cut(model, taps)


def build_random(
    spec: BackboneSpec,
    taps: Sequence[TapSpec],
    seed: int,
    first_padding: FirstPadding,
    pooling: Pooling = "max",
) -> nn.Module:
    """As `build`, with the architecture's own published initialisation drawn from `seed`.

    The global random state is left as it was.
    """
    with seeded(seed):
        model = full(spec)
    _pad_first(model, first_padding, spec)
    pool(model, pooling, spec.name)
    return cut(model, taps)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """A block whose modules are drawn on the cpu, in float32, from `seed`.

    The constructors of torchvision and timm draw from the global state, which is put back after.
    `torch.manual_seed` would seed the generators of every other device too, for good.
    """
    dtype = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


def full(spec: BackboneSpec) -> nn.Module:
    """The whole network as its library builds it, without pretrained weights."""
    if spec.source == "torchvision":
        import torchvision

        model: nn.Module = torchvision.models.get_model(spec.factory, weights=None)  # type: ignore[attr-defined]
        return model.eval()
    if spec.computed:
        from timm.models import register_notrace_module

        register_notrace_module(OrientedBands)  # one step of the graph
        return FilterBank().to(torch.get_default_device()).eval()
    import timm

    return timm.create_model(spec.factory, pretrained=False).eval()


def adapt(model: nn.Module, entry: WeightsEntry) -> None:
    """Give `model` the padding and the epsilon that `entry` was trained with."""
    if entry.same_padding:
        _pad_as_tensorflow(model)
    if entry.bn_eps is not None:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = entry.bn_eps


def cut(model: nn.Module, taps: Sequence[TapSpec]) -> nn.Module:
    """Trace `model` to a graph that returns `taps` and holds nothing deeper."""
    from timm.models import create_feature_extractor

    out_of_place(model)
    traced = create_feature_extractor(model, {tap.module: tap.name for tap in taps}).eval()
    # Torchvision's module keeps a second graph, for training, and a deepcopy of it is in training mode.
    return fx.GraphModule(traced, traced.graph, "Trunk").eval().requires_grad_(False)


def first_reach(trunk: nn.Module) -> int:
    """Pixels that the first convolution pads on one side."""
    first = next(module for module in trunk.modules() if isinstance(module, nn.Conv2d))
    return 0 if isinstance(first.padding, str) else max(first.padding)


def build_computed(
    spec: BackboneSpec, taps: Sequence[TapSpec], first_padding: FirstPadding, pooling: Pooling = "max"
) -> tuple[nn.Module, str]:
    """As `build`, with the values that formulas give, and their sha256, whatever the taps."""
    model = full(spec)
    sha256 = digest(dict(model.state_dict()))
    _pad_first(model, first_padding, spec)
    pool(model, pooling, spec.name)
    return cut(model, taps), sha256


def _pad_first(model: nn.Module, first_padding: FirstPadding, spec: BackboneSpec) -> None:
    if first_padding == "zeros":
        return
    if spec.computed:
        raise StyleError(
            f"first_padding must be 'zeros' for {spec.name}, which pads by what lies at the edge whatever is "
            f"said, got {first_padding!r}"
        )
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    if type(first) is not nn.Conv2d:  # timm's Conv2dSame pads by itself, and always with zeros
        raise StyleError(
            f"first_padding must be 'zeros' for {spec.name} with these weights, whose first convolution "
            f"pads as TensorFlow's SAME does, got {first_padding!r}"
        )
    first.padding_mode = first_padding


def out_of_place(model: nn.Module) -> None:
    """Make every activation leave its input as it was: the input may be a tap."""
    for module in model.modules():
        if hasattr(module, "inplace"):
            setattr(module, "inplace", False)  # noqa: B010 - Module declares no such attribute


def load(trunk: nn.Module, state: Mapping[str, Tensor], spec: BackboneSpec, where: str) -> None:
    """Put `state` into `trunk`; tensors of deeper layers are left out.

    Raises:
        WeightsError: if a tensor is missing, has another shape, or belongs to another network.
    """
    wanted = trunk.state_dict()
    missing = [name for name in wanted if name not in state and not name.endswith("num_batches_tracked")]
    if missing:
        raise WeightsError(
            f"weights of {spec.name} must hold {len(wanted)} tensors named as in "
            f"{spec.source}'s {spec.factory}; {where} lacks {len(missing)} of them, first {missing[0]!r}"
        )
    loaded = {}
    for name, tensor in wanted.items():
        value = state.get(name, torch.zeros(tensor.shape, dtype=tensor.dtype))
        if value.shape != tensor.shape:
            raise WeightsError(
                f"tensor {name!r} of {spec.name} must have shape {tuple(tensor.shape)}; "
                f"in {where} it has {tuple(value.shape)}"
            )
        loaded[name] = value.to(tensor.dtype)
    trunk.load_state_dict(loaded, assign=True)
    trunk.requires_grad_(False)


def _pad_as_tensorflow(model: nn.Module) -> None:
    """Replace every strided convolution by one that pads as TensorFlow's ``SAME``."""
    from timm.layers import Conv2dSame  # type: ignore[attr-defined]

    for parent in list(model.modules()):
        for name, conv in list(parent.named_children()):
            if isinstance(conv, nn.Conv2d) and max(conv.stride) > 1:
                same: nn.Module = Conv2dSame(
                    conv.in_channels,
                    conv.out_channels,
                    _pair(conv.kernel_size),
                    stride=_pair(conv.stride),
                    dilation=_pair(conv.dilation),
                    groups=conv.groups,
                    bias=conv.bias is not None,
                )
                same.load_state_dict(conv.state_dict(), assign=True)
                setattr(parent, name, same)


def _pair(sizes: tuple[int, ...]) -> tuple[int, int]:
    height, width = sizes
    return height, width
