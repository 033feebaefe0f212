"""Regions of an image, drawn in colours."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from gramstyle import check
from gramstyle.errors import StyleError

SMALLEST = 0.001
"""Share of the pixels that must be of a colour, with all eight neighbours, for it to be a region."""

MOST = 16
"""Regions of one mask."""


def color_regions(pixels: Tensor) -> dict[str, Tensor]:
    """A mask per colour of a colour-coded image.

    A colour is a region where it is flat: where 0.1 % of the pixels have it together with their eight
    neighbours, which no blurred edge does. Every other pixel is taken for the edge of two regions: of all
    pairs the one whose mixtures come nearest to it in sRGB, in the shares of that mixture. So antialiased
    edges are soft, and the masks add up to 1 everywhere.

    Args:
        pixels: sRGB in [0, 1], (3, H, W).

    Returns:
        ``#rrggbb`` -> (H, W) in [0, 1], in the order of their colours.

    Raises:
        StyleError: if there are more than 16 flat colours, or none: a photograph is no mask.
    """
    check.one_of_type("pixels", pixels, Tensor)
    if pixels.ndim != 3 or pixels.shape[0] != 3:
        raise ValueError(f"pixels must be (3, H, W), got shape {tuple(pixels.shape)}")
    levels = (pixels.detach().cpu().double() * 255).round().long()
    codes = (levels[0] * 65536 + levels[1] * 256 + levels[2]).flatten()
    found, counts = torch.unique(_flat(codes.view(pixels.shape[1:])), return_counts=True)
    kept = found[counts >= SMALLEST * codes.numel()]
    if not 1 <= len(kept) <= MOST:
        raise StyleError(
            f"a mask must have 1 to {MOST} flat colours, one per region, got {len(kept)}: draw regions "
            "without shading, and save them as PNG"
        )
    masks = (codes[None] == kept[:, None]).double()  # (regions, P)
    edges = masks.sum(0) == 0
    if bool(edges.any()) and len(kept) == 1:
        masks[0, edges] = 1
    elif bool(edges.any()):
        masks[:, edges] = _mixtures(_colours(codes[edges]), _colours(kept))
    size = pixels.shape[1:]
    return {f"#{int(code):06x}": mask.reshape(size).float() for code, mask in zip(kept, masks, strict=True)}


def _flat(codes: Tensor) -> Tensor:
    """Those of (H, W) `codes` whose eight neighbours are equal to them, (N,)."""
    if min(codes.shape) < 3:
        return codes.flatten()
    windows = codes.unfold(0, 3, 1).unfold(1, 3, 1).flatten(2)  # (H - 2, W - 2, 9)
    middle = windows[..., 4]
    return middle[(windows == middle[..., None]).all(-1)]


def _colours(codes: Tensor) -> Tensor:
    """(N,) -> (N, 3), 0 to 255."""
    return torch.stack([codes // 65536, codes // 256 % 256, codes % 256], 1).double()


def _mixtures(colours: Tensor, regions: Tensor) -> Tensor:
    """Shares (K, N) of K regions in N colours, of which at most two are not 0."""
    pairs = list(combinations(range(len(regions)), 2))
    shares, apart = [], []
    for a, b in pairs:
        line = regions[b] - regions[a]
        share = ((colours - regions[a]) @ line / line.square().sum()).clamp(0, 1)  # (N,)
        shares.append(share)
        apart.append((regions[a] + share[:, None] * line - colours).square().sum(1))
    best = torch.stack(apart).argmin(0)
    share = torch.stack(shares).gather(0, best[None])[0]
    ends = torch.tensor(pairs)[best]  # (N, 2)
    made = torch.zeros(len(regions), len(colours), dtype=torch.float64)
    made.scatter_(0, ends[:, :1].mT, (1 - share)[None])
    made.scatter_add_(0, ends[:, 1:].mT, share[None])
    return made
