"""A trunk whose convolutions, normalisations and activations are single steps."""

from __future__ import annotations

import operator
from typing import NamedTuple

from torch import Tensor, fx, nn

from gramstyle.extract.conv_act import ACTIVATIONS, ConvAct
from gramstyle.kernels import Kernel, gram


class TapSums(NamedTuple):
    """What a Gram matrix and its relatives are made of, at one tap.

    Attributes:
        second: sums over positions of products of channels, (B, C, C).
        first: of channels, (B, C).
        positions: P.
    """

    second: Tensor
    first: Tensor
    positions: int


class SumsOfFeatures(nn.Module):
    """Sums over the positions of a map that is in memory."""

    def __init__(self, wide: bool) -> None:
        super().__init__()
        self.wide = wide

    def forward(self, features: Tensor) -> TapSums:
        """Of `features` (B, C, H, W)."""
        found = gram(features, sums=True, wide=self.wide)
        assert found.first is not None  # asked for
        return TapSums(found.second, found.first, features.shape[2] * features.shape[3])


class SumsOfConv(nn.Module):
    """A convolution with its sums; the map itself only where later layers read it."""

    def __init__(self, conv: ConvAct, kernel: Kernel, *, features: bool, wide: bool) -> None:
        super().__init__()
        self.conv = conv
        self.kernel: Kernel = kernel
        self.features = features
        self.wide = wide

    def forward(self, x: Tensor) -> tuple[TapSums, Tensor | None]:
        """Of `x` (B, C, H, W)."""
        found = self.conv.sums(x, self.kernel, features=self.features, wide=self.wide)
        assert found.first is not None  # asked for
        height, width = self.conv.output_size(x.shape[2], x.shape[3])
        return TapSums(found.second, found.first, height * width), found.features


def fuse(trunk: fx.GraphModule) -> fx.GraphModule:
    """The same function of images in fewer steps.

    A convolution takes in the batch normalisation and the activation that follow it, where nothing
    else reads what lies between. Features agree with those of `trunk` to rounding.
    """
    graph, modules = _copied(trunk)
    for node in list(graph.nodes):
        if node.op == "call_module":
            _fuse_from(graph, node, modules)
    return _finished(graph, modules, "Fused")


def with_sums(fused: fx.GraphModule, kernel: Kernel, *, wide: bool) -> fx.GraphModule:
    """`fused` with `TapSums` in place of the features at each tap."""
    graph, modules = _copied(fused)
    end = next(iter(reversed(graph.nodes)))
    taps: dict[str, fx.Node] = dict(end.args[0])
    read = {node for node in taps.values() if any(user is not end for user in node.users)}
    sums = {node: _sums_at(graph, modules, node, kernel, node in read, wide) for node in set(taps.values())}
    end.args = ({name: sums[node] for name, node in taps.items()},)
    for node in [one for one in graph.nodes if one.op == "call_module" and not one.users]:
        graph.erase_node(node)  # convolutions that now leave their sums as well
    return _finished(graph, modules, "FusedSums")


def _sums_at(
    graph: fx.Graph, modules: dict[str, nn.Module], node: fx.Node, kernel: Kernel, read: bool, wide: bool
) -> fx.Node:
    """A node with the sums of the map at `node`; where a convolution made it, that one makes both."""
    target = f"{node.name}_sums"
    conv = _module(node, modules)
    if not isinstance(conv, ConvAct):
        modules[target] = SumsOfFeatures(wide)
        with graph.inserting_after(node):
            return graph.call_module(target, (node,))
    modules[target] = SumsOfConv(conv, kernel, features=read, wide=wide)
    with graph.inserting_after(node):
        both = graph.call_module(target, node.args)
    with graph.inserting_after(both):
        sums = graph.call_function(operator.getitem, (both, 0))
        if read:
            node.replace_all_uses_with(graph.call_function(operator.getitem, (both, 1)))
    return sums


def _copied(module: fx.GraphModule) -> tuple[fx.Graph, dict[str, nn.Module]]:
    graph = fx.Graph()
    graph.output(graph.graph_copy(module.graph, {}))
    return graph, dict(module.named_modules())


def _finished(graph: fx.Graph, modules: dict[str, nn.Module], name: str) -> fx.GraphModule:
    graph.lint()
    used = {str(node.target): modules[str(node.target)] for node in graph.nodes if node.op == "call_module"}
    return fx.GraphModule(used, graph, name).eval()


def _module(node: fx.Node, modules: dict[str, nn.Module]) -> nn.Module | None:
    return modules[str(node.target)] if node.op == "call_module" else None


def _fuse_from(graph: fx.Graph, node: fx.Node, modules: dict[str, nn.Module]) -> None:
    """Replace the convolution at `node`, and those readers that it can take in, by one step."""
    parts = _parts(modules[str(node.target)])
    if not isinstance(parts[0], nn.Conv2d) or isinstance(parts[0].padding, str):
        return
    chain = _Chain(parts[0])
    if not all(chain.take(part) for part in parts[1:]):
        return
    last = node
    while (after := _only_reader(last)) is not None and chain.take(modules[str(after.target)]):
        last = after
    target = f"{node.name}_fused"
    modules[target] = ConvAct(chain.conv, chain.norm, chain.activation)
    with graph.inserting_after(last):
        last.replace_all_uses_with(graph.call_module(target, node.args))
    while last is not node:
        before = last.all_input_nodes[0]
        graph.erase_node(last)
        last = before
    graph.erase_node(node)


def _parts(module: nn.Module) -> list[nn.Module]:
    """The layers of `module`: torchvision's convolutions with normalisation and activation are sequences."""
    return list(module.children()) if isinstance(module, nn.Sequential) and len(module) else [module]


class _Chain:
    """A convolution and what it has taken in so far."""

    def __init__(self, conv: nn.Conv2d) -> None:
        self.conv = conv
        self.norm: nn.BatchNorm2d | None = None
        self.activation = "none"

    def take(self, module: nn.Module) -> bool:
        """Take in the next module, if that leaves the function as it is."""
        if self.activation != "none":
            return False
        if type(module) in ACTIVATIONS:
            self.activation = ACTIVATIONS[type(module)]
            return True
        if self.norm is not None or not isinstance(module, nn.BatchNorm2d):
            return False
        inside = _activation_inside(module)
        if inside is None:
            return False
        self.norm, self.activation = module, inside
        return True


def _only_reader(node: fx.Node) -> fx.Node | None:
    readers = list(node.users)
    return readers[0] if len(readers) == 1 and readers[0].op == "call_module" else None


def _activation_inside(norm: nn.BatchNorm2d) -> str | None:
    """That which timm puts into its normalisations; None where it is another, and nothing is taken in."""
    if norm.running_mean is None:
        return None
    inside = [one for one in norm.children() if type(one) is not nn.Identity]
    if not inside:
        return "none"
    return ACTIVATIONS.get(type(inside[0])) if len(inside) == 1 else None
