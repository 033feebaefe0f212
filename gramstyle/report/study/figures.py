"""Every figure of a study, in the order of the page."""

from __future__ import annotations

from dataclasses import replace

from gramstyle.report.names import slug
from gramstyle.report.study.depth import depth_plans
from gramstyle.report.study.diagnostics import diagnostic_plans
from gramstyle.report.study.distributions import distribution_plans
from gramstyle.report.study.ladder import ladder_plans
from gramstyle.report.study.leak import leak_plans
from gramstyle.report.study.maps import map_plans, similarity_plans
from gramstyle.report.study.noise import noise_plans
from gramstyle.report.study.plan import Plan
from gramstyle.report.study.points import point_plans
from gramstyle.report.study.remedies import remedy_plans
from gramstyle.report.study.view import View

SECTIONS = (
    depth_plans,
    point_plans,
    distribution_plans,
    map_plans,
    leak_plans,
    noise_plans,
    diagnostic_plans,
    similarity_plans,
    ladder_plans,
    remedy_plans,
)


def study_plans(view: View) -> list[Plan]:
    """The figures that the record has numbers for, their files' names distinct on any file system."""
    found: dict[str, Plan] = {}
    for plans in SECTIONS:
        for plan in plans(view):
            stem, number = slug(plan.stem), 1
            while stem.lower() in found:
                number += 1
                stem = f"{slug(plan.stem)}-{number}"
            found[stem.lower()] = replace(plan, stem=stem)
    return list(found.values())
