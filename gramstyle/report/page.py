"""Comparisons as one page that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gramstyle.distance import METRICS
from gramstyle.extract.specs import BACKBONES
from gramstyle.images import Picture
from gramstyle.measure import Distances
from gramstyle.report import formats
from gramstyle.report.drawings import Drawing, Drawings, drawings, smaller
from gramstyle.report.names import displayed, encodable, public_settings, public_weights, slug
from gramstyle.report.reading import WORDS, reading
from gramstyle.report.summary import SUMMARY_HEADER, summary_rows
from gramstyle.report.templates import template
from gramstyle.report.thumbnails import data_uri, small
from gramstyle.report.together import check_together, file_stems, image_names, labels
from gramstyle.study import Comparison
from gramstyle.study.comparison import COMBINED

TITLE = "Style distances across architectures"


def comparison_page(
    comparisons: Sequence[Comparison],
    thumbnails: Mapping[str, Picture],
    title: str = TITLE,
    figures: Sequence[Drawings] | None = None,
) -> str:
    """One HTML page that loads nothing from anywhere.

    Args:
        comparisons: of the same images and crops, one per architecture.
        thumbnails: name of an image -> the image; those that are missing are shown by name only.
        title: of the page.
        figures: what `drawings(comparisons)` gave; None draws them.

    Raises:
        StyleError: if the comparisons are of different images or crops, or there are none.
    """
    check_together(comparisons)
    drawn = drawings(comparisons) if figures is None else figures
    first = comparisons[0]
    return template("page.html").render(
        title=encodable(title),
        images=_images(first, thumbnails),
        crop=first.crop,
        gap=first.gap,
        crops=first.crops,
        header=SUMMARY_HEADER,
        summary=[
            {"cells": row.cells, "share": max(0.0, min(1.0, 2 * row.overall.auc - 1))}
            for row in summary_rows(comparisons)
        ],
        findings=reading(comparisons),
        words=[(f"{least:.2f}".rstrip("0").rstrip("."), words) for least, words in WORDS],
        sections=[
            _section(label, stem, comparison, figure)
            for label, stem, comparison, figure in zip(
                labels(comparisons), file_stems(comparisons), comparisons, drawn, strict=True
            )
        ],
        metrics=[
            METRICS[name]
            for name in dict.fromkeys(
                name for one in comparisons for name in (*one.separations, one.distances.recipe.metric)
            )
        ],
        combined=COMBINED,
    )


def _images(comparison: Comparison, thumbnails: Mapping[str, Picture]) -> list[dict[str, Any]]:
    names = image_names(comparison)
    pictured = [name for name in names if name in thumbnails]
    drawn = dict(zip(pictured, small([thumbnails[name] for name in pictured]), strict=True))
    return [
        {"number": number, "name": encodable(name), "drawn": drawn.get(name)}
        for number, name in enumerate(names, start=1)
    ]


def _section(label: str, stem: str, comparison: Comparison, figures: Drawings) -> dict[str, Any]:
    distances = comparison.distances
    backbone = BACKBONES.get(distances.identity.backbone)
    settings = public_settings(distances.recipe)
    return {
        "label": encodable(label),
        "anchor": f"architecture-{slug(stem)}",
        "summary": "" if backbone is None else backbone.summary,
        "facts": _facts(comparison),
        "heatmap": _figure(figures.distances),
        "bars": _figure(figures.separation),
        "combine": distances.recipe.combine.value,
        "metric": distances.recipe.metric,
        "uncounted": [tap for tap, weight in distances.recipe.weights_of_taps.items() if weight == 0],
        "neighbours": _neighbours(distances),
        "tables": {
            metric: [
                (tap, formats.auc(one.auc), formats.percent(one.contrast), formats.decimal(one.dprime))
                for tap, one in taps.items()
            ]
            for metric, taps in comparison.separations.items()
        },
        "weights": {name: encodable(value) for name, value in public_weights(distances.identity).items()},
        "versions": dict(distances.versions),
        "device": distances.device,
        "dtype": distances.dtype,
        "recipe": json.dumps(settings, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode(),
    }


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    """Settings that a reader wants beside the figures."""
    recipe, identity = comparison.distances.recipe, comparison.distances.identity
    gram = recipe.gram
    sizes = list(dict.fromkeys(f"{one.height} x {one.width}" for one in comparison.distances.rows))
    weights = recipe.weights_of_taps
    plain = 1.0 if len(set(weights.values())) > 1 else next(iter(weights.values()))
    return [
        ("weights", encodable(identity.name)),
        (
            "taps",
            ", ".join(
                tap if weight == plain else f"{tap} (weight {weight:g})" for tap, weight in weights.items()
            ),
        ),
        ("kept of each tap", f"{gram.statistic.value}{', centred' if gram.center else ''}"),
        ("normalised by", gram.norm.value if gram.statistic.takes_norm else "does not apply"),
        ("metric of the map", recipe.metric),
        ("taps combined by", recipe.combine.value),
        ("resize", recipe.resize + ("" if recipe.crop is None else f", centre crop {recipe.crop}")),
        ("network saw", sizes[0] if len(sizes) == 1 else f"{sizes[0]} and {len(sizes) - 1} other sizes"),
        ("device", f"{comparison.distances.device}, {comparison.distances.dtype}"),
        ("time", formats.seconds(comparison.seconds)),
    ]


def _figure(drawing: Drawing) -> dict[str, Any]:
    width, height = drawing.size
    return {
        "light": data_uri(smaller(drawing.light), "image/png"),
        "dark": data_uri(smaller(drawing.dark), "image/png"),
        "width": width // 2,
        "height": height // 2,
    }


def _neighbours(distances: Distances) -> list[dict[str, Any]]:
    """The image nearest to each, the first of several, and its distance."""
    matrix = distances.combined.detach().cpu().clone()
    matrix.fill_diagonal_(float("inf"))
    found = []
    for index, (value, other) in enumerate(zip(*(part.tolist() for part in matrix.min(dim=1)), strict=True)):
        found.append(
            {
                "image": index,
                "other": other,
                "name": displayed(distances.rows[index].name),
                "other_name": displayed(distances.rows[other].name),
                "distance": formats.distance(value),
            }
        )
    return found
