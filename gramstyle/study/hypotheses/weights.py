"""H10: whether learned weights matter."""

from __future__ import annotations

import numpy as np

from gramstyle.study.evidence import Evidence, Interval
from gramstyle.study.hypotheses.prediction import (
    EACH,
    GAIN,
    Found,
    Hypothesis,
    Outcome,
    Prediction,
    above,
    below,
    each,
)


def learned_ahead(evidence: Evidence) -> Outcome:
    """Mean AUC over the ladder of learned weights minus that of the random copies."""
    found: Found = []
    for network in evidence.networks(learned=True):
        copies = evidence.copies(network)
        pairs = [
            (evidence.plain(network, tap), evidence.plain(copy, tap))
            for copy in copies
            for tap in evidence.ladder[network]
            if evidence.estimate(evidence.plain(copy, tap)) is not None  # weights may end at different taps
        ]
        found.append((f"{network} minus {len(copies)} random copies", evidence.mean_difference(pairs)))
    return each(found, above(0.0))


def random_contrast(evidence: Evidence) -> Outcome:
    """Contrast at the deepest tap of the random copies, mean over copies."""
    found: Found = []
    for network in evidence.networks(learned=True):
        tap, copies = evidence.last(network), evidence.copies(network)
        found.append((f"{network} {tap}, {len(copies)} random copies", _mean_contrast(evidence, copies, tap)))
    return each(found, below(0.10))


def _mean_contrast(evidence: Evidence, copies: list[str], tap: str) -> Interval | None:
    values, draws = [], []
    for copy in copies:
        condition = evidence.plain(copy, tap)
        one, drawn = evidence.estimate(condition, "contrast"), evidence.drawn(condition, "contrast")
        if one is not None and drawn is not None:
            values.append(one.value)
            draws.append(drawn)
    return evidence.around(float(np.mean(values)), np.mean(draws, axis=0)) if values else None


LEARNED = Hypothesis(
    name="H10",
    claim="Learned weights matter, and not the architecture alone.",
    predictions=(
        Prediction(
            text="Learned weights separate better than random ones of the same network, over the ladder.",
            rule=GAIN,
            test=learned_ahead,
        ),
        Prediction(
            text="Random copies show contrast below 10 % at the deepest tap, too.",
            rule=f"An interval of the mean contrast below 0.10 supports, above it refutes. {EACH}",
            test=random_contrast,
            decisive=False,
        ),
    ),
)
