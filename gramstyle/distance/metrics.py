"""The table of style metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from gramstyle import check
from gramstyle.distance.kernels import FIDELITY, INNER, Kernel, gaussian_roots
from gramstyle.distance.symmetric import matrix_log, matrix_sqrt, signed_sqrt
from gramstyle.errors import StyleError
from gramstyle.gram import Statistic, pack, unpack
from gramstyle.numerics import safe_divide, safe_sqrt

LOG_RIDGE = 0.01
"""Ridge of the log-Euclidean metric as a share of the mean eigenvalue."""

Transform = Callable[[Tensor, Statistic], Tensor]
Form = Callable[[Tensor, Tensor, Tensor, int], Tensor]

MATRICES = tuple(one for one in Statistic if one.is_semidefinite)
VALUES = tuple(one for one in Statistic if one is not Statistic.GAUSSIAN)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A distance between two descriptors A and B of one tap.

    It is a function of three numbers, k(A, B), k(A, A) and k(B, B), of a kernel k taken after a
    transform that each descriptor undergoes once.

    Attributes:
        name: what users call it.
        formula: in words.
        source: where it was published.
        upper: its largest value; None where it has none. The smallest is 0.
        statistics: those it is defined for, its default first.
        transform: (N, D), once per descriptor.
        kernel: products of transformed descriptors.
        form: (k(A,B), k(A,A), k(B,B), entries) -> distance.
    """

    name: str
    formula: str
    source: str
    upper: float | None
    statistics: tuple[Statistic, ...]
    transform: Transform
    kernel: Kernel
    form: Form

    def check_statistic(self, statistic: Statistic) -> None:
        """Raise `StyleError` if the metric is not defined for `statistic`."""
        if statistic not in self.statistics:
            names = ", ".join(one.value for one in self.statistics)
            raise StyleError(
                f"metric {self.name} is defined for the statistics {names}; got {statistic.value}"
            )


def as_is(values: Tensor, statistic: Statistic) -> Tensor:
    """No transform at all."""
    return values


def _signed(values: Tensor, statistic: Statistic) -> Tensor:
    return signed_sqrt(values)


def _spectral(function: Callable[[Tensor], Tensor], values: Tensor, statistic: Statistic) -> Tensor:
    return pack(function(unpack(values)))


def _square(inner: Tensor, a: Tensor, b: Tensor, entries: int) -> Tensor:
    return (a + b - 2 * inner).clamp_min(0)


def _mean_square(inner: Tensor, a: Tensor, b: Tensor, entries: int) -> Tensor:
    return _square(inner, a, b, entries) / entries


def _mean_square_of_channels(inner: Tensor, a: Tensor, b: Tensor, entries: int) -> Tensor:
    return 2 * _mean_square(inner, a, b, entries)  # a channel has two entries


def _euclidean(inner: Tensor, a: Tensor, b: Tensor, entries: int) -> Tensor:
    return safe_sqrt(_square(inner, a, b, entries))


def _relative(inner: Tensor, a: Tensor, b: Tensor, entries: int) -> Tensor:
    ratio = safe_divide(2 * _euclidean(inner, a, b, entries), safe_sqrt(a) + safe_sqrt(b), 0.0)
    return ratio.clamp_max(2)  # opposite descriptors, which only means can be, round to a hair above


def _cosine(inner: Tensor, a: Tensor, b: Tensor, entries: int) -> Tensor:
    both_zero = (a == 0) & (b == 0)
    apart = 1 - safe_divide(inner, safe_sqrt(a) * safe_sqrt(b), 0.0)
    return apart.masked_fill(both_zero | (apart <= INNER.rounding), 0.0).clamp_max(2)


