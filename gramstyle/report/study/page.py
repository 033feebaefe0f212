"""A study as one page that needs nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import PIL.Image

from gramstyle import check
from gramstyle.diagnose import DIAGNOSTICS
from gramstyle.report.drawings import smaller
from gramstyle.report.formats import count
from gramstyle.report.names import encodable
from gramstyle.report.study import shown
from gramstyle.report.study.answer import EXPLANATIONS, Answer, answer
from gramstyle.report.study.diagnostics import chosen_diagnostics, diagnostic_label
from gramstyle.report.study.plan import Drawn
from gramstyle.report.study.view import View
from gramstyle.report.templates import template
from gramstyle.report.thumbnails import data_uri
from gramstyle.study.results import PIXELS, StudyResults

TITLE = "Gram matrices as a distance of style: which networks, and why"

PIXELS_PER_INCH = 108
"""Of figures on the page: text of 9 points is then 13.5 pixels high."""

SHEET_SIDE = 1600
"""Longest side of the contact sheet on the page, in pixels."""

SHEET_BYTES = 1_500_000
"""Bytes up to which a contact sheet is shown as it was given."""

SECTIONS: tuple[tuple[str, str], ...] = (
    ("answer", "The answer in short"),
    ("corpus", "What was compared"),
    ("how", "How to read the numbers"),
    ("depth", "Separation by depth"),
    ("chosen", "Networks compared on held-out styles"),
    ("distributions", "Distances of near and far pairs"),
    ("maps", "Which styles are near which"),
    ("leak", "Is it style, content or colour?"),
    ("noise", "The noise floor"),
    ("diagnostics", "What the features are like"),
    ("similarity", "How alike the networks are"),
    ("interventions", "What changes when one thing is changed"),
    ("remedies", "Other distances"),
    ("verdicts", "Hypothesis by hypothesis"),
    ("made", "What made this"),
)
"""Anchor and heading, in order; those without numbers are left out."""


def study_page(
    results: StudyResults,
    figures: Sequence[Drawn],
    *,
    sheet: bytes | None = None,
    title: str = TITLE,
    links: Sequence[tuple[str, str]] = (),
) -> str:
    """One HTML page that loads nothing from anywhere.

    Args:
        results: what the study found.
        figures: from `drawn(study_plans(View(results)))`.
        sheet: a contact sheet of the images, as PNG or JPEG; None for none.
        title: of the page.
        links: files beside the page, each with what it holds.

    Raises:
        TypeError: if `results` is no `StudyResults`.
        ValueError: if `sheet` is no image.
    """
    check.one_of_type("results", results, StudyResults)
    view = View(results)
    sections: dict[str, list[dict[str, Any]]] = {}
    for one in figures:
        sections.setdefault(one.plan.section, []).append(_figure(one))
    present = {"answer", "corpus", "how", "made", *sections}
    present |= {"chosen"} if results.choices or results.differences else set()
    present |= {"verdicts"} if results.verdicts else set()
    return template("study.html").render(
        title=encodable(title),
        contents=[(anchor, name) for anchor, name in SECTIONS if anchor in present],
        absent=[name.lower() for anchor, name in SECTIONS if anchor not in present],
        findings=[_finding(one) for one in answer(view)],
        verdicts=_verdicts(results),
        corpus=_corpus(view),
        sheet=None if sheet is None else _sheet(sheet),
        level=view.level,
        figures=sections,
        tables=_tables(view, sections),
        formulas=_formulas(view),
        made=_made(results),
        links=links,
    )


def _finding(one: Answer) -> dict[str, Any]:
    return {
        "question": one.question,
        "answer": encodable(one.answer),
        "items": [encodable(item) for item in one.items],
        "after": encodable(one.after),
        "is_of_verdicts": one.question == EXPLANATIONS,
    }


def _figure(one: Drawn) -> dict[str, Any]:
    width, height = one.images.size
    shown_width = round(one.inches * PIXELS_PER_INCH)
    return {
        "name": encodable(one.plan.name),
        "caption": encodable(one.plan.caption),
        "alt": encodable(one.plan.alt),
        "folded": one.plan.folded,
        "light": data_uri(smaller(one.images.light), "image/png"),
        "dark": data_uri(smaller(one.images.dark), "image/png"),
        "width": shown_width,
        "height": round(shown_width * height / width),
    }


def _tables(view: View, sections: Mapping[str, object]) -> dict[str, Any]:
    """Tables of the sections that are there."""
    results = view.results
    return {
        "taps": shown.taps_shown(view),
        "choices": shown.choices_shown(view) if results.choices else None,
        "differences": shown.differences_shown(view) if results.differences else None,
        "leaks": shown.leaks_shown(view) if "leak" in sections else None,
        "noise": shown.noise_shown(view),
        "diagnostics": shown.diagnostics_shown(view),
        "ladder": shown.ladder_shown(view),
        "gaps": shown.gaps_shown(view),
        "remedies": shown.remedies_shown(view),
        "weights": shown.weights_shown(view),
    }


def _corpus(view: View) -> dict[str, Any]:
    """Facts about the images and what they were compared with."""
    facts, corpus = [], view.results.corpus
    facts.append(("images", f"{corpus.images:,}"))
    facts.append(("sources", f"{corpus.sources:,}"))
    facts.append(("networks with learned weights", ", ".join(map(view.label, view.learned)) or "none"))
    if view.copies:
        facts.append(("networks with random weights", ", ".join(map(view.label, view.copies))))
    if any(tap.backbone == PIXELS for tap in view.results.taps):
        facts.append(("baseline", "the colours of the pixels themselves"))
    for factor, labels in corpus.counts.items():
        if labels:
            said = ", ".join(f"{label} ({number})" for label, number in labels.items())
            facts.append((f"{count(len(labels), factor)}, with images of each", said))
    for name, styles in (("development styles", corpus.development), ("held-out styles", corpus.held_out)):
        if styles:
            facts.append((name, ", ".join(styles)))
    return {
        "name": encodable(corpus.name),
        "digest": corpus.digest,
        "notes": [encodable(note) for note in corpus.notes],
        "facts": [(name, encodable(value)) for name, value in facts],
    }


def _verdicts(results: StudyResults) -> list[dict[str, Any]]:
    return [
        {
            "name": encodable(one.name),
            "hypothesis": encodable(one.hypothesis),
            "decision": one.decision,
            "parts": [
                {
                    "prediction": encodable(part.prediction),
                    "rule": encodable(part.rule),
                    "finding": encodable(part.finding),
                    "decision": part.decision,
                }
                for part in one.parts
            ],
        }
        for one in results.verdicts
    ]


def _formulas(view: View) -> list[tuple[str, str, str]]:
    known = [(name, DIAGNOSTICS[name]) for name in chosen_diagnostics(view) if name in DIAGNOSTICS]
    return [
        (f"{diagnostic_label(name)} ({name})", one.formula, one.source[:1].upper() + one.source[1:])
        for name, one in known
    ]


def _made(results: StudyResults) -> dict[str, Any]:
    made = results.provenance
    settings = json.dumps(made.settings, indent=2, ensure_ascii=False, default=str)
    return {
        "date": made.date,
        "device": made.device,
        "dtype": made.dtype,
        "seed": made.seed,
        "versions": made.versions,
        "settings": encodable(settings),
    }


def _sheet(sheet: bytes) -> dict[str, Any]:
    """The contact sheet as it is, or made smaller until a page can carry it."""
    try:
        with PIL.Image.open(io.BytesIO(sheet)) as image:
            kind, size = PIL.Image.MIME.get(image.format or "", ""), image.size
            if kind in ("image/png", "image/jpeg") and max(size) <= SHEET_SIDE and len(sheet) <= SHEET_BYTES:
                return {"uri": data_uri(sheet, kind), "width": size[0], "height": size[1]}
            small = image.convert("RGB")
    except PIL.UnidentifiedImageError as error:
        raise ValueError(
            f"sheet must be the bytes of a PNG or JPEG image, got {len(sheet)} bytes that are none"
        ) from error
    small.thumbnail((SHEET_SIDE, SHEET_SIDE), PIL.Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=82, optimize=True)
    return {"uri": data_uri(buffer.getvalue(), "image/jpeg"), "width": small.width, "height": small.height}
