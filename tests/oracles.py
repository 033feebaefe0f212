"""Definitions in float64, written as slowly as the formulas: loops, numpy and scipy only.

Features are arrays (C, H, W) of one image, weights (H, W). Nothing here knows the package.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg


def columns(features):
    """Features (C, H, W) as (C, P) in float64."""
    features = np.asarray(features, dtype=np.float64)
    return features.reshape(features.shape[0], -1)


# Sums over positions


def gram(features, weights=None):
    """``sum_p w_p f_ip f_jp`` by three loops, not divided."""
    f = columns(features)
    w = np.ones(f.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64).ravel()
    total = np.zeros((f.shape[0], f.shape[0]))
    for i in range(f.shape[0]):
        for j in range(f.shape[0]):
            for p in range(f.shape[1]):
                total[i, j] += w[p] * f[i, p] * f[j, p]
    return total


def divisor(norm, channels, positions):
    """What each published norm divides by."""
    return {
        "none": 1.0,
        "positions": positions,
        "channels": channels,
        "elements": channels * positions,
    }[norm]


def amount(features, weights=None):
    """P, or the sum of the weights."""
    return float(columns(features).shape[1] if weights is None else np.sum(weights, dtype=np.float64))


def mean(features, weights=None):
    return np.average(columns(features), axis=1, weights=None if weights is None else np.ravel(weights))


def covariance(features, weights=None):
    w = None if weights is None else np.ravel(weights).astype(np.float64)
    return np.atleast_2d(np.cov(columns(features), ddof=0, aweights=w))


def correlation(features, weights=None):
    """From covariances, a constant channel correlating 0; without weights see also np.corrcoef."""
    s = covariance(features, weights)
    out = np.zeros_like(s)
    for i in range(len(s)):
        for j in range(len(s)):
            scale = np.sqrt(s[i, i] * s[j, j])
            out[i, j] = s[i, j] / scale if scale > 0 else 0.0
    return out


def statistic(kind, features, weights=None, norm="positions", center=False):
    """Any statistic of one image, by name."""
    f = columns(features)
    mu = mean(features, weights)
    about = f - mu[:, None] if center else f
    share = divisor(norm, len(f), amount(features, weights))
    if kind == "gram":
        return gram(about, weights) / share
    if kind == "off-diagonal":
        whole = gram(about, weights) / share
        return whole * (1 - np.eye(len(whole)))
    if kind == "diagonal":
        return np.diag(gram(about, weights)) / share
    if kind == "covariance":
        return covariance(features, weights)
    if kind == "correlation":
        return correlation(features, weights)
    if kind == "gaussian":
        return np.concatenate([covariance(features, weights), mu[:, None]], axis=1)
    if kind == "mean":
        return mu
    assert kind == "mean-std", kind
    return np.concatenate([mu, np.sqrt(np.diag(covariance(features, weights)))])


# Distances of two descriptors


def entrywise(function, matrix):
    out = np.empty_like(np.asarray(matrix, dtype=np.float64))
    for index, value in np.ndenumerate(matrix):
        out[index] = function(value)
    return out


def frobenius(a, b):
    total = 0.0
    for index in np.ndindex(np.shape(a)):
        total += (float(a[index]) - float(b[index])) ** 2
    return np.sqrt(total)


def norm(a):
    return frobenius(a, np.zeros_like(a))


def relative_frobenius(a, b):
    return 2 * frobenius(a, b) / (norm(a) + norm(b))


def mse(a, b):
    return frobenius(a, b) ** 2 / np.size(a)


def cosine(a, b):
    return 1 - np.sum(np.asarray(a) * np.asarray(b)) / (norm(a) * norm(b))


def signed_sqrt(a, b):
    def root(x):
        return np.sign(x) * np.sqrt(abs(x))

    return frobenius(entrywise(root, a), entrywise(root, b))


def signed_sqrt_cosine(a, b):
    return cosine(*(np.sign(one) * np.abs(one) ** 0.5 for one in (np.asarray(a), np.asarray(b))))


def matrix_sqrt(a, b):
    return frobenius(np.real(scipy.linalg.sqrtm(a)), np.real(scipy.linalg.sqrtm(b)))


def ridged_log(a, share=0.01):
    return np.real(scipy.linalg.logm(a + share * np.trace(a) / len(a) * np.eye(len(a))))


def log_euclidean(a, b):
    return frobenius(ridged_log(a), ridged_log(b))


def squared_wasserstein(a, b):
    """Of Gaussians ``[S | mu]``, through the product's square root as Dowson and Landau write it."""
    s, m, t, n = a[:, :-1], a[:, -1], b[:, :-1], b[:, -1]
    cross = np.real(np.trace(scipy.linalg.sqrtm(s @ t)))
    return float(np.sum((m - n) ** 2) + np.trace(s) + np.trace(t) - 2 * cross)


def bn_statistics(a, b):
    """Of ``[mu, sigma]``, channel by channel."""
    a, b = (np.reshape(one, (2, -1)) for one in (a, b))
    return float(
        np.mean([(m - n) ** 2 + (s - t) ** 2 for m, n, s, t in zip(a[0], b[0], a[1], b[1], strict=True)])
    )


def wasserstein(a, b):
    return np.sqrt(squared_wasserstein(a, b))


DISTANCES = {
    "relative-frobenius": relative_frobenius,
    "frobenius": frobenius,
    "squared-frobenius": lambda a, b: frobenius(a, b) ** 2,
    "mse": mse,
    "cosine": cosine,
    "signed-sqrt": signed_sqrt,
    "signed-sqrt-cosine": signed_sqrt_cosine,
    "matrix-sqrt": matrix_sqrt,
    "log-euclidean": log_euclidean,
    "wasserstein": wasserstein,
    "squared-wasserstein": squared_wasserstein,
    "wasserstein-diagonal": frobenius,
    "bn-statistics": bn_statistics,
}
"""Metric -> distance of two descriptors of one image each."""


# Gatys' loss as in his DeepTextures: G = F F' / M, E = w / 4 sum (G - A)^2 / C^2


def gatys_loss(features, target, weight=1.0):
    f, t = columns(features), columns(target)
    difference = gram(f) / f.shape[1] - gram(t) / t.shape[1]
    return weight / 4 * np.sum(difference**2) / len(f) ** 2


def gatys_gradient(features, target, weight=1.0):
    """``w (G - A) F / (M C^2)``, in the shape of `features`."""
    f, t = columns(features), columns(target)
    difference = gram(f) / f.shape[1] - gram(t) / t.shape[1]
    return (weight * difference @ f / (f.shape[1] * len(f) ** 2)).reshape(np.shape(features))


def numeric_gradient(function, x, step=1e-6):
    """Central differences of a scalar function of an array."""
    x = np.array(x, dtype=np.float64)
    out = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        x[index] = kept + step
        above = function(x)
        x[index] = kept - step
        below = function(x)
        x[index] = kept
        out[index] = (above - below) / (2 * step)
    return out
