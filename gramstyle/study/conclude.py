"""From everything that was measured to what a study found."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gramstyle.study.choices import choose, chosen, differences
from gramstyle.study.evidence import Evidence, Key
from gramstyle.study.gap import gaps
from gramstyle.study.hypotheses import judge
from gramstyle.study.ladder import climb
from gramstyle.study.measure import Bench
from gramstyle.study.networks import Network
from gramstyle.study.noise import noise_points
from gramstyle.study.pictures import distributions, maps, similarities
from gramstyle.study.remedies import READINGS, best, rank
from gramstyle.study.results import (
    Choice,
    Condition,
    CorpusFacts,
    DiagnosticValue,
    Estimate,
    Provenance,
    StudyResults,
)
from gramstyle.versions import versions


def conclude(
    bench: Bench,
    networks: Sequence[Network],
    planned: Mapping[str, Sequence[Condition]],
    diagnosed: Sequence[DiagnosticValue],
    corpus_facts: CorpusFacts,
    dtype: torch.dtype,
) -> StudyResults:
    """Choices, differences, noise, interventions, remedies and verdicts, from the files of a bench.

    Args:
        bench: of the study, with every condition measured.
        networks: all of them.
        planned: network -> its conditions.
        diagnosed: diagnostics of the learned networks.
        corpus_facts: of the images.
        dtype: of the networks.
    """
    identities = {network.name: network.identity for network in networks}
    evidence = _evidence(bench, networks, planned, diagnosed, identities)
    learned = evidence.networks(learned=True)
    choices = choose(evidence, learned)
    shown = [evidence.plain(network, tap) for network in learned for tap in _shown(evidence, network)]
    return StudyResults(
        corpus=corpus_facts,
        provenance=Provenance(
            settings=bench.settings.as_json(),
            weights=identities,
            versions=versions(),
            device=networks[0].device.type,
            dtype=str(dtype).removeprefix("torch."),
            seed=bench.settings.seed,
            date=datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        ),
        taps=tuple(evidence.taps),
        estimates=_adjusted(evidence, choices),
        diagnostics=tuple(diagnosed),
        noise=tuple(evidence.noise),
        distributions=distributions(bench, shown, identities),
        maps=maps(bench, shown, identities),
        similarity=similarities(bench, evidence, identities),
        choices=choices,
        differences=differences(evidence, learned),
        ladder=tuple(
            step
            for network in learned
            for tap in _climbed(evidence, network)
            for step in climb(evidence, network, tap)
        ),
        gaps=gaps(evidence),
        remedies=tuple(remedy for network in learned for remedy in rank(evidence, network)),
        verdicts=judge(evidence),
    )


def _evidence(
    bench: Bench,
    networks: Sequence[Network],
    planned: Mapping[str, Sequence[Condition]],
    diagnosed: Sequence[DiagnosticValue],
    identities: Mapping[str, Mapping[str, Any]],
) -> Evidence:
    """Everything that was measured, read back."""
    estimates: list[Estimate] = []
    draws: dict[Key, NDArray[np.float64]] = {}
    facts: dict[Condition, dict[str, float]] = {}
    for network in networks:
        for condition in planned[network.name]:
            assessed, facts[condition] = bench.store.read(condition, identities[network.name]["sha256"])
            estimates += assessed.estimates
            for (question, name, split), one in assessed.draws.items():
                draws[condition, question, name, split] = one
    height, width = bench.survey.sizes[0]
    evidence = Evidence(
        estimates=estimates,
        draws=draws,
        taps=[tap for network in networks for tap in network.facts(height, width)],
        ladder={network.name: [tap.name for tap in network.ladder] for network in networks},
        diagnostics=diagnosed,
        noise=(),
        primary=(bench.settings.primary.statistic, bench.settings.primary.metric),
        level=bench.settings.level,
    )
    evidence.noise = noise_points(evidence, facts)
    return evidence


def _adjusted(evidence: Evidence, choices: Sequence[Choice]) -> tuple[Estimate, ...]:
    """Every estimate; those of the primary family with their corrected p."""
    p = {evidence.plain(one.network, one.tap): one.p_adjusted for one in choices}
    return tuple(
        replace(one, p_adjusted=p[one.condition])
        if (one.question, one.name, one.split) == ("style", "auc", "held-out") and one.condition in p
        else one
        for one in evidence.estimates.values()
    )


def _shown(evidence: Evidence, network: str) -> list[str]:
    """The tap chosen on development styles, and the deepest one, as far as they were measured."""
    one = chosen(evidence, network)
    taps = dict.fromkeys(([] if one is None else [one.tap]) + [evidence.last(network)])
    return [tap for tap in taps if evidence.estimate(evidence.plain(network, tap)) is not None]


def _climbed(evidence: Evidence, network: str) -> list[str]:
    """The ladder tap that plain distances do best at on development styles, and the deepest one."""
    one = best(evidence, network, READINGS[0])
    return list(dict.fromkeys(([] if one is None else [one.tap]) + [evidence.last(network)]))