DEFAULT_METRIC = "cosine"
"""Chosen by AUC over networks and corpora: `analysis/choose_descriptor.py`."""

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="relative-frobenius",
            formula="2 |A - B| / (|A| + |B|)",
            source="scale-free form of the Frobenius distance; between 0 and 2",
            upper=2.0,
            statistics=VALUES,
            transform=as_is,
            kernel=INNER,
            form=_relative,
        ),
        Metric(
            name="frobenius",
            formula="|A - B| = sqrt(sum (A_ij - B_ij)^2)",
            source="Gatys et al. 2016, eq. 4, before squaring and weighting",
            upper=None,
            statistics=VALUES,
            transform=as_is,
            kernel=INNER,
            form=_euclidean,
        ),
        Metric(
            name="squared-frobenius",
            formula="|A - B|^2",
            source="Johnson et al. 2016, eq. 4",
            upper=None,
            statistics=VALUES,
            transform=as_is,
            kernel=INNER,
            form=_square,
        ),
        Metric(
            name="mse",
            formula="|A - B|^2 / number of entries (C^2 for a Gram matrix)",
            source="the MSE loss of most published code",
            upper=None,
            statistics=VALUES,
            transform=as_is,
            kernel=INNER,
            form=_mean_square,
        ),
        Metric(
            name="cosine",
            formula="1 - <A, B> / (|A| |B|)",
            source="Somepalli et al. 2024 (CSD) for its VGG Gram baseline",
            upper=2.0,
            statistics=VALUES,
            transform=as_is,
            kernel=INNER,
            form=_cosine,
        ),
        Metric(
            name="signed-sqrt",
            formula="|s(A) - s(B)|, s(x) = sign(x) sqrt(|x|) of each entry",
            source="Lin et al. 2015 (bilinear CNN), without its L2 normalisation",
            upper=None,
            statistics=VALUES,
            transform=_signed,
            kernel=INNER,
            form=_euclidean,
        ),
        Metric(
            name="signed-sqrt-cosine",
            formula="1 - <s(A), s(B)> / (|s(A)| |s(B)|), s as in signed-sqrt",
            source="Lin et al. 2015 (bilinear CNN): signed square root, then L2 normalisation",
            upper=2.0,
            statistics=VALUES,
            transform=_signed,
            kernel=INNER,
            form=_cosine,
        ),
        Metric(
            name="matrix-sqrt",
            formula="|A^(1/2) - B^(1/2)|",
            source="Lin and Maji 2017; Li et al. 2018 (iSQRT-COV), by eigenvalues",
            upper=None,
            statistics=MATRICES,
            transform=partial(_spectral, matrix_sqrt),
            kernel=INNER,
            form=_euclidean,
        ),
        Metric(
            name="log-euclidean",
            formula="|log(A + r_A I) - log(B + r_B I)|, r = 0.01 tr / C",
            source="Arsigny et al. 2006, with a ridge for singular matrices",
            upper=None,
            statistics=MATRICES,
            transform=partial(_spectral, partial(matrix_log, ridge=LOG_RIDGE)),
            kernel=INNER,
            form=_euclidean,
        ),
        Metric(
            name="wasserstein",
            formula="sqrt(|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a^(1/2) S_b S_a^(1/2))^(1/2)))",
            source="2-Wasserstein distance of Gaussians: Dowson and Landau 1982",
            upper=None,
            statistics=(Statistic.GAUSSIAN,),
            transform=gaussian_roots,
            kernel=FIDELITY,
            form=_euclidean,
        ),
        Metric(
            name="squared-wasserstein",
            formula="the square of wasserstein",
            source="the style loss of crowsonkb/style-transfer-pytorch, up to its ridge and mean",
            upper=None,
            statistics=(Statistic.GAUSSIAN,),
            transform=gaussian_roots,
            kernel=FIDELITY,
            form=_square,
        ),
        Metric(
            name="wasserstein-diagonal",
            formula="sqrt(|m_a - m_b|^2 + |s_a - s_b|^2), s the standard deviations",
            source="2-Wasserstein distance of Gaussians with independent channels",
            upper=None,
            statistics=(Statistic.MEAN_STD,),
            transform=as_is,
            kernel=INNER,
            form=_euclidean,
        ),
        Metric(
            name="bn-statistics",
            formula="(|m_a - m_b|^2 + |s_a - s_b|^2) / C, s the standard deviations",
            source="Li et al. 2017 (Demystifying neural style transfer): batch normalisation statistics",
            upper=None,
            statistics=(Statistic.MEAN_STD,),
            transform=as_is,
            kernel=INNER,
            form=_mean_square_of_channels,
        ),
    )
}
"""Name -> metric."""


def metric_named(name: str) -> Metric:
    """The metric of that name.

    Raises:
        UnknownNameError: if there is none; the message lists those that exist, nearest first.
    """
    return METRICS[check.name_in("metric", name, METRICS)]
