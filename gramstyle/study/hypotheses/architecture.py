"""H4 to H9: width, bottlenecks, shortcuts, normalisation, texture bias, recipe."""

from __future__ import annotations

from gramstyle.study.evidence import Evidence
from gramstyle.study.hypotheses.prediction import (
    ABSENT,
    GAIN,
    Found,
    Hypothesis,
    Outcome,
    Prediction,
    Test,
    above,
    different,
    each,
    held_out,
    of_taps,
    together,
    unmeasured,
)
from gramstyle.study.results import Condition, Decision

NARROW = 16
"""Channels of the first blocks of MobileNetV2 and EfficientNet."""
SAME_RULE = "An interval of the difference of AUC that leaves 0 out supports; one within 0.05 of 0 refutes."


def early_width(evidence: Evidence) -> Outcome:
    """VGG's early advantage over narrow blocks of its resolution, before and after it is made as narrow."""
    words, decisions = [], []
    for wide, narrow in early_pairs(evidence):
        cut = Condition(**{**vars(wide), "channels": f"projected:{NARROW}"})
        whole, left = (evidence.mean_difference([(one, narrow)]) for one in (wide, cut))
        if whole is None or left is None:
            continue
        named = f"{wide.network} {wide.tap} minus {narrow.network} {narrow.tap}"
        words.append(f"{named}: {whole}; at {NARROW} channels each: {left}")
        decisions.append(_explained(above(0.0)(whole), above(0.0)(left)))
    if not words:
        return f"needs VGG projected to {NARROW} channels, and a block of as many", ABSENT
    return "; ".join(words), together(decisions)


def early_pairs(evidence: Evidence) -> list[tuple[Condition, Condition]]:
    """A ladder tap of the first VGG network, and a narrow block of another at its resolution."""
    learned = evidence.networks(learned=True)
    vgg = next((one for one in learned if one.startswith("vgg")), None)
    if vgg is None:
        return []
    by_reduction = {evidence.tap(vgg, name).reduction: name for name in evidence.ladder[vgg]}
    return [
        (evidence.plain(vgg, by_reduction[tap.reduction]), evidence.plain(network, tap.tap))
        for network in learned
        if not network.startswith("vgg")
        for tap in evidence.taps_of(network)
        if tap.kind == "block" and tap.channels == NARROW and tap.reduction in by_reduction
    ]


def _explained(ahead: Decision, still: Decision) -> Decision:
    """Width explains an advantage that is there, and is no longer there without it."""
    if ahead != "supported":
        return "refuted" if ahead == "refuted" else "undecided"
    return "refuted" if still == "supported" else "supported" if still == "refuted" else "undecided"


def expansions(evidence: Evidence, network: str) -> list[tuple[str, str]]:
    """Each expansion and the linear block before it, which holds the same positions."""
    found, before = [], None
    for tap in evidence.taps_of(network):
        if tap.kind == "expand" and before is not None and before.positions == tap.positions:
            found.append((tap.tap, before.tap))
        before = tap if tap.kind == "block" else before
    return found


def stage_ends(evidence: Evidence, network: str) -> list[tuple[str, str]]:
    """First block of each stage, before any shortcut, and its last, after one or more."""
    stages: dict[tuple[int, int], list[str]] = {}
    for tap in evidence.taps_of(network):
        if tap.kind == "block":
            stages.setdefault((tap.channels, tap.reduction), []).append(tap.tap)
    return [(stage[0], stage[-1]) for stage in stages.values() if len(stage) > 1]


def between(first: str, second: str) -> Test:
    """Held-out AUC of one backbone minus that of another, whatever their weights."""

    def test(evidence: Evidence) -> Outcome:
        learned = evidence.networks(learned=True)
        pairs = [
            (one, other)
            for one in learned
            for other in learned
            if (one.partition("@")[0], other.partition("@")[0]) == (first, second)
        ]
        if not pairs:
            return f"needs {first} and {second} in one study", ABSENT
        return each([held_out(evidence, *pair) for pair in pairs], different)

    return test


def two_recipes(evidence: Evidence) -> Outcome:
    """Held-out AUC of two sets of learned weights of one backbone."""
    by_backbone: dict[str, list[str]] = {}
    for network in evidence.networks(learned=True):
        by_backbone.setdefault(network.partition("@")[0], []).append(network)
    found: Found = []
    for networks in by_backbone.values():
        found += [held_out(evidence, networks[0], other) for other in networks[1:]]
    if not found:
        return "needs a backbone with two sets of learned weights in one study", ABSENT
    return each(found, different)


WIDTH = Hypothesis(
    name="H4",
    claim="VGG is ahead early on because its early layers are wide.",
    predictions=(
        Prediction(
            text="VGG's early tap separates better than a block of 16 channels at the same resolution, and "
            "worse once it is projected to 16 channels itself.",
            rule="Ahead before and behind after supports; ahead after, or behind before, refutes.",
            test=early_width,
        ),
    ),
)
BOTTLENECK = Hypothesis(
    name="H5",
    claim="Linear bottlenecks hide style: the wide activations inside the blocks show it better.",
    predictions=(
        Prediction(
            text="The expansion after a block separates better than the block, at the same positions.",
            rule=GAIN,
            test=lambda evidence: each(of_taps(evidence, expansions), above(0.0)),
        ),
        Prediction(
            text="EfficientNet-B0, with squeeze-and-excite and SiLU, separates otherwise than Lite0.",
            rule=SAME_RULE,
            test=between("efficientnet_b0", "efficientnet_lite0"),
            decisive=False,
        ),
    ),
)
SHORTCUTS = Hypothesis(
    name="H6",
    claim="Shortcuts accumulate energy and so blur style.",
    predictions=(
        Prediction(
            text="The first block of a stage, before any shortcut, separates better than its last.",
            rule=GAIN,
            test=lambda evidence: each(of_taps(evidence, stage_ends), above(0.0)),
        ),
    ),
)
BATCH_NORM = Hypothesis(
    name="H7",
    claim="Batch normalisation changes how well Gram distances separate.",
    predictions=(
        Prediction(
            text="VGG16 with and without batch normalisation differ in AUC on held-out styles.",
            rule=SAME_RULE,
            test=between("vgg16", "vgg16_bn"),
        ),
    ),
)
TEXTURE = Hypothesis(
    name="H8",
    claim="Networks that look at texture rather than shape separate styles better.",
    predictions=(
        Prediction(
            text="Over twelve networks or more, shape bias and AUC are negatively correlated.",
            rule="An interval of Spearman's rho below 0 supports, above 0 refutes.",
            test=unmeasured(
                "needs published shape biases of twelve networks or more; of those read here, Geirhos et al. "
                "(2019) give VGG16's only"
            ),
        ),
    ),
)
RECIPE = Hypothesis(
    name="H9",
    claim="The training recipe matters.",
    predictions=(
        Prediction(
            text="Two sets of learned weights of one backbone differ in AUC on held-out styles.",
            rule=SAME_RULE,
            test=two_recipes,
        ),
    ),
)
