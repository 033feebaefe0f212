"""H12: whether style distances see more than colour."""

from __future__ import annotations

from gramstyle.study.choices import chosen, colour_baseline
from gramstyle.study.evidence import Evidence
from gramstyle.study.hypotheses.prediction import (
    GAIN,
    Found,
    Hypothesis,
    Outcome,
    Prediction,
    above,
    each,
)


def beats_colour(evidence: Evidence) -> Outcome:
    """Held-out AUC of each network at its chosen tap minus that of mean and covariance of colours."""
    found: Found = []
    for network in evidence.networks(learned=True):
        best = chosen(evidence, network)
        if best is not None:
            difference = evidence.mean_difference([(best, colour_baseline())], split="held-out")
            found.append((f"{network} {best.tap} minus colours", difference))
    return each(found, above(0.0))


COLOUR = Hypothesis(
    name="H12",
    claim="Style distances see more than colour.",
    predictions=(
        Prediction(
            text="At taps chosen on development styles, networks separate held-out styles better "
            "than colours do.",
            rule=GAIN,
            test=beats_colour,
        ),
    ),
)
