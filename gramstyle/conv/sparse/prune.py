"""Masks that prune kernels to a target: weights by magnitude, filters, channels, blocks, N of M.

A mask is boolean, of the shape of its weights and on their device, and True where they are kept. Weights are
those of convolutions, (N, C / groups, taps...), floating point or complex. `sparsity` is the share that is
removed of weights, filters, channels or blocks, from 0 up to but not 1; of K of them ``round(sparsity * K)``
go, those of the smallest norm first, and of equal ones the first.

Magnitude: Han, Pool, Tran and Dally 2015 (arXiv 1506.02626). Filters: Li et al. 2017 (arXiv 1608.08710), who
rank them by L1 norms and find L2 norms no different. N of M: Mishra et al. 2021 (arXiv 2104.08378).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError


def check_sparsity(sparsity: float) -> float:
    """Return `sparsity` as a float, if it is a number from 0 up to but not 1.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is out of range.
    """
    if isinstance(sparsity, bool) or not isinstance(sparsity, (int, float)):
        raise TypeError(f"sparsity must be a number, got {type(sparsity).__name__}")
    if not 0 <= sparsity < 1:
        raise ValueError(
            f"sparsity must be from 0 up to but not 1, got {sparsity}: it is the share that is removed"
        )
    return float(sparsity)


def magnitude_mask(weight: Tensor, sparsity: float, argument: str = "weight") -> Tensor:
    """Without the smallest weights of one layer.

    Args:
        weight: of any shape.
        sparsity: share of weights that is removed.
        argument: what messages call the weights.

    Raises:
        TypeError, ValueError: for weights or a target that cannot be.
        StyleError: if no weight would be left.
    """
    kept = _without_smallest(_magnitudes(weight, argument).flatten(), sparsity, argument, "weights")
    return kept.reshape(weight.shape).to(weight.device)


def global_magnitude_masks(
    weights: Mapping[str, Tensor], sparsity: float, *, normalised: bool = False
) -> dict[str, Tensor]:
    """Without the smallest weights of all layers together, under one threshold.

    Args:
        weights: layer -> weights, of any shapes.
        sparsity: share of all weights that is removed; that of each layer follows.
        normalised: measure each weight in units of its layer's root mean square, so that layers of small
            weights do not lose all of theirs.

    Raises:
        TypeError, ValueError: for weights or a target that cannot be.
        StyleError: if there is no layer, or no weight of one would be left; the message names it.
    """
    if not weights:
        raise StyleError("weights must hold at least one layer, got none")
    sizes = [_magnitudes(one, name).flatten() for name, one in weights.items()]
    if normalised:
        sizes = [one / one.square().mean().sqrt().clamp_min(torch.finfo(one.dtype).tiny) for one in sizes]
    kept = _without_smallest(torch.cat(sizes), sparsity, "weights", "weights")
    masks = {}
    for (name, one), part in zip(weights.items(), kept.split([len(one) for one in sizes]), strict=True):
        if not bool(part.any()):
            raise StyleError(
                f"a sparsity of {sparsity:g} over all layers would remove every weight of {name}: take a "
                f"smaller one, {'' if normalised else 'normalised=True, '}or prune layer by layer"
            )
        masks[name] = part.reshape(one.shape).to(one.device)
    return masks


def filter_mask(weight: Tensor, sparsity: float, *, norm: int = 2) -> Tensor:
    """Without the output filters of the smallest norm.

    Args:
        weight: (N, C / groups, taps...).
        sparsity: share of the N filters that is removed.
        norm: 2, or 1 as Li et al. have it.

    Raises:
        TypeError, ValueError: for weights, a norm or a target that cannot be.
        StyleError: if no filter would be left.
    """
    if norm not in (1, 2):
        raise ValueError(f"norm must be 1 or 2, got {norm!r}")
    sizes = _layer(weight).flatten(1) ** norm
    kept = _without_smallest(sizes.sum(1), sparsity, "weight", "filters")
    return _spread(kept.reshape(-1, *[1] * (weight.ndim - 1)), weight)


def channel_mask(weight: Tensor, sparsity: float, *, groups: int = 1) -> Tensor:
    """Without the input channels whose weights, over all filters that read them, have the smallest L2 norm.

    Args:
        weight: (N, C / groups, taps...).
        sparsity: share of the C channels that is removed.
        groups: of the convolution; filters of a group read its channels alone.

    Raises:
        TypeError, ValueError: for weights, groups or a target that cannot be.
        StyleError: if no channel would be left.
    """
    sizes = _layer(weight).square()
    if groups < 1 or len(sizes) % groups:
        raise ValueError(f"groups must divide the {len(sizes)} filters of weight, got {groups}")
    taps = sizes[0, 0].numel()
    grouped = sizes.reshape(groups, -1, sizes.shape[1], taps).sum((1, 3))  # (groups, C / groups)
    kept = _without_smallest(grouped.flatten(), sparsity, "weight", "channels").reshape(groups, -1)
    rows = kept.repeat_interleave(len(sizes) // groups, 0)
    return _spread(rows.reshape(*rows.shape, *[1] * (weight.ndim - 2)), weight)


def block_mask(weight: Tensor, sparsity: float, block: Sequence[int]) -> Tensor:
    """Without the blocks of the smallest L2 norm.

    Args:
        weight: (N, C / groups, taps...).
        sparsity: share of the blocks that is removed.
        block: its sides, one per dimension of `weight`, each a divisor of that side.

    Raises:
        TypeError, ValueError: for weights, a block or a target that cannot be.
        StyleError: if no block would be left.
    """
    sizes, sides = _layer(weight).square(), tuple(block)
    fits = len(sides) == weight.ndim and all(
        one > 0 and side % one == 0 for side, one in zip(weight.shape, sides, strict=True)
    )
    if not fits:
        raise ValueError(
            f"block must have one side per dimension of weight, each a divisor of {tuple(weight.shape)}, "
            f"got {sides}"
        )
    counts = [side // one for side, one in zip(weight.shape, sides, strict=True)]
    split = [number for pair in zip(counts, sides, strict=True) for number in pair]
    inside = tuple(range(1, 2 * weight.ndim, 2))
    kept = _without_smallest(sizes.reshape(split).sum(inside).flatten(), sparsity, "weight", "blocks")
    kept = kept.reshape(counts)
    for dimension, one in enumerate(sides):
        kept = kept.repeat_interleave(one, dimension)
    return kept.to(weight.device)


def n_of_m_mask(weight: Tensor, keep: int = 2, of: int = 4) -> Tensor:
    """With the `keep` largest of every `of` neighbouring input channels, at each tap of each filter.

    2 of 4 is the pattern that sparse tensor cores multiply at twice the speed (Mishra et al. 2021).

    Args:
        weight: (N, C / groups, taps...), C / groups a multiple of `of`.
        keep: weights that are kept, N.
        of: channels side by side, M.

    Raises:
        TypeError: for weights that are no tensor of numbers.
        ValueError: for weights that are not finite, channels that `of` does not divide, or `keep` that is not
            from 1 to `of`.
    """
    if not 1 <= keep <= of:
        raise ValueError(f"keep must be from 1 to {of}, the channels side by side, got {keep}")
    sizes = _layer(weight)
    if sizes.shape[1] % of:
        raise ValueError(
            f"weight must have a multiple of {of} input channels, got shape {tuple(weight.shape)}: leave "
            "this layer whole, or pad its channels"
        )
    rows = sizes.movedim(1, -1).unflatten(-1, (-1, of))
    order = rows.argsort(dim=-1, stable=True)
    kept = torch.ones_like(rows, dtype=torch.bool).scatter_(-1, order[..., : of - keep], False)
    return kept.flatten(-2).movedim(-1, 1).contiguous().to(weight.device)


def _without_smallest(sizes: Tensor, sparsity: float, argument: str, what: str) -> Tensor:
    """(K,) True but for the ``round(sparsity * K)`` smallest."""
    removed = round(check_sparsity(sparsity) * len(sizes))
    if removed == len(sizes):
        raise StyleError(
            f"a sparsity of {sparsity:g} would remove all {removed} {what} of {argument}: take a smaller one"
        )
    if not removed:
        return torch.ones(len(sizes), dtype=torch.bool)
    threshold = sizes.kthvalue(removed).values
    kept = sizes >= threshold
    level = (sizes == threshold).nonzero().flatten()
    kept[level[: removed - int((~kept).sum())]] = False
    return kept


def _magnitudes(weight: Tensor, argument: str) -> Tensor:
    """Absolute values on the cpu, wide enough to add squares of."""
    check.dense_numbers(argument, weight)
    if not weight.numel():
        raise ValueError(f"{argument} must hold at least one weight, got shape {tuple(weight.shape)}")
    return check.finite(weight.detach().cpu(), argument).abs().double()


def _layer(weight: Tensor) -> Tensor:
    """Magnitudes of weights (N, C / groups, taps...)."""
    sizes = _magnitudes(weight, "weight")
    if weight.ndim < 2:
        raise ValueError(f"weight must be (N, C / groups, taps...), got shape {tuple(weight.shape)}")
    return sizes


def _spread(kept: Tensor, weight: Tensor) -> Tensor:
    """A mask of the shape of `weight`, on its device."""
    return kept.expand(weight.shape).contiguous().to(weight.device)
