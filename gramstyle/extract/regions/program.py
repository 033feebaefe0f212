"""A network as steps that can each be run on a part of their map."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import fx, nn

from gramstyle.errors import StyleError
from gramstyle.extract.regions.pointwise import Pointwise
from gramstyle.extract.regions.reduction import Mean
from gramstyle.extract.regions.rules import Rule, has_rule, rule_of
from gramstyle.extract.regions.sliding import Sliding

IN_PLACE: dict[Callable[..., Any], Callable[..., Any]] = {
    operator.iadd: operator.add,
    operator.imul: operator.mul,
    operator.isub: operator.sub,
    operator.itruediv: operator.truediv,
}
"""Operators that write over their first input, and what they compute."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One operation.

    Attributes:
        name: of the node.
        node: of the graph, with its arguments.
        rule: how it runs on a part of a map; None for what has no positions, and for the image.
        level: how many rounds of means must be known before it can run.
        is_map: whether it gives a map (1, C, H, W), or several, rather than a value without positions.
    """

    name: str
    node: fx.Node
    rule: Rule | None
    level: int
    is_map: bool

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the steps that it reads."""
        return tuple(one.name for one in self.node.all_input_nodes)


@dataclass(frozen=True, kw_only=True, eq=False)
class Program:
    """The steps that lead to the taps, in an order in which they can run.

    Attributes:
        network: the module that the steps belong to.
        name: of the network, for messages.
        steps: name -> step.
        image: name of the step that is the image.
        taps: tap -> name of the step that gives its features.
    """

    network: nn.Module
    name: str
    steps: Mapping[str, Step]
    image: str
    taps: Mapping[str, str]

    @property
    def means(self) -> dict[str, Step]:
        """Steps that are means over all positions, which take a round through the image first."""
        return {name: step for name, step in self.steps.items() if isinstance(step.rule, Mean)}

    def taps_of(self, level: int) -> dict[str, str]:
        """Tap -> its step, of the taps that are read in round `level`: the first that reaches them."""
        return {tap: step for tap, step in self.taps.items() if self.steps[step].level == level}

    def means_of(self, level: int) -> dict[str, str]:
        """Mean -> the step that it is the mean of, of the means that are taken in round `level`."""
        return {name: step.inputs[0] for name, step in self.means.items() if step.level - 1 == level}

    @property
    def levels(self) -> int:
        """Rounds through the image: one, and one more for each mean that depends on another."""
        return 1 + max(self.steps[step].level for step in self.taps.values())


def program(network: nn.Module, name: str) -> Program:
    """Trace a network that turns images (1, 3, H, W) into a dict from tap to features.

    Raises:
        StyleError: if the network cannot be traced, or holds an operation before its deepest tap that
            would need more of the image than a tile; the message names it.
    """
    nodes, taps = listed(network, name)
    steps: dict[str, Step] = {}
    image = ""
    for node in nodes:
        if node.op == "placeholder":
            image = node.name
        steps[node.name] = _step(node, steps, network, name)
    flat = [tap for tap, step in taps.items() if not steps[step].is_map]
    if flat:
        raise StyleError(f"tap {flat[0]} of {name} has no positions, and so no Gram matrix")
    return Program(network=network, name=name, steps=steps, image=image, taps=taps)


class _Proxy(fx.Proxy):
    """Stands for a tensor; that ``a += b`` writes over `a` is kept, which that of torch does not say."""


def _kept(operation: Callable[..., Any]) -> Callable[[fx.Proxy, Any], fx.Proxy]:
    return lambda self, other: self.tracer.create_proxy("call_function", operation, (self, other), {})


for _one in IN_PLACE:
    setattr(_Proxy, f"__{_one.__name__}__", _kept(_one))


class _Tracer(fx.Tracer):
    """Goes into every module but those of torch, and those that have a rule."""

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Proxy(node, self)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return has_rule(m) or super().is_leaf_module(m, module_qualified_name)


def listed(network: nn.Module, name: str) -> tuple[list[fx.Node], dict[str, str]]:
    """Operations that taps depend on, in order, and tap -> name of the one that gives it.

    Modules that have a rule are one operation. Those that write over their input may be run as if they did
    not: what they give is all that is read of them.

    Raises:
        StyleError: if they depend on the network's input, or one writes over a map that is read again.
    """
    graph = _traced(network, name)
    (output,) = (node for node in graph.nodes if node.op == "output")
    taps = {tap: node.name for tap, node in output.args[0].items()}
    wanted = set(taps.values())
    for node in reversed(graph.nodes):
        if node.name in wanted:
            wanted |= {one.name for one in node.all_input_nodes}
    order = {node: at for at, node in enumerate(graph.nodes)}
    for node in (one for one in graph.nodes if _writes(one)):
        over = node.all_input_nodes[0]
        readers = [user for user in over.users if user.name in wanted or user.op == "output"]
        if any(order[user] > order[node] for user in readers):
            raise refusal(name, node, network, f"it writes over {over.name!r}, which is read again")
    for node in graph.nodes:
        if node.op == "call_function":
            node.target = IN_PLACE.get(node.target, node.target)
    return [node for node in graph.nodes if node.name in wanted], taps


def _writes(node: fx.Node) -> bool:
    """Whether an operation says that it writes over its first input."""
    if node.op == "call_method":
        return str(node.target).endswith("_") and not str(node.target).endswith("__")
    return node.op == "call_function" and (bool(node.kwargs.get("inplace")) or node.target in IN_PLACE)


def _traced(network: nn.Module, name: str) -> fx.Graph:
    try:
        return _Tracer().trace(network)
    except Exception as error:  # code of any network runs here, with stand-ins for tensors
        why = " ".join(str(error).split())[:200]
        raise StyleError(
            f"{name} cannot run in tiles or in segments: its operations depend on its input and cannot be "
            f"listed ({why}); run it on the whole image (tile off)"
        ) from error


def _step(node: fx.Node, known: Mapping[str, Step], network: nn.Module, name: str) -> Step:
    inputs = [known[one.name] for one in node.all_input_nodes]
    level = max((one.level for one in inputs), default=0)
    if not any(one.is_map for one in inputs):
        return Step(name=node.name, node=node, rule=None, level=level, is_map=node.op == "placeholder")
    try:
        rule = rule_of(node, network)
    except StyleError as error:
        raise refusal(name, node, network, str(error)) from error
    return Step(
        name=node.name,
        node=node,
        rule=rule,
        level=level + 1 if isinstance(rule, Mean) else level,
        is_map=isinstance(rule, (Sliding, Pointwise)),
    )


def refusal(name: str, node: fx.Node, network: nn.Module, why: str) -> StyleError:
    """The error that a step of a network is."""
    return StyleError(
        f"{name} cannot run in tiles because of {_operation(node, network)} at {node.name!r}: {why}. "
        "Take taps before it, or run it on the whole image (tile off)"
    )


def _operation(node: fx.Node, network: nn.Module) -> str:
    if node.op == "call_module":
        return type(network.get_submodule(str(node.target))).__name__
    return str(getattr(node.target, "__name__", node.target))
