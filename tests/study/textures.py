"""Textures of several sizes in memory, and what a study leaves of them in files."""

from __future__ import annotations

import numpy as np
import torch
from study.tiny_study import coloured, corpus_of, grain

TINY = "timm:test_efficientnet"
"""A network of five taps, of 16 to 64 channels, each at half the resolution of the one before."""


def textures(styles=4, images=3, sizes=((48, 48),)):
    """A corpus of `styles` x `images`, of contents that differ in colour; sizes are taken in turn."""
    draw = np.random.default_rng(0)
    made = []
    for style in range(styles):
        for image in range(images):
            height, width = sizes[len(made) % len(sizes)]
            whole = grain(draw, np.pi * style / styles, 0.06 + 0.05 * style, side=max(height, width))
            pixels = coloured(whole, (0.02 * image, 0.0, -0.01 * image))[:, :height, :width]
            grains = 0.03 * torch.from_numpy(draw.standard_normal((3, height, width)))
            labels = {"style": f"style {style}", "content": f"content {image}"}
            made.append(((pixels + grains).clamp(0, 1).float(), labels))
    return corpus_of(made)


def times_read(corpus):
    """How often pictures were drawn from the origins of a corpus."""
    return sum(len(item.origin.read) for item in corpus.items)


def files_under(folder):
    """Relative path -> bytes of every file."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
