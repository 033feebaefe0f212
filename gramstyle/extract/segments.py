"""A network in segments, of which the backward pass runs each again: gradient checkpointing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils.checkpoint import checkpoint

from gramstyle.extract.regions.layout import execute
from gramstyle.extract.regions.program import listed


@dataclass(frozen=True, kw_only=True)
class _Segment:
    """Operations up to a tap, in order.

    Attributes:
        nodes: what is run.
        inputs: names of nodes of earlier segments that are read.
        outputs: names of nodes that later segments read, or that are taps.
    """

    nodes: tuple[fx.Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class Segments:
    """A network that keeps the maps at its taps for the backward pass, and computes those between them again.

    Chen et al. 2016 (Training Deep Nets with Sublinear Memory Cost), with a segment from each tap to the
    next. The gradient is the same; it costs one more forward pass.

    Args:
        network: that turns images (B, 3, H, W) into a dict from tap to features, in eval mode.
        name: of the network, for messages.

    Raises:
        StyleError: if the operations of the network cannot be listed.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        self._network = network
        nodes, self._taps = listed(network, name)
        for node in nodes:
            _write_elsewhere(node)
        (self._image,) = (node.name for node in nodes if node.op == "placeholder")
        self._segments = _cut([node for node in nodes if node.op != "placeholder"], set(self._taps.values()))

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        """Features of `x` (B, 3, H, W), as the network takes it: tap -> (B, C, H, W)."""
        values: dict[str, Any] = {self._image: x}
        for segment in self._segments:
            values.update(self._run(segment, values))
        return {tap: values[node] for tap, node in self._taps.items()}

    def _run(self, segment: _Segment, values: Mapping[str, Any]) -> dict[str, Any]:
        def run(*inputs: Any) -> tuple[Any, ...]:
            inner = dict(zip(segment.inputs, inputs, strict=True))
            for node in segment.nodes:
                inner[node.name] = execute(node, self._network, inner.__getitem__)
            return tuple(inner[name] for name in segment.outputs)

        inputs = [values[name] for name in segment.inputs]
        if len(segment.nodes) == 1 or not torch.is_grad_enabled():  # nothing between that could be let go
            return dict(zip(segment.outputs, run(*inputs), strict=True))
        found = checkpoint(run, *inputs, use_reentrant=False, preserve_rng_state=False)
        return dict(zip(segment.outputs, found, strict=True))


def _cut(nodes: list[fx.Node], taps: set[str]) -> list[_Segment]:
    """`nodes`, each segment ending at the next of `taps`."""
    groups: list[list[fx.Node]] = [[]]
    for node in nodes:
        groups[-1].append(node)
        if node.name in taps:
            groups.append([])
    return [_segment(group, taps) for group in groups if group]


def _segment(nodes: list[fx.Node], taps: set[str]) -> _Segment:
    own = {node.name for node in nodes}
    read = dict.fromkeys(one.name for node in nodes for one in node.all_input_nodes)
    return _Segment(
        nodes=tuple(nodes),
        inputs=tuple(name for name in read if name not in own),
        outputs=tuple(
            node.name
            for node in nodes
            if node.name in taps or any(user.name not in own for user in node.users)
        ),
    )


def _write_elsewhere(node: fx.Node) -> None:
    """Let an operation leave its input as it is, which a segment that runs again would find changed."""
    if node.op == "call_function":
        node.kwargs = {name: value for name, value in node.kwargs.items() if name != "inplace"}
    elif node.op == "call_method" and str(node.target).endswith("_"):
        plain = str(node.target).removesuffix("_")
        node.target = plain if hasattr(Tensor, plain) else node.target
