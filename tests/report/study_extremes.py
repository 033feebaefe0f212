"""Studies at the edges: almost nothing, nothing at all, and everything that a page could choke on."""

from __future__ import annotations

import math
from dataclasses import replace

from report.study_results import WEIGHTS, corpus, provenance, realistic, taps_of

from gramstyle.study.results import Condition, CorpusFacts, Difference, Estimate, Part, StudyResults, Verdict


def minimal():
    """One network, one tap, one number; nothing else."""
    tap = taps_of("vgg16", WEIGHTS["vgg16"], 1, 0)[0]
    condition = Condition(backbone="vgg16", weights=WEIGHTS["vgg16"], tap=tap.tap)
    return StudyResults(
        corpus=CorpusFacts(
            name="two",
            digest="00" * 32,
            images=4,
            sources=4,
            counts={"style": {"a": 2, "b": 2}},
            development=(),
            held_out=(),
            notes=(),
        ),
        provenance=replace(provenance(["vgg16@IMAGENET1K_V1"]), settings={}, versions={}),
        taps=(tap,),
        estimates=(
            Estimate(condition=condition, question="style", name="auc", split="all", value=0.75, images=4),
        ),
        diagnostics=(),
        noise=(),
        distributions=(),
        maps=(),
        similarity=(),
        choices=(),
        differences=(),
        ladder=(),
        gaps=(),
        remedies=(),
        verdicts=(),
    )


def nothing():
    """A study that found nothing at all."""
    return replace(minimal(), taps=(), estimates=())


HOSTILE = (
    "<script>alert(1)</script>",
    '" onload="alert(2)\' {{ 7*7 }} &amp;',
    "日本語 ünï $\\frac{$",
    "]]></style><b>",
    "bad\udcff",
    "a\nb\x07",
)


def hostile():
    """Every text is one that a page, a table or a figure could choke on; many numbers are not finite."""
    whole = realistic(("vgg16",), 3)
    first = whole.estimates[0].condition
    worst = Estimate(
        condition=first,
        question="style",
        name="auc",
        split="all",
        value=math.nan,
        low=math.nan,
        high=math.nan,
    )
    broken = [worst, *(replace(one, value=math.inf) for one in whole.estimates if one.name == "contrast")]
    kept = [one for one in whole.estimates if one.name != "contrast" and one != whole.estimates[0]]
    step = replace(
        whole.ladder[0],
        name=HOSTILE[1],
        auc=math.nan,
        low=math.nan,
        high=math.nan,
        contrast=math.nan,
        change=math.nan,
        change_low=math.nan,
        change_high=math.nan,
    )
    one_map = whole.maps[0]
    blank = tuple((math.nan,) * len(HOSTILE) for _ in HOSTILE)
    distribution_made = whole.distributions[0]
    return replace(
        whole,
        corpus=replace(corpus(HOSTILE, notes=HOSTILE), name=HOSTILE[0], development=HOSTILE[:3]),
        provenance=replace(whole.provenance, settings={HOSTILE[0]: HOSTILE[1], "path": HOSTILE[4]}),
        estimates=(*broken, *kept),
        diagnostics=tuple(
            replace(one, median=math.nan, low=math.nan, pooled=math.inf) for one in whole.diagnostics
        ),
        noise=(*whole.noise, replace(whole.noise[0], contrast=-0.01, predicted=0.0, measured_noise=math.nan)),
        distributions=(replace(distribution_made, near=(math.nan,) * len(distribution_made.near)),),
        maps=(replace(one_map, labels=HOSTILE, means=blank),),
        ladder=(step, *whole.ladder[1:]),
        remedies=(replace(whole.remedies[0], name=HOSTILE[0], held_out=math.nan), *whole.remedies[1:]),
        differences=(
            Difference(
                what=HOSTILE[3],
                first=first,
                second=first,
                estimate="contrast",
                split="all",
                value=math.nan,
                low=math.nan,
                high=math.nan,
                p=math.nan,
            ),
        ),
        verdicts=(
            Verdict(
                name=HOSTILE[0],
                hypothesis=HOSTILE[1],
                parts=(Part(prediction=HOSTILE[2], rule=HOSTILE[3], finding=HOSTILE[4], decision="refuted"),),
                decision="refuted",
            ),
        ),
    )
