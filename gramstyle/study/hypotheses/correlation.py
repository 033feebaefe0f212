"""H11: the published answer."""

from __future__ import annotations

from gramstyle.study.evidence import Evidence
from gramstyle.study.hypotheses.prediction import (
    EACH,
    Hypothesis,
    Outcome,
    Prediction,
    Test,
    above,
    below,
    each,
    one_of_all,
    over_ladder,
)

EXCESS = "excess_correlation"
"""Diagnostic: mean |r| between channels, beyond what chance gives."""
LOSS = 0.02
"""Smallest loss of AUC that would mean anything."""
RULE = f"An interval of the mean change of AUC below -{LOSS} supports, above it refutes. {EACH}"


def loss_over_ladder(statistic: str | None = None, **changed: str) -> Test:
    """Mean change of AUC over the ladder when an arm is applied."""
    base = {} if statistic is None else {"statistic": statistic}

    def test(evidence: Evidence) -> Outcome:
        return each(over_ladder(evidence, changed, base), below(-LOSS))

    return test


def correlated_ahead(evidence: Evidence) -> Outcome:
    """Rank correlation of AUC with mean |r| over all taps of the learned networks."""
    conditions, values = [], []
    for network in evidence.networks(learned=True):
        for tap in evidence.taps_of(network):
            one = evidence.diagnostics.get((tap.backbone, tap.weights, tap.tap, EXCESS))
            if one is not None:
                conditions.append(evidence.plain(network, tap.tap))
                values.append(one.median)
    found = evidence.rank_correlation(conditions, values)
    return one_of_all(found, f"Spearman's rho over {len(conditions)} taps", above(0.0))


ANSWER = Hypothesis(
    name="H11",
    claim="The published answer: the Gram matrix needs correlated features, and dropout took them from newer "
    "networks.",
    predictions=(
        Prediction(
            text=f"With no correlation left, each channel shuffled by itself, AUC falls by over {LOSS}.",
            rule=RULE,
            test=loss_over_ladder(features="shuffled-independently"),
        ),
        Prediction(
            text="So it does without channel means, of which shuffling keeps a rank-one part: covariances.",
            rule=RULE,
            test=loss_over_ladder(statistic="covariance", features="shuffled-independently"),
            decisive=False,
        ),
        Prediction(
            text=f"Turning the channels until none correlate, which loses nothing, costs over {LOSS} of AUC.",
            rule=f"{RULE} Algebra says that no Frobenius distance changes; this shows it.",
            test=loss_over_ladder(channels="eigenbasis"),
            decisive=False,
        ),
        Prediction(
            text="Over all taps, AUC is higher where channels correlate more.",
            rule="An interval of Spearman's rho above 0 supports, below 0 refutes.",
            test=correlated_ahead,
            decisive=False,
        ),
    ),
)
