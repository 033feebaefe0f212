"""Every bad input is refused in words: the argument, what it must be, what it was."""

import re

import numpy as np
import pytest
import torch

from gramstyle import StyleError, UnknownNameError
from gramstyle.gram import GramSettings, Norm, Statistic, correlation, covariance, gram

X = torch.rand(2, 3, 4, 5)


def refused(error, message, *arguments, **options):
    with pytest.raises(error, match=re.escape(message)):
        gram(*arguments, **options)


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (np.ones((1, 2, 3, 4)), TypeError, "features must be a torch.Tensor, got ndarray"),
        (None, TypeError, "features must be a torch.Tensor, got NoneType"),
        (X.to(torch.int64), TypeError, "features must be floating point, got torch.int64"),
        (X.to(torch.complex64), TypeError, "features must be floating point, got torch.complex64"),
        (X[0], ValueError, "features must be (B, C, H, W), got shape (3, 4, 5)"),
        (X[None], ValueError, "features must be (B, C, H, W), got shape (1, 2, 3, 4, 5)"),
        (X[:, :0], ValueError, "at least one channel and one position, got shape (2, 0, 4, 5)"),
        (X[:, :, :0], ValueError, "at least one channel and one position, got shape (2, 3, 0, 5)"),
        (X[..., :0], ValueError, "at least one channel and one position, got shape (2, 3, 4, 0)"),
    ],
)
def test_features(features, error, message):
    refused(error, message, features)


def test_values_that_are_not_finite_are_counted():
    x = X.clone()
    x[0, 0, 0, :2] = torch.nan
    x[1, 2, 3, 4] = -torch.inf
    refused(ValueError, "features must be finite, got 2 NaN and 1 infinite values in (2, 3, 4, 5)", x)
    mask = torch.ones(4, 5)
    mask[0, 0] = torch.inf
    refused(ValueError, "mask must be finite, got 0 NaN and 1 infinite values in (4, 5)", X, mask=mask)


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (np.ones((4, 5)), TypeError, "mask must be Tensor, got ndarray"),
        (
            torch.ones(4, 5, dtype=torch.uint8),
            TypeError,
            "mask must be floating point or bool, got",
        ),
        (torch.ones(5, 4), ValueError, "(B, H, W) = (2, 4, 5) or (H, W), got shape (5, 4)"),
        (torch.ones(3, 4, 5), ValueError, "(B, H, W) = (2, 4, 5) or (H, W), got shape (3, 4, 5)"),
        (torch.ones(1, 4, 5), ValueError, "(B, H, W) = (2, 4, 5) or (H, W), got shape (1, 4, 5)"),
        (torch.ones(2, 3, 4, 5), ValueError, "mask must hold one weight per position"),
        (torch.ones(20), ValueError, "mask must hold one weight per position"),
        (torch.full((4, 5), -0.5), ValueError, "mask must hold weights of 0 or more, got -0.5"),
        (torch.zeros(4, 5), ValueError, "mask must leave weight in every image of the batch"),
        (torch.zeros(4, 5, dtype=torch.bool), ValueError, "mask must leave weight in every image"),
        (
            torch.tensor([1.0, 0])[:, None, None].expand(2, 4, 5),
            ValueError,
            "mask must leave weight in every",
        ),
    ],
)
def test_masks(mask, error, message):
    refused(error, message, X, mask=mask)
    for shorthand in (covariance, correlation):
        with pytest.raises(error, match=re.escape(message)):
            shorthand(X, mask)


def test_names_list_the_nearest_first():
    refused(UnknownNameError, "norm must be one of: positions, none", X, "position")
    refused(UnknownNameError, "got 'position'", X, "position")
    refused(UnknownNameError, "statistic must be one of: correlation, ", X, statistic="correlations")
    refused(UnknownNameError, "kernel must be one of: fused, auto, reference; got 'fusd'", X, kernel="fusd")
    refused(UnknownNameError, "norm must be one of: ", X, None)


@pytest.mark.parametrize("kind", [one for one in Statistic if not one.takes_norm])
def test_norm_and_centring_are_refused_where_they_mean_nothing(kind):
    said = "norm and center are for the statistics gram, diagonal and off-diagonal"
    refused(StyleError, said, X, "elements", statistic=kind)
    refused(StyleError, f"{kind.value} is defined without them", X, center=True, statistic=kind)
    with pytest.raises(StyleError, match=said):
        GramSettings(statistic=kind, norm=Norm.NONE)


def test_names_are_checked_before_features():
    refused(UnknownNameError, "norm must be one of", None, "area")
