"""Evidence of chosen numbers: what was measured is written down, nothing is measured."""

from __future__ import annotations

import numpy as np

from gramstyle.study.evidence import Evidence
from gramstyle.study.results import AS_IS, PIXELS, RGB, Condition, DiagnosticValue, Estimate, NoisePoint, Tap

DRAWS = 41
RAMP = np.linspace(-1, 1, DRAWS)
"""Draws are value + spread * RAMP, so that the central 95 % of them end at value -+ 0.95 spread."""


def tap(name, *, kind="block", channels=32, positions=196, reduction=16):
    """A tap; its network and its depth come from the case that it is put into."""
    return {
        "tap": name,
        "kind": kind,
        "channels": channels,
        "positions": positions,
        "reduction": reduction,
    }


class Case:
    """A study as it grows: networks and taps first, then what was measured of them."""

    def __init__(self, *, primary=("gram", "frobenius"), level=0.95):
        self.primary, self.level = primary, level
        self.estimates, self.draws, self.taps = [], {}, []
        self.ladder, self.diagnostics, self.noise = {}, [], []
        self.taps.append(
            Tap(backbone=PIXELS, weights="", depth=0.0, **tap(RGB, channels=3, reduction=1, kind="stem"))
        )

    def network(self, name, *taps, ladder=None):
        """A network with `taps`, which are names or `tap(...)`; all of them its ladder unless said."""
        backbone, _, weights = name.partition("@")
        described = [tap(one) if isinstance(one, str) else one for one in taps]
        for place, one in enumerate(described):
            depth = place / max(1, len(described) - 1)
            self.taps.append(Tap(backbone=backbone, weights=weights, depth=depth, **one))
        self.ladder[name] = [one["tap"] for one in described] if ladder is None else list(ladder)
        return self

    def at(self, network, where, **changed):
        """A condition of the primary readout, as `Evidence.plain` names it, spelt out."""
        backbone, _, weights = network.partition("@")
        given = {"statistic": self.primary[0], "metric": self.primary[1], **changed}
        return Condition(backbone=backbone, weights=weights, tap=where, **given)

    def measure(
        self, condition, value, name="auc", split="all", spread=0.0, p=None, question="style", draws=None
    ):
        """An estimate with its draws; the interval is what 95 % of a ramp is."""
        drawn = value + spread * RAMP if draws is None else np.asarray(draws, dtype=float)
        half = 0.95 * spread
        self.estimates.append(
            Estimate(
                condition=condition,
                question=question,
                name=name,
                split=split,
                value=value,
                low=value - half,
                high=value + half,
                p=p,
            )
        )
        self.draws[condition, question, name, split] = drawn
        return self

    def halves(self, condition, development, held_out, spread=0.0, p=0.01):
        """AUC on both halves of the styles; of the development half there are no draws."""
        self.measure(condition, development, split="development")
        del self.draws[condition, "style", "auc", "development"]
        return self.measure(condition, held_out, split="held-out", spread=spread, p=p)

    def diagnose(self, network, where, name, median):
        """A diagnostic of a tap."""
        backbone, _, weights = network.partition("@")
        self.diagnostics.append(
            DiagnosticValue(
                backbone=backbone,
                weights=weights,
                tap=where,
                name=name,
                median=median,
                low=median,
                high=median,
            )
        )
        return self

    def point(self, condition, noise, contrast, predicted):
        """A point of the noise floor."""
        self.noise.append(
            NoisePoint(
                condition=condition,
                participation=1.0,
                effective=1.0,
                noise=noise,
                measured_noise=noise,
                contrast=contrast,
                predicted=predicted,
            )
        )
        return self

    def evidence(self):
        """What is concluded from."""
        return Evidence(
            estimates=self.estimates,
            draws=self.draws,
            taps=self.taps,
            ladder=self.ladder,
            diagnostics=self.diagnostics,
            noise=self.noise,
            primary=self.primary,
            level=self.level,
        )


COLOURS = Condition(backbone=PIXELS, weights="", tap=RGB, statistic="gaussian", metric="wasserstein")
assert COLOURS.input == AS_IS


def squares(policy, reduction):
    """Positions at a tap of square images whose side a policy such as ``short:224`` names."""
    return (int(policy.partition(":")[2]) // reduction) ** 2
