"""What each step must hold so that a tile can be read, and the run that holds no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx

from gramstyle.extract.regions.interval import Region
from gramstyle.extract.regions.layout import Layout, execute
from gramstyle.extract.regions.pointwise import Pointwise
from gramstyle.extract.regions.program import Program, Step
from gramstyle.extract.regions.reduction import Mean, Query
from gramstyle.extract.regions.sliding import Sliding


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one tile runs.

    Attributes:
        goals: step -> the rectangle of its map that is read.
        regions: step -> the rectangle of its map that it must hold; of the image too.
        order: steps to run.
        last: step -> the last step that reads it.
    """

    goals: Mapping[str, Region]
    regions: Mapping[str, Region]
    order: tuple[Step, ...]
    last: Mapping[str, str]


def plan(program: Program, sizes: Layout, goals: Mapping[str, Region]) -> Plan:
    """Walk back from `goals` to the image: each step must hold what its readers need, and no more."""
    regions = dict(goals)
    wanted = set(goals)
    last: dict[str, str] = {}
    for name in reversed(list(program.steps)):
        step = program.steps[name]
        if name not in wanted or isinstance(step.rule, (Mean, Query)):
            continue  # means and shapes are known before a tile runs
        for source in step.inputs:
            wanted.add(source)
            last.setdefault(source, name)
            if program.steps[source].is_map:
                needs = _needs(step, regions.get(name), sizes.sizes[source])
                regions[source] = needs if source not in regions else needs.union(regions[source])
    order = tuple(program.steps[name] for name in program.steps if name in wanted)
    return Plan(goals=goals, regions=regions, order=order, last=last)


def _needs(step: Step, out: Region | None, size: tuple[int, int]) -> Region:
    assert out is not None, f"{step.name} reads a map and gives none"
    return step.rule.needs(out, size) if isinstance(step.rule, Sliding) else out


def run(
    program: Program, sizes: Layout, plan: Plan, pixels: Tensor, means: Mapping[str, Tensor]
) -> Iterator[tuple[str, Tensor]]:
    """Run one tile; yields each goal with its rectangle, as soon as it is there.

    Args:
        program: the network.
        sizes: of its maps, for the whole image.
        plan: of the tile.
        pixels: the part of the image that the plan asks for, ready for the network, (1, 3, h, w).
        means: step -> mean over all positions, (1, C).
    """
    values: dict[str, Any] = {}
    for step in plan.order:
        if step.name == program.image:
            values[step.name] = pixels
        elif isinstance(step.rule, Mean):
            mean = means[step.name]
            values[step.name] = mean[:, :, None, None] if step.rule.keepdim else mean
        elif isinstance(step.rule, Query):
            values[step.name] = sizes.answers[step.name]
        else:
            values[step.name] = _value(program, sizes, plan, step, values)
        if step.name in plan.goals:
            yield step.name, plan.goals[step.name].crop(values[step.name], plan.regions[step.name])
        for name in {step.name, *step.inputs}:  # what nobody reads any more makes room
            if plan.last.get(name, name) == step.name:
                values.pop(name, None)


def _value(program: Program, sizes: Layout, plan: Plan, step: Step, values: Mapping[str, Any]) -> Any:
    if step.rule is None:
        return execute(step.node, program.network, values.__getitem__)
    out = plan.regions[step.name]
    if isinstance(step.rule, Sliding):
        (source,) = step.inputs
        return step.rule(values[source], plan.regions[source], out, sizes.sizes[source])

    def cut(node: fx.Node) -> Any:
        value = values[node.name]
        if not program.steps[node.name].is_map:
            return value
        if isinstance(value, (tuple, list)):
            return type(value)(out.crop(one, plan.regions[node.name]) for one in value)
        return out.crop(value, plan.regions[node.name])

    assert isinstance(step.rule, Pointwise)
    args = fx.node.map_arg(step.node.args, cut)
    return step.rule.call(*args, **fx.node.map_arg(step.node.kwargs, cut))
