"""What the figures of a report show: distributions of distances, maps of labels, similarity of taps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gramstyle.diagnose import kernel_cka
from gramstyle.study.evidence import Evidence
from gramstyle.study.labels import Factor
from gramstyle.study.measure import Bench
from gramstyle.study.results import Condition, Distribution, LabelMap, Similarity

Identities = Mapping[str, Mapping[str, Any]]


def distributions(
    bench: Bench, conditions: Sequence[Condition], identities: Identities
) -> tuple[Distribution, ...]:
    """Histograms of near and far distances, of the question of style, of each condition."""
    pairs = bench.assessor.parts["all"].questions["style"]
    return tuple(
        distribution(one, "style", *pairs.split(_matrix(bench, one, identities))) for one in conditions
    )


def distribution(
    condition: Condition, question: str, near: NDArray[np.float64], far: NDArray[np.float64], bins: int = 48
) -> Distribution:
    """Histograms of near and far distances over common bins, in units of their mean."""
    unit = float(np.concatenate([near, far]).mean()) or 1.0
    top = float(max(near.max(), far.max())) / unit
    edges = np.linspace(0.0, top * (1 + 1e-9) or 1.0, bins + 1)
    shares = [np.histogram(one / unit, bins=edges)[0] / len(one) for one in (near, far)]
    return Distribution(
        condition=condition,
        question=question,
        edges=tuple(edges.tolist()),
        near=tuple(shares[0].tolist()),
        far=tuple(shares[1].tolist()),
    )


def maps(bench: Bench, conditions: Sequence[Condition], identities: Identities) -> tuple[LabelMap, ...]:
    """Mean distances between styles and, where they are known, between contents."""
    labels = bench.assessor.parts["all"].labels
    found = []
    for condition in conditions:
        matrix = _matrix(bench, condition, identities)
        for name in ("style", "content"):
            factor = labels.factor(name)
            if factor is not None and len(factor) > 1:
                found.append(
                    LabelMap(
                        condition=condition, factor=name, labels=factor.names, means=_means(matrix, factor)
                    )
                )
    return tuple(found)


def similarities(bench: Bench, evidence: Evidence, identities: Identities) -> tuple[Similarity, ...]:
    """Linear CKA over images between ladder taps of all learned networks, of Grams and of means.

    The distances hold the kernels: -D^2 / 2, centred, are inner products of centred descriptors.
    """
    places = [
        (network, tap) for network in evidence.networks(learned=True) for tap in evidence.ladder[network]
    ]
    found = []
    for statistic in ("gram", "mean"):
        conditions = {
            place: evidence.plain(*place, statistic=statistic, metric="frobenius") for place in places
        }
        there = [place for place in places if evidence.estimate(conditions[place]) is not None]
        if len(there) < 2:
            continue
        kernels = [
            torch.from_numpy(-(_matrix(bench, conditions[place], identities) ** 2) / 2) for place in there
        ]
        values = tuple(tuple(float(kernel_cka(one, other)) for other in kernels) for one in kernels)
        found.append(Similarity(of=statistic, taps=tuple(there), values=values))
    return tuple(found)


def _matrix(bench: Bench, condition: Condition, identities: Identities) -> NDArray[np.float64]:
    return bench.store.matrix(condition, identities[condition.network]["sha256"])


def _means(matrix: NDArray[np.float64], factor: Factor) -> tuple[tuple[float, ...], ...]:
    """(L, L) mean distances; an image is no pair with itself."""
    member = (factor.codes[:, None] == np.arange(len(factor))).astype(np.float64)  # (N, L)
    counts = member.sum(0)
    pairs = np.outer(counts, counts) - np.diag(counts)
    sums = member.T @ matrix @ member
    means = np.divide(sums, pairs, out=np.full(sums.shape, np.nan), where=pairs > 0)
    return tuple(tuple(row) for row in means.tolist())
