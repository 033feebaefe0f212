"""The decision on each hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

from gramstyle.study.evidence import Evidence
from gramstyle.study.hypotheses.architecture import (
    BATCH_NORM,
    BOTTLENECK,
    RECIPE,
    SHORTCUTS,
    TEXTURE,
    WIDTH,
)
from gramstyle.study.hypotheses.colour import COLOUR
from gramstyle.study.hypotheses.correlation import ANSWER
from gramstyle.study.hypotheses.energy import ENERGY
from gramstyle.study.hypotheses.noise import NOISE_FLOOR
from gramstyle.study.hypotheses.prediction import ABSENT, Hypothesis
from gramstyle.study.hypotheses.premise import NO_FAILURE, PREMISE
from gramstyle.study.hypotheses.weights import LEARNED
from gramstyle.study.results import Decision, Part, Verdict

HYPOTHESES: tuple[Hypothesis, ...] = (
    PREMISE,
    NOISE_FLOOR,
    ENERGY,
    NO_FAILURE,
    WIDTH,
    BOTTLENECK,
    SHORTCUTS,
    BATCH_NORM,
    TEXTURE,
    RECIPE,
    LEARNED,
    ANSWER,
    COLOUR,
)
"""In the order of the report."""


def judge(evidence: Evidence) -> tuple[Verdict, ...]:
    """The verdict on every hypothesis."""
    return tuple(_verdict(one, evidence) for one in HYPOTHESES)


def _verdict(hypothesis: Hypothesis, evidence: Evidence) -> Verdict:
    parts, decisive = [], []
    for prediction in hypothesis.predictions:
        finding, decision = prediction.test(evidence)
        parts.append(
            Part(prediction=prediction.text, rule=prediction.rule, finding=finding, decision=decision)
        )
        if prediction.decisive:
            decisive.append(decision)
    return Verdict(
        name=hypothesis.name,
        hypothesis=hypothesis.claim,
        parts=tuple(parts),
        decision=overall(decisive, [part.decision for part in parts]),
    )


def overall(decisive: Sequence[Decision], every: Sequence[Decision]) -> Decision:
    """Refuted if a decisive prediction is; supported if all that were measured are; else undecided.

    Not measured where no decisive prediction was.
    """
    if all(one == ABSENT for one in decisive):
        return ABSENT
    if "refuted" in decisive:
        return "refuted"
    return "supported" if all(one in ("supported", ABSENT) for one in every) else "undecided"
