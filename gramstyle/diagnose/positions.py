"""What if positions were elsewhere, or values smoothed: features (B, C, H, W) -> features."""

from __future__ import annotations

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.numerics import safe_divide

# Generators draw on the cpu, so that a seed means the same on every device.


def shuffle_jointly(features: Tensor, generator: torch.Generator) -> Tensor:
    """Shuffle positions, all channels of an image alike. Changes no Gram matrix.

    Args:
        features: (B, C, H, W).
        generator: on the cpu; advanced by B permutations.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    flat = check.feature_map(features).flatten(2)
    shuffled = [one[:, _permutation(flat, generator)] for one in flat]
    return torch.stack(shuffled).view(features.shape)


def shuffle_independently(features: Tensor, generator: torch.Generator) -> Tensor:
    """Shuffle positions, each channel on its own.

    What channels share is gone: off the diagonal the covariance is what chance leaves. Every
    channel keeps its values, so its mean, its variance and the diagonal of the Gram matrix stay.

    Args:
        features: (B, C, H, W).
        generator: on the cpu; advanced by B x C permutations.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    flat = check.feature_map(features).flatten(2)
    shuffled = torch.empty_like(flat, memory_format=torch.contiguous_format)  # of which rows are views
    for new, old in zip(shuffled.flatten(0, 1), flat.flatten(0, 1), strict=True):
        new.copy_(old.index_select(0, _permutation(flat, generator)))
    return shuffled.view(features.shape)


def shift_independently(features: Tensor, generator: torch.Generator) -> Tensor:
    """Shift every channel on its own, what leaves at one edge coming in at the other.

    As `shuffle_independently`, but neighbours stay neighbours: channels lose what they share and
    keep how smooth they are, so chance leaves as much as it does between smooth maps. No two
    channels are shifted alike unless they are more than positions.

    Args:
        features: (B, C, H, W).
        generator: on the cpu.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else.
    """
    channels, height, width = check.feature_map(features).shape[1:]
    shifted = torch.empty_like(features, memory_format=torch.contiguous_format)
    for new, old in zip(shifted, features, strict=True):
        shifts = _shifts(channels, height * width, generator)
        for channel, shift in enumerate(shifts):
            new[channel] = old[channel].roll(divmod(shift, width), (0, 1))
    return shifted


def subsample(features: Tensor, positions: int, generator: torch.Generator) -> Tensor:
    """Keep some positions of each image, drawn without replacement.

    Args:
        features: (B, C, H, W).
        positions: how many, at most H W.
        generator: on the cpu; advanced by B permutations.

    Returns:
        (B, C, 1, positions): what is left lies on no grid.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else, or there are not so many positions.
    """
    flat = check.feature_map(features).flatten(2)
    if not 0 < positions <= flat.shape[2]:
        raise ValueError(
            f"positions must be between 1 and the {flat.shape[2]} of features {tuple(features.shape)}, "
            f"got {positions}"
        )
    kept = [one[:, _permutation(flat, generator)[:positions]] for one in flat]
    return torch.stack(kept)[:, :, None]


def softmax_global(features: Tensor, temperature: float = 1.0) -> Tensor:
    """``C P softmax(F / (T s))`` over all C P values of an image, s their standard deviation.

    Source: the transform printed by Wang et al. 2021 (SWAG), which has neither the factor, T nor s.
    Without the factor the mean is 1 / (C P), and entries of a Gram matrix of 512 x 28 x 28 values
    are near 1e-12; with it the mean is 1. T counts standard deviations, so that the scale of
    features is not mistaken for smoothing. The released code of SWAG runs no softmax: see `scale`.

    Args:
        features: (B, C, H, W).
        temperature: T; large smooths.

    Returns:
        (B, C, H, W), float32 or, of float64, float64; all ones where all values are the same.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else, or `temperature` is not positive.
    """
    flat = _tempered(features, temperature).flatten(1)
    return (flat.softmax(1) * flat.shape[1]).view(features.shape)


def softmax_channel(features: Tensor, temperature: float = 1.0) -> Tensor:
    """``C softmax(F / (T s))`` over the C channels of each position, s as in `softmax_global`.

    Source: an alternative left commented out in the released code of SWAG (Wang et al. 2021).
    The channels of every position have mean 1.

    Args:
        features: (B, C, H, W).
        temperature: T; large smooths.

    Returns:
        (B, C, H, W), float32 or, of float64, float64.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else, or `temperature` is not positive.
    """
    return _tempered(features, temperature).softmax(1) * features.shape[1]


def scale(features: Tensor, alpha: float) -> Tensor:
    """``alpha F``.

    Source: what the released code of SWAG (peiwang062/swag, resnet_swag.py) does in place of its
    softmax, with alpha = 0.001 on the two deepest stages: Gram losses are of fourth order, so
    theirs shrink by 1e-12 and leave the loss. The Gram matrix is multiplied by alpha^2.

    Args:
        features: (B, C, H, W).
        alpha: the factor, greater than 0.

    Raises:
        TypeError: if `features` is not a floating-point tensor.
        ValueError: if its shape is something else, or `alpha` is not positive.
    """
    return check.feature_map(features) * check.positive("alpha", alpha)


def _permutation(flat: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randperm(flat.shape[-1], generator=generator).to(flat.device)


def _shifts(channels: int, positions: int, generator: torch.Generator) -> list[int]:
    """One displacement per channel, none twice before all were used: equal ones would keep a pair whole."""
    rounds = -(-channels // positions)
    drawn = [torch.randperm(positions, generator=generator) for _ in range(rounds)]
    return torch.cat(drawn)[:channels].tolist()


def _tempered(features: Tensor, temperature: float) -> Tensor:
    check.feature_map(features)
    check.positive("temperature", temperature)
    x = features if features.dtype == torch.float64 else features.float()
    std = x.flatten(1).std(1, correction=0)[:, None, None, None]
    return x * safe_divide(torch.ones_like(std), temperature * std, 0.0)
