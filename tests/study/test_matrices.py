"""Distances of moments: those of features that were changed first and summarised then."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import assert_close

from gramstyle.distance import METRICS, pairwise_distance
from gramstyle.errors import StyleError
from gramstyle.gram import STATISTICS, Statistic, gram, pack
from gramstyle.study import matrices as module
from gramstyle.study.arms import Reference, channel_arm
from gramstyle.study.collect import generator
from gramstyle.study.matrices import Moments, descriptors, matrices
from gramstyle.study.results import Condition

N, C, SEED = 13, 7, 4
FIT = (1, 2, 4, 7, 9, 12)
ARMS = ["as-is", "rotated", "eigenbasis", "whitened", "standardised", "projected:4", "subset:4", "drop-top:2"]
READOUTS = [(kind.value, name) for name, metric in METRICS.items() for kind in metric.statistics]


def images(count=N, channels=C):
    """Features (1, C, H, W) of images of several sizes, that differ in mean and mixing; float64."""
    draw = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    made = []
    for row in range(count):
        height, width = (6, 7) if row % 3 else (9, 8)
        raw = normal(channels, height * width) + 0.7 * normal(channels, 1)
        mixed = (torch.eye(channels, dtype=torch.float64) + 0.4 * normal(channels, channels)) @ raw
        made.append((mixed.relu() + 0.1 * raw).view(1, channels, height, width))
    return made


def of(features):
    """Their moments, as the cache holds them."""
    gaussian = torch.cat([gram(one, statistic="gaussian") for one in features])
    positions = torch.tensor([float(one[0, 0].numel()) for one in features])
    return Moments(pack(gaussian[..., :-1]).float(), gaussian[..., -1].float(), positions)


def pooled(features, rows=range(N)):
    """Covariance and mean of all positions of some images together, by numpy."""
    flat = np.concatenate([features[row][0].flatten(1).numpy() for row in rows], axis=1)
    return Reference(covariance=torch.from_numpy(np.cov(flat, ddof=0)), mean=torch.from_numpy(flat.mean(1)))


def conditions(channels="as-is", readouts=READOUTS):
    return [
        Condition(backbone="net", weights="w", tap="t", channels=channels, statistic=kind, metric=name)
        for kind, name in readouts
    ]


def distances(features, statistic, metric):
    return pairwise_distance(
        torch.cat([gram(one, statistic=statistic) for one in features]), None, metric, statistic=statistic
    )


@pytest.fixture(scope="module")
def features():
    return images()


@pytest.fixture(scope="module")
def moments(features):
    return of(features)


@pytest.mark.parametrize("arm", ARMS)
def test_every_readout_is_that_of_features_changed_first(arm, features, moments):
    changed = features
    if arm != "as-is":
        made = channel_arm(arm).build(pooled(features, FIT), generator(SEED, arm, str(C)))
        changed = [made.features(one) for one in features]
    found = dict(matrices(moments, conditions(arm), FIT, SEED))
    assert list(found) == sorted(conditions(arm), key=lambda one: one.statistic)
    for condition, matrix in found.items():
        expected = distances(changed, condition.statistic, condition.metric)
        assert matrix.dtype == np.float64
        # float32 of the moments; roots and logarithms of small eigenvalues magnify it
        spectral = condition.metric in ("matrix-sqrt", "log-euclidean", "wasserstein", "squared-wasserstein")
        assert_close(matrix, expected, tolerance=2e-4 if spectral else 5e-6)
        assert np.array_equal(matrix, matrix.T)
        assert not matrix.diagonal().any()


@pytest.mark.parametrize("arm", ["rotated", "eigenbasis"])
def test_turning_channels_leaves_frobenius_distances(arm, moments):
    """And those of spectra; not those of correlations or single channels."""
    kept = [("gram", "frobenius"), ("covariance", "relative-frobenius"), ("gram", "log-euclidean")]
    lost = [("correlation", "frobenius"), ("diagonal", "frobenius"), ("gram", "signed-sqrt")]
    plain = dict(matrices(moments, conditions(readouts=kept + lost), FIT, SEED))
    turned = dict(matrices(moments, conditions(arm, kept + lost), FIT, SEED))
    for readout in kept + lost:
        one, other = (
            found[conditions(name, [readout])[0]] for found, name in ((plain, "as-is"), (turned, arm))
        )
        apart = np.abs(one - other).max() / one.max()
        assert apart < 1e-4 if readout in kept else apart > 1e-2


def test_random_arms_are_drawn_by_seed(moments):
    condition = conditions("projected:4", [("gram", "frobenius")])
    one, same, other = (next(matrices(moments, condition, FIT, seed))[1] for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert np.abs(one - other).max() > 1e-2 * one.max()


def test_arms_are_fitted_on_the_rows_that_are_given(features, moments):
    condition = conditions("whitened", [("gram", "frobenius")])
    held_out = [row for row in range(N) if row not in FIT]
    before = next(matrices(moments, condition, FIT, SEED))[1]
    louder = of([one * (3 if row in held_out else 1) for row, one in enumerate(features)])
    after = next(matrices(louder, condition, FIT, SEED))[1]
    rows = np.ix_(FIT, FIT)
    assert_close(after[rows], before[rows], tolerance=1e-6)
    assert np.abs(next(matrices(louder, condition, range(N), SEED))[1][rows] - before[rows]).max() > 0.1


def test_pooling_takes_all_positions_together(features, moments):
    for rows in (None, FIT, (3,)):
        found = moments.pooled(rows)
        expected = pooled(features, range(N) if rows is None else rows)
        assert_close(found.covariance, expected.covariance, tolerance=1e-6)  # moments are float32
        assert_close(found.mean, expected.mean, tolerance=1e-6)


def csls_by_loops(matrix, neighbours):
    found = np.zeros_like(matrix)
    for i in range(len(matrix)):
        for j in range(len(matrix)):
            near_i = sorted(matrix[i, k] for k in range(len(matrix)) if k != i)[:neighbours]
            near_j = sorted(matrix[j, k] for k in range(len(matrix)) if k != j)[:neighbours]
            if i != j:
                found[i, j] = 2 * matrix[i, j] - np.mean(near_i) - np.mean(near_j)
    return found


@pytest.mark.parametrize(("count", "neighbours"), [(N, 10), (11, 10), (6, 5), (2, 1)])
def test_hubs_are_taken_down_by_as_many_neighbours_as_there_are(count, neighbours):
    wanted = conditions(readouts=[("gram", "frobenius"), ("gram", "frobenius+csls"), ("gram", "cosine+csls")])
    found = {one.metric: matrix for one, matrix in matrices(of(images(count)), wanted, range(count), SEED)}
    assert list(found) == ["frobenius", "frobenius+csls", "cosine+csls"]
    assert_close(found["frobenius+csls"], csls_by_loops(found["frobenius"], neighbours), tolerance=1e-12)
    assert (found["frobenius"] >= 0).all()
    cosine = next(matrices(of(images(count)), conditions(readouts=[("gram", "cosine")]), (0,), SEED))[1]
    assert_close(found["cosine+csls"], csls_by_loops(cosine, neighbours), tolerance=1e-12)


@pytest.mark.parametrize("arm", ["as-is", "whitened"])
def test_blocks_change_nothing(arm, moments, monkeypatch):
    whole = dict(matrices(moments, conditions(arm), FIT, SEED))
    assert len(list(moments.blocks())) == 1
    monkeypatch.setattr(module, "BLOCK_BYTES", 5 * 8 * C**2)
    assert [(rows.start, rows.stop) for rows in moments.blocks()] == [(0, 5), (5, 10), (10, 13)]
    for condition, matrix in matrices(moments, conditions(arm), FIT, SEED):
        assert_close(matrix, whole[condition], tolerance=1e-6)
    monkeypatch.setattr(module, "BLOCK_BYTES", 1)
    assert len(list(moments.blocks())) == N


@pytest.mark.parametrize("statistic", Statistic)
@pytest.mark.parametrize("arm", ["as-is", "subset:4"])
def test_descriptors_are_flat_and_single_precision(arm, statistic, moments):
    found = descriptors(moments, arm, statistic, FIT, SEED)
    left = 4 if arm == "subset:4" else C
    length = left * (left + 1) // 2 if statistic.is_matrix else int(np.prod(statistic.shape(left)))
    assert found.shape == (N, length)
    assert found.dtype == torch.float32


def test_covariances_are_held_once(moments):
    assert descriptors(moments, "as-is", Statistic.COVARIANCE, FIT, SEED) is moments.covariance


def test_an_arm_that_cannot_be_made_is_named():
    dead = Moments(torch.zeros(4, 6), torch.ones(4, 3), torch.ones(4))
    for arm, why in (
        ("whitened", "there is nothing to whiten"),
        ("standardised", "for at least one channel"),
    ):
        with pytest.raises(StyleError, match=rf"^net@w at t, channels {arm}: .*{why}$"):
            list(matrices(dead, conditions(arm, [("gram", "frobenius")]), (0, 1), SEED))
    (_, matrix), *_ = matrices(dead, conditions("eigenbasis", [("gram", "frobenius")]), (0, 1), SEED)
    assert not matrix.any()


def test_every_statistic_has_a_readout_here():
    assert {kind for kind, _ in READOUTS} == set(STATISTICS)
