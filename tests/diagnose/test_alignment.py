"""CKA and alignment of Gram matrices, against their definitions and against U-centring."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import assert_close

from gramstyle.diagnose import cosines, gram_alignment, kernel_cka, linear_cka, linear_kernel, norm_shares
from gramstyle.diagnose.alignment import over_pairs
from gramstyle.errors import StyleError, UnknownNameError


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((9, 5)) + 4
    return X, np.concatenate([X[:, :2] ** 2, rng.standard_normal((9, 4))], axis=1)


def kornblith(X, Y):
    X, Y = X - X.mean(0), Y - Y.mean(0)
    return np.linalg.norm(Y.T @ X) ** 2 / (np.linalg.norm(X.T @ X) * np.linalg.norm(Y.T @ Y))


def u_centred(K):
    """Székely and Rizzo 2014: rows and columns sum to 0 without the diagonal."""
    n = len(K)
    K = K - np.diag(np.diag(K))
    rows = K.sum(1, keepdims=True) / (n - 2)
    centred = K - rows - rows.T + K.sum() / ((n - 1) * (n - 2))
    return centred - np.diag(np.diag(centred))


def test_biased_cka_is_kornbliths(pair):
    X, Y = map(torch.from_numpy, pair)
    assert_close(linear_cka(X, Y, "biased"), kornblith(*pair))
    assert_close(kernel_cka(X @ X.T, Y @ Y.T, "biased"), kornblith(*pair))


def test_debiased_cka_is_the_cosine_of_u_centred_kernels(pair):
    """Song et al. 2012 write HSIC_1 as three sums; as one inner product it is that of U-centring."""
    K, L = (u_centred(one @ one.T) for one in pair)
    truth = (K * L).sum() / np.sqrt((K * K).sum() * (L * L).sum())
    assert_close(linear_cka(*map(torch.from_numpy, pair)), truth)


@pytest.mark.parametrize("estimator", ["biased", "debiased"])
def test_cka_forgets_rotation_scale_and_shift(pair, estimator):
    X = torch.from_numpy(pair[0])
    Q = torch.from_numpy(np.linalg.qr(np.random.default_rng(1).standard_normal((5, 5)))[0])
    assert_close(linear_cka(X, 1e-3 * X @ Q + 7, estimator), 1.0, tolerance=1e-9)
    assert_close(linear_cka(1e80 * X, 1e80 * X, estimator), 1.0, tolerance=1e-9)


def test_unrelated_wide_features_align_only_in_the_biased_estimate():
    rng = np.random.default_rng(0)
    biased, debiased = [], []
    for _ in range(40):
        X, Y = (torch.from_numpy(rng.standard_normal((10, 300))) for _ in range(2))
        biased.append(float(linear_cka(X, Y, "biased")))
        debiased.append(float(linear_cka(X, Y)))
    assert np.mean(biased) > 0.9
    assert abs(np.mean(debiased)) < 0.1


def test_examples_that_are_all_alike_align_with_nothing():
    X, alike = torch.randn(6, 3, dtype=torch.float64), torch.full((6, 2), 0.1, dtype=torch.float64)
    assert torch.isnan(linear_cka(X, alike))
    assert torch.isnan(linear_cka(X, alike, "biased"))


def test_wide_features_are_multiplied_in_blocks(monkeypatch, pair):
    monkeypatch.setattr("gramstyle.diagnose.alignment.BLOCK", 2)
    assert_close(linear_kernel(torch.from_numpy(pair[0])), pair[0] @ pair[0].T)


def test_too_few_examples_are_refused():
    K = torch.eye(3)
    with pytest.raises(StyleError, match="debiased CKA needs at least 4 examples, got 3: add images"):
        kernel_cka(K, K)
    with pytest.raises(StyleError, match="biased CKA needs at least 3 examples, got 2: add images"):
        kernel_cka(K[:2, :2], K[:2, :2], "biased")
    with pytest.raises(UnknownNameError, match="estimator must be one of: "):
        kernel_cka(K, K, "unbiased")
    with pytest.raises(ValueError, match="K and L must be of the same examples, got 3 and 2"):
        kernel_cka(K, K[:2, :2], "biased")
    with pytest.raises(ValueError, match=r"L must be \(N, N\), got shape \(3, 2\)"):
        kernel_cka(K, K[:, :2])
    with pytest.raises(ValueError, match=r"Y must be \(N, D\), one row per example, got shape \(3,\)"):
        linear_cka(K, K[0])


def test_gram_alignment_is_the_cosine_of_flattened_matrices(generator):
    a, b = (torch.randn(3, 4, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    a, b = a @ a.mT, b @ b.mT
    truth = [
        np.dot(x.ravel(), y.ravel()) / (np.linalg.norm(x) * np.linalg.norm(y))
        for x, y in zip(a.numpy(), b.numpy(), strict=True)
    ]
    assert_close(gram_alignment(a, b), truth)
    assert_close(gram_alignment(a, 9 * a), torch.ones(3))
    assert torch.isnan(gram_alignment(a, 0 * a)).all()
    with pytest.raises(ValueError, match=r"a and b must have one shape, got \(3, 4, 4\) and \(3, 2, 2\)"):
        gram_alignment(a, b[:, :2, :2])


def test_norm_shares_split_squared_distances(generator):
    vectors = torch.randn(6, 8, generator=generator, dtype=torch.float64)
    kernel = vectors @ vectors.T
    shares, angles = norm_shares(kernel), cosines(kernel)
    for i in range(6):
        for j in range(6):
            if i == j:
                assert torch.isnan(shares[i, i])
                continue
            a, b = vectors[i].numpy(), vectors[j].numpy()
            squared = np.sum((a - b) ** 2)
            sizes = np.linalg.norm(a), np.linalg.norm(b)
            assert float(shares[i, j]) == pytest.approx((sizes[0] - sizes[1]) ** 2 / squared)
            rest = 2 * sizes[0] * sizes[1] * (1 - float(angles[i, j]))
            assert float(shares[i, j]) + rest / squared == pytest.approx(1)
    upper = [float(shares[i, j]) for i in range(6) for j in range(i + 1, 6)]
    assert float(over_pairs(shares)) == pytest.approx(np.mean(upper))


def test_size_alone_and_direction_alone():
    v = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    shares = norm_shares(v @ v.T)
    assert float(shares[0, 1]) == pytest.approx(1)
    assert float(shares[0, 2]) == 0
    assert torch.isnan(shares[0, 3])
