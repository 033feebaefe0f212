"""H2: whether norms and a few strong channels dominate plain distances."""

from __future__ import annotations

from gramstyle.study.evidence import Evidence
from gramstyle.study.hypotheses.prediction import (
    GAIN,
    Hypothesis,
    Outcome,
    Prediction,
    Test,
    above,
    each,
    last,
    one_of_all,
    over_ladder,
)

TOP5 = "top5_share"
"""Diagnostic: share of the energy in the five strongest channels."""
DAMPED = "signed-sqrt-cosine"


def gain_at_last(metric: str) -> Test:
    """AUC of another metric minus that of the primary one, at the deepest tap."""

    def test(evidence: Evidence) -> Outcome:
        pairs = [
            (last(evidence, network, metric=metric), last(evidence, network))
            for network in evidence.networks(learned=True)
        ]
        found = [
            (f"{one.network} {one.tap}", evidence.mean_difference([(one, other)])) for one, other in pairs
        ]
        return each(found, above(0.0))

    return test


def without_strongest(evidence: Evidence) -> Outcome:
    """Change of AUC over the ladder when the five strongest channels are left out."""
    return each(over_ladder(evidence, {"channels": "drop-top:5"}), above(0.0))


def gain_against_share(evidence: Evidence) -> Outcome:
    """Whether damping large entries gains most where few channels hold the energy."""
    pairs, shares = [], []
    for network in evidence.networks(learned=True):
        for tap in evidence.taps_of(network):
            one = evidence.diagnostics.get((tap.backbone, tap.weights, tap.tap, TOP5))
            plain = evidence.plain(network, tap.tap)
            damped = evidence.plain(network, tap.tap, metric=DAMPED)
            if one is not None and evidence.drawn(damped) is not None and evidence.drawn(plain) is not None:
                pairs.append((damped, plain))
                shares.append(one.median)
    found = evidence.rank_correlation_of_gains(pairs, shares)
    return one_of_all(found, f"Spearman's rho over {len(pairs)} taps", above(0.0))


ENERGY = Hypothesis(
    name="H2",
    claim="Plain L2 is dominated by norms and a few strong channels; damping them restores the separation.",
    predictions=(
        Prediction(
            text="At the deepest tap, signed square root and L2 normalisation raise the AUC.",
            rule=GAIN,
            test=gain_at_last(DAMPED),
        ),
        Prediction(
            text="At the deepest tap, dividing by the norms (relative Frobenius) raises the AUC.",
            rule=GAIN,
            test=gain_at_last("relative-frobenius"),
        ),
        Prediction(
            text="Leaving out the five strongest channels raises the AUC, on average over the ladder.",
            rule=GAIN,
            test=without_strongest,
            decisive=False,
        ),
        Prediction(
            text="Damping gains more where the five strongest channels hold more of the energy.",
            rule="An interval of Spearman's rho over taps above 0 supports, below 0 refutes.",
            test=gain_against_share,
            decisive=False,
        ),
    ),
)
