"""One network after another: images to moments, moments to distances, distances to estimates."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from gramstyle.gram.packing import channels_of, pair_weights
from gramstyle.study.arms import feature_arm, input_arm
from gramstyle.study.assess import Assessor
from gramstyle.study.cache import Cache
from gramstyle.study.choices import colour_baseline
from gramstyle.study.collect import DIAGNOSTICS, Wanted, collect
from gramstyle.study.combined import together
from gramstyle.study.matrices import Moments, matrices
from gramstyle.study.measured import MeasuredStore
from gramstyle.study.networks import Network
from gramstyle.study.results import AS_IS, PIXELS, TOGETHER, Condition, DiagnosticValue
from gramstyle.study.settings import StudySettings
from gramstyle.study.survey import Survey
from gramstyle.types import Progress, TapSpec

WORKERS_BYTES = 4 * 2**30
"""Memory that matrices may take together while they are assessed."""
BYTES_PER_DISTANCE = 100
"""Memory of one, measured with 1000 images."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What the measurement of every network needs.

    Attributes:
        settings: of the study.
        survey: its images.
        assessor: its labels and resamples.
        cache: of moments.
        store: of what was measured.
        fit: rows of the development styles.
        diagnosed: rows of the images that are diagnosed.
        batch_size: images that go through a network together.
        progress: told of images and matrices done.
    """

    settings: StudySettings
    survey: Survey
    assessor: Assessor
    cache: Cache
    store: MeasuredStore
    fit: tuple[int, ...]
    diagnosed: frozenset[int]
    batch_size: int
    progress: Progress | None

    def say(self, what: str, done: int, total: int) -> None:
        """Report progress."""
        if self.progress is not None:
            self.progress(what, done, total)


def measure(network: Network, conditions: Sequence[Condition], bench: Bench) -> None:
    """Measure every condition of a network that was not measured before."""
    weights = network.identity["sha256"]
    wanted = _wanted(network, conditions, bench)
    for one in wanted:
        what = (
            f"{network.name}: images {one.input.name}"
            if one.input.name != AS_IS
            else f"{network.name}: images"
        )
        for done in collect(bench.survey.corpus, bench.survey.digests, one, bench.cache, bench.batch_size):
            bench.say(what, done, len(bench.survey.corpus))
    network.unload()
    done = 0

    def place(one: Condition) -> tuple[str, str, str]:
        return one.input, one.features, one.tap

    by_input = {one.input.name: one for one in wanted}
    plain = [one for one in conditions if one.tap not in TOGETHER]
    for (given, features, tap), group in groupby(sorted(plain, key=place), key=place):
        alike = list(group)
        missing = [one for one in alike if not bench.store.has(one, weights)]
        if missing:
            moments = load(by_input[given], features, tap, bench)
            made = matrices(moments, missing, bench.fit, bench.settings.seed)
            _keep_all(
                (
                    (condition, matrix, facts(condition, moments, matrix, bench.assessor))
                    for condition, matrix in made
                ),
                weights,
                bench,
            )
        done += len(alike)
        bench.say(f"{network.name}: distances", done, len(conditions))
    for condition in conditions:
        if condition.tap in TOGETHER:
            if not bench.store.has(condition, weights):
                _keep(condition, weights, together(condition, weights, bench.store), {}, bench)
            done += 1
            bench.say(f"{network.name}: distances", done, len(conditions))


def _keep_all(
    made: Iterable[tuple[Condition, NDArray[np.float64], dict[str, float]]], weights: str, bench: Bench
) -> None:
    """Assess matrices as they are made, as many at once as there are processors and memory for."""
    size, processors = len(bench.survey.digests) ** 2, os.cpu_count() or 1
    workers = min(processors, max(1, WORKERS_BYTES // (BYTES_PER_DISTANCE * size)))
    with _one_thread_each(processors), ThreadPoolExecutor(workers) as pool:
        pending: set[Future[None]] = set()
        try:
            for condition, matrix, known in made:
                pending.add(pool.submit(_keep, condition, weights, matrix, known, bench))
                if len(pending) >= 2 * workers:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for one in done:
                        one.result()
            for one in pending:
                one.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # a run that is stopped waits for what has begun, no more
            raise


@contextmanager
def _one_thread_each(processors: int) -> Iterator[None]:
    """Numpy in one thread per matrix, torch on half the processors: threads that wait spin, and cost much."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, processors // 2))
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)


def _keep(
    condition: Condition,
    weights: str,
    matrix: NDArray[np.float64],
    known: Mapping[str, float],
    bench: Bench,
) -> None:
    chosen = _is_chosen(condition, bench.settings)
    assessed = bench.assessor.assess(condition, matrix, closely=chosen)
    bench.store.write(assessed, weights, matrix if _is_plain(condition) else None, known)


