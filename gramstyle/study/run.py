"""A whole study: from a corpus and settings to results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from gramstyle import check
from gramstyle.corpus import FACTORS, Corpus
from gramstyle.errors import StyleError
from gramstyle.kernels import Kernel
from gramstyle.study.assess import Assessor
from gramstyle.study.cache import Cache
from gramstyle.study.combined import combined
from gramstyle.study.conclude import conclude
from gramstyle.study.labels import Labels
from gramstyle.study.measure import Bench, diagnostics, measure
from gramstyle.study.measured import MeasuredStore
from gramstyle.study.networks import Network
from gramstyle.study.plan import conditions
from gramstyle.study.results import (
    PIXELS,
    Condition,
    CorpusFacts,
    DiagnosticValue,
    StudyResults,
)
from gramstyle.study.selection import split_styles
from gramstyle.study.settings import StudySettings
from gramstyle.study.survey import Survey, spread_over_styles, survey, thinned
from gramstyle.types import Progress

LEAST_STYLES = 4
"""Fewer are not split into development and held-out styles."""


def run_study(
    corpus: Corpus,
    settings: StudySettings,
    folder: str | PathLike[str],
    *,
    device: str | torch.device = "auto",
    dtype: torch.dtype = torch.float32,
    batch_size: int = 8,
    kernel: Kernel = "auto",
    weights_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> StudyResults:
    """Measure how style distances separate the images of a corpus, across architectures, and why.

    Moments of features and everything measured from them are kept under `folder` as they come.
    A run that was killed, at whatever moment, goes on from there and ends with the same numbers;
    another study of the same images uses again what it shares with this one.

    Args:
        corpus: at least two styles of two images each.
        settings: what is measured.
        folder: for moments and measurements; made if it does not exist.
        device: see `Extractor`.
        dtype: of the networks.
        batch_size: images of one size that go through a network together.
        kernel: who computes, ``auto``, ``reference`` or ``fused``; see `gramstyle.gram`.
        weights_dir: folder looked in for weights before the cache.
        progress: called while weights are fetched, images described and distances measured.

    Raises:
        StyleError: for a corpus without styles, or with too few images of one; images too small
            for the taps; files of an earlier run that are damaged.
        ImageError: for an image that cannot be read.
        WeightsError: for weights that cannot be found, fetched or trusted.
    """
    check.positive("batch_size", batch_size)
    corpus.check_styles()
    networks = _networks(settings, device, dtype, kernel, weights_dir, progress)
    looked = survey(thinned(corpus, settings.limit), settings.resize, progress)
    labels = _labels(looked.corpus)
    development, held_out = _halves(labels, settings.seed)
    bench = Bench(
        settings=settings,
        survey=looked,
        assessor=Assessor(
            labels,
            development,
            draws=settings.draws,
            permutations=settings.permutations,
            level=settings.level,
            seed=settings.seed,
        ),
        cache=Cache(Path(folder, "moments")),
        store=MeasuredStore(Path(folder, "measured"), _made_by(looked, settings, networks[0])),
        fit=tuple(row for row, style in enumerate(labels.styles) if not development or style in development),
        diagnosed=spread_over_styles(looked.corpus, settings.diagnosed),
        batch_size=batch_size,
        progress=progress,
    )
    planned = _planned(settings, networks, looked)
    found: list[DiagnosticValue] = []
    for network in networks:
        measure(network, planned[network.name], bench)
        if network.learned:
            found += diagnostics(network, planned[network.name], bench)
    corpus_facts = _corpus_facts(looked, development, held_out)
    return conclude(bench, networks, planned, found, corpus_facts, dtype)


def _networks(
    settings: StudySettings,
    device: str | torch.device,
    dtype: torch.dtype,
    kernel: Kernel,
    weights_dir: str | Path | None,
    progress: Progress | None,
) -> list[Network]:
    """The pixels, the learned networks, and the random copies of each."""
    options: dict[str, Any] = {
        "sparsity": settings.sparsity,
        "device": device,
        "dtype": dtype,
        "kernel": kernel,
        "weights_dir": weights_dir,
        "progress": progress,
    }
    learned = [Network(name, **options) for name in settings.backbones]
    names = [network.name for network in learned]
    if len(set(names)) < len(names):
        raise StyleError(f"backbones must name each network once, got {', '.join(names)}")
    for network in learned:  # a missing file is found out before the work starts
        network.identity  # noqa: B018
    copies: dict[str, Network] = {}
    for network in (one for one in learned if not one.computed):
        for seed in settings.random_seeds:
            copy = Network(f"{network.backbone}@random:{seed}", like=network.name, **options)
            if network.learned and copy.name not in names:
                copies.setdefault(copy.name, copy)
    return [Network(PIXELS, **options), *learned, *copies.values()]


def _planned(
    settings: StudySettings, networks: Sequence[Network], looked: Survey
) -> dict[str, list[Condition]]:
    found: dict[str, list[Condition]] = {network.name: [] for network in networks}
    for condition in conditions(settings, networks, looked.smallest):
        found[condition.network].append(condition)
    for network in networks:
        found[network.name] += combined(network, settings)
    return found


def _labels(corpus: Corpus) -> Labels:
    return Labels(
        styles=corpus.labels("style") or (),
        contents=corpus.labels("content"),
        palettes=corpus.labels("palette"),
        sources=corpus.labels("source"),
    )


def _halves(labels: Labels, seed: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Development and held-out styles; none of either where there are too few to split."""
    names = labels.style.names
    return split_styles(names, seed) if len(names) >= LEAST_STYLES else ((), ())


def _made_by(looked: Survey, settings: StudySettings, network: Network) -> dict[str, Any]:
    """What every estimate depends on, beside its condition and the weights."""
    return {
        "corpus": _digest(looked),
        "resize": settings.resize,
        "draws": settings.draws,
        "permutations": settings.permutations,
        "level": settings.level,
        "seed": settings.seed,
        "primary": [settings.primary.statistic, settings.primary.metric],
        "device": network.device.type,
        "dtype": str(network.dtype),
        "kernel": network.kernel,
    }


def _digest(looked: Survey) -> str:
    """Of all images and labels."""
    lines = [
        [digest, *(getattr(item, factor) for factor in FACTORS)]
        for digest, item in zip(looked.digests, looked.corpus.items, strict=True)
    ]
    return hashlib.sha256(json.dumps(lines).encode()).hexdigest()


def _corpus_facts(looked: Survey, development: Sequence[str], held_out: Sequence[str]) -> CorpusFacts:
    corpus = looked.corpus
    counts = {factor: corpus.counts(factor) for factor in ("style", "content", "palette")}
    notes = list(corpus.notes)
    if not development:
        notes.append(f"fewer than {LEAST_STYLES} styles: no tap is chosen, nothing is held out")
    return CorpusFacts(
        name=corpus.name,
        digest=_digest(looked),
        images=len(corpus),
        sources=len(set(corpus.labels("source") or ())),
        counts={factor: one for factor, one in counts.items() if one},
        development=tuple(development),
        held_out=tuple(held_out),
        notes=tuple(notes),
    )
