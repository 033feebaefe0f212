"""Studies made of chosen numbers; nothing is measured."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from gramstyle.study.pictures import distribution
from gramstyle.study.results import (
    AS_IS,
    PIXELS,
    RGB,
    Choice,
    Condition,
    CorpusFacts,
    DiagnosticValue,
    Difference,
    Estimate,
    GapShare,
    LabelMap,
    NoisePoint,
    Part,
    Provenance,
    Remedy,
    Similarity,
    Step,
    StudyResults,
    Tap,
    Verdict,
)

WEIGHTS = {
    "vgg16": "IMAGENET1K_V1",
    "mobilenet_v2": "IMAGENET1K_V2",
    "efficientnet_b0": "IMAGENET1K_V1",
    "resnet18": "IMAGENET1K_V1",
    "resnet50": "IMAGENET1K_V2",
    "vgg16_bn": "IMAGENET1K_V1",
    "vgg19": "IMAGENET1K_V1",
    "efficientnet_lite0": "TF_IN1K",
}
"""Backbone -> its learned weights, in the order in which studies take them."""

QUALITY = {"vgg16": 0.92, "mobilenet_v2": 0.84, "efficientnet_b0": 0.8, "resnet18": 0.86}
METRICS = ("frobenius", "relative-frobenius")
DIAGNOSTICS = (
    "excess_correlation",
    "participation_ratio",
    "top5_share",
    "activation_entropy",
    "effective_positions",
    "noise_ratio",
    "hoyer",
)
STYLES = ("brush", "cells", "dots", "grid", "noise", "waves")
DEVELOPMENT, HELD_OUT = STYLES[:3], STYLES[3:]
QUESTIONS = ("style", "hard", "content", "palette")
RUNGS = {
    "as it is": {},
    "positions shuffled, all channels alike": {"features": "shuffled-jointly"},
    "positions shuffled, each channel by itself": {"features": "shuffled-independently"},
    "channels rotated until none correlate": {"channels": "eigenbasis"},
    "diagonal only": {"statistic": "diagonal"},
    "five strongest channels left out": {"channels": "drop-top:5"},
    "49 positions": {"features": "subsample:49"},
    "grey images": {"input": "grayscale"},
}
REMEDIES = (
    ("signed square root, cosine", "signed-sqrt-cosine"),
    ("log-Euclidean", "log-euclidean"),
    ("L2, relative", "relative-frobenius"),
    ("L2", "frobenius"),
    ("matrix square root", "matrix-sqrt"),
)


def taps_of(backbone, weights, count, place):
    """`count` taps, wide and coarse towards the end."""
    return [
        Tap(
            backbone=backbone,
            weights=weights,
            tap=f"block{number + 1}",
            kind="block" if number else "stem",
            depth=number / max(count - 1, 1),
            channels=16 * 2 ** min(number, 5) * (4 if place == 0 else 1),
            positions=max(12544 // 4**number, 49),
            reduction=2 ** (number + 1),
        )
        for number in range(count)
    ]


def auc_at(tap, draw):
    """A hump over depth; random copies and unknown backbones lie lower."""
    top = QUALITY.get(tap.backbone, 0.82) - (0.13 if tap.weights.startswith("random") else 0.0)
    return float(np.clip(top - 0.5 * (tap.depth - 0.55) ** 2 + draw.normal(0, 0.012), 0.02, 0.995))


def estimates_of(tap, metric, draw):
    """AUC and contrast of one tap, of every question and split."""
    condition = Condition(backbone=tap.backbone, weights=tap.weights, tap=tap.tap, metric=metric)
    auc = auc_at(tap, draw)
    contrast = 0.9 * math.exp(-3.2 * tap.depth) * (3 if tap.backbone.startswith("vgg") else 0.4)
    contrast *= float(draw.uniform(0.8, 1.2)) * (0.6 if tap.weights.startswith("random") else 1.0)
    shifts = {"style": 0.0, "hard": -0.09, "content": -0.28, "palette": -0.2}
    for question, shift in shifts.items():
        for split in ("all", "development", "held-out"):
            value = float(np.clip(auc + shift + draw.normal(0, 0.01), 0.02, 0.995))
            half = 0.03 if split == "all" else 0.05
            common = {"condition": condition, "question": question, "split": split, "images": 72}
            yield Estimate(
                name="auc",
                value=value,
                low=max(value - half, 0.0),
                high=min(value + half, 1.0),
                p=0.0001,
                p_adjusted=0.0012 if split == "held-out" else None,
                near=396,
                far=2160,
                **common,
            )
            yield Estimate(name="contrast", value=contrast, low=0.8 * contrast, high=1.3 * contrast, **common)


def diagnostics_of(tap, draw):
    spread = {"participation_ratio": 60.0, "effective_positions": 900.0, "noise_ratio": 3.0}
    for name in DIAGNOSTICS:
        scale = spread.get(name, 0.5)
        rising = 1.25 - tap.depth if name == "effective_positions" else 0.25 + tap.depth
        median = float(scale * rising * draw.uniform(0.9, 1.1))
        yield DiagnosticValue(
            backbone=tap.backbone,
            weights=tap.weights,
            tap=tap.tap,
            name=name,
            median=median,
            low=0.85 * median,
            high=1.2 * median,
            pooled=None if name == "effective_positions" else 1.1 * median,
        )


def noise_of(tap, contrast, draw):
    for arm in (AS_IS, "subsample:49"):
        effective = tap.positions / (4 if arm != AS_IS else 1) / 2 + 5
        participation = 4 + 30 * tap.depth
        noise = 2 * (participation + 1) / effective
        predicted = math.sqrt(1 + 0.4 / noise) - 1
        yield NoisePoint(
            condition=Condition(
                backbone=tap.backbone,
                weights=tap.weights,
                tap=tap.tap,
                features=arm,
                statistic="covariance",
            ),
            participation=participation,
            effective=effective,
            noise=noise,
            measured_noise=noise * float(draw.uniform(0.8, 1.9)),
            contrast=predicted * float(draw.uniform(0.6, 1.2)),
            predicted=predicted,
        )


def map_of(tap, factor, labels, draw):
    values = 1 + 0.3 * draw.random((len(labels), len(labels)))
    values = (values + values.T) / 2
    values[np.diag_indices(len(labels))] = 0.75 + 0.1 * draw.random(len(labels))
    return LabelMap(
        condition=Condition(backbone=tap.backbone, weights=tap.weights, tap=tap.tap),
        factor=factor,
        labels=tuple(labels),
        means=tuple(map(tuple, values.tolist())),
    )


def similarity_of(taps, of, draw):
    depth = np.array([tap.depth for tap in taps])
    same = np.array([[one.backbone == other.backbone for other in taps] for one in taps])
    values = np.exp(-3 * (depth[:, None] - depth[None, :]) ** 2) * np.where(same, 1.0, 0.75)
    values = np.clip(values * draw.uniform(0.97, 1.0, values.shape), 0, 1)
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1.0)
    return Similarity(
        of=of,
        taps=tuple((f"{tap.backbone}@{tap.weights}", tap.tap) for tap in taps),
        values=tuple(map(tuple, values.tolist())),
    )


def distribution_of(tap, draw):
    near = draw.normal(1.0, 0.16, 400).clip(0.1)
    gap = 0.35 if tap.backbone.startswith("vgg") else 0.09
    condition = Condition(backbone=tap.backbone, weights=tap.weights, tap=tap.tap)
    return distribution(
        condition, "style", near, near.mean() * (1 + gap) * draw.normal(1, 0.13, 2000).clip(0.1)
    )


def choice_of(network, tap, value):
    return Choice(
        network=network,
        tap=tap.tap,
        statistic="gram",
        metric="frobenius",
        development=value + 0.02,
        held_out=value,
        low=value - 0.05,
        high=min(value + 0.04, 1.0),
        p=0.0001,
        p_adjusted=0.0003,
    )


def ladder_of(network, tap, value, draw):
    for place, (name, changed) in enumerate(RUNGS.items()):
        condition = Condition(backbone=tap.backbone, weights=tap.weights, tap=tap.tap, **changed)
        change = float(draw.normal(0.0, 0.05)) if place > 1 else 0.0
        yield Step(
            network=network,
            tap=tap.tap,
            name=name,
            condition=condition,
            auc=value + change,
            low=value + change - 0.035,
            high=min(value + change + 0.03, 1.0),
            contrast=0.07 * (1 + 8 * abs(change)),
            change=change,
            change_low=change - (0.03 if change else 0.0),
            change_high=change + (0.03 if change else 0.0),
        )


def gaps_of(first, other):
    """A lead and what controls take from it; a row, an estimate or an interval may be missing."""
    rows = [("as it is", 0.05), ("16 channels", 0.04), ("grey images", -0.01), ("all together", 0.02)]
    return tuple(
        GapShare(
            network=first,
            other=other,
            where=where,
            estimate=estimate,
            name=name,
            value=value,
            low=value - 0.01,
            high=value + 0.01,
        )
        for where in ("the deepest tap", "the ladder's mean")
        for estimate in ("auc", "contrast")
        for name, value in rows
        if (name, where, estimate) != ("grey images", "the deepest tap", "contrast")
    )


def remedies_of(network, tap, value):
    for place, (name, metric) in enumerate(REMEDIES):
        gain = 0.06 - 0.02 * place
        yield Remedy(
            network=network,
            name=name,
            condition=Condition(backbone=tap.backbone, weights=tap.weights, tap=tap.tap, metric=metric),
            development=value + gain + 0.02,
            held_out=value + gain,
            low=value + gain - 0.04,
            high=min(value + gain + 0.03, 1.0),
            gain=gain,
            gain_low=gain - 0.03 if gain else 0.0,
            gain_high=gain + 0.03 if gain else 0.0,
        )


def verdicts():
    def part(prediction, finding, decision):
        return Part(
            prediction=prediction,
            rule="supported if the interval lies above 0, refuted if it lies below",
            finding=finding,
            decision=decision,
        )

    return (
        Verdict(
            name="H1",
            hypothesis="Few positions and a wide spectrum make a noise floor that hides style.",
            parts=(
                part("Contrast falls with PR/N_eff.", "rank correlation -0.91 (-0.95 to -0.84)", "supported"),
                part("Curves of all networks collapse.", "0.03 of the variance is left", "supported"),
            ),
            decision="supported",
        ),
        Verdict(
            name="H3",
            hypothesis="A contrast of 5 % is no failure: style can be told all the same.",
            parts=(part("AUC above 0.8 where contrast is 5 %.", "0.83 (0.79 to 0.87)", "undecided"),),
            decision="undecided",
        ),
        Verdict(
            name="H8",
            hypothesis="Texture bias of the weights decides.",
            parts=(part("AUC follows shape bias.", "fewer than 12 networks", "not measured"),),
            decision="not measured",
        ),
        Verdict(
            name="H11",
            hypothesis="Dropout takes away the correlations that the Gram matrix needs.",
            parts=(
                part("Networks without dropout separate better.", "-0.02 (-0.06 to 0.03)", "undecided"),
                part("A shuffle of each channel hurts.", "0.00 (-0.01 to 0.01)", "refuted"),
            ),
            decision="refuted",
        ),
    )


COLOURS = Condition(backbone=PIXELS, weights="", tap=RGB, statistic="gaussian", metric="wasserstein")


def difference_of(first, second, value):
    (one, one_tap), (other, other_tap) = first, second
    ends = [
        tap
        if isinstance(tap, Condition)
        else Condition(backbone=tap.backbone, weights=tap.weights, tap=tap.tap)
        for tap in (one_tap, other_tap)
    ]
    return Difference(
        what=f"{one} minus {other}",
        first=ends[0],
        second=ends[1],
        estimate="auc",
        split="held-out",
        value=value,
        low=value - 0.04,
        high=value + 0.04,
        p=0.001 if value > 0.04 else 0.31,
        p_adjusted=0.003 if value > 0.04 else 0.62,
    )


def provenance(networks):
    return Provenance(
        settings={"resize": "short:224", "draws": 2000, "permutations": 9999, "level": 0.95, "seed": 7},
        weights={
            network: {
                "name": network.partition("@")[2],
                "source": "Python package index, tiny 1.0",
                "sha256": f"{place:02x}" * 32,
            }
            for place, network in enumerate(networks)
        },
        versions={"python": "3.11.0", "torch": "2.10.0", "gramstyle": "0.1.0"},
        device="cpu",
        dtype="float32",
        seed=7,
        date="2025-03-04",
    )


def corpus(styles=STYLES, notes=("2 images are near-duplicates: brush/03.png and brush/07.png",)):
    contents, palettes = ("blobs", "stripes"), ("warm", "cold", "grey")
    return CorpusFacts(
        name="procedural textures",
        digest="5a" * 32,
        images=12 * len(styles),
        sources=12 * len(styles),
        counts={
            "style": dict.fromkeys(styles, 12),
            "content": dict.fromkeys(contents, 6 * len(styles)),
            "palette": dict.fromkeys(palettes, 4 * len(styles)),
        },
        development=DEVELOPMENT,
        held_out=HELD_OUT,
        notes=notes,
    )


def realistic(backbones=("vgg16", "mobilenet_v2", "efficientnet_b0"), taps=6, copies=1, more=()):
    """A whole study: learned networks and `more` (backbone, weights), random copies, the colour baseline."""
    draw = np.random.default_rng(0)
    pairs = [*((name, WEIGHTS[name]) for name in backbones), *more]
    pairs += [(name, f"random:{seed}") for seed in range(copies) for name in backbones]
    found = {
        f"{name}@{weights}": taps_of(name, weights, taps, place % len(backbones))
        for place, (name, weights) in enumerate(pairs)
    }
    found[PIXELS] = [
        Tap(
            backbone=PIXELS,
            weights="",
            tap=RGB,
            kind="stem",
            depth=0.0,
            channels=3,
            positions=50176,
            reduction=1,
        )
    ]
    every = [tap for one in found.values() for tap in one]
    learned = {
        network: one for network, one in found.items() if "random" not in network and network != PIXELS
    }
    estimates = [one for tap in every for metric in METRICS for one in estimates_of(tap, metric, draw)]
    estimates += [
        replace(one, condition=COLOURS, value=one.value + 0.03, low=one.value, high=one.value + 0.06)
        for one in estimates
        if one.condition.backbone == PIXELS and one.condition.metric == METRICS[0] and one.name == "auc"
    ]
    chosen = {network: one[len(one) // 2] for network, one in learned.items()}
    values = {network: 0.9 - 0.04 * place for place, network in enumerate(chosen)}
    values["colours"] = 0.68
    places = [*chosen.items(), ("colours", COLOURS)]
    ends = {network: one[-1] for network, one in learned.items()}
    shown = [tap for network in learned for tap in (chosen[network], ends[network])]
    return StudyResults(
        corpus=corpus(),
        provenance=provenance(found),
        taps=tuple(every),
        estimates=tuple(estimates),
        diagnostics=tuple(
            one for one_net in learned.values() for tap in one_net for one in diagnostics_of(tap, draw)
        ),
        noise=tuple(one for taps in learned.values() for tap in taps for one in noise_of(tap, 0.1, draw)),
        distributions=tuple(distribution_of(tap, draw) for tap in shown),
        maps=tuple(
            map_of(tap, factor, labels, draw)
            for tap in shown
            for factor, labels in (("style", STYLES), ("content", ("blobs", "stripes")))
        ),
        similarity=tuple(
            similarity_of([tap for one in learned.values() for tap in one[::2]], of, draw)
            for of in ("gram", "mean")
        ),
        choices=tuple(choice_of(network, tap, values[network]) for network, tap in chosen.items()),
        differences=tuple(
            difference_of(first, second, values[first[0]] - values[second[0]])
            for place, first in enumerate(places)
            for second in places[place + 1 :]
        ),
        ladder=tuple(
            one
            for net in learned
            for tap, down in ((chosen[net], 0.0), (ends[net], 0.12))
            for one in ladder_of(net, tap, values[net] - down, draw)
        ),
        gaps=gaps_of(*list(chosen)[:2]) if len(chosen) > 1 else (),
        remedies=tuple(one for net, tap in chosen.items() for one in remedies_of(net, tap, values[net])),
        verdicts=verdicts(),
    )