def _is_chosen(condition: Condition, settings: StudySettings) -> bool:
    """Whether every question is asked, with intervals and tests.

    Of the primary readout of learned networks and of pixels, and of the baseline of colours.
    """
    whose = condition.learned or condition.backbone == PIXELS
    primary = (settings.primary.statistic, settings.primary.metric)
    return (
        (whose and (condition.statistic, condition.metric) == primary) or condition == colour_baseline()
    ) and _is_plain(condition)


def _is_plain(condition: Condition) -> bool:
    """Whether nothing was done to images, features or channels."""
    return condition.input == condition.features == condition.channels == AS_IS


def _wanted(network: Network, conditions: Sequence[Condition], bench: Bench) -> list[Wanted]:
    """One pass over the images per input arm, with every feature arm it is asked for."""
    taps = {tap.name: tap for tap in network.depth}
    found = []
    for given in dict.fromkeys(one.input for one in conditions):
        arms: dict[str, dict[str, None]] = {}
        for one in conditions:
            if one.input == given and one.tap not in TOGETHER:
                arms.setdefault(one.features, {})[one.tap] = None
        diagnosed = bench.diagnosed if given == AS_IS and network.learned else frozenset()
        found.append(
            Wanted(
                network=network,
                input=input_arm(given),
                arms={arm: _in_order(network.depth, names, taps) for arm, names in arms.items()},
                diagnosed=diagnosed,
                resize=bench.settings.resize,
                colours=bench.survey.colours,
                seed=bench.settings.seed,
            )
        )
    return found


def _in_order(
    depth: Sequence[TapSpec], names: Mapping[str, None], taps: Mapping[str, TapSpec]
) -> tuple[TapSpec, ...]:
    return tuple(taps[tap.name] for tap in depth if tap.name in names)


def load(wanted: Wanted, features: str, tap: str, bench: Bench) -> Moments:
    """Moments of every image from the cache."""
    room, digests = wanted.room(bench.cache, features), bench.survey.digests
    sizes, kept = bench.survey.brought_to(wanted.input.resize or wanted.resize), feature_arm(features).kept
    return Moments(
        room.read(digests, f"{tap}/covariance"),
        room.read(digests, f"{tap}/mean"),
        torch.tensor([float(height * width if kept is None else kept) for height, width in sizes]),
    )


def facts(
    condition: Condition, moments: Moments, matrix: NDArray[np.float64], assessor: Assessor
) -> dict[str, float]:
    """What the noise floor is made of; see `gramstyle.study.noise`.

    Of images: median participation ratio, mean of (tr S)^2 + tr S^2, mean of |S|^2. Of pairs: mean
    squared distance of near and of far ones. Nothing where all distances are 0.
    """
    if (condition.statistic, condition.metric) != ("covariance", "frobenius") or not matrix.any():
        return {}
    channels = channels_of(moments.covariance.shape[1])
    twice = pair_weights(channels)
    diagonal = twice == 1
    trace = moments.covariance[:, diagonal].double().sum(1)
    square = torch.cat([moments.covariance[rows].double().square() @ twice for rows in moments.blocks()])
    near, far = assessor.parts["all"].questions["style"].split(matrix)
    return {
        "near": float((near**2).mean()),
        "far": float((far**2).mean()),
        "participation": float((trace.square() / square).nanmedian()),
        "floor": float((trace.square() + square).mean()),
        "square": float(square.mean()),
    }


def diagnostics(network: Network, conditions: Sequence[Condition], bench: Bench) -> list[DiagnosticValue]:
    """Every diagnostic of every tap of a learned network, over the images that were diagnosed."""
    from gramstyle.diagnose import OF_MOMENTS, PER_IMAGE, diagnose_moments

    wanted = next(one for one in _wanted(network, conditions, bench) if one.input.name == AS_IS)
    digests = [bench.survey.digests[row] for row in sorted(bench.diagnosed)]
    room = wanted.room(bench.cache, DIAGNOSTICS)
    found = []
    for tap in wanted.arms[AS_IS]:
        moments = load(wanted, AS_IS, tap.name, bench)
        pooled = moments.pooled()
        positions = int(sum(h * w for h, w in bench.survey.sizes) / tap.reduction**2)
        whole = diagnose_moments(pooled.covariance[None], pooled.mean[None], max(1, positions))
        for name in PER_IMAGE:
            values = room.read(digests, f"{tap.name}/{name}").numpy()
            values = values[np.isfinite(values)]
            low, middle, high = np.quantile(values, [0.25, 0.5, 0.75]) if len(values) else (np.nan,) * 3
            found.append(
                DiagnosticValue(
                    backbone=network.backbone,
                    weights=network.weights,
                    tap=tap.name,
                    name=name,
                    median=float(middle),
                    low=float(low),
                    high=float(high),
                    pooled=float(whole[name]) if name in OF_MOMENTS else None,
                )
            )
    return found
