"""Pairs of images that are one picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gramstyle import check
from gramstyle.corpus.alignment import best_correlations
from gramstyle.corpus.phrases import counted, listed
from gramstyle.corpus.records import Corpus
from gramstyle.corpus.signatures import SIDE, Signature, signature_of, whitening
from gramstyle.types import Progress

THRESHOLD = 0.9
"""Correlation from which on two images count as one picture.

Copies of the bundled images at half size lie at 0.96 and above: as JPEG of quality 30, halved,
cropped by 3 % on each side, made brighter. Of crops that share no pixel the most alike, of a brick
wall and 64 pixels wide, lie at 0.77.
"""

CANDIDATE = 0.45
"""Correlation of the coarse coefficients from which on a pair is aligned."""

SAME_COLOURS = 0.75
"""Agreement of colour thumbnails from which on colours count as the same."""

MOST_CONTRAST = 2.0
"""Ratio of contrasts up to which two images may be one picture: a strong and a faint texture are not."""

GREY = 0.02
"""Colour, as a root mean square, that compression adds to a grey image."""

BLOCK, SOME, CHUNK = 1024, 65536, 128
"""Rows of the matrix of all pairs, pairs whose colours are compared, and pairs that are aligned at once."""

Pairs = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """Two images that are the same picture, or nearly.

    Attributes:
        first: name of the image that comes first in the corpus.
        second: name of the other.
        similarity: correlation of their aligned, whitened luma, at most 1; 1 for identical files.
    """

    first: str
    second: str
    similarity: float


def near_duplicates(
    corpus: Corpus, *, threshold: float = THRESHOLD, progress: Progress | None = None
) -> tuple[Duplicate, ...]:
    """Pairs of images that are one picture: re-encoded, resized, slightly cropped, made brighter.

    Three steps, each on what the one before left. Pairs whose lowest cosine coefficients of luma
    correlate (the idea of perceptual hashes: Zauner 2010) and whose colours and contrast agree are
    aligned over crops of up to 3 % on each side, and the correlation of luma is taken over all
    frequencies that the smaller image resolves, whitened so that fine detail counts as much as
    shading. Images that share a subject or a texture agree in one or the other, copies in both.

    A recoloured or mirrored copy is not found. Images with next to no structure (flat, a ramp, a
    grating) are found by their digests alone; copies whose faint grain JPEG has replaced are missed.

    Memory is 20 KB an image and time quadratic: 20,000 images take 400 MB.

    Args:
        corpus: the images; each is decoded once.
        threshold: least similarity, above 0 and at most 1.
        progress: told how many images have been read.

    Returns:
        The most similar first, then in the order of the corpus.

    Raises:
        TypeError: if `corpus` is none.
        ValueError: if the threshold is outside its range.
        ImageError: if an image cannot be read.
    """
    check.one_of_type("corpus", corpus, Corpus)
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, got {threshold}")
    signatures = []
    for item in corpus.items:
        signatures.append(signature_of(item.origin))
        if progress is not None:
            progress("looking for near-duplicates", len(signatures), len(corpus))
    found = dict.fromkeys(_identical(signatures), 1.0)
    for pairs in _candidates(signatures):
        for start in range(0, len(pairs), CHUNK):
            some = pairs[start : start + CHUNK]
            for (one, other), similarity in zip(some.tolist(), _similarities(signatures, some), strict=True):
                if similarity >= threshold:
                    found.setdefault((one, other), similarity)
    ordered = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(
        Duplicate(first=corpus.items[one].name, second=corpus.items[other].name, similarity=similarity)
        for (one, other), similarity in ordered
    )


def duplicates_note(found: Sequence[Duplicate]) -> str:
    """What to say of near-duplicates and what to do; empty if there are none."""
    if not found:
        return ""
    pairs = [f"{one.first!r} and {one.second!r} ({one.similarity:.2f})" for one in found]
    return (
        f"{counted(len(found), 'pair')} of images look like copies of one picture: {listed(pairs)}. Copies "
        "make their style look tighter than it is: take one of each pair out, or give both the same source"
    )


def _identical(signatures: Sequence[Signature]) -> Iterator[tuple[int, int]]:
    """Pairs of the same digest."""
    rows: dict[str, list[int]] = {}
    for row, signature in enumerate(signatures):
        for earlier in rows.setdefault(signature.digest, []):
            yield earlier, row
        rows[signature.digest].append(row)


def _candidates(signatures: Sequence[Signature]) -> Iterator[Pairs]:
    """Pairs (K, 2), the earlier image first, that are alike from afar."""
    coarse = np.stack([one.coarse for one in signatures])
    colours = np.stack([one.colours for one in signatures])
    amounts = np.linalg.norm(colours, axis=1) + GREY / 2 * np.sqrt(colours.shape[1])
    contrasts = np.log([max(one.contrast, 1e-9) for one in signatures])
    for start in range(0, len(coarse), BLOCK):
        alike = coarse[start : start + BLOCK] @ coarse[start:].T
        pairs = np.argwhere(np.triu(alike >= CANDIDATE, k=1)) + start
        for at in range(0, len(pairs), SOME):
            one, other = pairs[at : at + SOME].T
            apart = np.linalg.norm(colours[one] - colours[other], axis=1)
            agree = 1 - apart / (amounts[one] + amounts[other]) >= SAME_COLOURS
            agree &= np.abs(contrasts[one] - contrasts[other]) <= np.log(MOST_CONTRAST)
            yield np.stack([one[agree], other[agree]], axis=1)


def _similarities(signatures: Sequence[Signature], pairs: Pairs) -> list[float]:
    """Aligned correlation of each pair (K, 2)."""
    from scipy.fft import idctn

    first, second = ([signatures[row] for row in rows] for rows in pairs.T.tolist())
    cuts = np.array([min(one.cut, other.cut) for one, other in zip(first, second, strict=True)])
    weights = whitening(SIDE, cuts.astype(np.float32)[:, None, None])
    thumbnails = (
        idctn(np.stack([one.detail for one in side]) * weights, axes=(1, 2), norm="ortho")
        for side in (first, second)
    )
    return [min(float(one), 1.0) for one in best_correlations(*thumbnails)]
