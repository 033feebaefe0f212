"""Backbones whose small weights are removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import nn

from gramstyle.conv.sparse.prune import magnitude_mask
from gramstyle.errors import StyleError
from gramstyle.types import WeightsIdentity
from gramstyle.weights import digest


def pruned(trunk: nn.Module, sparsity: float, identity: WeightsIdentity) -> WeightsIdentity:
    """Set the smallest weights of each of `prunable` to 0, and say who the weights are now.

    Each such convolution loses the same share of its weights (Han et al. 2015), and nothing is trained after.

    Args:
        trunk: a network, changed in place; tensors that it was given stay as they are.
        sparsity: share of the weights of each convolution, above 0 and below 1.
        identity: of the weights that it holds.

    Returns:
        The same name, with the sha256 of the tensors as they are now.

    Raises:
        StyleError: if there is no convolution to prune, or no weight of one would be left.
        ValueError: for weights that are not finite.
    """
    chosen = dict(prunable(trunk))
    if not chosen:
        raise StyleError(
            f"sparsity {sparsity:g} prunes nothing of {identity.backbone} up to its deepest tap: the first "
            "convolution and depthwise ones stay whole. Leave it out, or name a deeper tap"
        )
    for name, conv in chosen.items():
        kept = magnitude_mask(conv.weight, sparsity, f"{identity.backbone}'s {name}.weight")
        weight = torch.where(kept, conv.weight, torch.zeros((), dtype=conv.weight.dtype))
        conv.weight = nn.Parameter(weight, requires_grad=False)
    return replace(
        identity,
        source=f"{identity.source}, pruned to a sparsity of {sparsity!r} (before: sha256 {identity.sha256})",
        sha256=digest(dict(trunk.state_dict())),
    )


def prunable(trunk: nn.Module) -> Iterator[tuple[str, nn.Conv2d]]:
    """Convolutions that pruning takes weights from, by their names: all but the first and depthwise ones.

    They hold few weights, 7 % of those of mobilenet_v2@KERAS up to its deepest tap, for which Zhu and Gupta
    2017 (arXiv 1710.01878) leave them whole; Han et al. 2015 find the first the most sensitive.
    """
    convs = [(name, one) for name, one in trunk.named_modules() if isinstance(one, nn.Conv2d)]
    for name, conv in convs[1:]:
        if not 1 < conv.groups == conv.in_channels:
            yield name, conv
