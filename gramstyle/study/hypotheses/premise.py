"""H0 and H3: whether there is anything to explain."""

from __future__ import annotations

from gramstyle.study.evidence import Evidence
from gramstyle.study.hypotheses.prediction import (
    ABSENT,
    EACH,
    Hypothesis,
    Outcome,
    Prediction,
    above,
    at_last,
    below,
    each,
    held_out,
)


def contrast_at_last(evidence: Evidence) -> Outcome:
    """Contrast of plain distances at the deepest tap."""
    return each(at_last(evidence, "contrast"), below(0.10))


def auc_at_last(evidence: Evidence) -> Outcome:
    """AUC of plain distances at the deepest tap."""
    return each(at_last(evidence, "auc"), above(0.8))


def vgg_ahead(evidence: Evidence) -> Outcome:
    """Held-out AUC of VGG16 minus that of each network of another kind."""
    learned = evidence.networks(learned=True)
    vgg = [one for one in learned if one.startswith("vgg16@")]
    others = [one for one in learned if not one.startswith("vgg")]
    if not vgg or not others:
        return "needs VGG16 and a network of another kind", ABSENT
    return each([held_out(evidence, vgg[0], other) for other in others], above(0.0))


PREMISE = Hypothesis(
    name="H0",
    claim="The premise: Gram distances of VGG16 separate styles, those of newer networks do not.",
    predictions=(
        Prediction(
            text="At the deepest tap the contrast of plain L2 distances lies below 10 %.",
            rule=f"An interval below 0.10 supports, above it refutes. {EACH}",
            test=contrast_at_last,
            decisive=False,
        ),
        Prediction(
            text="At taps chosen on development styles, VGG16 separates held-out styles better than newer "
            "networks do.",
            rule="An interval of the difference above 0 supports, below 0 refutes, for each newer network.",
            test=vgg_ahead,
        ),
    ),
)
NO_FAILURE = Hypothesis(
    name="H3",
    claim="A contrast of 5 % is no failure: pairs can be told apart all the same.",
    predictions=(
        Prediction(
            text="At the deepest tap, under plain L2, the AUC is above 0.8.",
            rule=f"An interval above 0.8 supports, below it refutes. {EACH}",
            test=auc_at_last,
        ),
    ),
)
