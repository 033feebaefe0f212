"""Interventions at one tap of each network, against the same distances as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gramstyle.study.evidence import Evidence
from gramstyle.study.results import Step


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One intervention.

    Attributes:
        name: in words.
        changed: attributes of the condition.
    """

    name: str
    changed: Mapping[str, str] = field(default_factory=dict)


RUNGS: tuple[Rung, ...] = (
    Rung(name="as it is"),
    Rung(name="positions shuffled, all channels alike", changed={"features": "shuffled-jointly"}),
    Rung(name="positions shuffled, each channel by itself", changed={"features": "shuffled-independently"}),
    Rung(name="each channel shifted by itself", changed={"features": "shifted-independently"}),
    Rung(name="channels rotated at random", changed={"channels": "rotated"}),
    Rung(name="channels rotated until none correlate", changed={"channels": "eigenbasis"}),
    Rung(name="diagonal only", changed={"statistic": "diagonal"}),
    Rung(name="off-diagonal only", changed={"statistic": "off-diagonal"}),
    Rung(name="channel means only", changed={"statistic": "mean"}),
    Rung(name="centred: covariance", changed={"statistic": "covariance"}),
    Rung(name="correlation", changed={"statistic": "correlation"}),
    Rung(name="strongest channel left out", changed={"channels": "drop-top:1"}),
    Rung(name="five strongest channels left out", changed={"channels": "drop-top:5"}),
    Rung(name="channels standardised", changed={"channels": "standardised"}),
    Rung(name="channels whitened", changed={"channels": "whitened"}),
    Rung(name="softmax over the whole map (SWAG)", changed={"features": "softmax-global"}),
    Rung(name="softmax over channels (SWAG)", changed={"features": "softmax-channel"}),
    Rung(name="784 positions", changed={"features": "subsample:784"}),
    Rung(name="196 positions", changed={"features": "subsample:196"}),
    Rung(name="49 positions", changed={"features": "subsample:49"}),
    Rung(name="64 channels, projected", changed={"channels": "projected:64"}),
    Rung(name="64 channels, drawn", changed={"channels": "subset:64"}),
    Rung(name="16 channels, projected", changed={"channels": "projected:16"}),
    Rung(name="49 positions, 16 channels", changed={"features": "subsample:49", "channels": "projected:16"}),
    Rung(
        name="49 positions, 16 channels, grey",
        changed={"features": "subsample:49", "channels": "projected:16", "input": "grayscale"},
    ),
    Rung(name="grey images", changed={"input": "grayscale"}),
    Rung(name="colours matched", changed={"input": "colour-matched"}),
    Rung(name="images of 128 pixels", changed={"input": "size:128"}),
    Rung(name="images of 64 pixels", changed={"input": "size:64"}),
)
"""In the order of the report."""


def climb(evidence: Evidence, network: str, tap: str) -> tuple[Step, ...]:
    """Every rung that was measured at a tap, with its change of AUC on the same resamples."""
    plain = evidence.plain(network, tap)
    found = []
    for rung in RUNGS:
        condition = evidence.plain(network, tap, **rung.changed)
        auc, contrast = evidence.interval(condition), evidence.estimate(condition, "contrast")
        change = evidence.mean_difference([(condition, plain)])
        if auc is None or contrast is None or change is None:
            continue
        found.append(
            Step(
                network=network,
                tap=tap,
                name=rung.name,
                condition=condition,
                auc=auc.value,
                low=auc.low,
                high=auc.high,
                contrast=contrast.value,
                change=change.value,
                change_low=change.low,
                change_high=change.high,
            )
        )
    return tuple(found)
