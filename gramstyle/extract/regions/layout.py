"""Sizes of every map of a network for one size of image, without running it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, fx, nn

from gramstyle.extract.regions.interval import Size
from gramstyle.extract.regions.pointwise import Pointwise
from gramstyle.extract.regions.program import Program, Step, refusal
from gramstyle.extract.regions.reduction import Query

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What is known of the maps of a whole image.

    Attributes:
        sizes: step -> (H, W) of its map.
        channels: step -> C, summed where it gives several maps.
        answers: step that asks for a shape -> the answer.
    """

    sizes: Mapping[str, Size]
    channels: Mapping[str, int]
    answers: Mapping[str, Any]


def layout(program: Program, height: int, width: int) -> Layout:
    """Run the steps of `program` on the meta device, where tensors have shapes and no values.

    Raises:
        StyleError: if maps of different sizes meet, or a value that depends on positions meets a map.
    """
    twin = without_values(program.network)
    dtype = _dtype(program.network)
    values: dict[str, Any] = {}
    sizes: dict[str, Size] = {}
    channels: dict[str, int] = {}
    answers: dict[str, Any] = {}
    for name, step in program.steps.items():
        if name == program.image:
            values[name] = torch.empty(1, 3, height, width, dtype=dtype, device="meta")
        else:
            values[name] = execute(step.node, twin, values.__getitem__)
        if isinstance(step.rule, Pointwise):
            _check_meeting(program, step, values, sizes)
        if isinstance(step.rule, Query):
            answers[name] = values[name]
        if step.is_map:
            maps = values[name] if isinstance(values[name], (tuple, list)) else [values[name]]
            if any(one.ndim != 4 for one in maps):
                raise refusal(program.name, step.node, program.network, "it gives no map (B, C, H, W)")
            sizes[name] = (maps[0].shape[2], maps[0].shape[3])
            channels[name] = sum(one.shape[1] for one in maps)
    return Layout(sizes=sizes, channels=channels, answers=answers)


def execute(node: fx.Node, network: nn.Module, value: Callable[[str], Any]) -> Any:
    """The operation of `node` as it stands, on the values of its arguments."""
    args = fx.node.map_arg(node.args, lambda one: value(one.name))
    options = fx.node.map_arg(node.kwargs, lambda one: value(one.name))
    if node.op == "get_attr":
        found: Any = network
        for part in str(node.target).split("."):
            found = getattr(found, part)
        return found
    if node.op == "call_module":
        return network.get_submodule(str(node.target))(*args, **options)
    if node.op == "call_method":
        return getattr(args[0], str(node.target))(*args[1:], **options)
    call: Any = node.target
    return call(*args, **options)


def _check_meeting(
    program: Program, step: Step, values: Mapping[str, Any], sizes: Mapping[str, Size]
) -> None:
    """Raise `StyleError` unless every position of a step reads that position of its inputs."""
    maps = {sizes[name] for name in step.inputs if program.steps[name].is_map}
    others = [values[name] for name in step.inputs if not program.steps[name].is_map]
    if len(maps) > 1:
        why = f"maps of sizes {' and '.join(f'{h} x {w}' for h, w in sorted(maps))} meet there"
        raise refusal(program.name, step.node, program.network, why)
    if any(isinstance(one, Tensor) and max(one.shape[-2:], default=1) > 1 for one in others):
        raise refusal(program.name, step.node, program.network, "it reads values that depend on positions")


def _dtype(network: nn.Module) -> torch.dtype:
    """Of the weights, which are buffers where batch normalisation was folded into them."""
    weights = [*network.parameters(), *network.buffers()]
    return next((one.dtype for one in weights if one.is_floating_point()), torch.float32)


def without_values(network: M) -> M:
    """A copy of a network whose tensors are on the meta device; nothing is copied on the way."""
    memo: dict[int, Any] = {}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach().to("meta"), requires_grad=False)
    for buffer in network.buffers():
        memo[id(buffer)] = buffer.to("meta")
    return copy.deepcopy(network, memo)
